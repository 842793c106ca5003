"""Offering, Listing, their versions, price components, conformance answers and their evidence."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, TextClause, UniqueConstraint, text
from sqlmodel import Field

from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.specifications.models import Requirement, SpecificationVersion
from catalog.terms import Answer, EvidenceKind
from core.models import JSONType, Model, StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine
from vendors.models import Vendor


class OfferState(LabelledCode):
    """States of an offering version and of a listing version."""

    DRAFT = "draft", "下書き"
    SUBMITTED = "submitted", "提出済み"
    IN_REVIEW = "in_review", "審査中"
    RETURNED = "returned", "差し戻し"
    APPROVED = "approved", "公開できます"
    PUBLISHED = "published", "公開中"
    SUPERSEDED = "superseded", "新しい版あり"
    WITHDRAWN = "withdrawn", "提供終了"


class OfferAction(StrEnum):
    """Acts on an offering version or listing version."""

    SUBMIT = "submit"
    START_REVIEW = "start_review"
    RETURN = "return"
    APPROVE = "approve"
    PUBLISH = "publish"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"


_S, _A = OfferState, OfferAction
_TRANSITIONS: dict[tuple[LabelledCode, StrEnum], LabelledCode] = {
    (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
    (_S.DRAFT, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.SUBMITTED, _A.START_REVIEW): _S.IN_REVIEW,
    (_S.SUBMITTED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.IN_REVIEW, _A.RETURN): _S.RETURNED,
    (_S.IN_REVIEW, _A.APPROVE): _S.APPROVED,
    (_S.IN_REVIEW, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.RETURNED, _A.SUBMIT): _S.SUBMITTED,
    (_S.RETURNED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.APPROVED, _A.PUBLISH): _S.PUBLISHED,
    (_S.APPROVED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.PUBLISHED, _A.SUPERSEDE): _S.SUPERSEDED,
    (_S.PUBLISHED, _A.WITHDRAW): _S.WITHDRAWN,
}
OFFERING_MACHINE = StateMachine("サービスの版", _S.DRAFT, _TRANSITIONS)
LISTING_MACHINE = StateMachine("販売条件の版", _S.DRAFT, _TRANSITIONS)
EDITABLE_STATES = frozenset({_S.DRAFT, _S.RETURNED})
_PUBLISHED = text("state = 'published'")
_UNMERGED = text("merged_into_id IS NULL")
_COPY = text("copied_from_id IS NOT NULL AND state <> 'withdrawn'")


def _unique_where(condition: TextClause, name: str, *columns: str) -> Index:
    return Index(name, *columns, unique=True, postgresql_where=condition, sqlite_where=condition)


class _ReadThroughCertification:
    """Drafts are assigned to nobody: reviewers read what was submitted through its certification."""

    @property
    def assigned_ids(self) -> frozenset[uuid.UUID]:
        """Nobody."""
        return frozenset()


class Offering(_ReadThroughCertification, Model, table=True):
    """One software of one maker; `owner_id` is the maker's organisation."""

    __tablename__ = "offerings"

    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    maker_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)

    maker: Vendor = related()

    @property
    def family_id(self) -> uuid.UUID:
        """All versions of an offering are one family: who keeps out of one keeps out of all."""
        return self.id


class OfferingVersion(_ReadThroughCertification, StatefulModel, table=True):
    """What a certificate covers: functions, conformance answers, hosting, data formats, accreditations.

    Content is immutable from submission on; `content_sha256` fixes it. A copy to another version of
    the specification keeps in `requirement_changes` what differs there, by requirement row.
    """

    MACHINE: ClassVar[StateMachine] = OFFERING_MACHINE
    __tablename__ = "offering_versions"
    __table_args__ = (
        UniqueConstraint("offering_id", "number"),
        _unique_where(_PUBLISHED, "uq_offering_versions_published", "offering_id"),
        _unique_where(
            _COPY, "uq_offering_versions_copy", "offering_id", "specification_version_id"
        ),
        CheckConstraint(not_same("submitted_by_id", "approved_by_id"), "four_eyes"),
    )

    offering_id: uuid.UUID = Field(foreign_key="offerings.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    number: int = 1
    state: OfferState = Field(default=OfferState.DRAFT, sa_type=enum_type(OfferState), index=True)
    specification_version_id: uuid.UUID = Field(foreign_key="specification_versions.id", index=True)
    name: str = Field(max_length=120)
    kana: str = Field(default="", max_length=120)
    summary: str = Field(default="", max_length=200)
    description: str = Field(default="", sa_type=Text)
    features: list[str] = Field(default_factory=list, sa_type=JSONType)
    hosting_provider: str = Field(default="", max_length=40)
    hosting_region: str = Field(default="", max_length=60)
    networks: list[str] = Field(default_factory=list, sa_type=JSONType)
    size_classes: list[str] = Field(default_factory=list, sa_type=JSONType)
    import_formats: str = Field(default="", max_length=300)
    export_formats: str = Field(default="", max_length=300)
    api_specification: str = Field(default="", max_length=300)
    data_location: str = Field(default="", max_length=200)
    body_kinds: list[str] = Field(default_factory=list, sa_type=JSONType)
    languages: list[str] = Field(default_factory=list, sa_type=JSONType)
    authentication: list[str] = Field(default_factory=list, sa_type=JSONType)
    accessibility_level: str = Field(default="", max_length=20)
    accessibility_statement: str = Field(default="", max_length=500)
    accreditations: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONType)
    data_categories: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONType)
    content_sha256: str = Field(default="", max_length=64)
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    submitted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    approved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    return_reason: str = Field(default="", max_length=2000)
    published_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawal_reason: str = Field(default="", max_length=2000)
    service_ends_on: date | None = None
    copied_from_id: uuid.UUID | None = Field(default=None, foreign_key="offering_versions.id")
    requirement_changes: dict[str, Any] | None = Field(default=None, sa_type=JSONType)

    offering: Offering = related()
    specification_version: SpecificationVersion = related()

    @property
    def family_id(self) -> uuid.UUID:
        """The offering."""
        return self.offering_id


class ConformanceAnswer(Model, table=True):
    """The vendor's answer to one requirement; no row means unanswered."""

    __tablename__ = "conformance_answers"
    __table_args__ = (
        UniqueConstraint("offering_version_id", "requirement_id"),
        CheckConstraint("answer <> 'conditional' OR due_on IS NOT NULL", "conditional_has_date"),
    )

    offering_version_id: uuid.UUID = Field(foreign_key="offering_versions.id", index=True)
    requirement_id: uuid.UUID = Field(foreign_key="requirements.id", index=True)
    answer: Answer = Field(sa_type=enum_type(Answer))
    note: str = Field(default="", max_length=2000)
    due_on: date | None = None
    evidence_url: str = Field(default="", max_length=500)

    requirement: Requirement = related()
    evidence: list["AnswerEvidence"] = related(
        order_by="AnswerEvidence.created_at, AnswerEvidence.id", cascade="all, delete-orphan"
    )

    @property
    def has_evidence(self) -> bool:
        """Tell whether a file or an address proves the answer."""
        return bool(self.evidence_url or self.evidence)


class EvidenceFile(Model, table=True):
    """A file that proves answers; one row per company and content, never changed. A person or a program sent it."""

    __tablename__ = "evidence_files"
    __table_args__ = (
        UniqueConstraint("owner_id", "sha256"),
        CheckConstraint(
            "(uploaded_by_id IS NULL) <> (uploaded_by_client_id IS NULL)", "one_uploader"
        ),
    )

    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    sha256: str = Field(max_length=64)
    kind: EvidenceKind = Field(sa_type=enum_type(EvidenceKind))
    size: int
    uploaded_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    uploaded_by_client_id: uuid.UUID | None = Field(default=None, foreign_key="api_clients.id")


class AnswerEvidence(Model, table=True):
    """A file that stands beside an answer, under the name that it came with."""

    __tablename__ = "answer_evidence"
    __table_args__ = (UniqueConstraint("answer_id", "file_id"),)

    answer_id: uuid.UUID = Field(foreign_key="conformance_answers.id")
    file_id: uuid.UUID = Field(foreign_key="evidence_files.id", index=True)
    name: str = Field(max_length=200)

    file: EvidenceFile = related()


class AnswerDraft(Model, table=True):
    """What a person typed about a requirement and has not saved as an answer; private to that person."""

    __tablename__ = "answer_drafts"
    __table_args__ = (UniqueConstraint("person_id", "offering_version_id", "requirement_id"),)

    person_id: uuid.UUID = Field(foreign_key="people.id")
    offering_version_id: uuid.UUID = Field(foreign_key="offering_versions.id", index=True)
    requirement_id: uuid.UUID = Field(foreign_key="requirements.id")
    typed: dict[str, Any] = Field(sa_type=JSONType)


class AnswerUpload(Model, table=True):
    """A checked table of answers that its sender has not confirmed yet."""

    __tablename__ = "answer_uploads"

    person_id: uuid.UUID = Field(foreign_key="people.id", index=True)
    offering_version_id: uuid.UUID = Field(foreign_key="offering_versions.id", index=True)
    filename: str = Field(max_length=200)
    sha256: str = Field(max_length=64)
    rows: list[dict[str, Any]] = Field(sa_type=JSONType)
    applied_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Listing(_ReadThroughCertification, Model, table=True):
    """One seller's terms; another seller needs the maker's word; `references`: bodies that said yes.

    `merged_into_id`: the listing of the same software that went on when two came into one hand.
    """

    __tablename__ = "listings"
    __table_args__ = (_unique_where(_UNMERGED, "uq_listings_unmerged", "offering_id", "seller_id"),)

    offering_id: uuid.UUID = Field(foreign_key="offerings.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    seller_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    references: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONType)
    merged_into_id: uuid.UUID | None = Field(default=None, foreign_key="listings.id", index=True)

    offering: Offering = related()
    seller: Vendor = related()

    @property
    def family_id(self) -> uuid.UUID:
        """The offering."""
        return self.offering_id


class ListingVersion(_ReadThroughCertification, StatefulModel, table=True):
    """What is searched, compared, locked, requested: price plan, support, service level, exit terms.

    Availability is in basis points of the planned service hours that stand beside it. Discounts are
    [number of adopting bodies, basis points off the running charges]; what the State pays of the
    initial cost is in yen without tax, with its last day.
    """

    MACHINE: ClassVar[StateMachine] = LISTING_MACHINE
    __tablename__ = "listing_versions"
    __table_args__ = (
        UniqueConstraint("listing_id", "number"),
        _unique_where(_PUBLISHED, "uq_listing_versions_published", "listing_id"),
        CheckConstraint(not_same("submitted_by_id", "approved_by_id"), "four_eyes"),
        CheckConstraint(
            "availability_basis_points IS NULL OR planned_service_hours <> ''",
            "availability_has_denominator",
        ),
    )

    listing_id: uuid.UUID = Field(foreign_key="listings.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    offering_version_id: uuid.UUID = Field(foreign_key="offering_versions.id", index=True)
    number: int = 1
    state: OfferState = Field(default=OfferState.DRAFT, sa_type=enum_type(OfferState), index=True)
    minimum_term_months: int = 0
    tax_rounding: TaxRounding = Field(default=TaxRounding.WHOLE, sa_type=enum_type(TaxRounding))
    part_month: PartMonth = Field(default=PartMonth.WHOLE, sa_type=enum_type(PartMonth))
    support_hours: str = Field(default="", max_length=200)
    onboarding_weeks: int | None = None
    planned_service_hours: str = Field(default="", max_length=200)
    availability_basis_points: int | None = None
    rto_hours: int | None = None
    rpo_hours: int | None = None
    responsibility_boundary: str = Field(default="", max_length=1000)
    maintenance_notice_days: int | None = None
    training: str = Field(default="", max_length=500)
    discounts: list[list[int]] = Field(default_factory=list, sa_type=JSONType)
    state_support_yen: int | None = None
    state_support_until: date | None = None
    state_support_note: str = Field(default="", max_length=500)
    notice_months: int | None = None
    transition_days: int | None = None
    retrieval_days: int | None = None
    export_charge_yen: int | None = None
    deletion_certificate: bool | None = None
    parallel_running: bool | None = None
    escrow: bool | None = None
    exit_note: str = Field(default="", max_length=1000)
    content_sha256: str = Field(default="", max_length=64)
    submitted_seller: str = Field(default="", max_length=13)
    search_text: str = Field(default="", sa_type=Text)
    search_text_version: str = Field(default="", max_length=64)
    submitted_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    submitted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    approved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    return_reason: str = Field(default="", max_length=2000)
    published_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawal_reason: str = Field(default="", max_length=2000)
    service_ends_on: date | None = None

    listing: Listing = related()
    offering_version: OfferingVersion = related()
    components: list["PriceComponentRow"] = related(
        back_populates="listing_version",
        order_by="PriceComponentRow.position",
        cascade="all, delete-orphan",
    )

    @property
    def family_id(self) -> uuid.UUID:
        """The offering."""
        return self.listing.offering_id


class PriceComponentRow(Model, table=True):
    """One component without tax, in yen or cents; tiers are [lower bound, unit price]; no size classes: all bodies."""

    __tablename__ = "price_components"
    __table_args__ = (
        UniqueConstraint("listing_version_id", "position"),
        CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", "validity"
        ),
    )

    listing_version_id: uuid.UUID = Field(foreign_key="listing_versions.id", index=True)
    position: int
    kind: ComponentKind = Field(sa_type=enum_type(ComponentKind))
    name: str = Field(default="", max_length=100)
    unit: Unit = Field(sa_type=enum_type(Unit))
    interval: Interval = Field(sa_type=enum_type(Interval))
    tier_mode: TierMode = Field(default=TierMode.GRADUATED, sa_type=enum_type(TierMode))
    tiers: list[list[int]] = Field(sa_type=JSONType)
    minimum: int | None = None
    maximum: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    size_classes: list[str] = Field(default_factory=list, sa_type=JSONType)
    currency: Currency = Field(default=Currency.JPY, sa_type=enum_type(Currency))

    listing_version: ListingVersion = related(back_populates="components")


class OfferingUpload(Model, table=True):
    """A table of offerings that a vendor sent, with its column mapping, until it is imported."""

    __tablename__ = "offering_uploads"

    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    person_id: uuid.UUID = Field(foreign_key="people.id", index=True)
    filename: str = Field(max_length=200)
    content: bytes = Field(sa_type=LargeBinary)
    sha256: str = Field(max_length=64)
    mapping: dict[str, Any] | None = Field(default=None, sa_type=JSONType)
    is_imported: bool = False
