"""UsageContractRequest, its document, its number, and the contract register."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from core.models import Model, StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine
from procurement.projects.models import Project
from procurement.selection.models import Selection
from vendors.models import Vendor


class BidderList(LabelledCode):
    """Where the seller stands on the body's own list of qualified bidders (入札参加資格者名簿)."""

    LISTED = "listed", "名簿に載っています"
    APPLIED = "applied", "登録を申請しています"
    NOT_LISTED = "not_listed", "名簿に載っていません"
    EXCEPTION = "exception", "名簿によらない例外とします"


class RequestState(LabelledCode):
    """States of a usage-contract request."""

    DRAFT = "draft", "作成中"
    SUBMITTED = "submitted", "決裁待ち"
    APPROVED = "approved", "決裁済み"
    RETURNED = "returned", "差し戻し"
    SENT = "sent", "送信済み（承諾待ち）"
    ACCEPTED = "accepted", "承諾"
    DECLINED = "declined", "辞退"
    WITHDRAWN = "withdrawn", "取下げ"
    LAPSED = "lapsed", "期限切れ"
    CONTRACT_REGISTERED = "contract_registered", "契約記録済み"


class RequestAction(StrEnum):
    """Acts on a usage-contract request."""

    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    SEND = "send"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    REGISTER_CONTRACT = "register_contract"


_S, _A = RequestState, RequestAction
REQUEST_MACHINE = StateMachine(
    noun="利用契約の依頼",
    initial=_S.DRAFT,
    transitions={
        (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
        (_S.DRAFT, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.SUBMITTED, _A.APPROVE): _S.APPROVED,
        (_S.SUBMITTED, _A.RETURN): _S.RETURNED,
        (_S.SUBMITTED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.RETURNED, _A.SUBMIT): _S.SUBMITTED,
        (_S.RETURNED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.APPROVED, _A.SEND): _S.SENT,
        (_S.APPROVED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.SENT, _A.ACCEPT): _S.ACCEPTED,
        (_S.SENT, _A.DECLINE): _S.DECLINED,
        (_S.SENT, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.SENT, _A.LAPSE): _S.LAPSED,
        (_S.ACCEPTED, _A.REGISTER_CONTRACT): _S.CONTRACT_REGISTERED,
    },
)
SENT_STATES = frozenset(
    {_S.SENT, _S.ACCEPTED, _S.DECLINED, _S.WITHDRAWN, _S.LAPSED, _S.CONTRACT_REGISTERED}
)
# A seller may still accept, or has accepted: what was offered then binds it.
BINDING_STATES = frozenset({_S.SENT, _S.ACCEPTED})
_LIVE = text("state NOT IN ('declined', 'withdrawn', 'lapsed')")


class UsageContractRequest(StatefulModel, table=True):
    """The request that a body sends; what is sent equals what was approved, byte for byte.

    `number` is gapless per body and fiscal year (令和8-0001), given when it is approved.
    """

    MACHINE: ClassVar[StateMachine] = REQUEST_MACHINE
    __tablename__ = "usage_contract_requests"
    __table_args__ = (
        UniqueConstraint("owner_id", "fiscal_year", "ordinal"),
        Index(
            "uq_usage_contract_requests_live",
            "project_id",
            unique=True,
            postgresql_where=_LIVE,
            sqlite_where=_LIVE,
        ),
        CheckConstraint(not_same("submitted_by_id", "approved_by_id"), "four_eyes"),
        CheckConstraint(not_same("last_editor_id", "approved_by_id"), "editor_four_eyes"),
        CheckConstraint("sent_sha256 = '' OR sent_sha256 = approved_sha256", "sent_is_approved"),
        CheckConstraint(
            "state NOT IN ('sent', 'accepted', 'contract_registered') OR sent_sha256 <> ''",
            "sent_has_hash",
        ),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id", index=True)
    selection_id: uuid.UUID = Field(foreign_key="selections.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    addressee_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    seller_id: uuid.UUID = Field(foreign_key="vendors.id")
    state: RequestState = Field(
        default=RequestState.DRAFT, sa_type=enum_type(RequestState), index=True
    )
    fiscal_year: int | None = None
    ordinal: int | None = None
    number: str | None = Field(default=None, max_length=20)
    sender_name: str = Field(default="", max_length=100)
    contact_name: str = Field(default="", max_length=100)
    contact_department: str = Field(default="", max_length=100)
    contact_phone: str = Field(default="", max_length=40)
    contact_email: str = Field(default="", max_length=254)
    message: str = Field(default="", max_length=2000)
    bidder_list: BidderList | None = Field(default=None, sa_type=enum_type(BidderList))
    bidder_list_note: str = Field(default="", max_length=500)
    payload: str = Field(default="", sa_type=Text)
    payload_sha256: str = Field(default="", max_length=64)
    approved_sha256: str = Field(default="", max_length=64)
    selection_sha256: str = Field(default="", max_length=64)
    sent_sha256: str = Field(default="", max_length=64)
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    approved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    return_reason: str = Field(default="", max_length=2000)
    sent_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    answer_due_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    answered_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    answer_reason: str = Field(default="", max_length=2000)
    withdrawn_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawal_reason: str = Field(default="", max_length=2000)

    project: Project = related()
    selection: Selection = related()
    seller: Vendor = related()

    @property
    def is_sent(self) -> bool:
        """Tell whether the addressee may see it."""
        return self.sent_at is not None


class RequestDocument(Model, table=True):
    """A document made from a request at approval, kept as bytes; its hash is its identity."""

    __tablename__ = "request_documents"
    __table_args__ = (UniqueConstraint("request_id", "kind"),)

    request_id: uuid.UUID = Field(foreign_key="usage_contract_requests.id", index=True)
    kind: str = Field(max_length=40)
    filename: str = Field(max_length=200)
    sha256: str = Field(max_length=64)
    content: bytes = Field(sa_type=LargeBinary)


class RequestCounter(Model, table=True):
    """The last ordinal given per body and fiscal year; locked while a number is given."""

    __tablename__ = "request_counters"
    __table_args__ = (UniqueConstraint("owner_id", "fiscal_year"),)

    owner_id: uuid.UUID = Field(foreign_key="organisations.id")
    fiscal_year: int
    last: int = 0


class ContractState(LabelledCode):
    """States of a registered contract; renewal_due is computed."""

    REGISTERED = "registered", "記録済み"
    IN_USE = "in_use", "利用中"
    RENEWED = "renewed", "更新済み"
    EXITING = "exiting", "終了手続き中"
    EXITED = "exited", "終了"
    SWITCHED = "switched", "切替済み"


RUNNING_STATES = (ContractState.REGISTERED, ContractState.IN_USE, ContractState.EXITING)


class Contract(StatefulModel, table=True):
    """A contract that both sides settled outside this product: number, dates, hash of the signed record."""

    MACHINE: ClassVar[StateMachine] = StateMachine("契約の記録", ContractState.REGISTERED, {})
    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("owner_id", "number"),
        CheckConstraint("ends_on >= starts_on", "dates"),
        CheckConstraint(not_same("registered_by_id", "confirmed_by_id"), "four_eyes"),
        CheckConstraint("(confirmed_by_id IS NULL) = (confirmed_at IS NULL)", "confirmed_whole"),
    )

    request_id: uuid.UUID = Field(foreign_key="usage_contract_requests.id", unique=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    addressee_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    listing_version_id: uuid.UUID = Field(foreign_key="listing_versions.id", index=True)
    state: ContractState = Field(default=ContractState.REGISTERED, sa_type=enum_type(ContractState))
    number: str = Field(max_length=60)
    signed_on: date
    starts_on: date
    ends_on: date
    signed_record_sha256: str = Field(max_length=64)
    signed_record_name: str = Field(default="", max_length=200)
    registered_by_id: uuid.UUID = Field(foreign_key="people.id")
    confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    @property
    def is_sent(self) -> bool:
        """Both sides know a contract."""
        return True
