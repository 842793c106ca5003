"""Filings (届出) of a registered vendor: a renewed qualification, changed facts of the company."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from core.models import JSONType, StatefulModel, UTCDateTime, enum_type, not_same
from core.state_machine import LabelledCode, StateMachine
from vendors.completeness import SECTIONS


class FilingState(LabelledCode):
    """States of a filing."""

    SUBMITTED = "submitted", "提出済み"
    CHECKING = "checking", "確認中"
    APPROVED = "approved", "承認済み"
    REFUSED = "refused", "承認されませんでした"
    WITHDRAWN = "withdrawn", "取下げ"


class FilingAction(StrEnum):
    """Acts on a filing."""

    START_CHECK = "start_check"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


_S, _A = FilingState, FilingAction
OPEN_STATES = (_S.SUBMITTED, _S.CHECKING)
_OPEN = text("state IN ('submitted', 'checking')")
_TRANSITIONS: Mapping[tuple[LabelledCode, StrEnum], LabelledCode] = {
    (_S.SUBMITTED, _A.START_CHECK): _S.CHECKING,
    (_S.SUBMITTED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.CHECKING, _A.APPROVE): _S.APPROVED,
    (_S.CHECKING, _A.REFUSE): _S.REFUSED,
    (_S.CHECKING, _A.WITHDRAW): _S.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class FilingKind:
    """What one kind of filing is about: the facts it replaces, its place and its words."""

    code: str  # in the names of acts: vendor.submit_renewal
    section: str  # of the registration, and of the addresses
    verb: str  # in the address of the page that hands it in
    fields: tuple[str, ...]
    subject: str
    held: str  # 今の…
    act: str
    offered: str  # …を届け出る
    sources: str  # what the agency compares it with

    def address(self, vendor_id: uuid.UUID) -> str:
        """Return the address of the page of these facts of a vendor."""
        return f"/vendors/{vendor_id}/{self.section}"


def _fields(section: str) -> tuple[str, ...]:
    return next(each.fields for each in SECTIONS if each.name == section)


def _constraints(table: str) -> tuple[Index | CheckConstraint, ...]:
    """Hold one open filing for each vendor, and three people: submitted, checked, decided."""
    people = ("submitted_by_id", "assigned_reviewer_id", "decided_by_id")
    return (
        Index(
            f"uq_{table}_open",
            "vendor_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        CheckConstraint(not_same(*people), "four_eyes"),
        CheckConstraint(
            "state NOT IN ('approved', 'refused') OR (decided_by_id IS NOT NULL "
            "AND decided_at IS NOT NULL AND assigned_reviewer_id IS NOT NULL)",
            "decided_by_somebody",
        ),
        CheckConstraint("state <> 'refused' OR decision_reason <> ''", "refused_for_a_reason"),
    )


class Filing(StatefulModel):
    """New facts beside the registered ones, until the agency approves or refuses them.

    `replaced` is what the approval replaced, as JSON keeps it, so that the history begins with the
    registration. Each kind has its table: a qualification is typed columns, the facts of a company
    are one JSON column, and rows of the audit trail name both by their own ids; one table would
    copy records to gain nothing that the shared code below does not give.
    """

    KIND: ClassVar[FilingKind]

    vendor_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id")
    state: FilingState = Field(
        default=FilingState.SUBMITTED, sa_type=enum_type(FilingState, name="renewal_state")
    )
    submitted_by_id: uuid.UUID = Field(foreign_key="people.id")
    submitted_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    assigned_reviewer_id: uuid.UUID | None = Field(
        default=None, foreign_key="people.id", index=True
    )
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decision_reason: str = Field(default="", max_length=2000)
    replaced: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)

    @classmethod
    def of(cls, facts: Mapping[str, Any], reason: str, **columns: Any) -> Self:
        """Draw a filing up over these facts."""
        del reason
        return cls(**facts, **columns)

    @property
    def facts(self) -> dict[str, Any]:
        """The new facts by the name of the vendor's column."""
        return {name: getattr(self, name) for name in self.KIND.fields}

    @property
    def facts_before(self) -> dict[str, Any]:
        """The facts that the approval replaced; nothing before it."""
        before = dict(self.replaced)
        if expires := before.get("qualification_expires_on"):
            before["qualification_expires_on"] = date.fromisoformat(expires)
        return before

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """The reviewers to whom it is assigned."""
        return frozenset({self.assigned_reviewer_id} - {None})  # type: ignore[arg-type]

    @property
    def is_open(self) -> bool:
        """Tell whether it waits for the agency."""
        return self.state in OPEN_STATES


class QualificationRenewal(Filing, table=True):
    """A renewed unified qualification (全省庁統一資格) beside the one that counts."""

    MACHINE: ClassVar[StateMachine] = StateMachine("資格の更新", _S.SUBMITTED, _TRANSITIONS)
    KIND: ClassVar[FilingKind] = FilingKind(
        code="renewal",
        section="qualification",
        verb="renew",
        fields=_fields("qualification"),
        subject="全省庁統一資格",
        held="資格",
        act="更新",
        offered="更新した資格",
        sources="資格審査結果通知書や公表された名簿",
    )
    __tablename__ = "qualification_renewals"
    __table_args__ = _constraints("qualification_renewals")

    qualification_number: str = Field(max_length=40)
    qualification_kinds: list[str] = Field(default_factory=list, sa_type=JSONType)
    qualification_grade: str = Field(max_length=2)
    qualification_regions: list[str] = Field(default_factory=list, sa_type=JSONType)
    qualification_expires_on: date


class CompanyChange(Filing, table=True):
    """New facts of a company (変更の届出) beside the registered ones; `proposed` are the new ones."""

    MACHINE: ClassVar[StateMachine] = StateMachine("会社の情報の変更", _S.SUBMITTED, _TRANSITIONS)
    KIND: ClassVar[FilingKind] = FilingKind(
        code="change",
        section="company",
        verb="change",
        fields=(*_fields("company"), "invoice_number"),
        subject="会社の情報",
        held="情報",
        act="変更",
        offered="会社の情報の変更",
        sources="登記や公表された情報",
    )
    __tablename__ = "company_changes"
    __table_args__ = _constraints("company_changes")

    proposed: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)
    reason: str = Field(max_length=1000)

    @classmethod
    def of(cls, facts: Mapping[str, Any], reason: str, **columns: Any) -> Self:
        """Draw a change up over these facts, with the day and reason of the change."""
        return cls(proposed=dict(facts), reason=reason, **columns)

    @property
    def facts(self) -> dict[str, Any]:
        """The new facts by the name of the vendor's column."""
        return self.proposed


FILINGS: tuple[type[Filing], ...] = (QualificationRenewal, CompanyChange)
