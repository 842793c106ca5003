"""The template and the export: the same shape, as a workbook with choices or as flat CSV."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from catalog.offerings.sheets.columns import (
    GUIDE_SHEET,
    OFFERING_COLUMNS,
    OFFERING_SHEET,
    PRICE_COLUMNS,
    PRICE_SHEET,
    SAMPLE_KEY,
    Column,
)
from catalog.offerings.sheets.queries import OwnOffering
from catalog.offerings.sheets.rendering import render_component, render_offering
from core.documents import write_csv

_CHOICES = "選択肢"
_FURTHER_ROWS = 1_000
_Cells = dict[str, str]
_FLAT_COLUMNS = (*OFFERING_COLUMNS, *PRICE_COLUMNS[1:])
_GUIDE = (
    "「サービス」の表に1件を1行で、「料金」の表に料金を1行ずつ書きます。キーで結びます。",
    "見出しの行と列の順は変えられますが、見出しの言葉は変えないでください。",
    "一つでも誤りがあれば何も取り込みません。誤りは行と列で示します。",
    "取り込んだものは下書きになります。適合状況は画面で回答し、提出してください。",
    "公開中の行を変えると、変更の下書きができます。公開するまで、利用者には今の内容が見えます。",
    "ほかの会社のサービスの行では、料金と販売条件だけを変えられます。",
)


def sample_rows(specification: str) -> tuple[_Cells, list[_Cells]]:
    """Return the sample row of the template and its price row; an import passes over both."""
    offering = {each.target: each.example for each in OFFERING_COLUMNS}
    offering |= {"key": SAMPLE_KEY, "specification": specification}
    price = {each.target: each.example for each in PRICE_COLUMNS} | {"key": SAMPLE_KEY}
    return offering, [price]


def export_rows(rows: Iterable[OwnOffering]) -> Iterator[tuple[_Cells, list[_Cells]]]:
    """Return each offering with its price rows as an import reads them."""
    for number, own in enumerate(rows, start=1):
        key = f"A{number}"
        prices = [{"key": key, **render_component(each)} for each in own.terms.components]
        yield {"key": key, **render_offering(own)}, prices


def write_flat(rows: Iterable[tuple[_Cells, list[_Cells]]]) -> bytes:
    """Return one CSV table: an offering beside its first price, further prices under it."""
    lines: list[list[str]] = [[each.heading for each in _FLAT_COLUMNS]]
    for offering, prices in rows:
        first, *further = prices or [{}]
        lines += [
            [cells.get(each.target, "") for each in _FLAT_COLUMNS]
            for cells in ({**offering, **first}, *further)
        ]
    return write_csv(lines)


def write_workbook(
    rows: Iterable[tuple[_Cells, list[_Cells]]], specifications: Sequence[str]
) -> bytes:
    """Return a workbook of offerings, prices and how to fill them in; text stays text."""
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"created": _epoch()})
        formats = _formats(book)
        found = list(rows)
        sheets = [
            (OFFERING_SHEET, OFFERING_COLUMNS, [offering for offering, _ in found]),
            (PRICE_SHEET, PRICE_COLUMNS, [price for _, prices in found for price in prices]),
        ]
        pages = [book.add_worksheet(name) for name, _, _ in sheets]
        _write_guide(book.add_worksheet(GUIDE_SHEET), formats)
        ranges = _write_choices(book, specifications)
        for page, (_, columns, cells) in zip(pages, sheets, strict=True):
            _write_sheet(page, columns, cells, ranges, formats)
    return buffer.getvalue()


def _epoch() -> Any:
    from datetime import datetime

    return datetime(2000, 1, 1)  # noqa: DTZ001 - the format knows no zone; equal input, equal bytes


def _formats(book: Any) -> dict[str, Any]:
    base = {"font_name": "游ゴシック", "font_size": 11, "valign": "top"}
    head = base | {"bold": True, "bottom": 1, "text_wrap": True}
    return {
        "head": book.add_format(head | {"bg_color": "#E6E6E6"}),
        "needed": book.add_format(head | {"bg_color": "#FFE9C7"}),
        "text": book.add_format(base | {"text_wrap": True, "num_format": "@"}),
        "number": book.add_format(base),
        "sample": book.add_format(base | {"text_wrap": True, "italic": True, "color": "#595959"}),
    }


def _write_choices(book: Any, specifications: Sequence[str]) -> dict[str, str]:
    """Write the words to choose from to a hidden sheet; returns its ranges by target."""
    from xlsxwriter.utility import xl_col_to_name

    page = book.add_worksheet(_CHOICES)
    page.hide()
    lists = {"specification": list(specifications)}
    for column in (*OFFERING_COLUMNS, *PRICE_COLUMNS):
        if column.words and not column.is_list:
            lists[column.target] = list(column.words.values())
    ranges = {}
    for index, (target, words) in enumerate(lists.items()):
        for row, word in enumerate(words):
            page.write_string(row, index, word)
        name = xl_col_to_name(index)
        if words:
            ranges[target] = f"='{_CHOICES}'!${name}$1:${name}${len(words)}"
    return ranges


def _write_sheet(
    page: Any,
    columns: Sequence[Column],
    rows: Sequence[_Cells],
    ranges: dict[str, str],
    formats: dict[str, Any],
) -> None:
    last = len(rows) + _FURTHER_ROWS
    for index, column in enumerate(columns):
        head = formats["needed" if column.is_required else "head"]
        page.write_string(0, index, column.heading, head)
        page.set_column(index, index, 14 if column.words or column.is_number else 24)
        message: dict[str, Any] = {"validate": "any"}
        if column.target in ranges:
            message = {"validate": "list", "source": ranges[column.target], "error_type": "warning"}
        if column.hint:
            message |= {"input_title": column.heading[:32], "input_message": column.hint[:255]}
        page.data_validation(1, index, last, index, message)
    for number, cells in enumerate(rows, start=1):
        is_sample = cells.get("key") == SAMPLE_KEY
        for index, column in enumerate(columns):
            text = cells.get(column.target, "")
            shape = formats["sample" if is_sample else "number" if column.is_number else "text"]
            _write_cell(page, number, index, text, shape, is_number=column.is_number)
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)


def _write_cell(
    page: Any, row: int, column: int, text: str, shape: Any, *, is_number: bool
) -> None:
    if is_number and text.replace(".", "", 1).isdigit() and text.isascii():
        page.write_number(row, column, float(text), shape)
    elif text:
        page.write_string(row, column, text, shape)
    else:
        page.write_blank(row, column, None, shape)


def _write_guide(page: Any, formats: dict[str, Any]) -> None:
    for number, sentence in enumerate(_GUIDE):
        page.write_string(number, 0, sentence, formats["number"])
    start = len(_GUIDE) + 1
    for index, (title, width) in enumerate(
        (("表", 12), ("見出し", 34), ("必須", 8), ("書き方", 60), ("選べる言葉", 60), ("例", 30))
    ):
        page.write_string(start, index, title, formats["head"])
        page.set_column(index, index, width)
    lines = [(OFFERING_SHEET, each) for each in OFFERING_COLUMNS]
    lines += [(PRICE_SHEET, each) for each in PRICE_COLUMNS]
    for row, (sheet, column) in enumerate(lines, start=start + 1):
        words = "、".join((column.words or {}).values())
        needed = "必須" if column.is_required else ""
        cells = (sheet, column.heading, needed, column.hint, words, column.example)
        for index, text in enumerate(cells):
            page.write_string(row, index, text, formats["text"])
