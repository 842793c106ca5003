"""The cost table of a comparison: what each service costs the body, and what stands beside the total."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from catalog.columns import Column, Comparison
from catalog.condition_words import rate_words
from catalog.cost_words import (
    NOT_LISTED,
    UNKNOWN,
    exit_words,
    explain_needs,
    export_words,
    year_words,
    yearly_apart_words,
)
from catalog.offerings.words import list_discounts, say_support
from catalog.price_plan import QUOTE_LABEL, ComponentKind, Currency
from catalog.pricing import YearCost
from core.clock import today_jst
from core.japanese import format_fiscal_year

Cell = dict[str, Any]
Row = dict[str, Any]

NOT_CHOSEN_HERE = "選んだオプションはこの料金表にありません"


def cost_chapters(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the chapters of the table; with only differences wanted, the rows that differ."""
    conditions = comparison.conditions
    places = {column.id: number for number, column in enumerate(comparison.columns)}
    kept = [places[column.id] for column in comparison.shown]
    chapters = []
    for label, rows in _all_chapters(comparison.columns, includes_exit=conditions.include_exit):
        found = [row for row in rows if row["differs"] or not conditions.only_differences]
        chapters.append(
            {
                "label": label if found else f"{label}（違いなし）",
                "folded": not found,
                "rows": [
                    {**row, "cells": [row["cells"][place] for place in kept]} for row in found
                ],
            }
        )
    return chapters


def _all_chapters(columns: Sequence[Column], *, includes_exit: bool) -> list[tuple[str, list[Row]]]:
    years = sorted({line.fiscal_year for each in columns for line in each.cost.lines})
    by_year = [_year_chapter(columns, year) for year in years]
    return [
        ("全期間の費用（円）", _term_rows(columns)),
        *(by_year or [("会計年度ごとの費用（円）", [_quote_row("各年度", columns)])]),
        ("合計のほかに確かめるもの", _aside_rows(columns, includes_exit=includes_exit)),
        ("計算の決まり", _rule_rows(columns)),
    ]


def _year_chapter(columns: Sequence[Column], year: int) -> tuple[str, list[Row]]:
    lines = {each.id: _line_of(each, year) for each in columns}

    def read(told: Callable[[YearCost], int | None]) -> list[int | None]:
        """Give a figure of each; a year that a contract does not reach costs nothing in it."""
        return [
            told(line) if line else (0 if each.cost.lines else None)
            for each, line in zip(columns, lines.values(), strict=True)
        ]

    def read_kind(kind: ComponentKind) -> list[int | None]:
        return read(lambda line: line.amounts.get(kind))

    rows = [_kind_row(columns, kind, read_kind(kind)) for kind in _kinds(columns)]
    totals = [
        _money_row("税抜の計", read(lambda line: line.subtotal)),
        _money_row(_tax_words(columns), read(lambda line: line.tax)),
        _money_row("税込の計", read(lambda line: line.total), is_total=True),
    ]
    return f"{_year_label(columns, year)}の費用（円）", [
        *(row for row in rows if not _is_nothing(row)),
        *totals,
    ]


def _year_label(columns: Sequence[Column], year: int) -> str:
    """Return the fiscal year, with its months where every list counts the same part of it."""
    told = {
        (line := _line_of(each, year)) and year_words(line) for each in columns if each.cost.lines
    }
    return (len(told) == 1 and told.pop()) or format_fiscal_year(year)


def _line_of(column: Column, year: int) -> YearCost | None:
    return next((line for line in column.cost.lines if line.fiscal_year == year), None)


def _kinds(columns: Sequence[Column]) -> list[ComponentKind]:
    counted = {kind for each in columns for kind in each.cost.kinds}
    return [kind for kind in ComponentKind if kind in counted]


def _kind_row(columns: Sequence[Column], kind: ComponentKind, amounts: Sequence[int | None]) -> Row:
    """Return the amounts of a kind; a list without it is a gap, which is not free."""
    missing = NOT_CHOSEN_HERE if kind is ComponentKind.OPTION else NOT_LISTED
    cells = [
        gap(missing) if column.cost.lines and kind not in column.cost.kinds else money(amount)
        for column, amount in zip(columns, amounts, strict=True)
    ]
    return _row(f"{kind.label}（税抜）", cells)


def _term_rows(columns: Sequence[Column]) -> list[Row]:
    amounts = [each.cost.amounts for each in columns]
    kinds = [
        _kind_row(columns, kind, [each.get(kind) for each in amounts]) for kind in _kinds(columns)
    ]
    return [
        _month_row(
            "最初の1か月（毎月の費用だけ、税抜）", columns, [each.cost.monthly for each in columns]
        ),
        _month_row(
            "最初の1か月（同じ費用、税込）",
            columns,
            [each.cost.monthly_with_tax for each in columns],
        ),
        *kinds,
        _money_row("税抜の計", [each.cost.subtotal for each in columns]),
        _money_row(_tax_words(columns), [each.cost.tax for each in columns]),
        {**_row("税込の計", [_total(each) for each in columns]), "total": True},
    ]


def _month_row(words: str, columns: Sequence[Column], amounts: Sequence[int | None]) -> Row:
    """Return what a month costs, each with the yearly charges that it does not hold."""
    row = _money_row(words, amounts)
    for column, cell in zip(columns, row["cells"], strict=True):
        note = yearly_apart_words(column.cost)
        if note:
            cell["note"] = note
            row["differs"] = row["differs"] or len(columns) > 1
    return row


def _aside_rows(columns: Sequence[Column], *, includes_exit: bool) -> list[Row]:
    leaving = (
        "解約・データ返還（税抜、料金表にあれば合計に含む）"
        if includes_exit
        else "解約・データ返還（税抜）"
    )
    asked = any(each.cost.rules.options for each in columns)
    absent = [_row("選んだオプションのうち、料金表にないもの", [_absent(each) for each in columns])]
    return [
        _row(leaving, [_leaving(each) for each in columns]),
        _row("この料金表にない費目", [_unlisted(each) for each in columns]),
        *(absent if asked else []),
        _row("選んでいないオプション（合計に含まない）", [_left_out(each) for each in columns]),
        _row("団体の数による割引（合計に含まない）", [_discounts(each) for each in columns]),
        _row("初期費用への国の支援（合計から引いていない）", [_support(each) for each in columns]),
    ]


def _rule_rows(columns: Sequence[Column]) -> list[Row]:
    rounding = _row("消費税の端数", [text(each.cost.rounding.label) for each in columns])
    if rounding["differs"]:
        rounding["text"] += "（決まりが違うと、同じ料金でも税込の額に数円の差が出ます）"
    rows = [
        rounding,
        _row("月の途中から使うとき", [text(each.cost.part_month.label) for each in columns]),
    ]
    foreign = any(
        component.currency is not Currency.JPY
        for each in columns
        for component in each.plan.components
    )
    return [*rows, _row("外貨の換算", [_rates(each) for each in columns])] if foreign else rows


def money(amount: int | None) -> Cell:
    """Return the cell of an amount in yen; without one only a quote can tell."""
    if amount is None:
        return gap(QUOTE_LABEL)
    return {"text": f"{amount:,}", "number": True, "amount": amount}


def gap(words: str) -> Cell:
    """Return the cell of what is not known."""
    return {"gap": words}


def text(words: str) -> Cell:
    """Return the cell of something told."""
    return {"text": words}


def _row(words: str, cells: Sequence[Cell]) -> Row:
    told = {(cell.get("gap"), cell.get("text")) for cell in cells}
    return {"text": words, "differs": len(told) > 1, "cells": list(cells)}


def _money_row(words: str, amounts: Sequence[int | None], *, is_total: bool = False) -> Row:
    return {**_row(words, [money(amount) for amount in amounts]), "total": is_total}


def _quote_row(words: str, columns: Sequence[Column]) -> Row:
    return _money_row(words, [None for _ in columns])


def _is_nothing(row: Row) -> bool:
    """Tell whether nobody asks anything here: a charge paid once, in the years after."""
    return all(
        cell.get("amount", 0) == 0 and cell.get("gap") != QUOTE_LABEL for cell in row["cells"]
    )


def _tax_words(columns: Sequence[Column]) -> str:
    return f"消費税（{columns[0].cost.tax_basis_points // 100}%）"


def _total(column: Column) -> Cell:
    """Return the total; where there is none, why; and what it does not hold although it was chosen."""
    statement = column.cost
    if statement.total is None:
        return gap(f"{QUOTE_LABEL}：{explain_needs(statement.needs_quote)}")
    cell = money(statement.total)
    if statement.options_absent:
        names = "、".join(statement.options_absent)
        cell["note"] = f"選んだ「{names}」は料金表になく、含んでいません"
    return cell


def _leaving(column: Column) -> Cell:
    words = exit_words(column.cost, column.plan)
    told = export_words(column.version.export_charge_yen)
    if words == NOT_LISTED and column.cost.exit_included and told:
        return gap(f"{words}（{told}は合計の外）")
    return gap(words) if words == NOT_LISTED or words.startswith(QUOTE_LABEL) else text(words)


def _unlisted(column: Column) -> Cell:
    names = "、".join(kind.label for kind in column.plan.kinds_unlisted)
    return gap(f"{names}（無料とは限りません）") if names else text("どの費目も料金表にあります")


def _absent(column: Column) -> Cell:
    names = "、".join(column.cost.options_absent)
    return gap(names) if names else text("なし")


def _left_out(column: Column) -> Cell:
    return text("、".join(column.cost.options_left_out) or "なし")


def _discounts(column: Column) -> Cell:
    words = "\n".join(list_discounts(column.version.discounts))
    return text(words) if words else gap("公表されていません")


def _support(column: Column) -> Cell:
    version = column.version
    if version.state_support_yen is None or version.state_support_until is None:
        return gap(UNKNOWN)
    until: date = version.state_support_until
    words = say_support(version.state_support_yen, until, version.state_support_note)
    return text(f"{words}\n受付は終わりました" if until < today_jst() else words)


def _rates(column: Column) -> Cell:
    foreign = {each.currency for each in column.plan.components} - {Currency.JPY}
    if not foreign:
        return text("外貨の料金はありません")
    used = column.cost.rates_used
    if not used:
        return gap("換算する率を入力していません")
    return text(rate_words(used[0]))
