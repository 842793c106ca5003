"""How prices and costs are put into words and rows, for the comparison and the cost page. Pure."""

from collections.abc import Sequence

from catalog.charges import charge_amount
from catalog.cost_rules import CostRules
from catalog.offerings.words import say_bounds
from catalog.price_plan import (
    QUOTE_LABEL,
    ComponentKind,
    PriceComponent,
    PricePlan,
    QuoteNeed,
    QuoteReason,
    Term,
    TierMode,
    Unit,
    Volumes,
)
from catalog.pricing import CostStatement, YearCost
from core.japanese import format_amount, format_date, format_fiscal_year, format_yen

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
        counted = "人口" if need.unit in {Unit.PERSON, Unit.LUMP} else need.unit.label
        return f"「{name}」は、{counted}の数がわからないため計算できません。"
    return f"「{name}」は、{need.reason.label}。"


def explain_needs(needs: Sequence[QuoteNeed]) -> str:
    """Say it for all, once each."""
    return "".join(dict.fromkeys(explain_need(need) for need in needs))


def price_words(component: PriceComponent) -> str:
    """Return the published price, yen without tax: 3円／人口1人、下限10,000円."""
    return _unit_price_words(component) + _bound_words(component)


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


def quantity_words(component: PriceComponent, volumes: Volumes) -> str:
    """Return the quantity that is multiplied, 一式 for a lump sum, in words where it is unknown."""
    if component.unit is Unit.LUMP:
        return "一式"
    quantity = volumes.get(component.unit)
    return "情報なし" if quantity is None else format_amount(quantity)


def charge_row(component: PriceComponent, volumes: Volumes, rules: CostRules) -> dict[str, str]:
    """Return one line of the computation: name, price, quantity, rhythm and each charge."""
    charge = charge_amount(component, volumes, rules)
    name = component.name or component.kind.label
    reach = say_bounds(component.sizes, component.valid_from, component.valid_to)
    return {
        "name": f"{name}（{reach}）" if reach else name,
        "kind": component.kind.label,
        "price": price_words(component),
        "quantity": quantity_words(component, volumes),
        "interval": _rhythm(component),
        "charge": QUOTE_LABEL if isinstance(charge, QuoteNeed) else format_amount(charge),
    }


def _rhythm(component: PriceComponent) -> str:
    if component.kind is ComponentKind.EXIT:
        return "やめるとき"
    words = component.interval.label
    return f"{words}（選んだときだけ）" if component.is_option else words


def exit_words(statement: CostStatement, plan: PricePlan) -> str:
    """Say what the price list asks for leaving, apart from the total, yen without tax."""
    if all(component.kind is not ComponentKind.EXIT for component in plan.components):
        return "料金表にありません"
    if statement.exit_needs_quote:
        return f"{QUOTE_LABEL}：{explain_needs(statement.exit_needs_quote)}"
    if statement.exit_charge is None:
        return QUOTE_LABEL
    return format_yen(statement.exit_charge) if statement.exit_charge else "無料"
