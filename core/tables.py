"""How a table that somebody sends is read: CSV or XLSX to texts, rows counted as on screen."""

import csv
import io
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import Invalid

LARGEST_TABLE = 10 * 1024 * 1024  # bytes as sent
MOST_ROWS = 20_000
_LARGEST_UNPACKED = 50 * 1024 * 1024  # bytes of all parts of a workbook
_LARGEST_RATIO = 200  # unpacked to packed bytes; a dense real workbook stays under 30
_MOST_MERGED = 200_000  # cells
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # also the wrapping of a protected workbook
_NO_LETTER = "\x80"


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

    `faults` says by (row, column index) which cells hold no value that could be read.
    """

    sheet: str | None
    rows: tuple[TableRow, ...]
    faults: Mapping[tuple[int, int], str] = field(default_factory=dict)


def column_letter(index: int) -> str:
    """Return the letters a spreadsheet shows over a column; 0 is A."""
    from openpyxl.utils import get_column_letter

    return get_column_letter(index + 1)


def read_table(content: bytes, filename: str, *, sheet: str | None = None) -> Table:
    """Return the rows of a CSV or of one sheet (named, or else the first); raises only TableError."""
    tables = read_sheets(content, filename, sheets=None if sheet is None else [sheet])
    return tables[0]


def read_sheets(
    content: bytes, filename: str, *, sheets: Sequence[str] | None = None
) -> tuple[Table, ...]:
    """Return every visible sheet of an XLSX file, or those named; a CSV file is one table.

    CSV is UTF-8 or CP932, parted by commas, tabs or semicolons. Dates come as ISO 8601, numbers as
    the sheet shows them; merged cells repeat their first value. Raises only TableError.
    """
    suffix = Path(filename).suffix.lower()
    _check_kind(content, filename, suffix)
    if suffix == ".xlsx":
        return _read_xlsx(content, filename, sheets)
    if content[:2] == b"PK" or b"\x00" in content[:1024]:
        message = "は中身がCSV（UTF-8かシフトJIS）ではありません。CSVとして保存し直してください。"
        raise _refuse(f"「{filename}」{message}")
    return (Table(None, tuple(_number_rows(_read_csv(_decode(content))))),)


def _check_kind(content: bytes, filename: str, suffix: str) -> None:
    if suffix not in {".csv", ".tsv", ".txt", ".xlsx"}:
        raise _refuse(
            f"「{filename}」は読み取れない種類のファイルです。CSVかXLSXを選んでください。"
        )
    if not content:
        raise _refuse(f"「{filename}」は空です。内容のあるファイルを選んでください。")
    if len(content) > LARGEST_TABLE:
        limit = LARGEST_TABLE // 1024 // 1024
        raise _refuse(f"「{filename}」は大きすぎます。{limit}MBまでのファイルを選んでください。")
    if content[:8] == _OLD_OFFICE:
        message = "はパスワードで保護されているか、古いExcel（.xls）の形です。"
        remedy = "保護を外し、Excelブック（.xlsx）として保存し直してください。"
        raise _refuse(f"「{filename}」{message}{remedy}")


def _refuse(reason: str, row: int | None = None, value: str | None = None) -> TableError:
    return TableError(row=row, column=None, value=value, reason=reason)


def _number_rows(
    rows: Iterable[Sequence[str]], merged: Mapping[int, set[int]] | None = None
) -> Iterator[TableRow]:
    for number, cells in enumerate(rows, start=1):
        if number > MOST_ROWS:
            message = f"{MOST_ROWS:,}行までに分け、使っていない行は削除してください。"
            raise _refuse(f"行が多すぎます。{message}", row=number)
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
    raise _refuse(reason, row=row)


def _read_csv(text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    row = 0
    try:
        for cells in reader:
            row += 1
            yield cells
    except csv.Error:
        reason = '引用符（"）が閉じているか、セルの文が長すぎないかを確かめてください。'
        raise _refuse(reason, row=row + 1) from None


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


def _read_xlsx(content: bytes, filename: str, wanted: Sequence[str] | None) -> tuple[Table, ...]:
    import openpyxl

    try:
        _check_archive(content, filename)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        pages = {page.title: page for page in book.worksheets}
        shown = [name for name, page in pages.items() if page.sheet_state == "visible"]
        names = _choose_sheets(list(pages), shown, filename, wanted)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tables = tuple(_read_page(pages[name], archive) for name in names)
        book.close()
    except TableError:
        raise
    except Exception as error:
        reason = f"「{filename}」は壊れているか、Excel（.xlsx）のファイルではありません。"
        raise _refuse(reason + "開いて保存し直してください。") from error
    return tables


def _choose_sheets(
    names: Sequence[str], shown: Sequence[str], filename: str, wanted: Sequence[str] | None
) -> Sequence[str]:
    absent = [name for name in wanted or () if name not in names]
    if absent or not names:
        what = f"シート「{absent[0]}」" if absent else "表のシート"
        known = f"シート：{'、'.join(names)}。" if names else ""
        raise _refuse(
            f"「{filename}」に{what}がありません。{known}シートの名前を確かめてください。"
        )
    return wanted or shown or names


def _check_archive(content: bytes, filename: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > min(_LARGEST_UNPACKED, _LARGEST_RATIO * len(content)):
        reason = f"「{filename}」は展開すると大きすぎます。必要な表だけのファイルにしてください。"
        raise _refuse(reason)


def _read_page(page: Any, archive: zipfile.ZipFile) -> Table:
    # openpyxl's own reading of cells takes ten times as long and knows no merged cells.
    source = archive.read(page._worksheet_path.lstrip("/"))  # noqa: SLF001
    grid, faults = _PageReader(page).read(source)
    merged = _fill_merged(
        grid, re.findall(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]+)"', source)
    )
    for cells in grid:
        while cells and not cells[-1]:
            cells.pop()
    return Table(page.title, tuple(_number_rows(grid, merged)), faults)


class _PageReader:
    """Turns the cells of one sheet into the texts that a spreadsheet shows."""

    def __init__(self, page: Any) -> None:
        self._strings = page._shared_strings  # noqa: SLF001 - the book as openpyxl read it
        self._book = page.parent
        self._shapes: dict[str, str] = {}
        self.faults: dict[tuple[int, int], str] = {}

    def read(self, source: bytes) -> tuple[list[list[str]], dict[tuple[int, int], str]]:
        """Return the texts by row and column, and the cells that hold no value."""
        from openpyxl.xml.functions import iterparse

        grid: list[list[str]] = []
        for _, row in iterparse(io.BytesIO(source)):
            if not row.tag.endswith("}row"):
                continue
            number = int(row.get("r") or len(grid) + 1)
            if number > MOST_ROWS:
                number = MOST_ROWS + 1  # one more, so that the row too many is seen and refused
            while len(grid) < number - 1:
                grid.append([])
            if number > len(grid):
                grid.append(
                    ["?"] if number > MOST_ROWS and len(row) else self._read_row(row, number)
                )
            row.clear()
            if number > MOST_ROWS and grid[-1]:
                break
        return grid, self.faults

    def _read_row(self, row: Any, number: int) -> list[str]:
        texts: list[str] = []
        for cell in row:
            column = _column_of(cell.get("r"), len(texts))
            text = self._text(cell, number, column)
            if text:
                texts.extend([""] * (column - len(texts)))
                texts.append(text)
        return texts

    def _text(self, cell: Any, number: int, column: int) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _join_runs(cell)
        written, has_formula = None, False
        for part in cell:
            if part.tag.endswith("}v"):
                written = part.text
            elif part.tag.endswith("}f"):
                has_formula = True
        if written is None:
            if has_formula and kind != "str":
                fault = "計算式の結果が保存されていません。Excelで開いて保存し直してください。"
                self.faults[number, column] = fault
            return ""
        if kind == "s":
            return _unescape(self._strings[int(written)])
        if kind == "e":
            fault = f"計算の誤り（{written}）です。元の表の式か値を直してください。"
            self.faults[number, column] = fault
        if kind == "b":
            return "TRUE" if written == "1" else "FALSE"
        return self._number(written, cell.get("s", "0")) if kind == "n" else _unescape(written)

    def _number(self, written: str, style: str) -> str:
        shape = self._shapes.get(style)
        if shape is None:
            shape = self._shapes[style] = self._shape_of(int(style))
        value = float(written)
        if shape == "date":
            from openpyxl.utils.datetime import from_excel

            moment = from_excel(value, self._book.epoch)
            has_time = isinstance(moment, datetime) and moment.time() != datetime.min.time()
            return str(moment.isoformat())[: None if has_time else 10]
        if shape:
            whole, _, decimals = shape.partition(".")
            wide = len(shape) if decimals else len(whole)
            return f"{value:0{wide}.{len(decimals)}f}"
        return str(int(value)) if value.is_integer() else str(value)

    def _shape_of(self, style: int) -> str:
        """Return "date", or the format of a number whose zeros are shown (0000, 0.00), or nothing."""
        from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

        book = self._book
        if style in book._date_formats:  # noqa: SLF001
            return "date"
        code = book._cell_styles[style].numFmtId  # noqa: SLF001
        custom = book._number_formats  # noqa: SLF001
        first = BUILTIN_FORMATS_MAX_SIZE
        shown = BUILTIN_FORMATS.get(code, "") if code < first else custom[code - first]
        return shown if re.fullmatch(r"00+(\.0+)?|0\.0+", shown) else ""


def _column_of(address: str | None, following: int) -> int:
    if address is None:
        return following
    letters = address.rstrip("0123456789")
    if len(letters) > 2:
        raise _refuse("列が多すぎます。ZZ列までの表にしてください。")
    first, last = letters.rjust(2, "@")[:1], letters[-1:]
    return (ord(first) - 64) * 26 + ord(last) - 65


def _join_runs(cell: Any) -> str:
    """Return an inline text without the readings that stand over its kanji."""
    if len(cell) == 1 and len(cell[0]) == 1 and cell[0][0].tag.endswith("}t"):
        return _unescape(cell[0][0].text or "")
    runs = [part for part in cell.iter() if part.tag.endswith("}t")]
    over = {part for each in cell.iter() if each.tag.endswith("}rPh") for part in each}
    return _unescape("".join(run.text or "" for run in runs if run not in over))


def _unescape(text: str) -> str:
    """Return a text with the letters that the format writes as _x000D_."""
    if "_x" not in text:
        return text
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


def _fill_merged(grid: list[list[str]], references: Sequence[bytes]) -> dict[int, set[int]]:
    """Repeat the first value of merged cells; returns the columns filled from above by row number."""
    from openpyxl.utils import range_boundaries

    filled = 0
    from_above: dict[int, set[int]] = defaultdict(set)
    for reference in references:
        left, top, right, bottom = (edge or 1 for edge in range_boundaries(reference.decode()))
        bottom = min(bottom, len(grid))
        filled += max(bottom - top + 1, 0) * (right - left + 1)
        if filled > _MOST_MERGED:
            raise _refuse("結合したセルが多すぎます。結合を解除してください。", row=top)
        first = grid[top - 1][left - 1] if top <= bottom and left <= len(grid[top - 1]) else ""
        if not first:
            continue
        for number in range(top, bottom + 1):
            cells = grid[number - 1]
            cells.extend([""] * (right - len(cells)))
            for column in range(left - 1, right):
                cells[column] = cells[column] or first
            if number > top:
                from_above[number].update(range(left - 1, right))
    return from_above
