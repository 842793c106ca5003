"""The renewal of a registered vendor's unified qualification (全省庁統一資格)."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from core.models import JSONType, StatefulModel, UTCDateTime, enum_type, not_same
from core.state_machine import LabelledCode, StateMachine


class RenewalState(LabelledCode):
    """States of a renewal."""

    SUBMITTED = "submitted", "提出済み"
    CHECKING = "checking", "確認中"
    APPROVED = "approved", "承認済み"
    REFUSED = "refused", "承認されませんでした"
    WITHDRAWN = "withdrawn", "取下げ"


class RenewalAction(StrEnum):
    """Acts on a renewal."""

    START_CHECK = "start_check"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


_S, _A = RenewalState, RenewalAction
OPEN_RENEWALS = (_S.SUBMITTED, _S.CHECKING)
_OPEN = text("state IN ('submitted', 'checking')")


class QualificationRenewal(StatefulModel, table=True):
    """A renewed qualification beside the current one, until the agency approves or refuses it.

    `replaced` is what the approval replaced, so that the history begins with the registration. The
    database holds that whoever submitted, checked and decided are three people.
    """

    MACHINE: ClassVar[StateMachine] = StateMachine(
        noun="資格の更新",
        initial=_S.SUBMITTED,
        transitions={
            (_S.SUBMITTED, _A.START_CHECK): _S.CHECKING,
            (_S.SUBMITTED, _A.WITHDRAW): _S.WITHDRAWN,
            (_S.CHECKING, _A.APPROVE): _S.APPROVED,
            (_S.CHECKING, _A.REFUSE): _S.REFUSED,
            (_S.CHECKING, _A.WITHDRAW): _S.WITHDRAWN,
        },
    )
    __tablename__ = "qualification_renewals"
    __table_args__ = (
        Index(
            "uq_qualification_renewals_open",
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
    qualification_number: str = Field(max_length=40)
    qualification_kinds: list[str] = Field(default_factory=list, sa_type=JSONType)
    qualification_grade: str = Field(max_length=2)
    qualification_regions: list[str] = Field(default_factory=list, sa_type=JSONType)
    qualification_expires_on: date
    submitted_by_id: uuid.UUID = Field(foreign_key="people.id")
    submitted_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    assigned_reviewer_id: uuid.UUID | None = Field(
        default=None, foreign_key="people.id", index=True
    )
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decision_reason: str = Field(default="", max_length=2000)
    replaced: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """The reviewers to whom it is assigned."""
        return frozenset({self.assigned_reviewer_id} - {None})  # type: ignore[arg-type]

    @property
    def is_open(self) -> bool:
        """Tell whether it waits for the agency."""
        return self.state in OPEN_RENEWALS

    @property
    def was_until(self) -> date | None:
        """The expiry of the qualification that this one replaced."""
        found = self.replaced.get("qualification_expires_on")
        return date.fromisoformat(found) if found else None
