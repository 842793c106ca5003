"""How a table that somebody sends is read: CSV or XLSX to texts, rows counted as on screen."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core.errors import Invalid

LARGEST_TABLE = 10 * 1024 * 1024  # bytes as sent
MOST_ROWS = 20_000
_LARGEST_UNPACKED = 50 * 1024 * 1024  # bytes of all parts of a workbook
_LARGEST_RATIO = 200  # unpacked to packed bytes; a dense real workbook stays under 30
_MOST_MERGED = 200_000  # cells
_NO_LETTER = "\x80"


class TableError(Invalid):
    """A table or one of its cells cannot be taken; `row` counts as a spreadsheet does."""

    code = "table_error"
    title = "ファイルを読み取れません"
    meaning = "表の形のファイルを読み取れません。"
    remedy = "挙げられた行と列を直し、ファイル全体を送り直してください。"

    def __init__(
        self, *, row: int | None, column: str | None, value: str | None, reason: str
    ) -> None:
        place = f"{row}行目" if row else ""
        place += f"「{column}」" if column else ""
        super().__init__({"file": f"{place}：{reason}" if place else reason})
        self.row, self.column, self.value, self.reason = row, column, value, reason


class TableErrors(Invalid):
    """Everything that is wrong with one table; `table_errors` are in the order of its rows."""

    code = "table_error"
    title = "ファイルに確かめるところがあります"
    meaning = TableError.meaning
    remedy = TableError.remedy

    def __init__(self, errors: Sequence[TableError]) -> None:
        first = errors[0].message
        more = f"（ほかに{len(errors) - 1}件）" if len(errors) > 1 else ""
        super().__init__({"file": f"{first}{more}"})
        self.table_errors = list(errors)


@dataclass(frozen=True, slots=True)
class TableRow:
    """The texts of one row that is not empty, with the row number a spreadsheet shows."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What was read from one sheet or CSV file; the heading, too, is a row."""

    sheet: str | None
    rows: tuple[TableRow, ...]


def read_table(content: bytes, filename: str, *, sheet: str | None = None) -> Table:
    """Return the rows of a CSV (UTF-8 or CP932) or XLSX file as texts; raises only TableError.

    Dates come as ISO 8601, whole numbers without point; merged cells repeat their first value.
    Of a workbook the named sheet is read, or else the first.
    """
    suffix = Path(filename).suffix.lower()
    if suffix not in {".csv", ".xlsx"}:
        raise _refuse(
            f"「{filename}」は読み取れない種類のファイルです。CSVかXLSXを選んでください。"
        )
    if not content:
        raise _refuse(f"「{filename}」は空です。内容のあるファイルを選んでください。")
    if len(content) > LARGEST_TABLE:
        limit = LARGEST_TABLE // 1024 // 1024
        raise _refuse(f"「{filename}」は大きすぎます。{limit}MBまでのファイルを選んでください。")
    if suffix == ".xlsx":
        return _read_xlsx(content, filename, sheet)
    if content[:2] == b"PK" or b"\x00" in content[:1024]:
        message = "は中身がCSV（UTF-8かシフトJIS）ではありません。CSVとして保存し直してください。"
        raise _refuse(f"「{filename}」{message}")
    return Table(None, tuple(_number_rows(_read_csv(_decode(content)))))


def _refuse(reason: str, row: int | None = None, value: str | None = None) -> TableError:
    return TableError(row=row, column=None, value=value, reason=reason)


def _number_rows(rows: Iterable[Sequence[str]]) -> Iterator[TableRow]:
    for number, cells in enumerate(rows, start=1):
        if number > MOST_ROWS:
            message = f"{MOST_ROWS:,}行までに分け、使っていない行は削除してください。"
            raise _refuse(f"行が多すぎます。{message}", row=number)
        if any(cell.strip() for cell in cells):
            yield TableRow(number, tuple(cells))


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = content[: error.start].decode("utf-8-sig")
    # Text in CP932 is never valid UTF-8 for several kana or kanji on end: then one byte is broken.
    if sum(letter > "\u3000" for letter in good) < 2:
        try:
            text = content.decode("cp932")
        except UnicodeDecodeError as error:
            text = content[: error.start].decode("cp932") + _NO_LETTER
        # Python decodes four single bytes that no Japanese file uses to these.
        broken = re.search(f"[{_NO_LETTER}\uf8f0-\uf8f3]", text)
        if broken is None:
            return text
        good = text[: broken.start()]
    row = len(list(csv.reader(io.StringIO(good + "?", newline=""))))
    reason = "文字として読めない符号があります。UTF-8のCSVで保存し直してください。"
    raise _refuse(reason, row=row)


def _read_csv(text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 0
    try:
        for cells in reader:
            row += 1
            yield cells
    except csv.Error:
        reason = '引用符（"）が閉じているか、セルの文が長すぎないかを確かめてください。'
        raise _refuse(reason, row=row + 1) from None


def _read_xlsx(content: bytes, filename: str, sheet: str | None) -> Table:
    import openpyxl

    try:
        _check_archive(content, filename)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        name = _choose_sheet([page.title for page in book.worksheets], filename, sheet)
        grid = _read_grid(book[name], content)
        book.close()
    except TableError:
        raise
    except Exception as error:
        reason = f"「{filename}」は壊れているか、Excel（.xlsx）のファイルではありません。"
        raise _refuse(reason + "開いて保存し直してください。") from error
    return Table(name, tuple(_number_rows(grid)))


def _choose_sheet(names: Sequence[str], filename: str, wanted: str | None) -> str:
    if not names or (wanted is not None and wanted not in names):
        absent = f"シート「{wanted}」" if wanted else "表のシート"
        raise _refuse(f"「{filename}」に{absent}がありません。シートの名前を確かめてください。")
    return wanted or names[0]


def _check_archive(content: bytes, filename: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > min(_LARGEST_UNPACKED, _LARGEST_RATIO * len(content)):
        reason = f"「{filename}」は展開すると大きすぎます。必要な表だけのファイルにしてください。"
        raise _refuse(reason)


def _read_grid(page: Any, content: bytes) -> list[list[str]]:
    # The read-only reader knows no merged cells, and the file's own claim of its size may lie.
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        source = archive.read(page._worksheet_path.lstrip("/"))  # noqa: SLF001
    if re.search(rb'\sr="[A-Z]{3}[0-9]', source):
        raise _refuse("列が多すぎます。ZZ列までの表にしてください。")
    page.reset_dimensions()
    grid: list[list[str]] = []
    limit = MOST_ROWS + 1  # one more, so that the row too many is seen and refused
    for row in page.iter_rows(max_row=limit, values_only=True):
        cells = [_cell_text(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        grid.append(cells)
    _fill_merged(grid, re.findall(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]+)"', source))
    return grid


def _cell_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == datetime.min.time():
            return value.date().isoformat()
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)


def _fill_merged(grid: list[list[str]], references: Sequence[bytes]) -> None:
    from openpyxl.utils import range_boundaries

    filled = 0
    for reference in references:
        left, top, right, bottom = (edge or 1 for edge in range_boundaries(reference.decode()))
        bottom = min(bottom, len(grid))
        filled += max(bottom - top + 1, 0) * (right - left + 1)
        if filled > _MOST_MERGED:
            raise _refuse("結合したセルが多すぎます。結合を解除してください。", row=top)
        first = grid[top - 1][left - 1] if top <= bottom and left <= len(grid[top - 1]) else ""
        for cells in grid[top - 1 : bottom] if first else []:
            cells.extend([""] * (right - len(cells)))
            for column in range(left - 1, right):
                cells[column] = cells[column] or first
