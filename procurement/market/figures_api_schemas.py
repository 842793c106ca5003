"""The shapes of market figures in the API; amounts are yen without tax."""

from marshmallow import fields, validate

from accounts.models import BodyKind
from catalog import api_fields as f
from catalog.api_pages import PageQuerySchema
from catalog.market import Verdict
from catalog.market_exit import ExitTerm
from catalog.market_reading import REFERENCE_POPULATION
from catalog.price_plan import ComponentKind
from catalog.specifications.models import SpecificationState
from catalog.terms import CertificationState, RequirementClass, SizeClass
from core.fields import FormSchema

MOST_PEOPLE = 20_000_000
POPULATION_WORDS = f"1以上{MOST_PEOPLE:,}以下の数字で指定してください。"
_UNKNOWN = "わからないときはnull"
_OTHERS = "この人口の団体の代わりになれる、ほかのサービス"


class MarketQuerySchema(FormSchema):
    """Which version, and for how many people costs are computed and substitutes are counted."""

    version = fields.String(
        load_default=None,
        validate=validate.Length(1, 40),
        metadata=f.about("標準仕様書の版。なければ適用中の版、それもなければ最も新しい版"),
    )
    population = fields.Integer(
        load_default=REFERENCE_POPULATION,
        validate=validate.Range(1, MOST_PEOPLE, error=POPULATION_WORDS),
        error_messages={"invalid": POPULATION_WORDS},
        metadata=f.about("団体の人口。費用と、代わりになれるサービスの数え方を決める"),
    )


class MarketServicesQuerySchema(MarketQuerySchema, PageQuerySchema):
    """The same, and which page."""


class SpreadSchema(FormSchema):
    """The least and the most of some amounts, and how many are not known (a quote, or nothing told)."""

    low = f.number("いちばん少ない額（円・税抜）")
    high = f.number("いちばん多い額（円・税抜）")
    untold = f.number("額のわからないものの件数")


def spread_field(words: str) -> fields.Nested:
    """Declare a spread of amounts, null where none is known."""
    told = f.about(f"{words}。1つもわからないときはnull")
    return fields.Nested(SpreadSchema, required=True, allow_none=True, metadata=told)


def told_truth(words: str) -> fields.Boolean:
    """Declare yes or no with its words; null where these say so."""
    return fields.Boolean(required=True, allow_none="null" in words, metadata=f.about(words))


class MarketVersionSchema(FormSchema):
    """The version that the figures are of."""

    id = f.identifier()
    version = f.text()
    state = f.code([each for each in SpecificationState if each is not SpecificationState.DRAFT])


class SupplySchema(FormSchema):
    """Software, makers and sellers; one software counts once, however many sell it."""

    services = f.number("サービス（ソフト）")
    makers = f.number("開発者")
    sellers = f.number("販売者")
    resellers = f.number("販売者のうち、ほかの事業者のサービスだけを売る者")


class StateCountSchema(FormSchema):
    """How many services a state of the certificate has."""

    state = f.code(CertificationState)
    services = f.number()


class UntoldSchema(FormSchema):
    """Services whose vendor does not say for whom they are."""

    services = f.number()
    certified = f.number("うち認証済みと条件付き認証")


class ChoiceSchema(UntoldSchema):
    """What bodies of a class can choose from."""

    makers = f.number("認証済み・条件付き認証のサービスの開発者")
    choice = f.code(Verdict)


class SizeChoiceSchema(ChoiceSchema):
    """The same for a size class."""

    size_class = f.code(SizeClass, "団体の人口の規模")


class KindChoiceSchema(ChoiceSchema):
    """The same for a kind of body."""

    body_kind = f.code(BodyKind, "団体の種類")


class ClassCoverageSchema(FormSchema):
    """How many requirements certified services of several makers meet, of one, of none: the total."""

    requirement_class = f.code(RequirementClass, "いちばん厳しい実装区分", data_key="class")
    total = f.number()
    several = f.number("2社以上が満たす要件")
    one = f.number("1社だけが満たす要件")
    none = f.number("どこも満たさない要件")
    every = f.number("認証されたすべてのサービスが満たす要件")


class ScarceSchema(FormSchema):
    """A requirement that one maker meets, or none."""

    requirement_id = f.text()
    requirement_class = f.code(RequirementClass, "いちばん厳しい実装区分", data_key="class")
    maker_id = fields.UUID(
        required=True, allow_none=True, metadata=f.about("満たす1社。なければnull")
    )


class CoverageSchema(FormSchema):
    """How far the certified services together meet the requirements."""

    certified_without_answers = f.number("要件ごとの回答のない認証されたサービス。満たすと数えない")
    classes = fields.List(
        fields.Nested(ClassCoverageSchema), required=True, metadata=f.about("実装区分ごとの数")
    )
    scarce = fields.List(
        fields.Nested(ScarceSchema),
        required=True,
        metadata=f.about("満たす開発者が1社だけか、いない要件（仕様書の順）"),
    )


class ReplaceabilityTallySchema(FormSchema):
    """For bodies of the size asked about."""

    fewest_other_makers = f.number("ほかの開発者がこれより少ないと、few に数える")
    certified = f.number("この規模に対応する、認証済み・条件付き認証のサービス")
    unsure = f.number("対応する規模を答えていない、認証されたサービス")
    services = f.number("この規模に対応するサービス（認証の有無を問わない）")
    without_other_maker = f.number("うち、代わりになれるほかの開発者のサービスがないもの")
    few = f.number("うち、ほかの開発者が少ないもの（ないものを含む）")
    entry = spread_field("始めるときに1回払う費用")
    running = spread_field("始めの12か月の費用")


class ExitTallySchema(FormSchema):
    """One term for leaving: how many sellers' terms keep it, do not, and do not say."""

    key = f.code(ExitTerm, "やめるときの条件")
    label = f.text("条件と目安の日本語")
    yes = f.number("合う・ある販売条件")
    no = f.number("合わない・ない販売条件")
    untold = f.number("事業者が答えていない販売条件")


class PublishedContractsSchema(FormSchema):
    """Contract notices that bodies published; contracts without a notice are not in it."""

    notices = f.number("公表された契約。終わったものも数える")
    bodies = f.number("公表した団体")
    services = f.number()
    largest = f.number("いちばん多いサービスの件数")


class MonthSchema(FormSchema):
    """A month: services with a certificate in force at its end, for the last one now."""

    month = f.text("年と月（2026-10）")
    is_now = told_truth("今日の数か（違えば月末の数）")
    services = f.number()
    makers = f.number("その開発者")
    begun = f.number("この月に初めて認証されたサービス")


class MarketSchema(FormSchema):
    """Whether a market is alive: supply, certificates, choice, coverage, leaving, development."""

    specification = f.text("標準仕様書のコード")
    name = f.text()
    is_sample = f.truth()
    specification_version = fields.Nested(MarketVersionSchema, required=True)
    as_of = f.day("この日の料金表と状態で数えた", nullable=False)
    currency = f.code(("JPY",))
    tax_included = f.truth()
    population = f.number("費用を計算し、代わりになれるサービスを数えた団体の人口")
    size_class = f.code(SizeClass, "人口の規模")
    supply = fields.Nested(SupplySchema, required=True, metadata=f.about("公開中の数"))
    certified_supply = fields.Nested(
        SupplySchema, required=True, metadata=f.about("うち認証済みと条件付き認証の数")
    )
    certification = fields.List(fields.Nested(StateCountSchema), required=True)
    size_classes = fields.List(fields.Nested(SizeChoiceSchema), required=True)
    size_class_unknown = fields.Nested(
        UntoldSchema, required=True, metadata=f.about("対応する人口を事業者が答えていないもの")
    )
    body_kinds = fields.List(fields.Nested(KindChoiceSchema), required=True)
    body_kind_unknown = fields.Nested(
        UntoldSchema,
        required=True,
        metadata=f.about("対応する団体の種類を事業者が答えていないもの"),
    )
    coverage = fields.Nested(
        CoverageSchema, required=True, metadata=f.about("認証されたサービスが満たす要件")
    )
    replaceability = fields.Nested(
        ReplaceabilityTallySchema,
        required=True,
        metadata=f.about("この人口の団体が選べるものと、代わりになれるもの"),
    )
    exit_terms = fields.List(fields.Nested(ExitTallySchema), required=True)
    published_contracts = fields.Nested(
        PublishedContractsSchema,
        required=True,
        metadata=f.about("団体が公表した契約。公表していない契約は含まない"),
    )
    months = fields.List(fields.Nested(MonthSchema), required=True)


class MarketSellerSchema(FormSchema):
    """What one seller asks and grants."""

    listing_id = f.identifier()
    listing_version_id = f.identifier()
    seller_id = f.identifier()
    running = f.number(f"始めの12か月（円・税抜）。{_UNKNOWN}", nullable=True)
    entry = f.number(f"始めるときに1回払う費用（円・税抜）。{_UNKNOWN}", nullable=True)
    leaving = f.number(f"解約とデータ返還の費用（円・税抜）。{_UNKNOWN}", nullable=True)
    unlisted = fields.List(
        f.code(ComponentKind), required=True, metadata=f.about("料金表にない費目。無料とは限らない")
    )
    keeps_retrieval_days = told_truth(f"データを取り出せる期間が目安に合うか。{_UNKNOWN}")
    keeps_switching_charge = told_truth(f"乗り換えの費用が目安に合うか。{_UNKNOWN}")


class MarketServiceFactsSchema(FormSchema):
    """Which service."""

    offering_id = f.identifier()
    name = f.text()
    maker_id = f.identifier()
    certification = f.code(CertificationState)


class MarketServiceSchema(MarketServiceFactsSchema):
    """How well a service could be replaced for bodies of the size; null counts: it is not for them."""

    serves = fields.Boolean(
        required=True,
        allow_none=True,
        metadata=f.about("この規模の団体に対応するか。事業者が答えていないときはnull"),
    )
    others = f.number(_OTHERS, nullable=True)
    other_makers = f.number("その開発者（このサービスの開発者を除く）", nullable=True)
    whole_options = f.number(
        f"うち、このサービスが満たす標準オプションをすべて満たすもの。{_UNKNOWN}", nullable=True
    )
    whole_data = f.number(f"うち、すべてのデータを渡せるもの。{_UNKNOWN}", nullable=True)
    data_untold = f.number("うち、データの形式がわからないもの", nullable=True)
    leaving = spread_field("このサービスをやめる費用")
    entry = spread_field("次のサービスを始める費用")
    switching = spread_field("やめる費用と始める費用の和")
    difference = spread_field("始めの12か月の費用の差（次のサービスから、このサービスを引く）")
    sellers = fields.List(
        fields.Nested(MarketSellerSchema), required=True, metadata=f.about("販売者ごとの条件")
    )


class MarketServicePageSchema(FormSchema):
    """A page of services by id."""

    items = fields.List(fields.Nested(MarketServiceSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


class DataPathSchema(FormSchema):
    """Of so many categories of data, how many go over."""

    total = f.number("データの種類。種類ごとの回答がなければ、すべてを1種類と数える")
    ready = f.number("渡せる種類")
    untold = f.number("相手が答えていない種類")
    formats = fields.List(f.text(), required=True, metadata=f.about("共通の形式"))


class SubstituteSchema(MarketServiceFactsSchema):
    """What taking another service instead would mean."""

    is_same_maker = told_truth("同じ開発者のサービスか")
    missing_options = f.number(f"使えなくなる標準オプション。{_UNKNOWN}", nullable=True)
    data = fields.Nested(
        DataPathSchema,
        required=True,
        allow_none=True,
        metadata=f.about("どちらかが答えていないときはnull"),
    )
    entry = spread_field("始める費用")
    switching = spread_field("やめる費用と始める費用の和")
    difference = spread_field("始めの12か月の費用の差")


class MarketServiceWithSubstitutesSchema(MarketServiceSchema):
    """A service with everything that could replace it, by id."""

    substitutes = fields.List(
        fields.Nested(SubstituteSchema),
        required=True,
        metadata=f.about("代わりになれるサービス（idの順）"),
    )
