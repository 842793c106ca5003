"""Changes of the company's own facts (変更の届出) of a registered vendor."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from core.models import JSONType, StatefulModel, UTCDateTime, enum_type, not_same
from core.state_machine import StateMachine
from vendors.renewal_models import OPEN_RENEWALS, QualificationRenewal, RenewalState

_OPEN = text("state IN ('submitted', 'checking')")


class CompanyChange(StatefulModel, table=True):
    """New facts of a company beside the registered ones, until the agency approves or refuses them.

    `proposed` and `replaced` hold the same fields, after and before. The database holds that whoever
    submitted, checked and decided are three people.
    """

    MACHINE: ClassVar[StateMachine] = StateMachine(
        noun="会社の情報の変更",
        initial=RenewalState.SUBMITTED,
        transitions=QualificationRenewal.MACHINE.transitions,
    )
    __tablename__ = "company_changes"
    __table_args__ = (
        Index(
            "uq_company_changes_open",
            "vendor_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        CheckConstraint(
            not_same("submitted_by_id", "assigned_reviewer_id", "decided_by_id"), "four_eyes"
        ),
        CheckConstraint(
            "state NOT IN ('approved', 'refused') OR (decided_by_id IS NOT NULL "
            "AND decided_at IS NOT NULL AND assigned_reviewer_id IS NOT NULL)",
            "decided_by_somebody",
        ),
        CheckConstraint("state <> 'refused' OR decision_reason <> ''", "refused_for_a_reason"),
    )

    vendor_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id")
    state: RenewalState = Field(default=RenewalState.SUBMITTED, sa_type=enum_type(RenewalState))
    proposed: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)
    replaced: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)
    reason: str = Field(max_length=1000)
    submitted_by_id: uuid.UUID = Field(foreign_key="people.id")
    submitted_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    assigned_reviewer_id: uuid.UUID | None = Field(
        default=None, foreign_key="people.id", index=True
    )
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decision_reason: str = Field(default="", max_length=2000)

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """The reviewers to whom it is assigned."""
        return frozenset({self.assigned_reviewer_id} - {None})  # type: ignore[arg-type]

    @property
    def is_open(self) -> bool:
        """Tell whether it waits for the agency."""
        return self.state in OPEN_RENEWALS
