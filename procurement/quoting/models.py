"""Quote rounds, who is invited, questions, and quotes that nobody reads before the opening."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from core.models import Model, StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine
from procurement.projects.models import ENDED_STATES, Candidate, Project
from vendors.models import Vendor


class QuoteKind(LabelledCode):
    """How a body asks for quotes.

    A tender among named bidders (指名競争) is older data only: bids are no quotes, and it runs elsewhere.
    """

    COMPARISON = "comparison", "見積合わせ（2者以上に依頼する）"
    DESIGNATED = "designated", "指名競争"
    SOLE = "sole", "一者見積（1者だけに依頼する）"


OFFERED_KINDS = (QuoteKind.COMPARISON, QuoteKind.SOLE)


class RoundState(LabelledCode):
    """States of a quote round; that its deadline has passed is computed."""

    DRAFT = "draft", "作成中"
    SUBMITTED = "submitted", "決裁待ち"
    RETURNED = "returned", "差し戻し"
    SENT = "sent", "依頼済み"
    OPENED = "opened", "開封済み"
    WITHDRAWN = "withdrawn", "取りやめ"


class RoundAction(StrEnum):
    """Acts on a quote round; approving it is sending it."""

    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    OPEN = "open"
    WITHDRAW = "withdraw"


_S, _A = RoundState, RoundAction
ROUND_MACHINE = StateMachine(
    noun="見積依頼",
    initial=_S.DRAFT,
    transitions={
        (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
        (_S.RETURNED, _A.SUBMIT): _S.SUBMITTED,
        (_S.SUBMITTED, _A.APPROVE): _S.SENT,
        (_S.SUBMITTED, _A.RETURN): _S.RETURNED,
        (_S.SENT, _A.OPEN): _S.OPENED,
        **{
            (state, _A.WITHDRAW): _S.WITHDRAWN
            for state in (_S.DRAFT, _S.SUBMITTED, _S.RETURNED, _S.SENT)
        },
    },
)
LIVE_STATES = (_S.DRAFT, _S.SUBMITTED, _S.RETURNED, _S.SENT)
_LIVE = text("state IN ('draft', 'submitted', 'returned', 'sent')")


class QuoteOutcome(LabelledCode):
    """What an invited vendor is told of its own quote when the body has decided, and nothing more."""

    CHOSEN = "chosen", "決定（採用されました）"
    NOT_CHOSEN = "not_chosen", "見送り（採用されませんでした）"
    NO_CHOICE = "no_choice", "採用なし（どの見積も採用されませんでした）"


class QuoteRound(StatefulModel, table=True):
    """One request for quotes: the same conditions, number and deadline for everybody who is asked.

    `conditions` and `payload` (the letter) are canonical JSON; both change no more once it is sent.
    """

    MACHINE: ClassVar[StateMachine] = ROUND_MACHINE
    __tablename__ = "quote_rounds"
    __table_args__ = (
        UniqueConstraint("project_id", "ordinal"),
        Index(
            "uq_quote_rounds_live",
            "project_id",
            unique=True,
            postgresql_where=_LIVE,
            sqlite_where=_LIVE,
        ),
        CheckConstraint(not_same("submitted_by_id", "approved_by_id"), "four_eyes"),
        CheckConstraint(not_same("last_editor_id", "approved_by_id"), "editor_four_eyes"),
        CheckConstraint(
            "state NOT IN ('sent', 'opened') OR (approved_by_id IS NOT NULL"
            " AND sent_at IS NOT NULL AND payload_sha256 <> '')",
            "sent_is_approved",
        ),
        CheckConstraint("(state = 'opened') = (opened_at IS NOT NULL)", "opened"),
        CheckConstraint("kind <> 'sole' OR sole_reason <> ''", "sole_has_reason"),
        CheckConstraint("questions_until <= deadline_at", "questions_before_deadline"),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id", index=True)
    pack_id: uuid.UUID = Field(foreign_key="evidence_packs.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    state: RoundState = Field(default=RoundState.DRAFT, sa_type=enum_type(RoundState), index=True)
    kind: QuoteKind = Field(sa_type=enum_type(QuoteKind))
    ordinal: int
    number: str | None = Field(default=None, max_length=40)
    deadline_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    questions_until: datetime = Field(sa_type=UTCDateTime, nullable=False)
    message: str = Field(default="", max_length=2000)
    contact: str = Field(default="", max_length=300)
    sole_reason: str = Field(default="", max_length=2000)
    conditions: str = Field(sa_type=Text)
    conditions_sha256: str = Field(max_length=64)
    payload: str = Field(default="", sa_type=Text)
    payload_sha256: str = Field(default="", max_length=64)
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    return_reason: str = Field(default="", max_length=2000)
    opened_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    withdrawal_reason: str = Field(default="", max_length=2000)

    project: Project = related()

    @property
    def is_sent(self) -> bool:
        """Tell whether the invited may see it."""
        return self.sent_at is not None

    @property
    def is_live(self) -> bool:
        """Tell whether it stands in the way of another round or of a choice."""
        return self.state in LIVE_STATES

    @property
    def is_opened(self) -> bool:
        """Tell whether two people opened its quotes."""
        return self.opened_at is not None

    @property
    def is_ended(self) -> bool:
        """Tell whether its project is over."""
        return self.project.state in ENDED_STATES


class QuoteExtension(Model, table=True):
    """A later deadline for everybody, proposed by one person; another approves it before the old one, or returns it."""

    __tablename__ = "quote_extensions"
    __table_args__ = (
        CheckConstraint(not_same("proposed_by_id", "approved_by_id"), "four_eyes"),
        CheckConstraint("deadline_at > previous_deadline_at", "later"),
        CheckConstraint("reason <> ''", "has_reason"),
    )

    round_id: uuid.UUID = Field(foreign_key="quote_rounds.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    previous_deadline_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    deadline_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    reason: str = Field(max_length=1000)
    proposed_by_id: uuid.UUID = Field(foreign_key="people.id")
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    approved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    returned_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    return_reason: str | None = Field(default=None, max_length=1000)


class QuoteInvitation(Model, table=True):
    """One candidate asked for a quote; its addressee sees nothing of the others, nor how many there are."""

    __tablename__ = "quote_invitations"
    __table_args__ = (
        UniqueConstraint("round_id", "listing_version_id"),
        ForeignKeyConstraint(
            ["pack_id", "listing_version_id"],
            ["candidates.pack_id", "candidates.listing_version_id"],
            name="fk_quote_invitations_candidate",
        ),
        CheckConstraint("declined_at IS NULL OR decline_reason <> ''", "decline_has_reason"),
        CheckConstraint("(outcome IS NULL) = (outcome_at IS NULL)", "outcome_has_time"),
    )

    round_id: uuid.UUID = Field(foreign_key="quote_rounds.id", index=True)
    body_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    pack_id: uuid.UUID
    listing_version_id: uuid.UUID
    addressee_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    seller_id: uuid.UUID = Field(foreign_key="vendors.id")
    declined_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    declined_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decline_reason: str = Field(default="", max_length=2000)
    outcome: QuoteOutcome | None = Field(default=None, sa_type=enum_type(QuoteOutcome))
    outcome_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    round: QuoteRound = related()
    seller: Vendor = related()
    candidate: Candidate = related(viewonly=True)

    @property
    def is_sent(self) -> bool:
        """Tell whether its addressee may see it."""
        return self.round.is_sent


class Quote(Model, table=True):
    """The quote of one invited vendor; amounts and content appear with the opening, not before."""

    __tablename__ = "quotes"
    __table_args__ = (
        CheckConstraint(
            "(opened_at IS NULL) = (content IS NULL) AND (content IS NULL) = (total IS NULL)"
            " AND (total IS NULL) = (tax IS NULL)",
            "sealed_until_opened",
        ),
        CheckConstraint("opened_at IS NULL OR withdrawn_at IS NULL", "withdrawn_stays_sealed"),
        CheckConstraint("current_revision > 0", "has_revision"),
    )

    invitation_id: uuid.UUID = Field(foreign_key="quote_invitations.id", unique=True)
    round_id: uuid.UUID = Field(foreign_key="quote_rounds.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    current_revision: int = 1
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    opened_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    total: int | None = Field(default=None, sa_type=BigInteger)
    tax: int | None = Field(default=None, sa_type=BigInteger)
    content: str | None = Field(default=None, sa_type=Text)


class QuoteRevision(Model, table=True):
    """What a vendor handed in, sealed; the receipt is salted, so that it tells no amount."""

    __tablename__ = "quote_revisions"
    __table_args__ = (UniqueConstraint("quote_id", "revision"),)

    quote_id: uuid.UUID = Field(foreign_key="quotes.id", index=True)
    revision: int
    sealed: bytes = Field(sa_type=LargeBinary)
    receipt_sha256: str = Field(max_length=64)
    submitted_by_id: uuid.UUID = Field(foreign_key="people.id")
    submitted_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class QuoteOpening(Model, table=True):
    """The opening by two people, a clerk and an approver; the first one's mark lives ten minutes."""

    __tablename__ = "quote_openings"
    __table_args__ = (
        CheckConstraint(not_same("first_by_id", "second_by_id"), "four_eyes"),
        CheckConstraint(
            "(second_by_id IS NULL) = (second_at IS NULL)"
            " AND (second_by_id IS NULL) = (opened_set_sha256 = '')",
            "whole",
        ),
    )

    round_id: uuid.UUID = Field(foreign_key="quote_rounds.id", unique=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    first_by_id: uuid.UUID = Field(foreign_key="people.id")
    first_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    second_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    second_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    opened_set_sha256: str = Field(default="", max_length=64)


class Question(Model, table=True):
    """A question of somebody invited; everybody is answered, nobody is told who asked."""

    __tablename__ = "questions"
    __table_args__ = (
        CheckConstraint(
            "(published_at IS NULL) = (answered_by_id IS NULL)"
            " AND (published_at IS NULL OR (published_text <> '' AND answer <> ''))",
            "published_is_answered",
        ),
        Index("ix_questions_round", "round_id", "created_at"),
    )

    round_id: uuid.UUID = Field(foreign_key="quote_rounds.id")
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    invitation_id: uuid.UUID = Field(foreign_key="quote_invitations.id")
    asked_by_id: uuid.UUID = Field(foreign_key="people.id")
    original: str = Field(sa_type=Text)
    published_text: str = Field(default="", sa_type=Text)
    answer: str = Field(default="", sa_type=Text)
    answered_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    published_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
