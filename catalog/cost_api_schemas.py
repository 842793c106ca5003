"""The shapes of costs and comparisons in the API."""

from marshmallow import fields

from catalog import api_fields as f
from catalog import schemas
from catalog.api_pages import PageQuerySchema, page_limit
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    QuoteReason,
    TaxRounding,
    Unit,
)
from catalog.terms import Answer, BodyClass, CertificationState, RequirementClass
from core.fields import FormSchema

_QUOTE = "円。見積が必要なときはnull"


class CostQuerySchema(schemas.CostQuerySchema):
    """The words of the page's address: `l` is a listing version; without `body` the reference counts."""


class ComparisonQuerySchema(schemas.ComparisonQuerySchema, PageQuerySchema):
    """The same for 2 to 5 listing versions, and which rows to tell."""

    limit = page_limit(100, 1_000)

    class Meta:
        """What only a page shows."""

        exclude = ("page", "all", "sha", "show")


class ConditionsSchema(FormSchema):
    """For whom, from when and how long a cost is computed."""

    body_code = f.optional("団体コード。目安の団体ではnull")
    body_name = f.text()
    body_class = f.code(BodyClass)
    population = f.number("人口。情報がないときはnull", nullable=True)
    population_on = f.day()
    population_source = f.optional()
    starts_on = f.day(nullable=False)
    ends_on = f.day(nullable=False)
    months = f.number("利用する期間（月）")
    priced_on = f.day("この日の料金表で計算した", nullable=False)
    includes_exit = f.truth()
    options = fields.List(f.text(), required=True)


class ServiceSchema(FormSchema):
    """One listing version, and whether buyers find it in the catalog now."""

    listing_id = f.identifier()
    listing_version_id = f.identifier()
    offering_id = f.identifier()
    offering_version_id = f.identifier()
    name = f.text()
    seller = f.text()
    is_listed = f.truth()
    specification = f.text("標準仕様書のコード")
    specification_version = f.text()
    certification = f.code(CertificationState)


class AmountSchema(FormSchema):
    """What a kind of charge comes to."""

    kind = f.code(ComponentKind)
    amount = f.number(f"{_QUOTE}。税抜", nullable=True)


class YearSchema(FormSchema):
    """One fiscal year, 1 April to 31 March; `days` are of months charged by days."""

    fiscal_year = f.number("会計年度（西暦。4月1日から）")
    months = f.number()
    days = f.number()
    amounts = fields.List(fields.Nested(AmountSchema), required=True)
    subtotal = f.number(f"税抜。{_QUOTE}", nullable=True)
    tax = f.number(_QUOTE, nullable=True)
    total = f.number(f"税込。{_QUOTE}", nullable=True)


class NeedSchema(FormSchema):
    """Something that only a quote can tell; without a name the whole price list."""

    reason = f.code(QuoteReason)
    name = f.optional("料金の名前。料金表全体のときはnull")
    kind = f.code(ComponentKind, nullable=True)


class RateSchema(FormSchema):
    """The exchange rate that the caller named."""

    currency = f.code(Currency)
    yen = f.text("1単位の円")
    as_of = f.day(nullable=False)
    source = f.text()


class StatementSchema(FormSchema):
    """What a service costs over the whole term; no total while anything needs a quote."""

    currency = f.code(("JPY",))
    tax_basis_points = f.number("消費税率。1000は10%")
    tax_rounding = f.code(TaxRounding)
    subtotal = f.number(f"全期間、税抜。{_QUOTE}", nullable=True)
    tax = f.number(_QUOTE, nullable=True)
    total = f.number(f"全期間、税込。{_QUOTE}", nullable=True)
    monthly = f.number(f"最初の1か月の毎月の費用、税抜。{_QUOTE}", nullable=True)
    monthly_with_tax = f.number(_QUOTE, nullable=True)
    yearly = f.number(f"12か月と毎年の費用、税抜。{_QUOTE}", nullable=True)
    exit_charge = f.number(f"解約・データ返還、税抜。{_QUOTE}", nullable=True)
    fiscal_years = fields.List(fields.Nested(YearSchema), required=True)
    needs_quote = fields.List(fields.Nested(NeedSchema), required=True)
    options_left_out = fields.List(f.text(), required=True)
    options_absent = fields.List(f.text(), required=True)
    exchange_rates = fields.List(fields.Nested(RateSchema), required=True)


class YearAmountSchema(FormSchema):
    """What an item comes to in one fiscal year."""

    fiscal_year = f.number()
    amount = f.number(f"税抜。{_QUOTE}", nullable=True)


class ItemSchema(FormSchema):
    """One line of the ledger."""

    kind = f.code(ComponentKind)
    name = f.optional()
    unit = f.code(Unit)
    interval = f.code(Interval)
    quantity = f.number("数量。わからないときはnull", nullable=True)
    charge = f.number(f"1回の金額、税抜。{_QUOTE}", nullable=True)
    times = f.number("回数")
    amount = f.number(f"全期間、税抜。{_QUOTE}", nullable=True)
    by_year = fields.List(fields.Nested(YearAmountSchema), required=True)
    needs_quote = fields.Nested(NeedSchema, required=True, allow_none=True)


class CostSchema(ServiceSchema, StatementSchema):
    """The cost of one service; `exit_items` are in the totals only if `includes_exit`."""

    conditions = fields.Nested(ConditionsSchema, required=True)
    items = fields.List(fields.Nested(ItemSchema), required=True)
    exit_items = fields.List(fields.Nested(ItemSchema), required=True)


class ComparedServiceSchema(ServiceSchema):
    """One service of a comparison with its cost."""

    cost = fields.Nested(StatementSchema, required=True)


class TermSchema(FormSchema):
    """One term in the words of the page, in the order of `services`; null: the vendor told nothing."""

    key = f.text()
    label = f.text()
    differs = f.truth()
    values = fields.List(fields.String(allow_none=True), required=True)


class MatrixSchema(FormSchema):
    """How many requirements there are, differ, lack an answer, and are left by the filters."""

    total = f.number()
    differing = f.number()
    with_gaps = f.number()
    shown = f.number()


class EntrySchema(FormSchema):
    """A vendor's answer."""

    answer = f.code(Answer)
    note = f.optional()
    due_on = f.day()


class RowSchema(FormSchema):
    """One requirement across the services; an answer is null where the vendor gave none."""

    requirement_id = f.text()
    requirement_class = f.code(
        RequirementClass,
        "この種類の団体についての実装区分。対象外のときはnull",
        nullable=True,
        data_key="class",
    )
    differs = f.truth()
    has_gap = f.truth()
    answers = fields.List(fields.Nested(EntrySchema, allow_none=True), required=True)


class ComparisonSchema(FormSchema):
    """Services side by side; without `requirements` they answer different specification versions."""

    conditions = fields.Nested(ConditionsSchema, required=True)
    sha256 = f.digest()
    services = fields.List(fields.Nested(ComparedServiceSchema), required=True)
    terms = fields.List(fields.Nested(TermSchema), required=True)
    requirements = fields.Nested(MatrixSchema, required=True, allow_none=True)
    items = fields.List(fields.Nested(RowSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")
