"""The shapes of contract notices in the API: those parts of OCDS 1.1 that a notice fills."""

from marshmallow import fields, validate

from catalog import api_fields as f
from catalog.api_pages import page_limit
from core.fields import FormSchema

_WHOLE = "0以上の数字で指定してください。"


class OcdsValueSchema(FormSchema):
    """An amount in yen with tax."""

    amount = f.number("円・税込。nullは、訂正で公表しないことにしたとき", nullable=True)
    currency = f.code(("JPY",), nullable=True)


class OcdsReferenceSchema(FormSchema):
    """A party named in another place; `id` is that of `parties`."""

    id = f.text()
    name = f.text()


class OcdsIdentifierSchema(FormSchema):
    """The corporate number of a supplier."""

    scheme = f.code(("JP-JCN",), "法人番号")
    id = f.text()
    legalName = f.text()  # noqa: N815 - the name in the standard


class OcdsPartySchema(OcdsReferenceSchema):
    """A body or a supplier."""

    identifier = fields.Nested(OcdsIdentifierSchema)
    roles = fields.List(f.code(("buyer", "procuringEntity", "supplier")), required=True)


class OcdsItemSchema(FormSchema):
    """What is used; `id` is the listing."""

    id = f.text()
    description = f.text()


class OcdsTenderSchema(FormSchema):
    """How the contractor was found."""

    id = f.text()
    title = f.text()
    status = f.code(("complete",))
    procuringEntity = fields.Nested(OcdsReferenceSchema, required=True)  # noqa: N815
    procurementMethod = f.code(("direct", "limited", "selective", "open"))  # noqa: N815
    procurementMethodDetails = f.text("契約の方法と随意契約の根拠")  # noqa: N815
    mainProcurementCategory = f.code(("services",))  # noqa: N815


class OcdsAwardSchema(FormSchema):
    """The choice; without `value` the body does not publish the amount."""

    id = f.text()
    title = f.text()
    status = f.code(("active",))
    value = fields.Nested(OcdsValueSchema)
    suppliers = fields.List(fields.Nested(OcdsReferenceSchema), required=True)
    items = fields.List(fields.Nested(OcdsItemSchema), required=True)


class OcdsPeriodSchema(FormSchema):
    """The days of use, in Japanese time."""

    startDate = f.moment(nullable=False)  # noqa: N815
    endDate = f.moment(nullable=False)  # noqa: N815


class OcdsContractSchema(FormSchema):
    """The contract."""

    id = f.text()
    awardID = f.text()  # noqa: N815
    title = f.text()
    description = f.text("契約番号と、金額の読み方")
    status = f.code(("active",))
    period = fields.Nested(OcdsPeriodSchema, required=True)
    value = fields.Nested(OcdsValueSchema)
    items = fields.List(fields.Nested(OcdsItemSchema), required=True)
    dateSigned = f.moment(nullable=False)  # noqa: N815


class OcdsReleaseSchema(FormSchema):
    """One notice as a release."""

    ocid = f.text("契約の手続きの番号。このサイトの接頭辞で始まり、訂正しても変わらない")
    id = f.text()
    date = f.moment(nullable=False)
    tag = fields.List(f.code(("award", "contract", "awardUpdate", "contractUpdate")), required=True)
    initiationType = f.code(("tender",))  # noqa: N815
    language = f.code(("ja",))
    parties = fields.List(fields.Nested(OcdsPartySchema), required=True)
    buyer = fields.Nested(OcdsReferenceSchema, required=True)
    tender = fields.Nested(OcdsTenderSchema, required=True)
    awards = fields.List(fields.Nested(OcdsAwardSchema), required=True)
    contracts = fields.List(fields.Nested(OcdsContractSchema), required=True)


class OcdsPublisherSchema(FormSchema):
    """Who answers for the data."""

    name = f.text()


class OcdsPackageLinksSchema(FormSchema):
    """Where the next package begins."""

    next = fields.String(metadata=f.about("次のページ。最後のページにはない"))


class WithdrawnNoticeSchema(FormSchema):
    """What is left of a notice that was taken back; remove the release with this id."""

    id = f.text("契約の公表のid")
    ocid = f.text()
    releaseID = f.text("取り下げられたreleaseのid")  # noqa: N815
    date = f.moment(nullable=False)
    reason = f.text("取り下げた理由")


class OcdsReleasePackageSchema(FormSchema):
    """A release package of OCDS 1.1; where nothing is known a part is absent, never null."""

    uri = f.text()
    version = f.code(("1.1",))
    publishedDate = f.moment(nullable=False)  # noqa: N815
    publisher = fields.Nested(OcdsPublisherSchema, required=True)
    releases = fields.List(fields.Nested(OcdsReleaseSchema), required=True)


class NoticeListSchema(OcdsReleasePackageSchema):
    """A page of the public acts on notices, as a release package with four members of this site."""

    links = fields.Nested(OcdsPackageLinksSchema)
    withdrawn = fields.List(fields.Nested(WithdrawnNoticeSchema), required=True)
    nextSince = f.number("次に指定するsince")  # noqa: N815
    epoch = f.text("番号の列の名前。変わったら初めから取り直す")


class NoticesPageQuerySchema(FormSchema):
    """After which public act, and how many."""

    limit = page_limit()
    since = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 2**31 - 1, error=_WHOLE),
        error_messages={"invalid": _WHOLE},
        metadata=f.about("前の答えのnextSince。これより後の公表、訂正、取下げを返す"),
    )
    epoch = fields.String(
        load_default=None,
        validate=validate.Length(1, 36),
        metadata=f.about("手元の写しのepoch。違えば410"),
    )
