"""The charts of costs: what each shows, with its finding as a sentence. Pure; drawn by components/chart.html."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.cost_words import CHART_KINDS, length_words, share_words, year_words
from catalog.price_plan import ComponentKind
from catalog.pricing import CostStatement
from catalog.what_if import Variation
from core.japanese import format_fiscal_year, format_yen

Chart = dict[str, Any]
NO_FINDING = "見積が必要な費用があるため、金額を比べられません。"


def year_chart(statement: CostStatement) -> Chart | None:
    """Return a bar for each fiscal year; none while a quote is needed."""
    if statement.total is None:
        return None
    rows = [_bar(year_words(line), line.subtotal, line.amounts) for line in statement.lines]
    return _chart("years", _find_dearest(statement), rows, statement.kinds)


def sensitivity_chart(variations: Sequence[Variation]) -> Chart | None:
    """Return a bar for less, the same and more of everything that is counted; none without amounts."""
    if any(each.statement.total is None for each in variations):
        return None
    rows = [
        _bar(share_words(each.basis_points), each.statement.subtotal, each.statement.amounts)
        for each in variations
    ]
    kinds = variations[0].statement.kinds
    return _chart("sensitivity", _find_swing(variations), rows, kinds)


def total_chart(services: Sequence[tuple[str, CostStatement]]) -> Chart:
    """Return a bar for each service over the whole term, in the order given; a quote has no bar."""
    rows = [_bar(name, each.subtotal, each.amounts) for name, each in services]
    kinds = [kind for _name, each in services for kind in each.kinds]
    return _chart("totals", _find_range(services), rows, kinds)


def _chart(
    name: str, title: str, rows: list[dict[str, Any]], kinds: Iterable[ComponentKind]
) -> Chart:
    remarks = ["棒の長さは税抜の金額です。"]
    if ComponentKind.CLOUD in kinds:
        remarks.append("クラウド利用料は従量に含めて描いています。")
    return {"id": f"{name}-chart", "title": title, "rows": rows, "remarks": "".join(remarks)}


def _bar(label: str, total: int | None, amounts: Mapping[ComponentKind, int | None]) -> Chart:
    parts = (
        []
        if total is None
        else [
            {"kind": CHART_KINDS[kind], "amount": amount or 0} for kind, amount in amounts.items()
        ]
    )
    return {"label": label, "total": total, "parts": parts}


def _find_dearest(statement: CostStatement) -> str:
    length = length_words(statement.term.months)
    told = f"{length}の合計は税込{format_yen(statement.total or 0)}です。"
    amounts = {line.fiscal_year: line.subtotal or 0 for line in statement.lines}
    dearest = max(amounts, key=lambda year: (amounts[year], -year))
    if len(set(amounts.values())) == 1:
        each = "" if len(amounts) == 1 else "どの年度も同じで、"
        return f"{told}{each}1年度あたり税抜{format_yen(amounts[dearest])}です。"
    year = format_fiscal_year(dearest)
    return f"{told}いちばん多いのは{year}の税抜{format_yen(amounts[dearest])}です。"


def _find_swing(variations: Sequence[Variation]) -> str:
    totals = [each.statement.total or 0 for each in variations]
    if len(set(totals)) == 1:
        return "量が20%増減しても、合計は変わりません。"
    less, same, more = totals[0], totals[len(totals) // 2], totals[-1]
    return f"量が20%減ると合計は{_swing(less - same)}、20%増えると{_swing(more - same)}。"


def _swing(amount: int) -> str:
    if amount == 0:
        return "変わらず"
    return f"税込{format_yen(abs(amount))}{'増え' if amount > 0 else '減り'}ます"


def _find_range(services: Sequence[tuple[str, CostStatement]]) -> str:
    known = {name: each.total for name, each in services if each.total is not None}
    left = len(services) - len(known)
    quotes = f"{left}件は見積が必要なため、棒がありません。" if left else ""
    if not known:
        return NO_FINDING
    if len(known) == 1:
        ((name, total),) = known.items()
        return f"全期間の合計は、{name}が税込{format_yen(total)}です。{quotes}"
    least, most = min(known.values()), max(known.values())
    if least == most:
        return f"全期間の合計は、どれも税込{format_yen(least)}です。{quotes}"
    return f"全期間の合計は、税込{format_yen(least)}から{format_yen(most)}までです。{quotes}"
