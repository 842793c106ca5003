"""The cost of one service as a workbook and as a PDF: the same report as on the page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from catalog.columns import Column
from catalog.condition_words import condition_rows
from catalog.conditions import Conditions
from catalog.cost_report import Cell, Line, Report, Section, Table
from core import documents
from core.clock import JST
from core.documents import RenderedDocument, Row, Sheet, render_pdf, write_xlsx
from core.japanese import format_date, format_datetime, format_yen

TITLE = "費用計算書"
_WHAT_IFS = (
    "rounding",
    "leaving",
    "support",
    "discounts",
    "sensitivity",
    "today",
    "missing",
    "currency",
)
_SCALE = 10_000  # parts of the longest bar
_Facts = list[tuple[str, str]]


def cost_workbook(
    report: Report, column: Column, conditions: Conditions, *, made_at: datetime, address: str
) -> bytes:
    """Return the workbook: conditions, fiscal years, ledger, months, and what would be."""
    facts = [
        ("答え", report.answer),
        *(("計算に必要なもの", ask) for ask in report.asks),
        *cost_facts(column, conditions, made_at, address),
    ]
    sheets = [Sheet("条件", ["項目", "内容"], facts, [30, 100])]
    years, months = report.list_tables("years"), report.list_tables("months")
    sheets += [_sheet("年度", table) for table in years]
    sheets.append(_ledger_sheet(report.list_tables("ledger")))
    sheets += [_sheet("月", table) for table in months]
    sheets.append(_what_if_sheet(report))
    return write_xlsx(sheets, made_at=made_at)


def cost_facts(column: Column, conditions: Conditions, made_at: datetime, address: str) -> _Facts:
    """Return for whom and by which rules this is, and what names the price list for good."""
    version, offering = column.version, column.version.offering_version
    priced_on = column.plan.as_of
    return [
        ("サービス", column.name),
        ("販売する事業者", version.listing.seller.name),
        *condition_rows(conditions),
        ("料金表の日", format_date(priced_on) if priced_on else "情報なし"),
        ("この計算の端数の決まり", column.cost.rounding.label),
        ("販売条件の番号", f"{version.id}（登録{version.listing_id}）"),
        ("販売条件のSHA-256", version.content_sha256 or "なし"),
        ("サービスの版の番号", str(offering.id)),
        ("サービスの版のSHA-256", offering.content_sha256 or "なし"),
        ("作成した時点", format_datetime(made_at)),
        ("同じ計算のアドレス", address),
    ]


def _value(cell: Cell) -> documents.Cell:
    return cell.text if cell.amount is None else cell.amount


def _sheet(name: str, table: Table) -> Sheet:
    unit = f"（{table.unit}）" if table.unit else ""
    head = [
        f"{word}{unit if place in table.numeric else ''}" for place, word in enumerate(table.head)
    ]
    rows = [[_value(cell) for cell in line] for line in (*table.rows, *table.foot)]
    return Sheet(name, head, rows, freeze_columns=1)


def _ledger_sheet(tables: Sequence[Table]) -> Sheet:
    """Return one line for each item: the charge, then every year side by side, then how often."""
    charges, years = tables[0], tables[1:]
    head = [*charges.head, *(f"{word}（円）" for table in years for word in table.head[1:])]
    rows: list[Row] = []
    for place, line in enumerate(charges.rows):
        found = [cell for table in years for cell in table.rows[place][1:]]
        words = [word for table in years for word in table.head[1:]]
        notes = [
            f"{word}：{cell.note}" for word, cell in zip(words, found, strict=True) if cell.note
        ]
        rows.append([*map(_value, [*line, *found]), "、".join(notes)])
    blank = [None] * (len(charges.head) - 1)
    for place, line in enumerate(years[0].foot if years else ()):
        sums = [cell for table in years for cell in table.foot[place][1:]]
        rows.append([line[0].text, *blank, *map(_value, sums), None])
    return Sheet("明細", [*head, "年度ごとの回数"], rows, freeze_columns=1)


def _what_if_sheet(report: Report) -> Sheet:
    """Return one value a line, with the case and what it is an amount of."""
    rows: list[Row] = []
    for section in report.sections:
        if section.id in _WHAT_IFS:
            told = [*([section.warning] if section.warning else []), *section.sentences]
            rows += [[section.title, "説明", "", sentence] for sentence in told]
            for table in section.tables:
                for line in (*table.rows, *table.foot):
                    rows += _list_values(section, table, line)
    return Sheet(
        "もしも", ["もしも", "場合", "項目", "値"], rows, [28, 44, 28, 70], freeze_columns=2
    )


def _list_values(section: Section, table: Table, line: Line) -> list[Row]:
    return [
        [section.title, line[0].text, table.head[place], _value(cell)]
        for place, cell in enumerate(line)
        if place and cell.text
    ]


def print_cost(
    report: Report, column: Column, conditions: Conditions, *, made_at: datetime, address: str
) -> RenderedDocument:
    """Return the PDF, A4: the sections of the page in their order."""
    version = column.version
    data = {
        "made_at": made_at.astimezone(JST).isoformat(timespec="seconds"),
        "title": TITLE,
        "number": column.name,
        "date": format_date(made_at.astimezone(JST).date()),
        "sample": version.listing.seller.is_sample,
        "evidence": {"label": "販売条件のSHA-256", "hash": version.content_sha256},
        "answer": report.answer,
        "asks": [*report.asks],
        "facts": [[*each] for each in cost_facts(column, conditions, made_at, address)],
        "sections": [_printed(each) for each in report.sections],
    }
    return render_pdf("cost", data)


def _printed(section: Section) -> dict[str, Any]:
    sentences = [*([section.warning] if section.warning else []), *section.sentences]
    return {
        "title": section.title,
        "sentences": sentences,
        "chart": _printed_chart(section.chart) if section.chart else None,
        "tables": [_printed_table(each) for each in section.tables],
    }


def _printed_table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "unit": table.unit,
        "note": table.note,
        "head": [*table.head],
        "numeric": [place in table.numeric for place in range(len(table.head))],
        "rows": [[[cell.text, cell.note] for cell in line] for line in table.rows],
        "foot": [[[cell.text, cell.note] for cell in line] for line in table.foot],
    }


def _printed_chart(chart: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bars as shares of the longest."""
    longest = max([row["total"] or 0 for row in chart["rows"]] + [1])
    return {
        "title": chart["title"],
        "remarks": chart["remarks"],
        "rows": [
            {
                "label": row["label"],
                "total": "" if row["total"] is None else format_yen(row["total"]),
                "parts": [
                    [part["kind"], part["amount"] * _SCALE // longest] for part in row["parts"]
                ],
            }
            for row in chart["rows"]
        ],
    }
