"""The shapes of the API: query parameters, and answers as the description tells them."""

from enum import StrEnum
from typing import Any

from marshmallow import fields, validate

from catalog.price_plan import ComponentKind, Interval, TaxRounding, TierMode, Unit
from catalog.queries import KINDS
from catalog.specifications.models import Pattern
from catalog.terms import CertificationState, SizeClass
from core.api import any_of
from core.changes import Operation
from core.fields import FormSchema

MAXIMUM_PAGE = 100
MAXIMUM_CHANGES = 1_000
_SHA256 = "^[0-9a-f]{64}$"
_PUBLISHED = ("scheduled", "effective", "superseded", "retired")


def _about(words: str) -> dict[str, str]:
    return {"description": words}


def _text(words: str = "", **options: Any) -> fields.String:
    return fields.String(required=True, metadata=_about(words) if words else {}, **options)


def _optional(words: str = "情報がないときはnull") -> fields.String:
    return fields.String(required=True, allow_none=True, metadata=_about(words))


def _number(words: str = "", *, nullable: bool = False) -> fields.Integer:
    return fields.Integer(
        required=True, allow_none=nullable, strict=True, metadata=_about(words) if words else {}
    )


def _truth(*, nullable: bool = False) -> fields.Boolean:
    return fields.Boolean(required=True, allow_none=nullable)


def _code(codes: type[StrEnum] | tuple[str, ...], words: str = "") -> fields.String:
    values = [str(code) for code in codes]
    return fields.String(
        required=True, validate=validate.OneOf(values), metadata=_about(words) if words else {}
    )


def _id(*, nullable: bool = False) -> fields.UUID:
    return fields.UUID(required=True, allow_none=nullable)


def _day() -> fields.Date:
    return fields.Date(required=True, allow_none=True)


def _moment(*, nullable: bool = True) -> fields.DateTime:
    return fields.DateTime(required=True, allow_none=nullable)


def _hash() -> fields.String:
    return fields.String(
        required=True, allow_none=True, metadata={"pattern": _SHA256, "description": "SHA-256"}
    )


# --- what may be asked ---------------------------------------------------------------------------


def _limit(default: int, maximum: int) -> fields.Integer:
    words = f"1以上{maximum:,}以下の数字で指定してください。"
    return fields.Integer(
        load_default=default,
        validate=validate.Range(1, maximum, error=words),
        error_messages={"invalid": words},
    )


class OfferingsQuerySchema(FormSchema):
    """Which offerings, how many, and after which."""

    specification = fields.String(
        load_default=None, validate=validate.Length(1, 40), metadata=_about("標準仕様書のコード")
    )
    specification_version = fields.String(
        load_default=None, validate=validate.Length(1, 40), metadata=_about("標準仕様書の版")
    )
    certification = fields.String(
        load_default=None,
        validate=validate.OneOf(
            [str(state) for state in CertificationState],
            error="certified、conditional、claimed、expired、unknown、suspended、revokedのどれかを指定してください。",
        ),
        metadata=_about("認証の状態"),
    )
    limit = _limit(50, MAXIMUM_PAGE)
    cursor = fields.String(
        load_default=None, validate=validate.Length(1, 400), metadata=_about("前の答えのnext")
    )


class ChangesQuerySchema(FormSchema):
    """From which number on, and how many."""

    since = fields.Integer(
        required=True,
        validate=validate.Range(0, 2**63 - 1, error="0以上の数字で指定してください。"),
        error_messages={
            "required": "最後に受け取った番号を指定してください。初めてのときは0です。",
            "invalid": "0以上の数字で指定してください。",
        },
        metadata=_about("最後に受け取った変更の番号。これより後の変更を返す"),
    )
    epoch = fields.String(
        load_default=None,
        validate=validate.Length(1, 36),
        metadata=_about("手元の写しのepoch。違えば410"),
    )
    limit = _limit(100, MAXIMUM_CHANGES)


# --- what is answered ----------------------------------------------------------------------------


class VendorSummarySchema(FormSchema):
    """A vendor beside an offering or listing."""

    id = _id()
    name = _text()
    corporate_number = _text("法人番号（13桁）")
    is_sample = _truth()


class VendorSchema(VendorSummarySchema):
    """The public part of a vendor."""

    name_kana = _optional()
    roles = fields.List(_text(), required=True)
    is_small_or_medium = _truth(nullable=True)


class SpecificationVersionSchema(FormSchema):
    """A version of a standard specification."""

    id = _id()
    code = _text("標準仕様書のコード")
    name = _text()
    version = _text()
    pattern = _code(Pattern)
    ministry = _text()
    state = _code(_PUBLISHED)
    published_on = _day()
    applies_from = _day()
    transition_ends_on = _day()
    source_sha256 = _hash()
    is_sample = _truth()


class SpecificationReferenceSchema(FormSchema):
    """The version of a specification that an offering answers."""

    id = _id()
    code = _text()
    name = _text()
    version = _text()


class OfferingVersionSchema(FormSchema):
    """The published facts of one software."""

    id = _id()
    number = _number()
    name = _text()
    summary = _text()
    description = _text()
    features = fields.List(_text(), required=True)
    specification_version = fields.Nested(SpecificationReferenceSchema, required=True)
    hosting_provider = _optional()
    hosting_region = _optional()
    networks = fields.List(_text(), required=True)
    size_classes = fields.List(_code(SizeClass), required=True)
    import_formats = _optional()
    export_formats = _optional()
    api_specification = _optional()
    content_sha256 = _hash()
    published_at = _moment()


class TierSchema(FormSchema):
    """A unit price in yen from a quantity on (inclusive)."""

    lower = fields.Integer(required=True, data_key="from")
    unit_price = _number("円・税抜")


class PriceComponentSchema(FormSchema):
    """One line of a price list; no tiers: no price is published."""

    name = _text()
    kind = _code(ComponentKind)
    unit = _code(Unit)
    interval = _code(Interval)
    tier_mode = _code(TierMode, "graduatedは超えた部分ごと、volumeは全体に一つの単価")
    tiers = fields.List(fields.Nested(TierSchema), required=True)
    minimum = _number("円・税抜", nullable=True)
    maximum = _number("円・税抜", nullable=True)


class ServiceLevelSchema(FormSchema):
    """What is promised, with the hours that a rate is counted against."""

    planned_service_hours = _optional()
    availability_basis_points = _number("予定提供時間に対する率。9950は99.5%", nullable=True)
    rto_hours = _number(nullable=True)
    rpo_hours = _number(nullable=True)
    support_hours = _optional()
    responsibility_boundary = _optional()
    onboarding_weeks = _number(nullable=True)


class ExitTermsSchema(FormSchema):
    """How one gets out."""

    notice_months = _number(nullable=True)
    transition_days = _number(nullable=True)
    retrieval_days = _number(nullable=True)
    export_charge = _number("円・税抜", nullable=True)
    deletion_certificate = _truth(nullable=True)
    parallel_running = _truth(nullable=True)
    escrow = _truth(nullable=True)
    note = _optional()


class ListingSchema(FormSchema):
    """One seller's terms for an offering; `version_id` is what is compared and requested."""

    id = _id()
    offering_id = _id()
    offering_version_id = _id()
    seller_id = _id()
    version_id = _id()
    number = _number()
    currency = _code(("JPY",))
    tax_included = _truth()
    tax_rounding = _code(TaxRounding)
    minimum_term_months = _number()
    price_components = fields.List(fields.Nested(PriceComponentSchema), required=True)
    service_level = fields.Nested(ServiceLevelSchema, required=True)
    exit_terms = fields.Nested(ExitTermsSchema, required=True)
    content_sha256 = _hash()
    published_at = _moment()


class OfferedListingSchema(ListingSchema):
    """A listing with its seller."""

    seller = fields.Nested(VendorSummarySchema, required=True)


class StandingSchema(FormSchema):
    """What is known about conformity now: claimed, certified, conditional, expired and unknown differ."""

    state = _code(CertificationState)
    certificate_id = _id(nullable=True)
    number = _optional("認証番号")
    valid_until = _moment()
    conditions_due_on = _day()


class OfferingSchema(FormSchema):
    """An offering with its standing and all listings; several sellers are one competitor."""

    id = _id()
    maker = fields.Nested(VendorSummarySchema, required=True)
    version = fields.Nested(OfferingVersionSchema, required=True)
    certification = fields.Nested(StandingSchema, required=True)
    listings = fields.List(fields.Nested(OfferedListingSchema), required=True)


class OfferingPageSchema(FormSchema):
    """A page of offerings; `next` is the cursor of the following one."""

    items = fields.List(fields.Nested(OfferingSchema), required=True)
    next = _optional("次のページのcursor。最後のページではnull")


class OfferingRecordSchema(FormSchema):
    """An offering as a mirror holds it; the certificate of its version, if there is one, says more."""

    id = _id()
    maker_id = _id()
    version = fields.Nested(OfferingVersionSchema, required=True)
    claim = _code(("claimed", "unknown"))


class CertificateSchema(FormSchema):
    """A certificate; for the offering version of an offering the newest one counts."""

    id = _id()
    number = _optional("認証番号")
    offering_id = _id()
    offering_version_id = _id()
    specification_version_id = _id()
    state = _code(("certified", "conditional", "expired", "suspended", "revoked", "superseded"))
    evaluated_sha256 = _hash()
    decided_at = _moment()
    valid_from = _moment()
    valid_until = _moment()
    conditions_due_on = _day()
    ended_on = _day()
    recheck_by = _day()


RECORDS = {
    "specification_version": ("SpecificationVersion", SpecificationVersionSchema),
    "vendor": ("Vendor", VendorSchema),
    "offering": ("OfferingRecord", OfferingRecordSchema),
    "listing": ("Listing", ListingSchema),
    "certificate": ("Certificate", CertificateSchema),
}
_SHAPES = tuple(name for name, _ in RECORDS.values())


class ChangeSchema(FormSchema):
    """One change: `data` is the record as it is now, null when it is no longer public."""

    sequence = _number()
    kind = _code(KINDS)
    id = _id()
    operation = _code(Operation)
    occurred_at = _moment(nullable=False)
    data = any_of(*_SHAPES, nullable=True)


class ChangePageSchema(FormSchema):
    """Changes in the order of their commits; ask again with `next_since` until it equals `head`."""

    epoch = _text("この番号の列の名前。変わったらsnapshotからやり直す")
    head = _number("いちばん新しい番号")
    next_since = _number()
    changes = fields.List(fields.Nested(ChangeSchema), required=True)


class SnapshotHeaderSchema(FormSchema):
    """The first line of a snapshot; `content_hash` is the sum of the SHA-256 of all other lines."""

    kind = _code(("header",))
    epoch = _text()
    sequence = _number("この写しの番号。changes?since=に続ける")
    generated_at = _moment(nullable=False)
    count = _number("この行を除く行数")
    content_hash = _text("[kind, id, data]の正規JSONのSHA-256の和（2の256乗を法とする）")


class SnapshotLineSchema(FormSchema):
    """Every other line of a snapshot."""

    kind = _code(KINDS)
    id = _id()
    data = any_of(*_SHAPES)
