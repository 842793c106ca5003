"""The estimated price of a project and who may read it; no column holds an amount."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlmodel import Field

from core.models import Model, StatefulModel, UTCDateTime, enum_type, related
from core.state_machine import LabelledCode, StateMachine
from procurement.projects.models import ENDED_STATES, Project


class EstimateState(LabelledCode):
    """States of an estimated price."""

    DRAFT = "draft", "作成中"
    FIXED = "fixed", "確定済み"


class EstimateAction(StrEnum):
    """Acts on an estimated price."""

    FIX = "fix"


ESTIMATE_MACHINE = StateMachine(
    noun="予定価格",
    initial=EstimateState.DRAFT,
    transitions={(EstimateState.DRAFT, EstimateAction.FIX): EstimateState.FIXED},
)


class EstimatedPrice(StatefulModel, table=True):
    """The body's secret price of one project: sealed bytes, and a salted commitment once it is fixed.

    Fixed before the first quote is opened, and never changed afterwards.
    """

    MACHINE: ClassVar[StateMachine] = ESTIMATE_MACHINE
    __tablename__ = "estimated_prices"
    __table_args__ = (
        CheckConstraint(
            "state <> 'fixed' OR (sealed IS NOT NULL AND commitment <> '' "
            "AND fixed_by_id IS NOT NULL AND fixed_at IS NOT NULL)",
            "fixed_by_somebody",
        ),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id", unique=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    state: EstimateState = Field(default=EstimateState.DRAFT, sa_type=enum_type(EstimateState))
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    commitment: str = Field(default="", max_length=64)
    created_by_id: uuid.UUID = Field(foreign_key="people.id")
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
    fixed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    fixed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    project: Project = related()
    namings: list["EstimatedPriceReader"] = related(order_by="EstimatedPriceReader.created_at")

    @property
    def reader_ids(self) -> frozenset[uuid.UUID]:
        """The people who are named, and not struck out again."""
        return frozenset(each.person_id for each in self.namings if each.removed_at is None)

    @property
    def is_ended(self) -> bool:
        """Tell whether the purchase is over, so that an auditor may look."""
        return self.project.state in ENDED_STATES

    @property
    def is_fixed(self) -> bool:
        """Tell whether it can no longer change."""
        return self.state is EstimateState.FIXED


class EstimatedPriceReader(Model, table=True):
    """One person who may read an estimated price, from being named to being struck out; kept for good."""

    __tablename__ = "estimated_price_readers"
    __table_args__ = (
        Index(
            "uq_estimated_price_readers_live",
            "estimated_price_id",
            "person_id",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
            sqlite_where=text("removed_at IS NULL"),
        ),
        CheckConstraint("(removed_at IS NULL) = (removed_by_id IS NULL)", "removed_by_somebody"),
    )

    estimated_price_id: uuid.UUID = Field(foreign_key="estimated_prices.id", index=True)
    person_id: uuid.UUID = Field(foreign_key="people.id")
    named_by_id: uuid.UUID = Field(foreign_key="people.id")
    removed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    removed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
