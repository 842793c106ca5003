"""The charts of costs: what each shows, with its finding as a sentence. Pure; drawn by components/chart.html."""

from collections.abc import Iterable, Sequence
from typing import Any

from catalog.cost_words import CHART_KINDS, length_words, share_words, year_words
from catalog.price_plan import ComponentKind, PricePlan
from catalog.pricing import CostStatement, YearCost
from catalog.what_if import Variation
from core.japanese import format_fiscal_year, format_yen

Chart = dict[str, Any]
NO_FINDING = "見積が必要な費用があるため、金額を比べられません。"
_LACKING = "（料金表にない費目を除く）"
# What nobody owes who has not chosen it.
_NOT_OWED = {ComponentKind.OPTION, ComponentKind.EXIT}


def year_chart(statement: CostStatement) -> Chart | None:
    """Return a bar for each fiscal year; none while a quote is needed."""
    if statement.total is None:
        return None
    rows = [_bar(year_words(line), line) for line in statement.lines]
    return _chart("years", _find_dearest(statement), rows, statement.kinds)


def sensitivity_chart(variations: Sequence[Variation]) -> Chart | None:
    """Return a bar for less, the same and more of everything that is counted; none without amounts."""
    if any(each.statement.total is None for each in variations):
        return None
    rows = [_bar(share_words(each.basis_points), each.statement) for each in variations]
    kinds = variations[0].statement.kinds
    return _chart("sensitivity", _find_swing(variations), rows, kinds)


def total_chart(services: Sequence[tuple[str, PricePlan, CostStatement]]) -> Chart:
    """Return a bar for each service over the whole term, in the order given; a quote has no bar."""
    rows = [_bar(name, each) for name, _plan, each in services]
    kinds = [kind for _name, _plan, each in services for kind in each.kinds]
    return _chart("totals", _find_range(services), rows, kinds)


def _chart(
    name: str, title: str, rows: list[dict[str, Any]], kinds: Iterable[ComponentKind]
) -> Chart:
    remarks = ["棒の長さは税込の金額です。"]
    if ComponentKind.CLOUD in kinds:
        remarks.append("クラウド利用料は従量に含めて描いています。")
    return {"id": f"{name}-chart", "title": title, "rows": rows, "remarks": "".join(remarks)}


def _lacks(plan: PricePlan, statement: CostStatement) -> bool:
    """Tell whether the total is without something that the list says nothing of."""
    beside = {ComponentKind.OPTION} if statement.exit_included else _NOT_OWED
    return bool(statement.options_absent) or not beside.issuperset(plan.kinds_unlisted)


def _bar(label: str, told: CostStatement | YearCost) -> Chart:
    """Return a bar of what is paid with tax, parted as the amounts without it are."""
    total, subtotal = told.total, told.subtotal
    parts = (
        []
        if total is None or subtotal is None
        else [
            {"kind": CHART_KINDS[kind], "amount": (amount or 0) * total // max(subtotal, 1)}
            for kind, amount in told.amounts.items()
        ]
    )
    return {"label": label, "total": total, "parts": parts}


def _find_dearest(statement: CostStatement) -> str:
    length = length_words(statement.term.months)
    told = f"{length}の合計は税込{format_yen(statement.total or 0)}です。"
    amounts = {line.fiscal_year: line.total or 0 for line in statement.lines}
    if len(amounts) == 1:
        return told
    dearest = max(amounts, key=lambda year: (amounts[year], -year))
    most, least = amounts[dearest], min(amounts.values())
    if most == least:
        return f"{told}どの年度も同じで、1年度あたり税込{format_yen(most)}です。"
    if len({line.subtotal for line in statement.lines}) == 1:  # the tax alone differs, by a yen
        return f"{told}どの年度も税込{format_yen(least)}から{format_yen(most)}までです。"
    return f"{told}いちばん多いのは{format_fiscal_year(dearest)}の税込{format_yen(most)}です。"


def _find_swing(variations: Sequence[Variation]) -> str:
    totals = [each.statement.total or 0 for each in variations]
    if len(set(totals)) == 1:
        return "量が20%増減しても、合計は変わりません。"
    less, same, more = totals[0], totals[len(totals) // 2], totals[-1]
    return (
        f"量が20%減ると合計は{_swing(less - same)}、20%増えると{_swing(more - same, is_end=True)}。"
    )


def _swing(amount: int, *, is_end: bool = False) -> str:
    if amount == 0:
        return "変わりません" if is_end else "変わらず"
    return (
        f"税込{format_yen(abs(amount))}{'増え' if amount > 0 else '減り'}{'ます' if is_end else ''}"
    )


def _find_range(services: Sequence[tuple[str, PricePlan, CostStatement]]) -> str:
    known = [(name, each.total) for name, _plan, each in services if each.total is not None]
    lacking = any(_lacks(plan, each) for _name, plan, each in services if each.total is not None)
    whole = f"全期間の合計{_LACKING if lacking else ''}"
    left = len(services) - len(known)
    quotes = f"{left}件は見積が必要なため、棒がありません。" if left else ""
    if not known:
        return NO_FINDING
    if len(known) == 1:
        ((name, total),) = known
        return f"{whole}は、{name}が税込{format_yen(total)}です。{quotes}"
    totals = [total for _name, total in known]
    least, most = min(totals), max(totals)
    if least == most:
        return f"{whole}は、どれも税込{format_yen(least)}です。{quotes}"
    return f"{whole}は、税込{format_yen(least)}から{format_yen(most)}までです。{quotes}"
