"""What may follow a decision: appeals of the vendor, and reports that a condition is met."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from catalog.certification.models import Certification
from core.models import StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine


class AppealState(LabelledCode):
    """How far an appeal has come."""

    FILED = "filed", "受付"
    UPHELD = "upheld", "認容"
    DISMISSED = "dismissed", "棄却"
    WITHDRAWN = "withdrawn", "取下げ"


class AppealAction(StrEnum):
    """Acts on an appeal."""

    UPHOLD = "uphold"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"


class Disputed(LabelledCode):
    """What an appeal may be about."""

    REFUSAL = "refusal", "認証しない決定"
    SUSPENSION = "suspension", "効力停止"
    REVOCATION = "revocation", "取消し"


_S, _A = AppealState, AppealAction
APPEAL_MACHINE = StateMachine(
    noun="不服申立て",
    initial=_S.FILED,
    transitions={
        (_S.FILED, _A.UPHOLD): _S.UPHELD,
        (_S.FILED, _A.DISMISS): _S.DISMISSED,
        (_S.FILED, _A.WITHDRAW): _S.WITHDRAWN,
    },
)
_FILED = text("state = 'filed'")


class Appeal(StatefulModel, table=True):
    """The vendor's appeal against one decision; whoever made that decision never decides on it."""

    MACHINE: ClassVar[StateMachine] = APPEAL_MACHINE
    __tablename__ = "appeals"
    __table_args__ = (
        Index(
            "uq_appeals_filed",
            "certification_id",
            unique=True,
            postgresql_where=_FILED,
            sqlite_where=_FILED,
        ),
        UniqueConstraint("certification_id", "disputed", "disputed_at"),
        CheckConstraint(
            not_same("filed_by_id", "first_decider_id", "decided_by_id")
            + " AND "
            + not_same("second_decider_id", "decided_by_id"),
            "four_eyes",
        ),
        CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') "
            "OR (decided_by_id IS NOT NULL AND decision_reason <> '')",
            "decided",
        ),
    )

    certification_id: uuid.UUID = Field(foreign_key="certifications.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    state: AppealState = Field(default=AppealState.FILED, sa_type=enum_type(AppealState))
    disputed: Disputed = Field(sa_type=enum_type(Disputed))
    disputed_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    first_decider_id: uuid.UUID = Field(foreign_key="people.id")
    second_decider_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    reason: str = Field(sa_type=Text)
    filed_by_id: uuid.UUID = Field(foreign_key="people.id")
    filed_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decision_reason: str = Field(default="", max_length=2000)

    certification: Certification = related()


class ReportState(LabelledCode):
    """How far the report on a condition has come."""

    REPORTED = "reported", "確認待ち"
    CONFIRMED = "confirmed", "満たしました"
    RETURNED = "returned", "差し戻し"


class ReportAction(StrEnum):
    """Acts on a report."""

    CONFIRM = "confirm"
    RETURN = "return"


_R, _RA = ReportState, ReportAction
REPORT_MACHINE = StateMachine(
    noun="条件の報告",
    initial=_R.REPORTED,
    transitions={
        (_R.REPORTED, _RA.CONFIRM): _R.CONFIRMED,
        (_R.REPORTED, _RA.RETURN): _R.RETURNED,
    },
)
_STANDING = text("state <> 'returned'")


class ConditionReport(StatefulModel, table=True):
    """The vendor's report that a condition is met; a reviewer confirms it or hands it back."""

    MACHINE: ClassVar[StateMachine] = REPORT_MACHINE
    __tablename__ = "condition_reports"
    __table_args__ = (
        Index(
            "uq_condition_reports_standing",
            "certification_id",
            "requirement_id",
            unique=True,
            postgresql_where=_STANDING,
            sqlite_where=_STANDING,
        ),
        CheckConstraint(not_same("reported_by_id", "judged_by_id"), "four_eyes"),
        CheckConstraint("state = 'reported' OR judged_by_id IS NOT NULL", "judged"),
    )

    certification_id: uuid.UUID = Field(foreign_key="certifications.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    requirement_id: str = Field(max_length=60)
    state: ReportState = Field(default=ReportState.REPORTED, sa_type=enum_type(ReportState))
    note: str = Field(sa_type=Text)
    evidence_url: str = Field(default="", max_length=500)
    met_on: date
    reported_by_id: uuid.UUID = Field(foreign_key="people.id")
    reported_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    judged_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    judged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    judged_note: str = Field(default="", max_length=2000)
