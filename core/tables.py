"""How a table that somebody sends is read: CSV or XLSX to texts, rows counted as on screen."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from core.errors import Invalid

LARGEST_TABLE = 10 * 1024 * 1024  # bytes as sent
MOST_ROWS = 20_000
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # also the wrapping of a protected workbook
_NO_LETTER = "\x80"

Progress = Callable[[int, int], None]


class TableError(Invalid):
    """A table or one of its cells cannot be taken; `row` and `address` are those of a spreadsheet."""

    code = "table_error"
    title = "ファイルを読み取れません"
    meaning = "表の形のファイルを読み取れません。"
    remedy = "挙げられた行と列を直し、ファイル全体を送り直してください。"

    def __init__(
        self,
        *,
        row: int | None,
        column: str | None,
        value: str | None,
        reason: str,
        sheet: str | None = None,
        address: str | None = None,
    ) -> None:
        where = f"シート「{sheet}」" if sheet else ""
        where += f"{address}（" if address else ""
        where += f"{row}行目" if row else ""
        where += f"「{column}」" if column else ""
        where += "）" if address else ""
        super().__init__({"file": f"{where}：{reason}" if where else reason})
        self.row, self.column, self.value, self.reason = row, column, value, reason
        self.sheet, self.address = sheet, address


class TableErrors(Invalid):
    """Everything that is wrong with one table; `table_errors` are in the order of its rows."""

    code, meaning, remedy = TableError.code, TableError.meaning, TableError.remedy
    title = "ファイルに確かめるところがあります"

    def __init__(self, errors: Sequence[TableError]) -> None:
        first = errors[0].message
        more = f"（ほかに{len(errors) - 1}件）" if len(errors) > 1 else ""
        super().__init__({"file": f"{first}{more}"})
        self.table_errors = list(errors)


@dataclass(frozen=True, slots=True)
class TableRow:
    """The texts of one row that is not empty, with the row number a spreadsheet shows.

    `merged` are the columns whose text is that of a row above, by merging.
    """

    number: int
    cells: tuple[str, ...]
    merged: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """What was read from one sheet or CSV file; the heading, too, is a row.

    `faults` says by (row, column index) which cells hold no value that could be read, `struck` what is
    left of cells in which letters are struck out. Rows and columns may be hidden on screen.
    """

    sheet: str | None
    rows: tuple[TableRow, ...]
    faults: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    struck: Mapping[tuple[int, int], str] = field(default_factory=dict)


def column_letter(index: int) -> str:
    """Return the letters a spreadsheet shows over a column; 0 is A."""
    from openpyxl.utils import get_column_letter

    return get_column_letter(index + 1)


def read_table(content: bytes, filename: str, *, sheet: str | None = None) -> Table:
    """Return the rows of a CSV or of one sheet (named, or else the first); raises only TableError."""
    tables = read_sheets(content, filename, sheets=None if sheet is None else [sheet])
    return tables[0]


def read_sheets(
    content: bytes,
    filename: str,
    *,
    sheets: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> tuple[Table, ...]:
    """Return every visible sheet of an XLSX file, or those named; a CSV file is one table.

    CSV is UTF-8 or CP932, parted by commas, tabs or semicolons. Dates come as ISO 8601, numbers as
    the sheet shows them; merged cells repeat their first value. `progress` is told how many rows
    of a workbook are read. Raises only TableError.
    """
    suffix = Path(filename).suffix.lower()
    _check_kind(content, filename, suffix)
    if suffix == ".xlsx":
        from core.workbooks import read_workbook

        return read_workbook(content, filename, sheets, progress)
    if content[:2] == b"PK" or b"\x00" in content[:1024]:
        message = "は中身がCSV（UTF-8かシフトJIS）ではありません。CSVとして保存し直してください。"
        raise refuse(f"「{filename}」{message}")
    return (Table(None, tuple(number_rows(_read_csv(_decode(content))))),)


def _check_kind(content: bytes, filename: str, suffix: str) -> None:
    if suffix not in {".csv", ".tsv", ".txt", ".xlsx"}:
        raise refuse(f"「{filename}」は読み取れない種類のファイルです。CSVかXLSXを選んでください。")
    if not content:
        raise refuse(f"「{filename}」は空です。内容のあるファイルを選んでください。")
    if len(content) > LARGEST_TABLE:
        limit = LARGEST_TABLE // 1024 // 1024
        raise refuse(f"「{filename}」は大きすぎます。{limit}MBまでのファイルを選んでください。")
    if content[:8] == _OLD_OFFICE:
        message = "はパスワードで保護されているか、古いExcel（.xls）の形です。"
        remedy = "保護を外し、Excelブック（.xlsx）として保存し直してください。"
        raise refuse(f"「{filename}」{message}{remedy}")


def refuse(reason: str, row: int | None = None, value: str | None = None) -> TableError:
    """Return the error of a whole file, or of one of its rows."""
    return TableError(row=row, column=None, value=value, reason=reason)


def number_rows(
    rows: Iterable[Sequence[str]], merged: Mapping[int, set[int]] | None = None
) -> Iterator[TableRow]:
    """Number the rows as a spreadsheet does and leave out the empty ones; refuse too many."""
    for number, cells in enumerate(rows, start=1):
        if number > MOST_ROWS:
            message = f"{MOST_ROWS:,}行までに分け、使っていない行は削除してください。"
            raise refuse(f"行が多すぎます。{message}", row=number)
        if any(cell.strip() for cell in cells):
            yield TableRow(number, tuple(cells), frozenset((merged or {}).get(number, ())))


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
    raise refuse(reason, row=row)


def _read_csv(text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    row = 0
    try:
        for cells in reader:
            row += 1
            yield cells
    except csv.Error:
        reason = '引用符（"）が閉じているか、セルの文が長すぎないかを確かめてください。'
        raise refuse(reason, row=row + 1) from None


def _delimiter(text: str) -> str:
    """Return the mark that parts most of the first rows into the same number of cells."""

    def agreeing(mark: str) -> tuple[int, int]:
        widths: Counter[int] = Counter()
        try:
            for cells in islice(csv.reader(io.StringIO(text, newline=""), delimiter=mark), 100):
                widths[len(cells)] += 1
        except csv.Error:
            return (0, 0)
        return max(((count, width) for width, count in widths.items() if width > 1), default=(0, 0))

    return max(",\t;", key=agreeing)
