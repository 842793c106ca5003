"""An official paper as one value, rendered with the same words as PDF, DOCX and XLSX.

Every text arrives ready to be shown; only amounts are numbers (yen), so that a workbook can add
them up. What a paper says belongs to the package that owns the noun. Equal papers are equal bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from core.documents import (
    DOCX_TYPE,
    XLSX_TYPE,
    RenderedDocument,
    Sheet,
    render_pdf,
    sha256_hex,
    write_xlsx,
)
from core.japanese import format_amount
from core.word import write_docx

TEMPLATE = "paper"
PAYLOAD_FORMAT = "narabi-paper-1"
SAMPLE_NOTICE = "架空の内容です。実際の手続には使えません。"

Format = Literal["pdf", "docx", "xlsx"]
Amount = str | int


@dataclass(frozen=True, slots=True)
class Lines:
    """Paragraphs under a heading; where long texts stand, since they may run over a page."""

    heading: str
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and their values."""

    heading: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of texts; widths are parts of the page's width."""

    heading: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]


@dataclass(frozen=True, slots=True)
class Amounts:
    """A table of amounts in yen; the first column names the row, a text stands where none is."""

    heading: str
    head: Sequence[str]
    rows: Sequence[Sequence[Amount]]
    total: Sequence[Amount] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """The one sum that a paper is about: label, 金○円, its tax, and the rule of rounding."""

    label: str
    formal: str
    tax: str
    rounding: str


@dataclass(frozen=True, slots=True)
class Seals:
    """Where the people of a decision set their seals: (role, name, day)."""

    boxes: Sequence[tuple[str, str, str]]


Block = Lines | Facts | Listing | Amounts | Price | Seals


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper: its head, its blocks, and the hash that stands at the foot of each page.

    `letterhead` are the lines of who writes (団体名, 役職と氏名, 所在地, 電話), `addressee` those of
    to whom. `restricted` prints 取扱注意; `references` are ids and hashes kept beside the words.
    """

    kind: str
    title: str
    number: str
    date: str
    letterhead: Sequence[str]
    blocks: Sequence[Block]
    evidence_label: str
    evidence_hash: str
    made_at: datetime
    addressee: Sequence[str] = ()
    notes: Sequence[str] = ()
    references: Mapping[str, str | int | None] | None = None
    sample: bool = False
    landscape: bool = False
    restricted: bool = False


def describe_paper(paper: Paper) -> dict[str, Any]:
    """Return the paper as JSON values; its canonical bytes are the record that the files repeat."""
    return {
        "format": PAYLOAD_FORMAT,
        "kind": paper.kind,
        "made_at": paper.made_at.isoformat(),
        "title": paper.title,
        "number": paper.number,
        "date": paper.date,
        "letterhead": list(paper.letterhead),
        "addressee": list(paper.addressee),
        "blocks": [_describe(block) for block in paper.blocks],
        "notes": list(paper.notes),
        "evidence": {"label": paper.evidence_label, "hash": paper.evidence_hash},
        "references": dict(paper.references or {}),
        "sample": paper.sample,
        "landscape": paper.landscape,
        "restricted": paper.restricted,
    }


def _describe(block: Block) -> dict[str, Any]:
    match block:
        case Lines():
            return {"kind": "lines", "heading": block.heading, "texts": list(block.texts)}
        case Facts():
            rows = [list(row) for row in block.rows]
            return {"kind": "facts", "heading": block.heading, "rows": rows}
        case Listing():
            rows = [list(row) for row in block.rows]
            table = {"head": list(block.head), "rows": rows, "widths": list(block.widths)}
            return {"kind": "listing", "heading": block.heading, **table}
        case Amounts():
            found = {"kind": "amounts", "heading": block.heading, "head": list(block.head)}
            return {**found, "rows": [list(row) for row in block.rows], "total": list(block.total)}
        case Price():
            words = {"label": block.label, "formal": block.formal, "tax": block.tax}
            return {"kind": "price", **words, "rounding": block.rounding}
        case Seals():
            return {"kind": "seals", "boxes": [list(box) for box in block.boxes]}


def render_paper(
    paper: Paper, formats: Sequence[Format], *, fixed_sha256: str = ""
) -> dict[Format, RenderedDocument]:
    """Return the files of a paper, each with its hash; raises DocumentError.

    The editable ones name the PDF that counts: the one made here, or `fixed_sha256`.
    """
    printed = print_amounts(describe_paper(paper))
    found: dict[Format, RenderedDocument] = {}
    if "pdf" in formats:
        found["pdf"] = render_pdf(TEMPLATE, printed)
        fixed_sha256 = found["pdf"].sha256
    if "docx" in formats:
        content = write_docx(printed, made_at=paper.made_at, notice=_say_copy(fixed_sha256))
        found["docx"] = RenderedDocument(content, sha256_hex(content), media_type=DOCX_TYPE)
    if "xlsx" in formats:
        sheets = _list_sheets(paper, _say_copy(fixed_sha256))
        content = write_xlsx(sheets, made_at=paper.made_at)
        found["xlsx"] = RenderedDocument(content, sha256_hex(content), media_type=XLSX_TYPE)
    return found


def _say_copy(fixed_sha256: str) -> str:
    return f"編集用の写しです。確定したものは、SHA-256が {fixed_sha256} のPDFです。"


def print_amounts(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a described paper with its amounts as texts, as they are printed."""
    return {**described, "blocks": [_print_block(block) for block in described["blocks"]]}


def _print_block(block: dict[str, Any]) -> dict[str, Any]:
    if block["kind"] != "amounts":
        return block
    rows = [[_print(cell) for cell in row] for row in block["rows"]]
    return {**block, "rows": rows, "total": [_print(cell) for cell in block["total"]]}


def _print(cell: Amount) -> str:
    return format_amount(cell) if isinstance(cell, int) else cell


def _list_sheets(paper: Paper, notice: str) -> list[Sheet]:
    """Return the head and the short parts as one sheet, and each table as one of its own."""
    front: list[tuple[str, str]] = [
        ("書類", paper.title),
        *([("取扱注意", "見られる人だけの書類です。")] if paper.restricted else []),
        ("番号", paper.number),
        ("日付", paper.date),
        *(("宛先", each) for each in paper.addressee),
        *(("作成", each) for each in paper.letterhead),
        *([("見本", SAMPLE_NOTICE)] if paper.sample else []),
    ]
    tables = []
    for block in paper.blocks:
        match block:
            case Lines():
                front += [(block.heading, each) for each in block.texts]
            case Facts():
                front += [(block.heading, ""), *block.rows] if block.heading else block.rows
            case Listing():
                tables.append(Sheet(block.heading, block.head, block.rows))
            case Amounts():
                rows = [*block.rows, block.total] if block.total else block.rows
                tables.append(Sheet(block.heading, block.head, rows))
            case Price():
                front += [(block.label, block.formal), ("うち消費税及び地方消費税", block.tax)]
                front.append(("端数の決まり", block.rounding))
            case Seals():
                front += [(role, f"{name}　{day}".strip()) for role, name, day in block.boxes]
    front += [("備考", each) for each in paper.notes]
    front += [(paper.evidence_label, paper.evidence_hash), ("この写し", notice)]
    return [Sheet(paper.title, ("項目", "内容"), front, (28, 90)), *tables]
