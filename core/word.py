"""A described paper as an editable document (DOCX); written only, never read.

python-docx stamps its own times and keeps its own order: both are set here, so that equal papers
give equal bytes.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import _Cell

_FONT = "游明朝"
_SHADE = "EAEAEA"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can hold; the paper's own is inside
_MM = 36_000  # English Metric Units


def write_docx(paper: Mapping[str, Any], *, made_at: datetime, notice: str) -> bytes:
    """Return the document of a paper as core/paper.py describes it, its amounts already texts.

    `notice` stands at the foot of every page.
    """
    import docx

    document = docx.Document(io.BytesIO(_template()))
    _set_page(document, landscape=paper["landscape"])
    _write_edges(document, paper, notice)
    _write_head(document, paper)
    for block in paper["blocks"]:
        _write_block(document, block)
    for note in paper["notes"]:
        document.add_paragraph(note)
    _set_properties(document, paper, made_at)
    buffer = io.BytesIO()
    document.save(buffer)
    return _settle(buffer.getvalue())


@cache
def _template() -> bytes:
    """Return the empty document in the house's letters, made once per process."""
    import docx
    from docx.oxml.ns import qn
    from docx.shared import Pt

    document = docx.Document()
    for name, size in (("Normal", 10), ("Title", 18), ("Heading 1", 16), ("Heading 2", 11)):
        style = document.styles[name]
        style.font.name, style.font.size = _FONT, Pt(size)
        style.font.color.rgb = None
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _FONT)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _set_page(document: "Document", *, landscape: bool) -> None:
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    section = document.sections[0]
    short, long = Mm(210), Mm(297)
    section.page_width, section.page_height = (long, short) if landscape else (short, long)
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = Mm(16 if landscape else 22)
    section.top_margin, section.bottom_margin = Mm(24), Mm(22)


def _write_edges(document: "Document", paper: Mapping[str, Any], notice: str) -> None:
    """Write the mark of a sample at the head, and hash and page x／y at the foot of every page."""
    section = document.sections[0]
    head = section.header.paragraphs[0]
    head.text = f"{paper['title']}　{paper['number']}"
    if paper["sample"]:
        head.text += "　【見本】架空の内容です。実際の手続には使えません。"
    evidence = paper["evidence"]
    section.footer.paragraphs[0].text = f"{evidence['label']}　{evidence['hash']}"
    foot = section.footer.add_paragraph(notice + "　")
    _add_field(foot, "PAGE")
    foot.add_run("／")
    _add_field(foot, "NUMPAGES")


def _add_field(paragraph: Any, name: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    run = OxmlElement("w:r")
    words = OxmlElement("w:t")
    words.text = "1"
    run.append(words)
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001 - the library has no fields of its own


def _write_head(document: "Document", paper: Mapping[str, Any]) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    if paper["restricted"]:
        document.add_paragraph("取扱注意").alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for line in (paper["number"], paper["date"]):
        document.add_paragraph(line).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for line in paper["addressee"]:
        document.add_paragraph(line)
    for line in paper["letterhead"]:
        document.add_paragraph(line).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_heading(paper["title"], 1).alignment = WD_ALIGN_PARAGRAPH.CENTER


def _write_block(document: "Document", block: Mapping[str, Any]) -> None:
    if heading := block.get("heading"):
        document.add_heading(heading, 2)
    match block["kind"]:
        case "lines":
            for text in block["texts"]:
                document.add_paragraph(text)
        case "facts":
            _write_table(document, (), block["rows"], shade_first=True)
        case "listing":
            _write_table(document, block["head"], block["rows"])
        case "amounts":
            document.add_paragraph("単位：円")
            rows = [*block["rows"], *([block["total"]] if block["total"] else [])]
            _write_table(document, block["head"], rows, numbers=True)
        case "price":
            words = f"{block['formal']}（うち消費税及び地方消費税の額{block['tax']}）"
            _write_table(document, (), [(block["label"], words)], shade_first=True)
            document.add_paragraph(f"端数の決まり　{block['rounding']}")
        case "seals":
            boxes = [*zip(*block["boxes"], strict=True)]
            _write_table(document, boxes[0], [boxes[1], boxes[2]], height=18 * _MM)


def _write_table(
    document: "Document",
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    shade_first: bool = False,
    numbers: bool = False,
    height: int = 0,
) -> None:
    if not rows and not head:
        return
    lines = [*([head] if head else []), *rows]
    table = document.add_table(len(lines), len(lines[0]), "Table Grid")
    # The rows are read once: asking the table for its cells one by one takes the square of the time.
    for number, (row, line) in enumerate(zip(table.rows, lines, strict=True)):
        is_head = bool(head) and number == 0
        for place, (cell, text) in enumerate(zip(row.cells, line, strict=True)):
            bold = is_head or (shade_first and place == 0)
            _write_cell(cell, text, bold=bold, number=numbers and place > 0 and not is_head)
        if is_head:
            _repeat(row)
        if height and number == 1:
            row.height = height


def _write_cell(cell: "_Cell", text: str, *, bold: bool, number: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph = cell.paragraphs[0]
    run = paragraph.add_run(text)
    if bold:
        run.bold = True
        shade = OxmlElement("w:shd")
        shade.set(qn("w:val"), "clear")
        shade.set(qn("w:fill"), _SHADE)
        cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001 - the library has no shading
    if number:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _repeat(row: Any) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 - as above


def _set_properties(document: "Document", paper: Mapping[str, Any], made_at: datetime) -> None:
    properties = document.core_properties
    moment = made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties.title = f"{paper['title']} {paper['number']}"
    properties.author = properties.last_modified_by = "Narabi"
    properties.comments, properties.keywords = "", paper["evidence"]["hash"]
    properties.created = properties.modified = moment
    properties.revision = 1


def _settle(content: bytes) -> bytes:
    """Return the same parts in a fixed order under a fixed time."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as made,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as settled,
    ):
        first = "[Content_Types].xml"
        names = sorted(made.namelist(), key=lambda name: (name != first, name))
        for name in names:
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            settled.writestr(entry, made.read(name))
    return buffer.getvalue()
