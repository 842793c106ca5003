"""Read the files of a paper as a stranger does, and hold them against its record."""

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
from pypdf import PdfReader

from core.paper import SAMPLE_NOTICE, print_amounts

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FIXED = (
    "単位：円",
    "（うち消費税及び地方消費税の額",
    "うち消費税及び地方消費税",
    "端数の決まり",
    "取扱注意",
    "見られる人だけの書類です。",
    "）",
    "／",
    "見本",
    "【見本】",
    SAMPLE_NOTICE,
    *("項目", "内容", "書類", "番号", "日付", "宛先", "作成", "備考", "この写し"),
)
# What the form of a request says besides its data.
_OF_A_REQUEST = (
    "次の内容で、貴社のサービスの利用契約を結びたいので、手続をお願いします。",
    "お引き受けいただけるかどうかを、",
    "までにお知らせください。",
    "この依頼書は契約の申込みを依頼する文書です。送付や承諾のお知らせだけでは契約になりません。",
    "契約は、両者が契約書に記名押印するか、電子署名を行ったときに確定します（地方自治法第234条第5項）。",
    "この依頼書は、次の検索結果をもとに作りました。",
    "ハッシュは、記録があとから変わっていないことを確かめるための値です。",
    *("文書番号", "御中", "様", "印", "件名", "問い合わせ先", "担当", "電話", "メール", "決裁番号"),
    *("1　利用するサービス", "サービス名", "版", "標準仕様書", "認証の状態", "利用期間"),
    *(
        "2　契約の方法",
        "と選んだ理由",
        "契約の方法",
        "根拠となる条文",
        "選んだ理由",
        "予算上の根拠",
    ),
    *("3　料金", "利用期間の合計", "内訳（単位：円）", "費用", "算定の方法（税抜）", "4　条件"),
    *(
        "4　選定の記録",
        "5　選定の記録",
        "検索を確定した時",
        "カタログの記録番号",
        "見つかったサービス",
    ),
    *("検索証跡 SHA-256", *(f"({number})" for number in range(1, 9))),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A paper as it is kept: its record and its files by format."""

    payload: bytes
    files: Mapping[str, bytes]


def differences(made: Made) -> list[str]:
    """Say everything in which a file differs from the record; blanks do not count in PDF and DOCX."""
    record = json.loads(made.payload)
    found = []
    for suffix, content in made.files.items():
        if suffix == "xlsx":
            said = _compare_cells(record, content)
        else:
            texts = read_pdf(content, record) if suffix == "pdf" else read_docx(content, record)
            said = _compare_text(record, "".join(texts))
        found += [f"{suffix}：{each}" for each in said]
    return found


def read_words(made: Made, suffix: str) -> str:
    """Return all that one file of a paper says, without blanks and breaks."""
    record = json.loads(made.payload)
    read = {"pdf": read_pdf, "docx": read_docx, "xlsx": read_xlsx}[suffix]
    return squeeze("".join(read(made.files[suffix], record)))


def lacks(made: Made, typed: Collection[str]) -> list[str]:
    """Say which words, as somebody typed or reckoned them, no file of a paper or some file lacks."""
    words = {suffix: read_words(made, suffix) for suffix in made.files}
    return [
        f"{suffix}：「{each[:60]}」がありません"
        for suffix, text in words.items()
        for each in typed
        if squeeze(each) not in text
    ]


def copies_naming_another(made: Made, pdf: bytes) -> list[str]:
    """Say which editable copies of a paper do not name the PDF that counts by its hash."""
    known = hashlib.sha256(pdf).hexdigest()
    found = []
    for suffix, content in made.files.items():
        if suffix == "docx":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                text = "".join(_paragraphs(archive.read("word/footer1.xml")))
        elif suffix == "xlsx":
            text = squeeze("".join(str(value) for value in _cells(content)))
        else:
            continue
        found += [] if known in text else [f"{suffix}：PDFのハッシュがありません"]
    return found


def request_differences(payload: Mapping[str, Any], content: bytes) -> list[str]:
    """Hold the fixed PDF of a request against its payload: every word of it, and nothing else."""
    said = payload["document"]
    reader = PdfReader(io.BytesIO(content))
    pages = [squeeze(page.extract_text(extraction_mode="plain")) for page in reader.pages]
    text = "".join(pages)
    evidence = squeeze(said["evidence"]["label"] + said["evidence"]["hash"])
    found = [
        f"{at}頁に証跡の値がありません" for at, page in enumerate(pages, 1) if evidence not in page
    ]
    leaves = [squeeze(each) for each in _leaves(said)]
    found += [f"「{each[:60]}」がありません" for each in leaves if each not in text]
    numbers = [f"{at}／{len(pages)}" for at in range(1, len(pages) + 1)]
    left = _take_away(text, [*leaves, evidence, *numbers, *map(squeeze, (*_FIXED, *_OF_A_REQUEST))])
    return found + ([f"記録にない「{left[:60]}」があります"] if left else [])


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, each in items:
            if key != "made_at":  # stands in what the file says of itself
                yield from _leaves(each)
    elif isinstance(value, str):
        yield value


def squeeze(text: str) -> str:
    """Return a text without blanks and breaks."""
    return "".join(text.split())


def read_pdf(content: bytes, record: Mapping[str, Any]) -> list[str]:
    """Return the words of each page; AssertionError where a page lacks its hash or its number."""
    pages = [
        squeeze(page.extract_text(extraction_mode="plain"))
        for page in PdfReader(io.BytesIO(content)).pages
    ]
    found = []
    for number, page in enumerate(pages, 1):
        foot = squeeze(record["evidence"]["label"] + record["evidence"]["hash"])
        assert foot in page, (number, "hash")
        place = f"{number}／{len(pages)}"
        assert place in page, (number, "page number")
        head = squeeze(record["title"] + record["number"]) if number > 1 else ""
        found.append(_take_edges(page, head, foot, place))
    # The hash stands in the record once, and at the foot of each page: it was found on every one.
    return [*found, foot]


def _take_edges(page: str, head: str, *foot: str) -> str:
    """Return a page without its head and foot, over which a long text runs on."""
    mark = f"見本見本{SAMPLE_NOTICE}"  # behind the page, and at its head
    for each in (mark, head, *foot):
        page = page.replace(squeeze(each), "", 1)
    return page


def read_docx(content: bytes, record: Mapping[str, Any]) -> list[str]:
    """Return the words of each paragraph of the body in order, and of the foot."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        body, foot = (
            list(_paragraphs(archive.read(f"word/{name}.xml"))) for name in ("document", "footer1")
        )
    evidence = squeeze(record["evidence"]["label"] + record["evidence"]["hash"])
    assert evidence in foot
    assert any(line.endswith("1／1") for line in foot), foot  # fields: the program counts pages
    return [*body, evidence]


def _paragraphs(part: bytes) -> Iterator[str]:
    for paragraph in ET.fromstring(part).iter(f"{_WORD}p"):  # noqa: S314 - of our own making
        yield squeeze("".join(each.text or "" for each in paragraph.iter(f"{_WORD}t")))


def read_xlsx(content: bytes, _record: Mapping[str, Any]) -> list[str]:
    """Return the words of each cell."""
    return [str(value) for value in _cells(content)]


def _cells(content: bytes) -> list[Any]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells), "a formula"
    return [cell.value for cell in cells if cell.value is not None]


def _compare_text(record: Mapping[str, Any], text: str) -> list[str]:
    printed = print_amounts(record)
    said = [squeeze(each) for each in _say(printed)]
    place, between, missing = 0, [], []
    for each in said:
        at = text.find(each, place)
        if at < 0:
            missing.append(f"「{each[:60]}」がありません")
            continue
        between.append(text[place:at])
        place = at + len(each)
    heads = [squeeze(cell) for block in printed["blocks"] for cell in block.get("head", ())]
    known = [*heads, squeeze(record["title"] + record["number"]), *map(squeeze, _FIXED)]
    left = _take_away("\0".join([*between, text[place:]]), known)
    return missing or ([f"記録にない「{left[:60]}」があります"] if left else [])


def _take_away(text: str, known: Sequence[str]) -> str:
    for each in sorted(set(known), key=len, reverse=True):
        text = text.replace(each, "") if each else text
    return text.replace("\0", "")


def _say(record: Mapping[str, Any]) -> Iterator[str]:
    """Give everything that a printed record says, in its order."""
    yield from (record["number"], record["date"])
    yield from (*record["addressee"], *record["letterhead"], record["title"])
    for block in record["blocks"]:
        yield block.get("heading", "")
        yield from _say_block(block)
    yield from record["notes"]
    yield from (record["evidence"]["label"], record["evidence"]["hash"])


def _say_block(block: Mapping[str, Any]) -> Iterator[str]:
    match block["kind"]:
        case "lines":
            yield from block["texts"]
        case "facts":
            yield from (cell for row in block["rows"] for cell in row)
        case "listing" | "amounts":
            yield from block["head"]
            yield from (cell for row in block["rows"] for cell in row)
            yield from block.get("total", ())
        case "price":
            yield from (block["label"], block["formal"], block["tax"], block["rounding"])
        case "seals":
            for line in zip(*block["boxes"], strict=True):
                yield from line


def _compare_cells(record: Mapping[str, Any], content: bytes) -> list[str]:
    """Compare a workbook by its cells, amounts as numbers; tables stand on sheets of their own."""
    cells = Counter(_cells(content))
    said: Counter[Any] = Counter(_say_cells(record))
    said.pop("", None)
    missing = said - cells
    if missing:
        return [f"「{str(each)[:60]}」がありません" for each in missing]
    left = [str(each) for each in cells - said if not _is_known(str(each), record)]
    return [f"記録にない「{each[:60]}」があります" for each in left]


def _say_cells(record: Mapping[str, Any]) -> Iterator[Any]:
    for each in ("title", "number", "date"):
        yield record[each]
    yield from (*record["addressee"], *record["letterhead"], *record["notes"])
    for block in record["blocks"]:
        if block["kind"] == "seals":
            for role, name, day in block["boxes"]:
                yield from (role, f"{name}　{day}".strip())
        else:
            yield from _say_block(block)
    yield from (record["evidence"]["label"], record["evidence"]["hash"])


def _is_known(cell: str, record: Mapping[str, Any]) -> bool:
    headings: Collection[str] = {block.get("heading") for block in record["blocks"]}
    return not cell or cell in _FIXED or cell in headings or cell.startswith("編集用の写しです。")
