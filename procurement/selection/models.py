"""The proposed and approved choice, with its ground and its amounts."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text
from sqlmodel import Field

from core.models import Model, UTCDateTime, enum_type, not_same
from core.state_machine import LabelledCode
from procurement.bodies.methods import Ground, Method
from procurement.bodies.models import ContractCategory
from procurement.quoting.models import Quote


class SelectionMethod(LabelledCode):
    """The ways from candidates to one contractor that end in a request; tenders are older data only."""

    LIST_PRICE = Method.LIST_PRICE.value, Method.LIST_PRICE.label
    QUOTES = Method.QUOTES.value, Method.QUOTES.label
    SINGLE_QUOTE = Method.SINGLE_QUOTE.value, Method.SINGLE_QUOTE.label
    PROPOSAL = Method.PROPOSAL.value, Method.PROPOSAL.label
    DESIGNATED = Method.DESIGNATED.value, Method.DESIGNATED.label


METHODS_OF_QUOTES = (
    SelectionMethod.QUOTES,
    SelectionMethod.SINGLE_QUOTE,
    SelectionMethod.PROPOSAL,
)


class PriceSource(LabelledCode):
    """Where the price of a choice comes from; there is no third source."""

    LIST = "list", "確定した公表料金"
    QUOTE = "quote", "開封した見積"


class Selection(Model, table=True):
    """The proposed and approved choice; the database allows only a locked candidate.

    Amounts in yen over the whole term; approver, proposer and last editor differ. `splitting_note`
    and `change_note` acknowledge a warning: orders that add up, a service that changed since the
    lock; `sole_acknowledgement` is the approver's, where one vendor is asked though others conform.
    `proposal_sha256` names what was proposed, `approved_sha256` that and its decision.
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
        CheckConstraint("(price_source = 'quote') = (quote_id IS NOT NULL)", "quote_priced"),
        CheckConstraint(
            "ground IS NOT NULL OR method = 'designated'", "direct_contract_has_ground"
        ),
        Index("ix_selections_project", "project_id", "created_at"),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id")
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    pack_id: uuid.UUID = Field(foreign_key="evidence_packs.id")
    listing_version_id: uuid.UUID
    method: SelectionMethod = Field(
        default=SelectionMethod.LIST_PRICE, sa_type=enum_type(SelectionMethod)
    )
    price_source: PriceSource = Field(default=PriceSource.LIST, sa_type=enum_type(PriceSource))
    quote_id: uuid.UUID | None = Field(default=None, foreign_key=f"{Quote.__tablename__}.id")
    ground: Ground | None = Field(default=None, sa_type=enum_type(Ground))
    grounds_text: str = Field(default="", sa_type=Text)
    category: ContractCategory = Field(sa_type=enum_type(ContractCategory))
    ceiling_amount: int | None = None
    ceiling_source: str = Field(default="", max_length=300)
    total_with_tax: int
    total_without_tax: int
    reason: str = Field(sa_type=Text)
    sole_source_reason: str = Field(default="", sa_type=Text)
    not_lowest_reason: str = Field(default="", sa_type=Text)
    sole_acknowledgement: str = Field(default="", sa_type=Text)
    splitting_note: str = Field(default="", max_length=1000)
    change_note: str = Field(default="", max_length=1000)
    cost_basis: str = Field(sa_type=Text)
    proposed_by_id: uuid.UUID = Field(foreign_key="people.id")
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    is_approved: bool | None = None
    return_reason: str = Field(default="", max_length=2000)
    proposal_sha256: str = Field(default="", max_length=64)
    approved_sha256: str = Field(default="", max_length=64)

    @property
    def ground_label(self) -> str:
        """Name the ground of a direct contract, or the tender that needs none."""
        return self.ground.label if self.ground is not None else self.method.label


class ExternalDecision(Model, table=True):
    """A decision taken on paper in the body (庁外決裁), recorded by somebody who did not prepare the choice.

    `document_sha256` is the hash printed on the paper that was decided on, `file_sha256` that of the
    scan, which lies in the file store. The row never changes.
    """

    __tablename__ = "external_decisions"
    __table_args__ = (
        CheckConstraint(not_same("recorded_by_id", "prepared_by_id"), "four_eyes"),
        CheckConstraint(not_same("recorded_by_id", "last_editor_id"), "editor_four_eyes"),
        CheckConstraint(
            "document_number <> '' AND decider_title <> '' AND decider_name <> ''", "says_who"
        ),
    )

    selection_id: uuid.UUID = Field(foreign_key="selections.id", unique=True)
    project_id: uuid.UUID = Field(foreign_key="projects.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    document_number: str = Field(max_length=60)
    decider_title: str = Field(max_length=60)
    decider_name: str = Field(max_length=100)
    decided_on: date
    document_sha256: str = Field(max_length=64)
    file_sha256: str = Field(max_length=64)
    file_name: str = Field(max_length=200)
    file_size: int
    recorded_by_id: uuid.UUID = Field(foreign_key="people.id")
    prepared_by_id: uuid.UUID = Field(foreign_key="people.id")
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
