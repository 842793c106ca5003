"""Consultation, ConsultationComment, Disposition: what is asked, said and answered on a draft version."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Text, UniqueConstraint
from sqlmodel import Field

from accounts.models import OrganisationKind
from catalog.specifications.models import SpecificationState, SpecificationVersion
from core.clock import day_in_japan, end_of_day, start_of_day
from core.models import Model, StatefulModel, UTCDateTime, enum_type, related
from core.state_machine import LabelledCode, StateMachine


class ProposalKind(LabelledCode):
    """What a comment proposes."""

    CHANGE = "change", "文言を直す"
    ADD = "add", "要件を加える"
    DELETE = "delete", "要件を除く"
    RECLASSIFY = "reclassify", "実装区分を変える"
    POSTPONE = "postpone", "適合基準日を変える"
    CLARIFY = "clarify", "意味を明らかにする"


class Outcome(LabelledCode):
    """How a comment is disposed of."""

    MODIFY = "modify", "修正する"
    KEEP = "keep", "修正しない"
    SUFFICIENT = "sufficient", "既に十分に記載している"


class KeepCategory(LabelledCode):
    """Why the draft stays as it is: exactly one of (a) to (f)."""

    NO_GROUND = "a", "(a) 根拠がない"
    OUT_OF_SCOPE = "b", "(b) 仕様書の対象の範囲外"
    ABSTRACT = "c", "(c) 抽象的で、直す内容が定まらない"
    OWN_CIRCUMSTANCES = "d", "(d) 団体に固有の事情による"
    PREMISE = "e", "(e) 前提の整理が先に必要"
    SOLVED = "f", "(f) すでに解決している"


class CommentState(LabelledCode):
    """States of a comment."""

    OPEN = "open", "未処理"
    DISPOSED = "disposed", "処理済み"
    WITHDRAWN = "withdrawn", "取下げ"


class CommentAction(StrEnum):
    """Acts on a comment."""

    REVISE = "revise"
    DISPOSE = "dispose"
    WITHDRAW = "withdraw"


_S, _A = CommentState, CommentAction
COMMENT_MACHINE = StateMachine(
    noun="提出意見",
    initial=_S.OPEN,
    transitions={
        (_S.OPEN, _A.REVISE): _S.OPEN,
        (_S.OPEN, _A.DISPOSE): _S.DISPOSED,
        (_S.OPEN, _A.WITHDRAW): _S.WITHDRAWN,
        # A comment that its author changes needs a new disposition.
        (_S.DISPOSED, _A.REVISE): _S.OPEN,
        (_S.DISPOSED, _A.DISPOSE): _S.DISPOSED,
        (_S.DISPOSED, _A.WITHDRAW): _S.WITHDRAWN,
    },
)


class Phase(LabelledCode):
    """Where a consultation stands at a moment."""

    ANNOUNCED = "announced", "募集前"
    OPEN = "open", "募集中"
    CLOSED = "closed", "処理中"
    PUBLISHED = "published", "結果公表済み"
    WITHDRAWN = "withdrawn", "取下げ"


class Consultation(Model, table=True):
    """The one consultation on a version; its first and last day are Japanese days."""

    __tablename__ = "consultations"
    __table_args__ = (
        CheckConstraint("closes_on >= opens_on", "period"),
        CheckConstraint(
            "(dispositions_published_at IS NULL) = (dispositions_published_by_id IS NULL)",
            "published_by_somebody",
        ),
    )

    specification_version_id: uuid.UUID = Field(
        foreign_key="specification_versions.id", unique=True
    )
    opens_on: date
    closes_on: date
    about: str = Field(default="", max_length=2000)
    opened_by_id: uuid.UUID = Field(foreign_key="people.id")
    dispositions_published_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    dispositions_published_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")

    specification_version: SpecificationVersion = related()

    def phase_at(self, moment: datetime) -> Phase:
        """Return the phase; a comment may come from 00:00 JST of the first to the end of the last day."""
        if self.dispositions_published_at is not None:
            return Phase.PUBLISHED
        if self.specification_version.state is not SpecificationState.CONSULTATION:
            return Phase.WITHDRAWN
        if moment < start_of_day(self.opens_on):
            return Phase.ANNOUNCED
        return Phase.OPEN if moment < end_of_day(self.closes_on) else Phase.CLOSED

    def days_left(self, moment: datetime) -> int:
        """Return how many days follow the day of the moment; 0 on the last day."""
        return (self.closes_on - day_in_japan(moment)).days


class Disposition(Model, table=True):
    """The agency's answer to one or several comments; never changed, a newer one takes its place."""

    __tablename__ = "dispositions"
    __table_args__ = (
        CheckConstraint("(outcome = 'keep') = (category IS NOT NULL)", "category_when_kept"),
        CheckConstraint("outcome <> 'modify' OR (place <> '' AND text <> '')", "says_where"),
        CheckConstraint("outcome = 'modify' OR reasoning <> ''", "says_why"),
    )

    consultation_id: uuid.UUID = Field(foreign_key="consultations.id", index=True)
    outcome: Outcome = Field(sa_type=enum_type(Outcome))
    category: KeepCategory | None = Field(default=None, sa_type=enum_type(KeepCategory))
    place: str = Field(default="", max_length=300)
    requirement_id: str = Field(default="", max_length=60)
    text: str = Field(default="", sa_type=Text)
    reasoning: str = Field(default="", sa_type=Text)
    decided_by_id: uuid.UUID = Field(foreign_key="people.id")
    decided_at: datetime = Field(sa_type=UTCDateTime, nullable=False)

    @property
    def label(self) -> str:
        """The outcome in words, with the category."""
        return (
            f"{self.outcome.label}：{self.category.label}" if self.category else self.outcome.label
        )

    @property
    def code(self) -> str:
        """The category, or else the outcome: what is counted."""
        return self.category.value if self.category else self.outcome.value


class ConsultationComment(StatefulModel, table=True):
    """What an organisation said on a requirement (as it then read) or, without one, on the whole."""

    MACHINE: ClassVar[StateMachine] = COMMENT_MACHINE
    __tablename__ = "consultation_comments"
    __table_args__ = (
        UniqueConstraint("consultation_id", "number"),
        CheckConstraint(
            "(state = 'disposed') = (disposition_id IS NOT NULL)", "disposed_by_disposition"
        ),
    )

    consultation_id: uuid.UUID = Field(foreign_key="consultations.id")
    number: int
    state: CommentState = Field(default=CommentState.OPEN, sa_type=enum_type(CommentState))
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    organisation_name: str = Field(max_length=250)
    organisation_kind: OrganisationKind = Field(sa_type=enum_type(OrganisationKind))
    author_id: uuid.UUID = Field(foreign_key="people.id")
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
    received_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    requirement_id: str = Field(default="", max_length=60)
    requirement_name: str = Field(default="", max_length=300)
    requirement_text: str = Field(default="", sa_type=Text)
    kind: ProposalKind = Field(sa_type=enum_type(ProposalKind))
    text: str = Field(sa_type=Text)
    suggestion: str = Field(default="", sa_type=Text)
    disposition_id: uuid.UUID | None = Field(
        default=None, foreign_key="dispositions.id", index=True
    )

    consultation: Consultation = related()
    disposition: Disposition | None = related()

    @property
    def owner_id(self) -> uuid.UUID:
        """The organisation that commented."""
        return self.organisation_id

    @property
    def subject(self) -> str:
        """What it is about, in words."""
        return f"{self.requirement_id} {self.requirement_name}" if self.requirement_id else "全体"
