"""The shapes of the API: query parameters, and answers as the description tells them."""

from marshmallow import fields, validate

from accounts.models import BodyKind
from catalog import api_fields as f
from catalog.api_price_schemas import DiscountSchema, PriceComponentSchema, StateSupportSchema
from catalog.feed_wait import LONGEST
from catalog.price_plan import PartMonth, TaxRounding
from catalog.queries import KINDS
from catalog.specifications.models import Pattern
from catalog.terms import (
    AccessibilityLevel,
    AccreditationKind,
    Authentication,
    CertificationState,
    DataConformity,
    Language,
    SizeClass,
)
from core.api_description import any_of
from core.changes import Operation
from core.fields import FormSchema

MAXIMUM_PAGE = 100
MAXIMUM_CHANGES = 1_000
_PUBLISHED = ("scheduled", "effective", "superseded", "retired")


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
        load_default=None, validate=validate.Length(1, 40), metadata=f.about("標準仕様書のコード")
    )
    specification_version = fields.String(
        load_default=None, validate=validate.Length(1, 40), metadata=f.about("標準仕様書の版")
    )
    certification = fields.String(
        load_default=None,
        validate=validate.OneOf(
            [str(state) for state in CertificationState],
            error="certified、conditional、claimed、expired、unknown、suspended、revokedのどれかを指定してください。",
        ),
        metadata=f.about("認証の状態"),
    )
    limit = _limit(50, MAXIMUM_PAGE)
    cursor = fields.String(
        load_default=None, validate=validate.Length(1, 400), metadata=f.about("前の答えのnext")
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
        metadata=f.about("最後に受け取った変更の番号。これより後の変更を返す"),
    )
    epoch = fields.String(
        load_default=None,
        validate=validate.Length(1, 36),
        metadata=f.about("手元の写しのepoch。違えば410"),
    )
    wait = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LONGEST, error="0から20までの秒数を指定してください。"),
        error_messages={"invalid": "0から20までの秒数を指定してください。"},
        metadata=f.about("変更がないとき、現れるのを待つ秒数。混んでいれば待たずに答える"),
    )
    limit = _limit(100, MAXIMUM_CHANGES)


# --- what is answered ----------------------------------------------------------------------------


class VendorSummarySchema(FormSchema):
    """A vendor beside an offering or listing."""

    id = f.identifier()
    name = f.text()
    corporate_number = f.text("法人番号（13桁）")
    is_sample = f.truth()


class VendorSchema(VendorSummarySchema):
    """The public part of a vendor."""

    name_kana = f.optional()
    roles = fields.List(f.text(), required=True)
    is_small_or_medium = f.truth(nullable=True)


class SpecificationVersionSchema(FormSchema):
    """A version of a standard specification."""

    id = f.identifier()
    code = f.text("標準仕様書のコード")
    name = f.text()
    field = f.optional("分野。ないときはnull")
    version = f.text()
    pattern = f.code(Pattern)
    ministry = f.text()
    state = f.code(_PUBLISHED)
    published_on = f.day()
    applies_from = f.day()
    transition_ends_on = f.day()
    accepts_offerings = f.truth()
    source_sha256 = f.digest()
    is_sample = f.truth()


class SpecificationReferenceSchema(FormSchema):
    """The version of a specification that an offering answers."""

    id = f.identifier()
    code = f.text()
    name = f.text()
    version = f.text()


class AccessibilitySchema(FormSchema):
    """What is claimed of JIS X 8341-3, and where that is shown."""

    level = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([each.value for each in AccessibilityLevel]),
        metadata=f.about("情報がないときはnull"),
    )
    statement = f.optional()


class AccreditationSchema(FormSchema):
    """An accreditation that is held today; on the day after `expires_on` it is no longer listed."""

    kind = f.code(AccreditationKind)
    number = f.text()
    body = f.text("認証した機関")
    scope = f.text("対象の範囲")
    expires_on = fields.Date(required=True, metadata=f.about("この日まで有効"))


class DataCategorySchema(FormSchema):
    """How data of one category come in and go out."""

    name = f.text("データの種類")
    imports = f.optional("取り込めないときはnull")
    exports = f.text()
    conformity = f.code(DataConformity, "標準仕様書のデータ要件との関係")


class OfferingVersionSchema(FormSchema):
    """The published facts of one software."""

    id = f.identifier()
    number = f.number()
    name = f.text()
    summary = f.text()
    description = f.text()
    features = fields.List(f.text(), required=True)
    specification_version = fields.Nested(SpecificationReferenceSchema, required=True)
    hosting_provider = f.optional()
    hosting_region = f.optional()
    networks = fields.List(f.text(), required=True)
    size_classes = fields.List(f.code(SizeClass), required=True)
    import_formats = f.optional()
    export_formats = f.optional()
    api_specification = f.optional()
    data_location = f.optional()
    body_kinds = fields.List(f.code(BodyKind), required=True)
    languages = fields.List(f.code(Language), required=True)
    authentication = fields.List(f.code(Authentication), required=True)
    accessibility = fields.Nested(AccessibilitySchema, required=True)
    accreditations = fields.List(fields.Nested(AccreditationSchema), required=True)
    data_categories = fields.List(fields.Nested(DataCategorySchema), required=True)
    content_sha256 = f.digest()
    published_at = f.moment()


class ReferenceSchema(FormSchema):
    """A body that confirmed to be named as a user."""

    body_code = f.optional("全国地方公共団体コード")
    body_name = f.text()
    used_since = f.optional()
    note = f.optional()


class ServiceLevelSchema(FormSchema):
    """What is promised, with the hours that a rate is counted against."""

    planned_service_hours = f.optional()
    availability_basis_points = f.number("予定提供時間に対する率。9950は99.5%", nullable=True)
    rto_hours = f.number(nullable=True)
    rpo_hours = f.number(nullable=True)
    support_hours = f.optional()
    responsibility_boundary = f.optional()
    onboarding_weeks = f.number(nullable=True)
    maintenance_notice_days = f.number("計画停止を何日前までに知らせるか", nullable=True)
    training = f.optional()


class ExitTermsSchema(FormSchema):
    """How one gets out."""

    notice_months = f.number(nullable=True)
    transition_days = f.number(nullable=True)
    retrieval_days = f.number(nullable=True)
    export_charge = f.number("円・税抜", nullable=True)
    deletion_certificate = f.truth(nullable=True)
    parallel_running = f.truth(nullable=True)
    escrow = f.truth(nullable=True)
    note = f.optional()


class ListingSchema(FormSchema):
    """One seller's terms for an offering; `version_id` is what is compared and requested."""

    id = f.identifier()
    offering_id = f.identifier()
    offering_version_id = f.identifier()
    seller_id = f.identifier()
    version_id = f.identifier()
    number = f.number()
    currency = f.code(("JPY",))
    tax_included = f.truth()
    tax_rounding = f.code(TaxRounding)
    part_month = f.code(PartMonth, "daysは月の一部を日割りする")
    minimum_term_months = f.number()
    price_components = fields.List(fields.Nested(PriceComponentSchema), required=True)
    volume_discounts = fields.List(fields.Nested(DiscountSchema), required=True)
    references = fields.List(fields.Nested(ReferenceSchema), required=True)
    state_support = fields.Nested(StateSupportSchema, required=True)
    service_level = fields.Nested(ServiceLevelSchema, required=True)
    exit_terms = fields.Nested(ExitTermsSchema, required=True)
    content_sha256 = f.digest()
    published_at = f.moment()


class OfferedListingSchema(ListingSchema):
    """A listing with its seller."""

    seller = fields.Nested(VendorSummarySchema, required=True)


class StandingSchema(FormSchema):
    """What is known about conformity now: claimed, certified, conditional, expired and unknown differ."""

    state = f.code(CertificationState)
    certificate_id = f.identifier(nullable=True)
    number = f.optional("認証番号")
    valid_until = f.moment()
    conditions_due_on = f.day()
    lapsed_on = f.day()
    refused_on = f.day()


class OfferingSchema(FormSchema):
    """An offering with its standing and all listings; several sellers are one competitor."""

    id = f.identifier()
    maker = fields.Nested(VendorSummarySchema, required=True)
    version = fields.Nested(OfferingVersionSchema, required=True)
    certification = fields.Nested(StandingSchema, required=True)
    listings = fields.List(fields.Nested(OfferedListingSchema), required=True)


class OfferingPageSchema(FormSchema):
    """A page of offerings; `next` is the cursor of the following one."""

    items = fields.List(fields.Nested(OfferingSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


class OfferingRecordSchema(FormSchema):
    """An offering as a mirror holds it; the certificate of its version, if there is one, says more."""

    id = f.identifier()
    maker_id = f.identifier()
    version = fields.Nested(OfferingVersionSchema, required=True)
    claim = f.code(("claimed", "unknown"))


class CertificateSchema(FormSchema):
    """A certificate; for the offering version of an offering the newest one counts."""

    id = f.identifier()
    number = f.optional("認証番号")
    offering_id = f.identifier()
    offering_version_id = f.identifier()
    specification_version_id = f.identifier()
    state = f.code(("certified", "conditional", "expired", "suspended", "revoked", "superseded"))
    evaluated_sha256 = f.digest()
    decided_at = f.moment()
    valid_from = f.moment()
    valid_until = f.moment()
    conditions_due_on = f.day()
    lapsed_on = f.day()
    ended_on = f.day()
    recheck_by = f.day()


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

    sequence = f.number()
    kind = f.code(KINDS)
    id = f.identifier()
    operation = f.code(Operation)
    occurred_at = f.moment(nullable=False)
    data = any_of(*_SHAPES, nullable=True)


class ChangePageSchema(FormSchema):
    """Changes in the order of their commits; ask again with `next_since` until it equals `head`."""

    epoch = f.text("この番号の列の名前。変わったらsnapshotからやり直す")
    head = f.number("いちばん新しい番号")
    count = f.number("headのときの公開情報の件数")
    content_hash = f.text("headのときの公開情報すべてのハッシュ。snapshotの見出しと同じ数え方")
    next_since = f.number()
    changes = fields.List(fields.Nested(ChangeSchema), required=True)


class SnapshotHeaderSchema(FormSchema):
    """The first line of a snapshot; `content_hash` is the sum of the SHA-256 of all other lines."""

    kind = f.code(("header",))
    epoch = f.text()
    sequence = f.number("この写しの番号。changes?since=に続ける")
    generated_at = f.moment(nullable=False)
    count = f.number("この行を除く行数")
    content_hash = f.text("[kind, id, data]の正規JSONのSHA-256の和（2の256乗を法とする）")


class SnapshotLineSchema(FormSchema):
    """Every other line of a snapshot."""

    kind = f.code(KINDS)
    id = f.identifier()
    data = any_of(*_SHAPES)
