"""How a workbook (XLSX) is read: the texts that a spreadsheet shows, with merged cells filled."""

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import openpyxl
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.utils import range_boundaries
from openpyxl.utils.datetime import from_excel
from openpyxl.xml.functions import iterparse

from core.tables import MOST_ROWS, Progress, Table, TableError, number_rows, refuse

_LARGEST_UNPACKED = 50 * 1024 * 1024  # bytes of all parts of a workbook
_LARGEST_RATIO = 200  # unpacked to packed bytes; a dense real workbook stays under 30
_MOST_MERGED = 200_000  # cells
_MOST_COLUMNS = 702  # ZZ
_TRUE = ("1", "true")
_STEP = 200  # rows between two reports of progress


def read_workbook(
    content: bytes, filename: str, wanted: Sequence[str] | None, progress: Progress | None
) -> tuple[Table, ...]:
    """Return every visible sheet of a workbook, or those named; raises only TableError."""
    try:
        _check_archive(content, filename)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        pages: dict[str, Any] = {page.title: page for page in book.worksheets}
        shown = [name for name, page in pages.items() if page.sheet_state == "visible"]
        names = _choose_sheets(list(pages), shown, filename, wanted)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # openpyxl's own reading of cells takes ten times as long and knows no merged cells.
            paths = [pages[name]._worksheet_path.lstrip("/") for name in names]  # noqa: SLF001
            sources = [archive.read(path) for path in paths]
            struck = _read_struck(archive)
        count = _RowCount(progress, sum(source.count(b"<row") for source in sources))
        tables = tuple(
            _read_page(pages[name], source, struck, count)
            for name, source in zip(names, sources, strict=True)
        )
        book.close()
    except TableError:
        raise
    except Exception as error:
        reason = f"「{filename}」は壊れているか、Excel（.xlsx）のファイルではありません。"
        raise refuse(reason + "開いて保存し直してください。") from error
    return tables


def _choose_sheets(
    names: Sequence[str], shown: Sequence[str], filename: str, wanted: Sequence[str] | None
) -> Sequence[str]:
    absent = [name for name in wanted or () if name not in names]
    if absent or not names:
        what = f"シート「{absent[0]}」" if absent else "表のシート"
        known = f"シート：{'、'.join(names)}。" if names else ""
        raise refuse(f"「{filename}」に{what}がありません。{known}シートの名前を確かめてください。")
    return wanted or shown or names


def _check_archive(content: bytes, filename: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > min(_LARGEST_UNPACKED, _LARGEST_RATIO * len(content)):
        reason = f"「{filename}」は展開すると大きすぎます。必要な表だけのファイルにしてください。"
        raise refuse(reason)


@dataclass(slots=True)
class _RowCount:
    """Tells how many rows of all sheets are read."""

    progress: Progress | None
    total: int
    done: int = 0

    def add(self) -> None:
        """Count one row; every so often, and with the last one, it is told."""
        self.done += 1
        if self.progress and (self.done % _STEP == 0 or self.done == self.total):
            self.progress(self.done, self.total)


def _read_page(page: Any, source: bytes, struck: Mapping[int, str], count: _RowCount) -> Table:
    reader = _PageReader(page, struck, count)
    grid = reader.read(source)
    references = re.findall(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]+)"', source)
    merged = _fill_merged(grid, references, reader.struck)
    for cells in grid:
        while cells and not cells[-1]:
            cells.pop()
    return Table(
        page.title,
        tuple(number_rows(grid, merged)),
        reader.faults,
        frozenset(reader.hidden_rows),
        frozenset(reader.hidden_columns),
        reader.struck,
    )


def _read_struck(archive: zipfile.ZipFile) -> dict[int, str]:
    """Return what is left of the texts in which letters are struck out, by their number in the book."""
    name = "xl/sharedStrings.xml"
    source = archive.read(name) if name in archive.namelist() else b""
    if b"strike" not in source:
        return {}
    found = {}
    texts = (each for _, each in iterparse(io.BytesIO(source)) if each.tag.endswith("}si"))
    for number, text in enumerate(texts):
        left = _without_struck(text)
        if left is not None:
            found[number] = left
    return found


def _without_struck(text: Any) -> str | None:
    """Return what is left of a text when its struck runs are gone; None where nothing is struck."""
    runs = [run for run in text if run.tag.endswith("}r")]
    if not any(map(_is_struck, runs)):
        return None
    kept = (run for run in runs if not _is_struck(run))
    parts = [part.text or "" for run in kept for part in run if part.tag.endswith("}t")]
    return _unescape("".join(parts))


def _is_struck(run: Any) -> bool:
    marks = [each for each in run.iter() if each.tag.endswith("}strike")]
    return any(each.get("val", "1") not in ("0", "false") for each in marks)


class _PageReader:
    """Turns the cells of one sheet into the texts that a spreadsheet shows."""

    def __init__(self, page: Any, struck: Mapping[int, str], count: _RowCount) -> None:
        self._count = count
        self._struck_texts = struck
        self._strikes: dict[str, bool] = {}
        self._may_strike = False
        self._strings = page._shared_strings  # noqa: SLF001 - the book as openpyxl read it
        self._book = page.parent
        self._shapes: dict[str, str] = {}
        self.faults: dict[tuple[int, int], str] = {}
        self.struck: dict[tuple[int, int], str] = {}
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()

    def read(self, source: bytes) -> list[list[str]]:
        """Return the texts by row and column."""
        fonts = self._book._fonts  # noqa: SLF001
        self._may_strike = bool(self._struck_texts) or any(font.strike for font in fonts)
        self._may_strike |= b"strike" in source
        grid: list[list[str]] = []
        for _, row in iterparse(io.BytesIO(source)):
            if row.tag.endswith("}col") and row.get("hidden") in _TRUE:
                last = min(int(row.get("max")), _MOST_COLUMNS)
                self.hidden_columns.update(range(int(row.get("min")) - 1, last))
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
            if row.get("hidden") in _TRUE:
                self.hidden_rows.add(number)
            row.clear()
            self._count.add()
            if number > MOST_ROWS and grid[-1]:
                break
        return grid

    def _read_row(self, row: Any, number: int) -> list[str]:
        texts: list[str] = []
        for cell in row:
            column = _column_of(cell.get("r"), len(texts))
            text = self._text(cell, number, column)
            if text:
                texts.extend([""] * (column - len(texts)))
                texts.append(text)
                if self._may_strike and (left := self._left_of(cell, text)) != text:
                    self.struck[number, column] = left
        return texts

    def _left_of(self, cell: Any, text: str) -> str:
        """Return the text of a cell without what is struck out."""
        if self._struck_texts and cell.get("t") == "s":
            number = next(int(part.text) for part in cell if part.tag.endswith("}v"))
            if number in self._struck_texts:
                return self._struck_texts[number]
        if cell.get("t") == "inlineStr" and (left := _without_struck(cell[0])) is not None:
            return left
        style = cell.get("s", "0")
        strikes = self._strikes.get(style)
        if strikes is None:
            font = self._book._fonts[self._book._cell_styles[int(style)].fontId]  # noqa: SLF001
            strikes = self._strikes[style] = bool(font.strike)
        return "" if strikes else text

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
        raise refuse("列が多すぎます。ZZ列までの表にしてください。")
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


def _fill_merged(
    grid: list[list[str]], references: Sequence[bytes], struck: dict[tuple[int, int], str]
) -> dict[int, set[int]]:
    """Repeat the first value of merged cells; returns the columns filled from above by row number."""
    filled = 0
    from_above: dict[int, set[int]] = defaultdict(set)
    for reference in references:
        left, top, right, bottom = (edge or 1 for edge in range_boundaries(reference.decode()))
        bottom = min(bottom, len(grid))
        filled += max(bottom - top + 1, 0) * (right - left + 1)
        if filled > _MOST_MERGED:
            raise refuse("結合したセルが多すぎます。結合を解除してください。", row=top)
        first = grid[top - 1][left - 1] if top <= bottom and left <= len(grid[top - 1]) else ""
        if not first:
            continue
        for number in range(top, bottom + 1):
            cells = grid[number - 1]
            cells.extend([""] * (right - len(cells)))
            for column in range(left - 1, right):
                cells[column] = cells[column] or first
                if (top, left - 1) in struck:
                    struck[number, column] = struck[top, left - 1]
            if number > top:
                from_above[number].update(range(left - 1, right))
    return from_above
