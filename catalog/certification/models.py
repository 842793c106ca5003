"""Certification with its certificate, and the reviewers' recommendations."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from catalog.certification.checks import CheckOutcome
from catalog.offerings.models import OfferingVersion
from catalog.specifications.models import SpecificationVersion
from catalog.terms import CertificationState
from core.models import JSONType, Model, StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine


class ReviewState(LabelledCode):
    """States of a certification from submission to the certificate's end."""

    DRAFT = "draft", "下書き"
    SUBMITTED = "submitted", "提出済み"
    ASSIGNED = "assigned", "担当者決定"
    UNDER_REVIEW = "under_review", "審査中"
    INFO_REQUESTED = "info_requested", "追加の説明待ち"
    RECOMMENDED = "recommended", "意見提出済み"
    CERTIFIED = "certified", "認証済み"
    CONDITIONAL = "conditional", "条件付き認証"
    REFUSED = "refused", "認証しない"
    SUSPENDED = "suspended", "効力停止"
    REVOKED = "revoked", "取消し"
    SUPERSEDED = "superseded", "新しい認証あり"


class ReviewAction(StrEnum):
    """Acts on a certification."""

    SUBMIT = "submit"
    ASSIGN = "assign"
    START = "start"
    REQUEST_INFO = "request_info"
    ANSWER_INFO = "answer_info"
    RECOMMEND = "recommend"
    CERTIFY = "certify"
    CERTIFY_CONDITIONALLY = "certify_conditionally"
    REFUSE = "refuse"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"
    SUPERSEDE = "supersede"
    COVER = "cover"
    COVER_CONDITIONALLY = "cover_conditionally"
    FULFIL = "fulfil"
    RESUME_CONDITIONALLY = "resume_conditionally"
    REOPEN = "reopen"
    REINSTATE = "reinstate"
    REINSTATE_CONDITIONALLY = "reinstate_conditionally"


_S, _A = ReviewState, ReviewAction
REVIEW_MACHINE = StateMachine(
    noun="認証の審査",
    initial=_S.DRAFT,
    transitions={
        (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
        (_S.SUBMITTED, _A.ASSIGN): _S.ASSIGNED,
        (_S.ASSIGNED, _A.START): _S.UNDER_REVIEW,
        (_S.UNDER_REVIEW, _A.REQUEST_INFO): _S.INFO_REQUESTED,
        (_S.INFO_REQUESTED, _A.ANSWER_INFO): _S.UNDER_REVIEW,
        (_S.UNDER_REVIEW, _A.RECOMMEND): _S.RECOMMENDED,
        (_S.RECOMMENDED, _A.CERTIFY): _S.CERTIFIED,
        (_S.RECOMMENDED, _A.CERTIFY_CONDITIONALLY): _S.CONDITIONAL,
        (_S.RECOMMENDED, _A.REFUSE): _S.REFUSED,
        (_S.CERTIFIED, _A.SUSPEND): _S.SUSPENDED,
        (_S.CERTIFIED, _A.REVOKE): _S.REVOKED,
        (_S.CERTIFIED, _A.SUPERSEDE): _S.SUPERSEDED,
        (_S.CONDITIONAL, _A.SUSPEND): _S.SUSPENDED,
        (_S.CONDITIONAL, _A.REVOKE): _S.REVOKED,
        (_S.CONDITIONAL, _A.SUPERSEDE): _S.SUPERSEDED,
        (_S.CONDITIONAL, _A.FULFIL): _S.CERTIFIED,
        (_S.SUSPENDED, _A.RESUME): _S.CERTIFIED,
        (_S.SUSPENDED, _A.RESUME_CONDITIONALLY): _S.CONDITIONAL,
        (_S.SUSPENDED, _A.REVOKE): _S.REVOKED,
        (_S.SUSPENDED, _A.SUPERSEDE): _S.SUPERSEDED,
        # Surveillance: what changed since the certified version is still covered.
        (_S.UNDER_REVIEW, _A.COVER): _S.CERTIFIED,
        (_S.UNDER_REVIEW, _A.COVER_CONDITIONALLY): _S.CONDITIONAL,
        (_S.RECOMMENDED, _A.COVER): _S.CERTIFIED,
        (_S.RECOMMENDED, _A.COVER_CONDITIONALLY): _S.CONDITIONAL,
        # An appeal that was upheld.
        (_S.REFUSED, _A.REOPEN): _S.INFO_REQUESTED,
        (_S.REVOKED, _A.REINSTATE): _S.CERTIFIED,
        (_S.REVOKED, _A.REINSTATE_CONDITIONALLY): _S.CONDITIONAL,
    },
)
OPEN_STATES = frozenset(
    {_S.SUBMITTED, _S.ASSIGNED, _S.UNDER_REVIEW, _S.INFO_REQUESTED, _S.RECOMMENDED}
)
DECIDED_STATES = frozenset(
    {_S.CERTIFIED, _S.CONDITIONAL, _S.REFUSED, _S.SUSPENDED, _S.REVOKED, _S.SUPERSEDED}
)
REVIEWERS = 2
_OPEN = text("state NOT IN ('refused', 'revoked', 'superseded')")
_DECIDED = "('certified', 'conditional', 'refused', 'suspended', 'revoked', 'superseded')"


class Decided(Protocol):
    """What tells readers how a decided review stands: its row, or plain values of it."""

    @property
    def state(self) -> ReviewState:
        """Where the review stands."""
        ...

    @property
    def valid_until(self) -> datetime | None:
        """The end of its term."""
        ...

    @property
    def lapses_at(self) -> datetime | None:
        """When a condition is overdue."""
        ...


def public_state(decided: Decided, moment: datetime) -> CertificationState:
    """Return what a reader is told now: expiry is computed, never stored."""
    if decided.state is ReviewState.SUSPENDED:
        return CertificationState.SUSPENDED
    if decided.state is ReviewState.REVOKED:
        return CertificationState.REVOKED
    if decided.state in {ReviewState.CERTIFIED, ReviewState.CONDITIONAL}:
        end = ends_at(decided)
        if end is not None and end <= moment:
            return CertificationState.EXPIRED
        return CertificationState(decided.state.value)
    return CertificationState.CLAIMED


def ends_at(decided: Decided) -> datetime | None:
    """Return when it stops to count: its term is over, or a condition is overdue (`lapses_at`)."""
    return min((each for each in (decided.valid_until, decided.lapses_at) if each), default=None)


def has_lapsed(decided: Decided, moment: datetime) -> bool:
    """Tell whether it stopped to count before its term because a condition was not met in time."""
    return (
        public_state(decided, moment) is CertificationState.EXPIRED
        and decided.lapses_at is not None
        and ends_at(decided) == decided.lapses_at
    )


class Certification(StatefulModel, table=True):
    """The review of one offering version; once decided, its certificate.

    Submitter, the two reviewers and the deciding lead are four different people. What more rows
    than this one must say (opinions, declarations, approvals) the triggers of migration 0017 demand.
    """

    MACHINE: ClassVar[StateMachine] = REVIEW_MACHINE
    __tablename__ = "certifications"
    __table_args__ = (
        Index(
            "uq_certifications_open",
            "offering_version_id",
            "specification_version_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        CheckConstraint(
            not_same("submitted_by_id", "first_reviewer_id", "second_reviewer_id", "decided_by_id"),
            "four_eyes",
        ),
        CheckConstraint(
            "valid_until IS NULL OR valid_from IS NULL OR valid_until > valid_from", "validity"
        ),
        CheckConstraint(
            f"(state NOT IN {_DECIDED} OR decided_by_id IS NOT NULL) "
            "AND (state NOT IN ('certified', 'conditional') OR valid_until IS NOT NULL)",
            "decided",
        ),
        CheckConstraint(
            f"state NOT IN ('recommended', {_DECIDED[1:]} OR based_on_id IS NOT NULL "
            "OR (first_reviewer_id IS NOT NULL AND second_reviewer_id IS NOT NULL)",
            "two_reviewers",
        ),
        CheckConstraint("based_on_id IS NULL OR based_on_id <> id", "based_on_another"),
        CheckConstraint(
            not_same("submitted_by_id", "revocation_proposed_by_id", "revocation_confirmed_by_id")
            + " AND (revocation_confirmed_by_id IS NULL OR revocation_proposed_by_id IS NOT NULL)"
            " AND (state <> 'revoked' OR revocation_confirmed_by_id IS NOT NULL)",
            "revoked_by_two",
        ),
        CheckConstraint(not_same("submitted_by_id", "suspended_by_id"), "suspended_by_another"),
    )

    offering_version_id: uuid.UUID = Field(foreign_key="offering_versions.id", index=True)
    specification_version_id: uuid.UUID = Field(foreign_key="specification_versions.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    state: ReviewState = Field(
        default=ReviewState.DRAFT, sa_type=enum_type(ReviewState), index=True
    )
    number: str | None = Field(default=None, max_length=40, unique=True)
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    submitted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    evaluated_sha256: str = Field(default="", max_length=64)
    first_reviewer_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    second_reviewer_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decision_reason: str = Field(default="", max_length=2000)
    conditions: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONType)
    lapses_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    results: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)
    valid_from: datetime | None = Field(default=None, sa_type=UTCDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_on: date | None = None
    first_cleared_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    second_cleared_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    check_outcome: CheckOutcome | None = Field(default=None, sa_type=enum_type(CheckOutcome))
    info_due_on: date | None = None
    based_on_id: uuid.UUID | None = Field(default=None, foreign_key="certifications.id")
    suspended_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    suspended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    suspension_reason: str = Field(default="", max_length=2000)
    revocation_proposed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    revocation_proposed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revocation_reason: str = Field(default="", max_length=2000)
    revocation_confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    appeal_until: date | None = None

    offering_version: OfferingVersion = related()
    specification_version: SpecificationVersion = related()

    @property
    def family_id(self) -> uuid.UUID:
        """The offering: a conflict of interests binds for all its versions."""
        return self.offering_version.offering_id

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """The two reviewers."""
        return frozenset(i for i in (self.first_reviewer_id, self.second_reviewer_id) if i)

    @property
    def cleared_ids(self) -> frozenset[uuid.UUID]:
        """Those of the two who have declared that no interests conflict: they may read the file."""
        places = (
            (self.first_reviewer_id, self.first_cleared_at),
            (self.second_reviewer_id, self.second_cleared_at),
        )
        return frozenset(person for person, cleared in places if person and cleared)

    @property
    def is_incomplete(self) -> bool:
        """Tell whether a place of the pair has to be filled anew."""
        begun = {ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW, ReviewState.INFO_REQUESTED}
        return self.state in begun and len(self.assigned_ids) < REVIEWERS

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read the decision: its offering version has been published."""
        return self.offering_version.published_at is not None

    def public_code(self, moment: datetime) -> LabelledCode:
        """Return the state that a certificate states of itself: as below, or that a newer one stands."""
        if self.state is ReviewState.SUPERSEDED:
            return self.state
        return self.public_state(moment)

    def public_state(self, moment: datetime) -> CertificationState:
        """Return what a reader is told now: expiry is computed, never stored."""
        return public_state(self, moment)

    @property
    def ends_at(self) -> datetime | None:
        """When it stops to count: its term is over, or a condition is overdue (`lapses_at`)."""
        return ends_at(self)


class Opinion(LabelledCode):
    """What a reviewer recommends."""

    CERTIFY = "certify", "認証する"
    CONDITIONAL = "conditional", "条件付きで認証する"
    REFUSE = "refuse", "認証しない"


class Recommendation(Model, table=True):
    """One reviewer's opinion; blind until both are filed."""

    __tablename__ = "recommendations"
    __table_args__ = (UniqueConstraint("certification_id", "reviewer_id"),)

    certification_id: uuid.UUID = Field(foreign_key="certifications.id", index=True)
    reviewer_id: uuid.UUID = Field(foreign_key="people.id")
    opinion: Opinion = Field(sa_type=enum_type(Opinion))
    reason: str = Field(sa_type=Text)
    no_conflict_declared_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    filed_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class ConflictDeclaration(Model, table=True):
    """What a reviewer declared on interests before reading the file; made once."""

    __tablename__ = "conflict_declarations"
    __table_args__ = (UniqueConstraint("certification_id", "person_id"),)

    certification_id: uuid.UUID = Field(foreign_key="certifications.id", index=True)
    person_id: uuid.UUID = Field(foreign_key="people.id")
    has_conflict: bool
    words: str = Field(default="", max_length=2000)
    declared_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class ReviewSubmission(Model, table=True):
    """What the vendor submitted for review, once for each time: earlier ones stay readable."""

    __tablename__ = "review_submissions"
    __table_args__ = (UniqueConstraint("certification_id", "number"),)

    certification_id: uuid.UUID = Field(foreign_key="certifications.id", index=True)
    number: int
    content: dict[str, Any] = Field(sa_type=JSONType)
    content_sha256: str = Field(max_length=64)
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    submitted_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class FindingState(LabelledCode):
    """How far a finding has come."""

    OPEN = "open", "未回答の指摘"
    ANSWERED = "answered", "回答あり"
    ACCEPTED = "accepted", "解決"
    WITHDRAWN = "withdrawn", "取下げ"


class FindingAction(StrEnum):
    """Acts on a finding."""

    ANSWER = "answer"
    ASK_AGAIN = "ask_again"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"


_F, _FA = FindingState, FindingAction
FINDING_MACHINE = StateMachine(
    noun="指摘",
    initial=_F.OPEN,
    transitions={
        (_F.OPEN, _FA.ANSWER): _F.ANSWERED,
        (_F.OPEN, _FA.ACCEPT): _F.ACCEPTED,
        (_F.OPEN, _FA.WITHDRAW): _F.WITHDRAWN,
        (_F.ANSWERED, _FA.ASK_AGAIN): _F.OPEN,
        (_F.ANSWERED, _FA.ACCEPT): _F.ACCEPTED,
        (_F.ANSWERED, _FA.WITHDRAW): _F.WITHDRAWN,
    },
)
SETTLED = frozenset({_F.ACCEPTED, _F.WITHDRAWN})


class Finding(StatefulModel, table=True):
    """What a reviewer objects to, at one requirement or (without) at the whole."""

    MACHINE: ClassVar[StateMachine] = FINDING_MACHINE
    __tablename__ = "findings"
    __table_args__ = (UniqueConstraint("certification_id", "number"),)

    certification_id: uuid.UUID = Field(foreign_key="certifications.id", index=True)
    number: int
    requirement_id: uuid.UUID | None = Field(default=None, foreign_key="requirements.id")
    state: FindingState = Field(default=FindingState.OPEN, sa_type=enum_type(FindingState))
    raised_by_id: uuid.UUID = Field(foreign_key="people.id")
    settled_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    settled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    messages: list["FindingMessage"] = related(order_by="FindingMessage.number")


class FindingMessage(Model, table=True):
    """One turn of the conversation about a finding; the first one is the finding itself."""

    __tablename__ = "finding_messages"
    __table_args__ = (UniqueConstraint("finding_id", "number"),)

    finding_id: uuid.UUID = Field(foreign_key="findings.id", index=True)
    number: int
    author_id: uuid.UUID = Field(foreign_key="people.id")
    is_from_vendor: bool
    submission_number: int
    words: str = Field(sa_type=Text)
    sent_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
