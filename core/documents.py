"""How documents are made and sent: Typst to PDF, rows to XLSX and CSV, the hash of each.

What stands in a document belongs to the package that owns the noun; its look lies in
templates/documents/, where the head of each file describes the data it takes.
"""

import csv
import hashlib
import io
import json
import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import rfc8785

from core.clock import JST
from core.tables import TableError

if TYPE_CHECKING:
    from typst import Compiler

Cell = str | int | float | Decimal | bool | date | datetime | None
Row = Sequence[Cell]

PDF_TYPE = "application/pdf"
CSV_TYPE = "text/csv; charset=utf-8"
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# --- hashes ---------------------------------------------------------------------------------


def canonical_json(value: Any) -> bytes:
    """Return the one byte form of a JSON value (RFC 8785); ValueError where it has none."""
    return rfc8785.dumps(value)


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


# --- PDF ------------------------------------------------------------------------------------

_TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "documents"
_compiling = threading.Lock()


class DocumentError(Exception):
    """A document cannot be made from its template and data: a fault of ours, not of a reader."""


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A finished file; `missing_glyphs` says that some character prints as an empty box."""

    content: bytes
    sha256: str
    missing_glyphs: bool = False
    media_type: str = PDF_TYPE


def font_folder() -> Path:
    """Return the folder of the Japanese font; raises DocumentError if it is not installed."""
    spec = find_spec("manimgx_fonts_cjk")
    if spec is None or spec.origin is None:
        raise DocumentError("the package manimgx-fonts-cjk is not installed")
    return Path(spec.origin).parent


@lru_cache(maxsize=1)
def _compiler() -> "Compiler":
    # Made at the first use, after the server's fork; it keeps fonts and parsed templates.
    import typst

    fonts = typst.Fonts(include_system_fonts=False, font_paths=[font_folder()])
    return typst.Compiler(root=_TEMPLATES, font_paths=fonts)


def render_pdf(template_name: str, data: Mapping[str, Any]) -> RenderedDocument:
    """Return the PDF (tagged, PDF/UA-1) of a template in templates/documents/ and its data.

    `data["made_at"]`, an aware ISO 8601 time, is the file's only date: equal data give equal bytes.
    A character without glyph costs the standard, not the document. Raises DocumentError.
    """
    path = _TEMPLATES / f"{template_name}.typ"
    if not re.fullmatch(r"[a-z_]+", template_name) or not path.is_file():
        raise DocumentError(f"no template {template_name!r}")
    made_at = datetime.fromisoformat(data["made_at"])
    if made_at.tzinfo is None:
        raise DocumentError("made_at must be an aware time")
    inputs = {"data": json.dumps(data, ensure_ascii=False, sort_keys=True, allow_nan=False)}
    content, missing = _compile(path, inputs, int(made_at.timestamp()))
    return RenderedDocument(content, sha256_hex(content), missing)


def _compile(path: Path, inputs: dict[str, str], timestamp: int) -> tuple[bytes, bool]:
    from typst import TypstError

    with _compiling:
        compiler = _compiler()

        def compile_to(standards: list[Literal["ua-1"]]) -> bytes:
            content = compiler.compile(
                path,
                format="pdf",
                sys_inputs=inputs,
                pdf_standards=[*standards],
                timestamp=timestamp,
            )
            if not isinstance(content, bytes):
                raise DocumentError(f"{path.name} gave no PDF")
            return content

        try:
            return compile_to(["ua-1"]), False
        except TypstError as error:
            if "could not be displayed with" not in error.message:
                raise DocumentError(f"{path.name}: {error.message} {error.diagnostic}") from error
        return compile_to([]), True


# --- XLSX and CSV out -----------------------------------------------------------------------

_LONGEST_CELL = 32_767  # characters, the limit of the format; XlsxWriter drops longer ones silently
_WIDEST = 60  # letters of a column that is fitted to its texts
_PAPERS = {"a4": 9, "a3": 8}  # the numbers of the format
_EXACT_INTEGER = 10**15  # spreadsheets keep fifteen digits
_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook: a header row and rows of values; widths in half-width letters.

    `choices` are drop-downs: column, first and last row (counted from 0) and the words to choose.
    `freeze_columns` at the left stay in sight and are printed on every page; `paper` is landscape.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Row]
    widths: Sequence[int] = ()
    choices: Iterable[tuple[int, int, int, Sequence[str]]] = ()
    freeze_columns: int = 0
    paper: Literal["a4", "a3"] = "a4"


def write_xlsx(sheets: Sequence[Sheet], *, made_at: datetime | None = None) -> bytes:
    """Return a workbook: stuck and repeated header, fitted columns, A4 landscape; text stays text.

    Equal input gives equal bytes. Raises DocumentError for a text that no cell can hold.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        created = (made_at or datetime(2000, 1, 1, tzinfo=UTC)).astimezone(UTC)
        book.set_properties({"created": created.replace(tzinfo=None)})
        formats = _make_formats(book)
        taken: set[str] = set()
        for sheet in sheets:
            _write_sheet(book.add_worksheet(_sheet_name(sheet.name, taken)), sheet, formats)
    return buffer.getvalue()


def _make_formats(book: Any) -> dict[str, Any]:
    base = {"font_name": "游ゴシック", "font_size": 11, "valign": "top"}
    head = {"bold": True, "bg_color": "#E6E6E6", "bottom": 1, "text_wrap": True}
    return {
        "head": book.add_format(base | head),
        "text": book.add_format(base | {"text_wrap": True}),
        "number": book.add_format(base | {"num_format": "#,##0;-#,##0"}),
        "decimal": book.add_format(base | {"num_format": "#,##0.00##;-#,##0.00##"}),
        "date": book.add_format(base | {"num_format": "yyyy-mm-dd", "align": "left"}),
        "time": book.add_format(base | {"num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
    }


def _sheet_name(name: str, taken: set[str]) -> str:
    cleaned = re.sub(r"[\[\]:*?/\\]", "・", name).strip("'")[:31] or "シート"
    candidate, number = cleaned, 2
    while candidate.casefold() in taken:
        candidate, number = f"{cleaned[:27]}({number})", number + 1
    taken.add(candidate.casefold())
    return candidate


def _write_sheet(target: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    widths = [_text_width(title) + 2 for title in sheet.header]
    for column, title in enumerate(sheet.header):
        target.write_string(0, column, title, formats["head"])
    last_row = 0
    for last_row, row in enumerate(sheet.rows, start=1):
        for column, value in enumerate(row):
            _write_cell(target, last_row, column, value, formats)
            if column < len(widths) and widths[column] < _WIDEST and not sheet.widths:
                widths[column] = max(widths[column], _text_width(str(value or "")) + 2)
    for column, width in enumerate(sheet.widths or [min(max(w, 8), _WIDEST) for w in widths]):
        target.set_column(column, column, width)
    for column, first, last, words in sheet.choices:
        allowed = {"validate": "list", "source": list(words), "error_title": "回答"}
        target.data_validation(first, column, last, column, allowed)
    target.freeze_panes(1, sheet.freeze_columns)
    if sheet.header:
        target.autofilter(0, 0, max(last_row, 1), len(sheet.header) - 1)
    target.repeat_rows(0)
    if sheet.freeze_columns:
        target.repeat_columns(0, sheet.freeze_columns - 1)
    target.set_paper(_PAPERS[sheet.paper])
    target.set_landscape()
    target.fit_to_pages(1, 0)
    target.set_footer("&C&P／&N")


@lru_cache(maxsize=1_000)  # the cells of a table repeat themselves
def _text_width(text: str) -> int:
    lines = [line[:_WIDEST] for line in text.splitlines()] or [""]
    return max(sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in s) for s in lines)


def _write_cell(target: Any, row: int, column: int, value: Cell, formats: dict[str, Any]) -> None:
    match value:
        case None:
            return
        case bool():
            target.write_boolean(row, column, value, formats["text"])
        case int() if abs(value) < _EXACT_INTEGER:
            target.write_number(row, column, value, formats["number"])
        case float() | Decimal():
            target.write_number(row, column, float(value), formats["decimal"])
        case datetime():
            local = (value.astimezone(JST) if value.tzinfo else value).replace(tzinfo=None)
            target.write_datetime(row, column, local, formats["time"])
        case date():
            target.write_datetime(row, column, value, formats["date"])
        case _:
            text = str(value)
            if len(text) > _LONGEST_CELL:
                raise DocumentError(f"row {row + 1}: a cell of {len(text)} characters")
            target.write_string(row, column, text, formats["text"])


def guard_formula(text: str) -> str:
    """Return a text that no spreadsheet runs: an apostrophe stands before = + - @, tab and breaks.

    Full-width forms count, as do those after blanks. Negative numbers stay numbers.
    """
    if text[:1] in "\t\r\n" and text:
        return f"'{text}"
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    if first and first in "=+-@" and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def write_csv(
    rows: Iterable[Row], *, encoding: Literal["utf-8-sig", "cp932"] = "utf-8-sig"
) -> bytes:
    """Return rows as CSV (RFC 4180) that opens in a spreadsheet and runs nothing there.

    Raises TableError naming the row that CP932 cannot write.
    """
    parts = [b"\xef\xbb\xbf"] if encoding == "utf-8-sig" else []
    for number, row in enumerate(rows, start=1):
        line = io.StringIO(newline="")
        csv.writer(line).writerow([_csv_text(value) for value in row])
        try:
            parts.append(line.getvalue().encode("cp932" if encoding == "cp932" else "utf-8"))
        except UnicodeEncodeError as error:
            letter = error.object[error.start]
            reason = f"「{letter}」はシフトJISで書けない文字です。UTF-8を選んでください。"
            raise TableError(row=number, column=None, value=letter, reason=reason) from None
    return b"".join(parts)


def _csv_text(value: Cell) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float() | Decimal():
            return str(value)
        case datetime():
            return (value.astimezone(JST) if value.tzinfo else value).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case _:
            return guard_formula(value)


# --- sending ------------------------------------------------------------------------------------


def attachment(filename: str) -> str:
    """Return the Content-Disposition that saves an answer under a name in any script (RFC 6266).

    A header holds Latin-1 only: the name proper is percent-encoded, old programs get its suffix.
    """
    suffix = PurePath(filename).suffix
    plain = f"download{suffix}" if suffix.isascii() else "download"
    return f"attachment; filename={plain}; filename*=UTF-8''{quote(filename, safe='')}"
