"""The shapes of vendors and bodies in the API."""

from marshmallow import fields, validate

from accounts.models import BodyKind
from catalog import api_fields as f
from catalog.api_pages import PageQuerySchema
from catalog.api_schemas import VendorSchema
from catalog.terms import SizeClass
from core.fields import FormSchema

_NUMBER = validate.Regexp("[0-9]{13}$", error="法人番号は13桁の数字で指定してください。")
_KINDS = validate.OneOf(
    [each.value for each in BodyKind],
    error=f"{'、'.join(BodyKind)}のどれかを指定してください。",
)


class VendorsQuerySchema(PageQuerySchema):
    """Which vendors."""

    corporate_number = fields.String(
        load_default=None, validate=_NUMBER, metadata=f.about("法人番号（13桁）")
    )


class VendorPageSchema(FormSchema):
    """A page of vendors by id."""

    items = fields.List(fields.Nested(VendorSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


class BodiesQuerySchema(PageQuerySchema):
    """Which bodies."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=100),
        metadata=f.about("名前の一部、読みのはじめ、または団体コードのはじめ"),
    )
    kind = fields.String(load_default=None, validate=_KINDS, metadata=f.about("団体の種類"))
    prefecture = fields.String(
        load_default=None, validate=validate.Length(1, 10), metadata=f.about("都道府県の名前")
    )


class BodySchema(FormSchema):
    """A local public body with what costs are computed by."""

    code = f.text("全国地方公共団体コード（6桁。先頭の0も数字のうち）")
    name = f.text("名前は重なることがある。都道府県と合わせて読む")
    name_kana = f.optional()
    kind = f.code(BodyKind)
    prefecture = f.text()
    population = f.number("人口（人）。情報がないときはnull", nullable=True)
    population_on = f.day("人口の日")
    population_source = f.optional("人口の出どころ。情報がないときはnull")
    size_class = f.code(SizeClass, "人口の区分。人口の情報がないときはnull", nullable=True)
    is_sample = f.truth()


class BodyPageSchema(FormSchema):
    """A page of bodies by code."""

    items = fields.List(fields.Nested(BodySchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")
