"""How a cost was computed, step by step: one charge, how often, what that makes of each year. Pure."""

from collections.abc import Sequence

from catalog.charges import Due, price_quantity
from catalog.cost_report import Cell, Line, Section, Table, difference, gap, number, words
from catalog.cost_rules import CostRules
from catalog.cost_words import (
    explain_need,
    item_name,
    item_price_words,
    price_words,
    quantity_of,
    year_words,
    yearly_apart_words,
)
from catalog.periods import Span
from catalog.price_plan import (
    QUOTE_LABEL,
    Currency,
    Interval,
    PriceComponent,
    PricePlan,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.pricing import CostItem, CostStatement, MonthCost
from core.japanese import fiscal_year, format_date, format_fiscal_year, format_yen

_YEARS_SIDE_BY_SIDE = 6


def explain_charge(component: PriceComponent, quantity: int, rules: CostRules) -> str:
    """Return one charge as arithmetic, yen without tax: 3円 × 8,421人 ＝ 25,263円."""
    show = component.currency.show
    amount, told = _multiply(component, quantity)
    charged = price_quantity(component, quantity)
    if charged != amount:
        bound = "下限" if charged > amount else "上限"
        told += f"。{bound}が{show(charged)}なので、{show(charged)}"
    rate = rules.rates.get(component.currency)
    if component.currency is not Currency.JPY and rate is not None:
        yen = format_yen(rate.to_yen(charged))
        told += f"。1米ドル{rate.per_unit}円で換算し、1円未満を切り捨てて{yen}"
    return told


def _multiply(component: PriceComponent, quantity: int) -> tuple[int, str]:
    """Give unit prices times quantities before any bound, and the same as arithmetic."""
    show, unit = component.currency.show, component.unit
    if component.tier_mode is TierMode.VOLUME or len(component.tiers) == 1:
        tier = next(each for each in reversed(component.tiers) if quantity >= each.lower)
        parts = [(tier.unit_price, quantity)]
    else:
        uppers = [each.lower for each in component.tiers[1:]] + [quantity]
        shares = [
            (tier.unit_price, min(quantity, upper) - tier.lower)
            for tier, upper in zip(component.tiers, uppers, strict=True)
        ]
        parts = [each for each in shares if each[1] > 0] or [(component.tiers[0].unit_price, 0)]
    amount = sum(price * count for price, count in parts)
    if unit is Unit.LUMP:
        return amount, f"一式{show(amount)}"
    told = " ＋ ".join(f"{show(price)} × {quantity_of(unit, count)}" for price, count in parts)
    return amount, f"{told} ＝ {show(amount)}"


def ledger_section(statement: CostStatement, plan: PricePlan) -> Section:
    """Return the computation from the price list to the amount with tax."""
    rows = statement.items
    sentences = [
        "下の表の番号の順に、1 単価に数量を掛けて1回の費用を出し、2 回数を掛けて会計年度ごとに足し、3 消費税を加えています。",
        _falling_words(statement),
    ]
    if not rows:
        told = "公表されている料金は次のとおりですが、この団体と期間には当てはまらないため、計算できません。"
        return Section("ledger", "どう計算したか", [told], [_price_table(plan)])
    tables = [_charge_table(rows, statement.rules)]
    tables += _year_tables(statement)
    return Section("ledger", "どう計算したか", [*sentences, tax_words(statement)], tables)


def _falling_words(statement: CostStatement) -> str:
    found = (
        "1回だけの費用は最初の月に、毎年の費用は契約の1年ごとの最初の月に数えます。"
        "会計年度は4月から翌年3月までです。"
    )
    if any(each.parts for each in statement.items):
        found += (
            "月の途中の日数分は、1か月の費用×日数÷その月の日数（1円未満切り捨て）で計算しています。"
        )
    return found


def tax_words(statement: CostStatement) -> str:
    """Say how the tax follows from the amounts without tax."""
    rate = f"{statement.tax_basis_points // 100}%"
    rule = f"消費税は{rate}で、{statement.rounding.label}ています。"
    if statement.rounding is TaxRounding.PER_YEAR:
        return f"{rule}各年度の「税抜の計」に{rate}を掛けた額が、その年度の消費税です。"
    if statement.rounding is TaxRounding.PER_MONTH:
        return f"{rule}月ごとの消費税は「月ごとの費用」の表にあり、足すとその年度の消費税です。"
    return (
        f"{rule}全期間の「税抜の計」に{rate}を掛けた額が、全期間の消費税です。"
        "各年度の消費税は、その年度の終わりまでの合計に掛かる額から、前の年度までの分を引いた額です。"
    )


def _price_table(plan: PricePlan) -> Table:
    rows = [
        (words(item_name(each)), words(price_words(each)), words(each.interval.label))
        for each in plan.components
    ]
    head = ("費目", "単価（税抜）", "支払う時期")
    return Table("charges", "公表されている料金表", head, rows)


def _charge_table(items: Sequence[CostItem], rules: CostRules) -> Table:
    head = ("費目", "単価", "計算", "1回の費用", "回数")
    rows = [_charge_row(each, rules) for each in items]
    return Table("charges", "1　1回の費用", head, rows, unit="円・税抜")


def _charge_row(item: CostItem, rules: CostRules) -> Line:
    component = item.component
    how_often = words(_rhythm(item))
    name, price = words(item_name(component)), words(item_price_words(item))
    if item.need is not None:
        return name, price, gap(explain_need(item.need)), gap(QUOTE_LABEL), how_often
    told = explain_charge(component, item.quantity or 0, rules)
    return name, price, words(told), number(item.charge), how_often


def _rhythm(item: CostItem) -> str:
    """Return when and how often an item is charged: 毎月・36回."""
    interval = item.component.interval
    if interval is Interval.ONCE:
        return "1回だけ"
    return f"{interval.label}・{_times_words(item.times, item.parts)}"


def _times_words(times: int, parts: Sequence[Due]) -> str:
    """Return how often something is charged: 11回と16日分."""
    told = [f"{times}回"] if times or not parts else []
    return "と".join([*told, *(f"{part.span.days}日分" for part in parts)])


def _year_tables(statement: CostStatement) -> list[Table]:
    """Return the years beside one another, six to a table."""
    starts = range(0, len(statement.lines), _YEARS_SIDE_BY_SIDE)
    groups = [statement.lines[at : at + _YEARS_SIDE_BY_SIDE] for at in starts]
    tables = []
    for place, lines in enumerate(groups, start=1):
        is_last = place == len(groups)
        years = [line.fiscal_year for line in lines]
        head = ["費目", *(format_fiscal_year(year) for year in years)]
        rows = [
            [words(item_name(each.component)), *_year_cells(each, years)]
            for each in statement.items
        ]
        foot = [
            [words("税抜の計"), *(number(line.subtotal) for line in lines)],
            [words("消費税"), *(number(line.tax) for line in lines)],
            [words("税込の計"), *(number(line.total) for line in lines)],
        ]
        if is_last:
            head.append("全期間")
            sums = [each.amount for each in statement.items]
            for row, amount in zip(rows, sums, strict=True):
                row.append(number(amount))
            whole = (statement.subtotal, statement.tax, statement.total)
            for row, amount in zip(foot, whole, strict=True):
                row.append(number(amount))
        title = "2　会計年度ごとに足し、3　消費税を加える"
        title += f"（{place}枚目）" if len(groups) > 1 else ""
        tables.append(Table(f"ledger-{place}", title, head, rows, foot, unit="円"))
    return tables


def _year_cells(item: CostItem, years: Sequence[int]) -> list[Cell]:
    return [number(item.by_year[year], _year_note(item, year)) for year in years]


def _year_note(item: CostItem, year: int) -> str:
    """Return how often the charge falls into a year, parts of a month with their amounts."""
    parts = [each for each in item.parts if fiscal_year(each.span.start) == year]
    times = item.times_by_year[year]
    told = [f"{times}回"] if times else []
    told += [f"{part.span.days}日分 {format_yen(part.amount or 0)}" for part in parts]
    return " ＋ ".join(told) or "0回"


def years_table(statement: CostStatement) -> Table:
    """Return the years by component."""
    kinds = statement.kinds
    rate = statement.tax_basis_points // 100
    head = [
        "会計年度",
        *(kind.label for kind in kinds),
        "税抜の計",
        f"消費税（{rate}%）",
        "税込の計",
    ]
    rows = [
        [
            words(year_words(line)),
            *(number(line.amounts[kind]) for kind in kinds),
            number(line.subtotal),
            number(line.tax),
            number(line.total),
        ]
        for line in statement.lines
    ]
    amounts = statement.amounts
    foot = [
        words("合計"),
        *(number(amounts[kind]) for kind in kinds),
        number(statement.subtotal),
        number(statement.tax),
        number(statement.total),
    ]
    note = f"消費税（{rate}%）は、{statement.rounding.label}ています。"
    return Table("years", "会計年度ごとの費用", head, rows, [foot], unit="円", note=note)


def month_section(statement: CostStatement) -> Section:
    """Return what each month costs."""
    if not statement.months:
        return Section(
            "months", "月ごとの費用", ["見積が必要なため、月ごとの金額も計算できません。"]
        )
    kinds = statement.kinds
    head = ["月", *(kind.label for kind in kinds), "税抜の計", "消費税", "税込の計"]
    rows = [
        [
            words(_month_words(each)),
            *(number(each.amounts[kind]) for kind in kinds),
            number(each.subtotal),
            number(each.tax),
            number(each.total),
        ]
        for each in statement.months
    ]
    table = Table("months", "月ごとの費用の表", head, rows, unit="円", is_folded=True)
    return Section("months", "月ごとの費用", [_monthly_words(statement)], [table])


def _monthly_words(statement: CostStatement) -> str:
    if statement.monthly is None:
        return "1か月あたりの費用は、見積が必要です。"
    months = {each.subtotal for each in statement.months}
    end = "" if len(months) > 1 else "どの月も同じです。"
    apart = yearly_apart_words(statement)
    end = f"{apart}です。" if apart else end
    return (
        f"最初の月の料金では、毎月かかる費用は税抜{format_yen(statement.monthly)}"
        f"（税込{format_yen(statement.monthly_with_tax or 0)}）です。{end}"
    )


def _month_words(month: MonthCost) -> str:
    """Return 令和10年6月 for a calendar month, else its days."""
    if Span(month.start, month.end).is_calendar_month:
        return format_date(month.start).removesuffix("1日")
    days = f"（{month.days}日分）" if month.is_part else ""
    return f"{format_date(month.start)}から{format_date(month.end)}まで{days}"


def rounding_section(
    statement: CostStatement, totals: dict[TaxRounding, int | None], own: TaxRounding
) -> Section:
    """Return by which rule fractions are dropped, and the totals under the others."""
    chosen = statement.rounding
    applied = f"この計算では、消費税を{chosen.label}ています。"
    if chosen is own:
        applied += "事業者が料金表で示している決まりです。"
    else:
        applied += (
            f"料金表で示されている決まりは「{own.label}」です。選んだ決まりで試しに計算しています。"
        )
    base = totals[chosen]
    rows = []
    for rule, total in totals.items():
        marks = ["この計算"] if rule is chosen else []
        marks += ["料金表の決まり"] if rule is own else []
        rows.append(
            [
                words(rule.label),
                number(total),
                difference(total, base),
                words("・".join(marks) or "使っていない"),
            ]
        )
    head = ("端数の決まり", "税込の合計", "この計算との差", "使い方")
    table = Table("roundings", "三つの決まりで計算した合計", head, rows, unit="円")
    explained = "差は1円未満をいつ切り捨てるかによるもので、料金の違いではありません。"
    return Section("rounding", "端数の決まり", [applied, explained], [table])
