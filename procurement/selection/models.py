"""The proposed and approved choice, with its ground and its amounts."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text
from sqlmodel import Field

from core.models import Model, UTCDateTime, enum_type, not_same
from core.state_machine import LabelledCode
from procurement.bodies.models import ContractCategory


class Ground(LabelledCode):
    """Legal grounds of a direct contract that this step offers (施行令 167の2 ①)."""

    SMALL_AMOUNT = "small_amount", "少額の契約（施行令第167条の2第1項第1号）"


class Selection(Model, table=True):
    """The proposed and approved choice; the database allows only a locked candidate.

    Amounts in yen over the whole term; approver, proposer and last editor differ. `splitting_note`
    and `change_note` acknowledge a warning: orders that add up, a service that changed since the lock.
    """

    __tablename__ = "selections"
    __table_args__ = (
        ForeignKeyConstraint(
            ["pack_id", "listing_version_id"],
            ["candidates.pack_id", "candidates.listing_version_id"],
            name="fk_selections_candidate",
        ),
        CheckConstraint(not_same("proposed_by_id", "decided_by_id"), "four_eyes"),
        CheckConstraint(not_same("last_editor_id", "decided_by_id"), "editor_four_eyes"),
        CheckConstraint("reason <> ''", "has_reason"),
        Index("ix_selections_project", "project_id", "created_at"),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id")
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    pack_id: uuid.UUID = Field(foreign_key="evidence_packs.id")
    listing_version_id: uuid.UUID
    ground: Ground = Field(sa_type=enum_type(Ground))
    category: ContractCategory = Field(sa_type=enum_type(ContractCategory))
    ceiling_amount: int
    ceiling_source: str = Field(max_length=300)
    total_with_tax: int
    total_without_tax: int
    reason: str = Field(sa_type=Text)
    sole_source_reason: str = Field(default="", sa_type=Text)
    splitting_note: str = Field(default="", max_length=1000)
    change_note: str = Field(default="", max_length=1000)
    cost_basis: str = Field(sa_type=Text)
    proposed_by_id: uuid.UUID = Field(foreign_key="people.id")
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    is_approved: bool | None = None
    return_reason: str = Field(default="", max_length=2000)
