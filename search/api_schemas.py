"""The shapes of the search API: what may be asked, the same as on the page, and what is answered."""

from marshmallow import fields, validate

from catalog import api_fields as f
from catalog.terms import CertificationState, SizeClass
from core.fields import FormSchema
from search.engine import FACETS
from search.facets import FACET_LABELS
from search.schemas import SearchSchema

_NAMED = f.explain(FACET_LABELS)


class SearchQuerySchema(SearchSchema):
    """The parameters of the page, and which facets to count; a project belongs to the page alone."""

    facets = fields.List(
        fields.String(
            validate=validate.OneOf(FACETS, error="「{input}」という絞り込みの項目はありません。")
        ),
        load_default=lambda: list(FACETS),
        metadata=f.about(f"件数を数える項目。繰り返して指定する。なければすべて。{_NAMED}"),
    )

    class Meta:
        """What the page has and a program does not need."""

        exclude = ("project",)


class OtherSellerSchema(FormSchema):
    """Another seller of the same service, and whether that one's terms meet every condition."""

    listing_id = f.identifier()
    listing_version_id = f.identifier()
    seller = f.text()
    matches = fields.Boolean(required=True)


class FoundSchema(FormSchema):
    """One service by the terms of one seller, as the database has it now."""

    listing_id = f.identifier()
    listing_version_id = f.identifier()
    offering_id = f.identifier()
    name = f.text()
    maker = f.text()
    seller = f.text()
    specification = f.text("標準仕様書のコード")
    specification_version = f.text()
    certification = f.code(CertificationState)
    valid_until = f.moment()
    hosting = f.optional()
    size_classes = fields.List(f.code(SizeClass), required=True)
    first_year = f.number("1年目の費用（税抜・初期を除く）。見積が必要なときはnull", nullable=True)
    initial = f.number("初期の費用（税抜）。見積が必要なときはnull", nullable=True)
    other_sellers = fields.List(fields.Nested(OtherSellerSchema), required=True)


class FacetCountSchema(FormSchema):
    """One value of a facet and how many services have it under all other filters."""

    value = f.text()
    label = f.text()
    count = f.number()


class FacetSchema(FormSchema):
    """One facet; several values of it are alternatives."""

    name = f.code(FACETS, f"項目の名前。検索の指定の名前と同じ。{_NAMED}")
    label = f.text()
    values = fields.List(fields.Nested(FacetCountSchema), required=True)


class SearchAnswerSchema(FormSchema):
    """One page of what was found; the same seed gives the same order."""

    total = f.number()
    withheld = f.number("公開が終わったばかりで、このページから除いた件数")
    page = f.number()
    page_count = f.number()
    seed = f.number("並び順の番号。続きのページでも同じ番号を指定する")
    fallback = fields.Boolean(
        required=True,
        metadata=f.about("検索サーバーが答えないため、予備の索引で、同じ条件で探した"),
    )
    relaxed = fields.Boolean(
        required=True, metadata=f.about("そのままでは何も見つからず、近い言葉で探した")
    )
    population = f.number("費用を計算した人口")
    cost_basis = f.text("どの人口の費用で絞り込み、並べたか。費用を使わないときは空")
    facets = fields.List(fields.Nested(FacetSchema), required=True)
    items = fields.List(fields.Nested(FoundSchema), required=True)
