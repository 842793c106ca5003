"""A comparison as a workbook and as a PDF: the rows of the page under the same filters, all of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from catalog.certification.models import ReviewState
from catalog.certification.queries import Standing
from catalog.columns import Column, Comparison
from catalog.comparison_tables import (
    Links,
    Table,
    absence_words,
    cost_table,
    function_table,
    terms_table,
)
from catalog.comparison_words import count_words, filter_words, used_words
from catalog.condition_words import condition_rows
from catalog.cost_ledger import explain_charge
from catalog.cost_rules import CostRules
from catalog.cost_words import explain_need, item_name, item_price_words
from catalog.price_plan import QUOTE_LABEL
from catalog.pricing import CostItem
from catalog.term_values import vendor_words
from catalog.yardsticks import DISCLAIMER
from core.clock import JST
from core.documents import Cell, RenderedDocument, Row, Sheet, render_pdf, write_xlsx
from core.japanese import format_date, format_datetime, format_fiscal_year

_WIDE_FROM = 5  # services; from here on A3
_ID, _HEAD, _COLUMN = 14, 40, 28  # half-width letters of a column
NOTE_ROW = (
    "（補足）"  # ends the head of a row with what is noted beside the amounts of the row before
)
_Facts = list[tuple[str, str]]


def comparison_workbook(
    found: Comparison, links: Links, *, made_at: datetime, address: str
) -> bytes:
    """Return the workbook: conditions, functions, terms, costs, and the charges that they are made of."""
    columns = found.shown
    facts = [*_facts(found, made_at, address), *_service_facts(columns)]
    head = [_column_words(column) for column in columns]
    sheets = [Sheet("比較の条件", ["項目", "内容"], facts, [34, 90])]
    if found.matrix is not None:
        functions = function_table(found, found.matrix, links)
        sheets.append(
            Sheet(
                "機能",
                ["要件ID", "機能要件", "章", "実装の区分", "違い", *head],
                _function_rows(functions),
                [_ID, _HEAD, 20, 12, 10, *(_COLUMN for _ in columns)],
            )
        )
    for name, first, table in (
        ("条件", "条件", terms_table(found, links)),
        ("費用", "費用（円）", cost_table(found, links)),
    ):
        widths = [_HEAD, 30, 10, *(_COLUMN for _ in columns)]
        sheets.append(Sheet(name, [first, "区分", "違い", *head], _table_rows(table), widths))
    ledger_head, ledger = cost_ledger(columns)
    sheets.append(Sheet("費用の明細", ledger_head, ledger))
    printed = [replace(each, freeze_columns=1, paper=_paper(columns)) for each in sheets]
    return write_xlsx(printed, made_at=made_at)


def comparison_pdf(
    found: Comparison, links: Links, *, made_at: datetime, address: str
) -> RenderedDocument:
    """Return the PDF: A4 landscape, A3 from five services; heads repeat on each page."""
    columns = found.shown
    tables = [terms_table(found, links), cost_table(found, links)]
    if found.matrix is not None:
        tables.insert(0, function_table(found, found.matrix, links))
    data = {
        "made_at": made_at.astimezone(JST).isoformat(timespec="seconds"),
        "title": f"{len(columns)}件のサービスの比較",
        "number": "",
        "date": format_date(made_at.astimezone(JST).date()),
        "sample": any(column.version.listing.seller.is_sample for column in columns),
        "evidence": {"label": "比べた内容のSHA-256", "hash": found.sha256},
        "paper": _paper(columns),
        "facts": [list(each) for each in _facts(found, made_at, address)],
        "services": [list(each) for each in _service_facts(columns)],
        "head": [_column_words(column) for column in columns],
        "tables": [_printed_table(table) for table in tables],
    }
    return render_pdf("comparison", data)


def _paper(columns: Sequence[Column]) -> Literal["a4", "a3"]:
    return "a3" if len(columns) >= _WIDE_FROM else "a4"


def _facts(found: Comparison, made_at: datetime, address: str) -> _Facts:
    """Return for whom, by which rules and of when this is, and which rows it holds."""
    specifications = [
        f"{group[0].specification_version.specification.name} {group[0].specification_version.title}"
        f"（{group[0].specification_version.id}）"
        for group in found.by_specification
    ]
    shown, count = len(found.shown), len(found.columns)
    return [
        *condition_rows(found.conditions),
        ("標準仕様書", "、".join(specifications)),
        ("機能要件", count_words(found)),
        ("絞り込み", "、".join(filter_words(found)) or "なし（すべての要件）"),
        ("使う標準オプション", used_words(found)),
        ("条件と費用の行", "違いのある行だけ" if found.conditions.only_differences else "すべて"),
        ("サービスの並び", "選んだ順" + (f"（{count}件のうち{shown}件）" if shown < count else "")),
        ("やめるときの目安", DISCLAIMER),
        ("作成した時点", format_datetime(made_at)),
        ("比べた内容のSHA-256", found.sha256),
        ("同じ比較のアドレス", address),
    ]


def _service_facts(columns: Sequence[Column]) -> _Facts:
    """Return what names each service for good: ids, versions, hashes, certificate."""
    facts: _Facts = []
    for number, column in enumerate(columns, start=1):
        version, offering = column.version, column.version.offering_version
        facts += [
            (f"サービス{number}", _column_words(column)),
            (
                f"サービス{number} 認証",
                f"{_standing_words(column.standing)}（{column.specification_version.title}）",
            ),
            (f"サービス{number} 掲載の状態", absence_words(version) or "掲載中"),
            (f"サービス{number} 販売条件の番号", f"{version.id}（登録{version.listing_id}）"),
            (f"サービス{number} 販売条件のSHA-256", version.content_sha256 or "なし"),
            (f"サービス{number} サービスの版の番号", str(offering.id)),
            (f"サービス{number} サービスの版のSHA-256", offering.content_sha256 or "なし"),
        ]
    return facts


def _standing_words(standing: Standing) -> str:
    """Return what a certification tag says: the state with its number and its days."""
    days = (
        (standing.valid_until_day, "まで"),
        (standing.due_on, "が条件の期限"),
        (standing.lapsed_on, "に条件の期限が切れた"),
        (standing.since, "から"),
        (standing.refused_on, "に認証しないと決まった"),
    )
    told = [f"{format_date(day)}{words}" for day, words in days if day]
    state = ReviewState.SUPERSEDED if standing.is_superseded else standing.state
    return "、".join([state.label, *([standing.number] if standing.number else []), *told])


def _column_words(column: Column) -> str:
    sample = "［見本］" if column.version.listing.seller.is_sample else ""
    return f"{column.name}（{vendor_words(column.version)}）{sample}"


def _function_rows(table: Table) -> Iterable[Row]:
    for chapter in table["chapters"]:
        for row in chapter["rows"]:
            yield [
                row["code"],
                row["text"],
                chapter["title"],
                row["requirement_class"],
                _difference(row),
                *map(_value, row["cells"]),
            ]


def _table_rows(table: Table) -> Iterable[Row]:
    for chapter in table["chapters"]:
        for row in chapter["rows"]:
            yield [row["text"], chapter["label"], _difference(row), *map(_value, row["cells"])]
            notes = [cell.get("note", "") if "amount" in cell else "" for cell in row["cells"]]
            if any(notes):
                yield [f"{row['text']}{NOTE_ROW}", chapter["label"], "", *notes]


def _difference(row: Mapping[str, Any]) -> str:
    return "違いあり" if row["differs"] else "同じ"


def _value(cell: Mapping[str, Any]) -> Cell:
    """Return a cell as a workbook holds it: amounts as numbers, all else in words."""
    if "amount" in cell:
        amount: int = cell["amount"]
        return amount
    return _words(cell)


def _words(cell: Mapping[str, Any]) -> str:
    words: str = cell.get("words") or cell.get("gap") or cell["text"]
    note: str = cell.get("note") or ""
    return f"{words}\n{note}" if note else words


def _printed_table(table: Table) -> dict[str, Any]:
    return {
        "title": table["title"],
        "row_head": table["row_head"],
        "chapters": [
            {
                "label": chapter["label"],
                "rows": [
                    {
                        "head": "　".join(
                            each
                            for each in (
                                row.get("code"),
                                row.get("requirement_class"),
                                row["text"],
                            )
                            if each
                        ),
                        "differs": row["differs"],
                        "total": row.get("total", False),
                        "cells": [
                            {
                                "words": _words(cell),
                                "gap": bool(cell.get("gap") or cell.get("open")),
                                "number": bool(cell.get("number")),
                            }
                            for cell in row["cells"]
                        ],
                    }
                    for row in chapter["rows"]
                ],
            }
            for chapter in table["chapters"]
        ],
    }


def cost_ledger(columns: Sequence[Column]) -> tuple[list[str], list[Row]]:
    """Return each charge with its quantity, price, how often, and what that makes by fiscal year."""
    years = sorted({line.fiscal_year for each in columns for line in each.cost.lines})
    head = [
        "サービス",
        "費目",
        "名称",
        "料金（税抜）",
        "計算",
        "支払う時期",
        "1回の金額（税抜・円）",
        "回数",
        *(f"{format_fiscal_year(year)}（税抜・円）" for year in years),
        "計（税抜・円）",
        "補足",
    ]
    rows: list[Row] = []
    for column in columns:
        statement = column.cost
        counted = [(item, "") for item in statement.items]
        if not statement.exit_included:
            counted += [(item, "合計に含まない") for item in statement.exit_items]
        for item, remark in counted:
            rows.append(
                [
                    _column_words(column),
                    item.component.kind.label,
                    item_name(item.component),
                    item_price_words(item),
                    _computation(item, statement.rules),
                    item.component.interval.label,
                    _amount(item.charge),
                    item.times,
                    *(_amount(item.by_year.get(year, 0)) for year in years),
                    _amount(item.amount),
                    _item_remark(item, remark),
                ]
            )
    return head, rows


def _computation(item: CostItem, rules: CostRules) -> str:
    if item.need is not None or item.quantity is None:
        return QUOTE_LABEL
    return explain_charge(item.component, item.quantity, rules)


def _amount(amount: int | None) -> Cell:
    return QUOTE_LABEL if amount is None else amount


def _item_remark(item: CostItem, remark: str) -> str:
    parts = [remark] if remark else []
    parts += [explain_need(item.need)] if item.need else []
    parts += [f"月の一部の日割りが{len(item.parts)}回"] if item.parts else []
    return "。".join(parts)
