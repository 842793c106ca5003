"""Vendor registrations and framework agreements."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from accounts.models import Organisation
from core.models import JSONType, Model, StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine


class VendorState(LabelledCode):
    """States of a vendor registration."""

    DRAFT = "draft", "下書き"
    SUBMITTED = "submitted", "提出済み"
    CHECKING = "checking", "確認中"
    RETURNED = "returned", "差し戻し"
    ACTIVE = "active", "登録済み"
    SUSPENDED = "suspended", "停止中"
    WITHDRAWN = "withdrawn", "取下げ"
    TERMINATED = "terminated", "登録終了"
    REFUSED = "refused", "登録不可"


class VendorAction(StrEnum):
    """Acts on a vendor registration."""

    SUBMIT = "submit"
    START_CHECK = "start_check"
    RETURN = "return"
    APPROVE = "approve"
    REFUSE = "refuse"
    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"
    TERMINATE = "terminate"


class MarketRole(LabelledCode):
    """What a vendor does in the market; one may be both."""

    MAKER = "maker", "開発して登録する（登録開発者）"
    SELLER = "seller", "団体と契約して提供する（登録販売者）"


class QualificationKind(LabelledCode):
    """Kinds of the unified qualification that matter here."""

    GOODS_SALE = "goods_sale", "物品の販売"
    SERVICE = "service", "役務の提供等"


class GbizIdType(LabelledCode):
    """Kinds of a GビズID account; an entry account is not enough for a registration."""

    PRIME = "prime", "GビズIDプライム"
    MEMBER = "member", "GビズIDメンバー"
    ENTRY = "entry", "GビズIDエントリー"


QUALIFICATION_GRADES = ("A", "B", "C", "D")
QUALIFICATION_REGIONS = (
    "北海道",
    "東北",
    "関東・甲信越",
    "東海・北陸",
    "近畿",
    "中国",
    "四国",
    "九州・沖縄",
)

_S, _A = VendorState, VendorAction
VENDOR_MACHINE = StateMachine(
    noun="事業者の登録",
    initial=_S.DRAFT,
    transitions={
        (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
        (_S.DRAFT, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.DRAFT, _A.TERMINATE): _S.TERMINATED,
        (_S.SUBMITTED, _A.START_CHECK): _S.CHECKING,
        (_S.SUBMITTED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.CHECKING, _A.RETURN): _S.RETURNED,
        (_S.CHECKING, _A.APPROVE): _S.ACTIVE,
        (_S.CHECKING, _A.REFUSE): _S.REFUSED,
        (_S.RETURNED, _A.SUBMIT): _S.SUBMITTED,
        (_S.RETURNED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.RETURNED, _A.TERMINATE): _S.TERMINATED,
        (_S.ACTIVE, _A.SUSPEND): _S.SUSPENDED,
        (_S.ACTIVE, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.ACTIVE, _A.TERMINATE): _S.TERMINATED,
        (_S.SUSPENDED, _A.RESUME): _S.ACTIVE,
        (_S.SUSPENDED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.SUSPENDED, _A.TERMINATE): _S.TERMINATED,
    },
)
PUBLIC_STATES = frozenset({_S.ACTIVE, _S.SUSPENDED})
HANDED_IN_STATES = PUBLIC_STATES | {_S.SUBMITTED, _S.CHECKING, _S.RETURNED}
LIVE_STATES = frozenset(VendorState) - {_S.WITHDRAWN, _S.TERMINATED, _S.REFUSED}
_LIVE = text("state NOT IN ('withdrawn', 'terminated', 'refused')")


class Vendor(StatefulModel, table=True):
    """A company's registration; `owner_id` is the organisation of its members.

    Preconditions of selling: a framework agreement and the unified qualification (全省庁統一資格).
    `findings` are what has to be mended, by section of the registration file. `exclusions` are the
    periods of 指名停止等 that the vendor declared itself; they become records with the approval.
    """

    MACHINE: ClassVar[StateMachine] = VENDOR_MACHINE
    __tablename__ = "vendors"
    __table_args__ = (
        Index(
            "uq_vendors_live_corporate_number",
            "corporate_number",
            unique=True,
            postgresql_where=_LIVE,
            sqlite_where=_LIVE,
        ),
        CheckConstraint(not_same("submitted_by_id", "decided_by_id"), "four_eyes"),
    )

    owner_id: uuid.UUID = Field(foreign_key="organisations.id", unique=True)
    state: VendorState = Field(default=VendorState.DRAFT, sa_type=enum_type(VendorState))
    corporate_number: str = Field(max_length=13, index=True)
    name: str = Field(max_length=200)
    name_skeleton: str = Field(default="", max_length=200, index=True)
    kana: str = Field(default="", max_length=200)
    representative: str = Field(default="", max_length=100)
    address: str = Field(default="", max_length=300)
    contact_email: str = Field(default="", max_length=254)
    is_small_or_medium: bool | None = None
    gbizid_type: str = Field(default="", max_length=20)
    roles: list[str] = Field(default_factory=list, sa_type=JSONType)
    invoice_number: str = Field(default="", max_length=14)
    qualification_number: str = Field(default="", max_length=40)
    qualification_kinds: list[str] = Field(default_factory=list, sa_type=JSONType)
    qualification_grade: str = Field(default="", max_length=2)
    qualification_regions: list[str] = Field(default_factory=list, sa_type=JSONType)
    qualification_expires_on: date | None = None
    has_exclusions: bool | None = None
    exclusions: list[dict[str, str]] = Field(default_factory=list, sa_type=JSONType)
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    submitted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decision_reason: str = Field(default="", max_length=2000)
    findings: dict[str, str] = Field(default_factory=dict, sa_type=JSONType)
    mended: list[str] = Field(default_factory=list, sa_type=JSONType)
    suspended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    suspension_reason: str = Field(default="", max_length=2000)
    assigned_reviewer_id: uuid.UUID | None = Field(
        default=None, foreign_key="people.id", index=True
    )
    left_market_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    end_reason: str = Field(default="", max_length=2000)
    service_ends_on: date | None = None
    look_alike_of: str = Field(default="", max_length=200)
    is_sample: bool = False

    organisation: Organisation = related(foreign_keys="Vendor.owner_id")

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """The reviewers to whom the registration file is assigned."""
        return frozenset({self.assigned_reviewer_id} - {None})  # type: ignore[arg-type]

    def is_unqualified(self, today: date) -> bool:
        """Tell whether the unified qualification has run out on a Japanese day."""
        expires = self.qualification_expires_on
        return expires is not None and expires < today

    @property
    def is_public(self) -> bool:
        """Tell whether the registration was approved once, so that everyone may read its public part."""
        return self.state in PUBLIC_STATES

    @property
    def label(self) -> str:
        """The name, with 見本 for invented companies."""
        return label_of(self.name, is_sample=self.is_sample)


def label_of(name: str, *, is_sample: bool) -> str:
    """Return a company's name, with 見本 for an invented company."""
    return f"{name}（見本）" if is_sample and "見本" not in name else name


class FrameworkAgreement(Model, table=True):
    """The acceptance of one version of the framework agreement (基本契約) by a vendor."""

    __tablename__ = "framework_agreements"
    __table_args__ = (
        Index("uq_framework_agreements_vendor_label", "vendor_id", "label", unique=True),
    )

    vendor_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    label: str = Field(max_length=40)
    text_sha256: str = Field(max_length=64)
    accepted_by_id: uuid.UUID = Field(foreign_key="people.id")
    accepted_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    note: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)


class ExclusionPeriod(Model, table=True):
    """A time in which a public body keeps a vendor out of its contracts (指名停止等), with the source.

    In force is computed when read; a mistaken record is struck out, never deleted.
    """

    __tablename__ = "exclusion_periods"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", "dates"),
        CheckConstraint("struck_at IS NULL OR strike_reason <> ''", "struck_for_a_reason"),
        CheckConstraint("reference <> ''", "has_reference"),
    )

    vendor_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    starts_on: date
    ends_on: date
    authority: str = Field(max_length=200)
    reason: str = Field(max_length=1000)
    reference: str = Field(max_length=500)
    recorded_by_id: uuid.UUID = Field(foreign_key="people.id")
    struck_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    struck_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    strike_reason: str = Field(default="", max_length=1000)

    def is_in_force(self, today: date) -> bool:
        """Tell whether it counts on a Japanese day."""
        return self.struck_at is None and self.starts_on <= today <= self.ends_on
