"""What the cost page shows of one listing: the chart with its finding, the years, the computation."""

from typing import Any

from catalog.columns import Column
from catalog.conditions import Conditions
from catalog.cost_words import (
    CHART_KINDS,
    charge_row,
    exit_words,
    explain_need,
    length_words,
    year_words,
)
from catalog.offerings.words import list_discounts, say_support
from catalog.price_plan import ComponentKind
from catalog.pricing import CostStatement, YearCost
from catalog.what_if import discounted_years
from core.clock import today_jst
from core.japanese import format_fiscal_year, format_yen


def cost_context(column: Column, conditions: Conditions) -> dict[str, Any]:
    """Return the chart (none while a quote is needed), the lines of the table, and their grounds."""
    statement = column.cost
    return {
        "statement": statement,
        "rate": statement.tax_basis_points // 100,
        "chart": _chart(statement) if statement.total is not None else None,
        "years": [(year_words(line), line) for line in statement.lines],
        "needs": list(dict.fromkeys(explain_need(need) for need in statement.needs_quote)),
        "charges": [
            charge_row(component, conditions.volumes, statement.rules)
            for component in column.plan.components
            if component.fits(conditions.volumes.population)
        ],
        "discounts": _discounts(column, conditions),
        "support": _support(column),
        "leaving": exit_words(statement, column.plan),
        "counts_cloud": ComponentKind.CLOUD in statement.kinds,
    }


def _chart(statement: CostStatement) -> dict[str, Any]:
    return {
        "id": "chart",
        "title": _finding(statement),
        "rows": [
            {"label": year_words(line), "total": line.subtotal, "parts": _parts(line)}
            for line in statement.lines
        ],
    }


def _parts(line: YearCost) -> list[dict[str, Any]]:
    return [
        {"kind": CHART_KINDS[kind], "amount": amount}
        for kind, amount in line.amounts.items()
        if amount is not None
    ]


def _finding(statement: CostStatement) -> str:
    length = length_words(statement.term.months)
    words = f"{length}の合計は税込{format_yen(statement.total or 0)}です。"
    amounts = {line.fiscal_year: line.subtotal or 0 for line in statement.lines}
    dearest = max(amounts, key=lambda year: (amounts[year], -year))
    if len(set(amounts.values())) == 1:
        each = "" if len(amounts) == 1 else "どの年度も同じで、"
        return f"{words}{each}1年度あたり税抜{format_yen(amounts[dearest])}です。"
    return f"{words}いちばん多いのは{format_fiscal_year(dearest)}の税抜{format_yen(amounts[dearest])}です。"


def _discounts(column: Column, conditions: Conditions) -> list[str]:
    """Return each discount with what a year then costs, yen without tax."""
    discounts, rules = column.version.discounts, column.cost.rules
    years = discounted_years(column.plan, conditions.volumes, conditions.term, rules, discounts)
    return [
        words if yearly is None else f"{words}：年額{format_yen(yearly)}"
        for words, yearly in zip(list_discounts(discounts), years, strict=True)
    ]


def _support(column: Column) -> str:
    version = column.version
    if version.state_support_yen is None or version.state_support_until is None:
        return "なし"
    words = say_support(version.state_support_yen, version.state_support_until, "")
    if version.state_support_until < today_jst():
        return f"{words}。受付は終わりました"
    return words
