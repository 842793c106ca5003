"""The shapes of contract notices in the API: those parts of OCDS 1.1 that a notice fills."""

from marshmallow import fields

from catalog import api_fields as f
from core.fields import FormSchema


class OcdsValueSchema(FormSchema):
    """An amount in yen with tax."""

    amount = f.number("円・税込")
    currency = f.code(("JPY",))


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

    ocid = f.text("契約の手続きの番号。このサイトの接頭辞で始まる")
    id = f.text()
    date = f.moment(nullable=False)
    tag = fields.List(f.code(("award", "contract")), required=True)
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


class OcdsReleasePackageSchema(FormSchema):
    """A release package of OCDS 1.1; where nothing is known a part is absent, never null."""

    uri = f.text()
    version = f.code(("1.1",))
    publishedDate = f.moment(nullable=False)  # noqa: N815
    publisher = fields.Nested(OcdsPublisherSchema, required=True)
    releases = fields.List(fields.Nested(OcdsReleaseSchema), required=True)
    links = fields.Nested(OcdsPackageLinksSchema)
