"""How prices and costs are put into words and rows, for the comparison and the cost page. Pure."""

from collections.abc import Sequence

from catalog.offerings.words import say_bounds
from catalog.periods import MONTHS_PER_YEAR
from catalog.price_plan import (
    QUOTE_LABEL,
    ComponentKind,
    Interval,
    PriceComponent,
    PricePlan,
    QuoteNeed,
    QuoteReason,
    Term,
    TierMode,
    Unit,
    Volumes,
)
from catalog.pricing import CostItem, CostStatement, YearCost
from core.japanese import format_amount, format_date, format_fiscal_year, format_yen

UNKNOWN = "情報なし"
NOT_LISTED = "料金表にありません"

# The six fills of the charts; what is passed on by usage of the cloud is usage to the body.
CHART_KINDS = {
    ComponentKind.INITIAL: "initial",
    ComponentKind.BASE: "base",
    ComponentKind.USAGE: "usage",
    ComponentKind.CLOUD: "usage",
    ComponentKind.OPTION: "option",
    ComponentKind.MIGRATION: "migration",
    ComponentKind.TRAINING: "migration",
    ComponentKind.EXIT: "exit",
}

_COUNTERS = {
    Unit.LUMP: "式",
    Unit.ID: "ID",
    Unit.PERSON: "人",
    Unit.HOUSEHOLD: "世帯",
    Unit.CASE: "件",
    Unit.COUNTER: "か所",
    Unit.GIGABYTE: "GB",
    Unit.HOUR: "時間",
}
_QUANTITY_NAMES = {
    Unit.LUMP: "人口",
    Unit.ID: "使う人のID数",
    Unit.PERSON: "人口",
    Unit.HOUSEHOLD: "世帯数",
    Unit.CASE: "1か月の件数",
    Unit.COUNTER: "窓口の数",
    Unit.GIGABYTE: "保存する容量",
    Unit.HOUR: "1か月の時間数",
}
_ASK_SELLER = "事業者の見積で確かめてください。"
# A number of a month says nothing of what falls due once or by the year.
_UNMULTIPLIED = dict.fromkeys((Unit.CASE, Unit.HOUR), (Interval.ONCE, Interval.YEAR))


def term_words(term: Term) -> str:
    """Return 令和9年4月1日から令和12年3月31日まで（36か月）."""
    return f"{format_date(term.start)}から{format_date(term.end)}まで（{term.months}か月）"


def length_words(months: int) -> str:
    """Return 3年間 for whole years, else 30か月間."""
    return f"{months}か月間" if months % 12 else f"{months // 12}年間"


def year_words(line: YearCost) -> str:
    """Return 令和9年度, with its months, and days of parts of months, where it is not whole."""
    counted = ((line.months, "か月"), (line.days, "日"))
    length = "と".join(f"{number}{word}" for number, word in counted if number)
    short = "" if length == "12か月" else f"（{length}）"
    return f"{format_fiscal_year(line.fiscal_year)}{short}"


def explain_need(need: QuoteNeed) -> str:
    """Say why a quote is needed and for what."""
    if need.name is None:
        return f"{need.reason.label}。"
    name = need.name or (need.kind.label if need.kind else "")
    if need.reason is QuoteReason.UNKNOWN_VOLUME and need.unit is not None:
        is_unmultiplied = need.interval in _UNMULTIPLIED.get(need.unit, ())
        counted = "数量" if is_unmultiplied else quantity_name(need.unit)
        return f"「{name}」は、{counted}がわからないため計算できません。"
    return f"「{name}」は、{need.reason.label}。"


def explain_needs(needs: Sequence[QuoteNeed]) -> str:
    """Say it for all, once each."""
    return "".join(dict.fromkeys(explain_need(need) for need in needs))


def price_words(component: PriceComponent) -> str:
    """Return the published price, yen without tax: 3円／人口1人、下限10,000円."""
    return _unit_price_words(component) + _bound_words(component)


def item_price_words(item: CostItem) -> str:
    """Return the published price that an item is charged by, or that none of them is known to count."""
    need = item.need
    if need is None or item.component.tiers or need.reason is QuoteReason.NO_PRICE:
        return price_words(item.component)
    if need.reason is QuoteReason.UNKNOWN_VOLUME:
        return "人口がわからないため、どの料金が当てはまるか決まりません"
    return "当てはまる料金がありません"


def yearly_apart_words(statement: CostStatement) -> str:
    """Name the yearly charges that stand apart from what a month costs; empty without any."""
    if statement.monthly is None:
        return ""
    if statement.yearly is None:
        return f"毎年の費用（{QUOTE_LABEL}）は別"
    apart = statement.yearly - statement.monthly * MONTHS_PER_YEAR
    return f"毎年の費用{format_yen(apart)}（税抜）は別" if apart else ""


def computation_words(component: PriceComponent, volumes: Volumes) -> str:
    """Return how one charge is computed, yen without tax: 3円／人口1人（毎月）× 8,421."""
    words = f"{_unit_price_words(component)}（{component.interval.label}）"
    quantity = volumes.get(component.unit)
    if component.unit is not Unit.LUMP and quantity is not None:
        words += f"× {format_amount(quantity)}"
    return words + _bound_words(component)


def _unit_price_words(component: PriceComponent) -> str:
    if not component.tiers:
        return f"{QUOTE_LABEL}（単価が公表されていません）"
    per = "" if component.unit is Unit.LUMP else f"／{component.unit.label}"
    if len(component.tiers) == 1:
        return f"{component.currency.show(component.tiers[0].unit_price)}{per}"
    steps = "、".join(
        f"{format_amount(tier.lower)}以上は{component.currency.show(tier.unit_price)}"
        for tier in component.tiers
    )
    graduated = component.tier_mode is TierMode.GRADUATED
    return f"{steps}{per}（{'超えた部分ごと' if graduated else '全体に一つの単価'}）"


def _bound_words(component: PriceComponent) -> str:
    bounds = ((component.minimum, "下限"), (component.maximum, "上限"))
    return "".join(
        f"、{word}{component.currency.show(bound)}" for bound, word in bounds if bound is not None
    )


def item_name(component: PriceComponent) -> str:
    """Return a component's name with its kind, and for whom and when it counts where that is bounded."""
    kind = component.kind.label
    reach = say_bounds(component.sizes, component.valid_from, component.valid_to)
    bounds = "、".join(each for each in (kind if component.name != kind else "", reach) if each)
    return (
        f"{component.name or kind}（{bounds}）"
        if bounds and component.name
        else component.name or kind
    )


def quantity_of(unit: Unit, count: int) -> str:
    """Return a quantity with its counter: 8,421人."""
    return f"{format_amount(count)}{_COUNTERS[unit]}"


def share_words(basis_points: int) -> str:
    """Return a share of today's quantities: 20%減, 今の量, 20%増."""
    percent = abs(basis_points - 10_000) // 100
    if not percent:
        return "今の量"
    return f"{percent}%{'増' if basis_points > 10_000 else '減'}"


def quantity_name(unit: Unit) -> str:
    """Return what is counted: 人口."""
    return _QUANTITY_NAMES[unit]


def ask_words(need: QuoteNeed, minimum_term: int) -> str:
    """Say what would answer a need: what the reader can enter, or what to ask the seller for."""
    name = need.name or (need.kind.label if need.kind else "")
    told = {
        QuoteReason.NO_EXCHANGE_RATE: f"「{name}」は外貨の料金です。1米ドルが何円かを、日付と出どころと一緒に"
        "計算の条件に入力すると計算できます。",
        QuoteReason.BELOW_MINIMUM_TERM: f"最低利用期間は{minimum_term}か月です。期間を{minimum_term}か月以上に"
        f"すると計算できます。短い期間の料金は、{_ASK_SELLER}",
        QuoteReason.OUTSIDE_SIZE: f"{f'「{name}」の、' if name else ''}この人口の団体の料金を、{_ASK_SELLER}",
        QuoteReason.OUTSIDE_PERIOD: f"「{name}」の、料金表にない時期の料金を、{_ASK_SELLER}",
        QuoteReason.NO_PRICE: f"「{name}」の単価を、{_ASK_SELLER}",
    }
    if need.reason in told:
        return told[need.reason]
    if need.unit and need.interval not in _UNMULTIPLIED.get(need.unit, ()):
        counted = quantity_name(need.unit)
        return f"「{name}」は、{counted}を計算の条件に入力すると計算できます。"
    return f"「{name}」の金額を、{_ASK_SELLER}"


def export_words(charge: int | None) -> str:
    """Name the charge that the seller told for taking the data out; empty where none was told."""
    return f"事業者が答えたデータを取り出す費用（税抜{format_yen(charge)}）" if charge else ""


def exit_words(statement: CostStatement, plan: PricePlan) -> str:
    """Say what the price list asks for leaving, apart from the total, yen without tax."""
    if all(component.kind is not ComponentKind.EXIT for component in plan.components):
        return NOT_LISTED
    if statement.exit_needs_quote:
        return f"{QUOTE_LABEL}：{explain_needs(statement.exit_needs_quote)}"
    if statement.exit_charge is None:
        return QUOTE_LABEL
    return format_yen(statement.exit_charge) if statement.exit_charge else "無料"
