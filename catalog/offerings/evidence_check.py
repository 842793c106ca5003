"""Pure: what an evidence file is, found by reading all of it; whatever is not sound is refused.

A name only says what its sender means: the content decides, and both must agree.
"""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from catalog.terms import EvidenceKind
from core.errors import Invalid
from core.japanese import JapaneseTextError, clean_line
from core.storage import hash_content

LARGEST_EVIDENCE = 20_000_000  # bytes; the form around it must fit the limit of an upload as well
LONGEST_NAME = 200
MEDIA_TYPES = {
    EvidenceKind.PDF: "application/pdf",
    EvidenceKind.PNG: "image/png",
    EvidenceKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    EvidenceKind.CSV: "text/csv",
}
_MOST_PIXELS = 100_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_DEPTHS = frozenset({1, 2, 4, 8, 16})
_BROKEN_XLSX = "Excel（.xlsx）として壊れています。開いて保存し直してください。"
_MOST_PARTS = 5_000
_LARGEST_UNPACKED = 200 * 1024 * 1024  # bytes of all parts of a workbook
_LARGEST_RATIO = 200  # unpacked to packed bytes; a dense real workbook stays under 30
_OTHER_TEXTS = ("<", "{", "[", "%!", "{\\rtf", "#!")  # markup, JSON, PostScript, RTF, scripts
_TEXT_CONTROLS = frozenset(range(32)) - set(b"\t\r\n")


class EvidenceRefused(Invalid):
    """A file that cannot be evidence, with the reason."""

    code = "evidence_refused"
    title = "証拠のファイルを受け取れません"
    meaning = "証拠のファイルの種類、大きさ、中身のどれかが決まりに合いません。"
    remedy = "20MBまでのPDF、PNG、XLSX、CSVを、壊れていないことを確かめて送り直してください。"

    def __init__(self, reason: str) -> None:
        super().__init__({"file": reason})


class _Broken(Exception):
    """The content is not what its beginning promises."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sound file: its clean name, what it is, its bytes and its SHA-256."""

    name: str
    kind: EvidenceKind
    size: int
    sha256: str


def say_size(size: int) -> str:
    """Return a number of bytes as people say it."""
    for step, unit in ((1_000_000_000, "GB"), (1_000_000, "MB")):
        if size >= step:
            return f"{size / step:.1f}".removesuffix(".0") + unit
    return f"{-(-size // 1_000):,}KB"


def check_evidence(stream: IO[bytes], filename: str) -> Evidence:
    """Return what a file is; the stream stands at its beginning again. Raises EvidenceRefused."""
    name = _clean_name(filename)
    size = stream.seek(0, io.SEEK_END)
    if size == 0:
        raise EvidenceRefused(f"「{name}」は空です。内容のあるファイルを選択してください。")
    if size > LARGEST_EVIDENCE:
        limit = LARGEST_EVIDENCE // 1_000_000
        raise EvidenceRefused(
            f"「{name}」は大きすぎます。{limit}MBまでのファイルを選択してください。"
        )
    claimed = Path(name).suffix.lower().lstrip(".")
    if claimed not in {each.value for each in EvidenceKind}:
        raise EvidenceRefused(
            f"「{name}」は受け取れない種類です。PDF、PNG、XLSX、CSVのファイルを選択してください。"
        )
    stream.seek(0)
    kind = _kind_by_signature(stream.read(8))
    if kind.value != claimed:
        raise EvidenceRefused(
            f"「{name}」の中身は{claimed.upper()}ではありません。"
            "正しい種類で保存し直したファイルを選択してください。"
        )
    try:
        _READERS[kind](stream)
    except _Broken as error:
        raise EvidenceRefused(f"「{name}」を読み取れません。{error}") from error
    return Evidence(name, kind, size, hash_content(stream))


def _clean_name(filename: str) -> str:
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    try:
        name = clean_line(name, label="ファイルの名前")
    except JapaneseTextError as error:
        raise EvidenceRefused(str(error)) from error
    if not name:
        raise EvidenceRefused("証拠のファイルを選択してください。")
    if len(name) > LONGEST_NAME:
        raise EvidenceRefused(f"ファイルの名前を{LONGEST_NAME}文字以内にしてください。")
    return name


def _kind_by_signature(head: bytes) -> EvidenceKind:
    if head.startswith(b"%PDF-"):
        return EvidenceKind.PDF
    if head == _PNG:
        return EvidenceKind.PNG
    if head.startswith(b"PK\x03\x04"):
        return EvidenceKind.XLSX
    return EvidenceKind.CSV


def _read_pdf(stream: IO[bytes]) -> None:
    from pypdf import PdfReader

    stream.seek(0)
    try:
        reader = PdfReader(stream, strict=False)
        is_locked, pages = reader.is_encrypted, 0 if reader.is_encrypted else len(reader.pages)
    except Exception as error:  # whatever a broken file makes the reader raise
        raise _Broken("PDFとして壊れています。作り直したファイルを選択してください。") from error
    if is_locked:
        raise _Broken("パスワードのかかったPDFです。外してから選択してください。")
    if pages < 1:
        raise _Broken("ページのないPDFです。作り直したファイルを選択してください。")


def _read_png(stream: IO[bytes]) -> None:
    stream.seek(len(_PNG))
    broken = "PNGとして壊れています。画面を保存し直してください。"
    unpacker, left, kind = zlib.decompressobj(), -1, b""
    try:
        while kind != b"IEND":
            length, kind = struct.unpack(">I4s", stream.read(8))
            body = stream.read(min(length, LARGEST_EVIDENCE))
            if struct.unpack(">I", stream.read(4))[0] != zlib.crc32(kind + body):
                raise _Broken(broken)
            if (kind == b"IHDR") is (left >= 0):
                raise _Broken(broken)
            if kind == b"IHDR":
                left = _raw_size(body)
            elif kind == b"IDAT":
                left -= len(unpacker.decompress(body, left + 1))
                if left < 0 or unpacker.unconsumed_tail:
                    raise _Broken(broken)
    except (struct.error, zlib.error) as error:
        raise _Broken(broken) from error
    if left != 0 or not unpacker.eof or stream.read(1):
        raise _Broken(broken)


def _raw_size(header: bytes) -> int:
    """Return how many bytes an image unpacks to, from its header alone."""
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if depth not in _DEPTHS or colour not in _CHANNELS or not width or not height:
        raise _Broken("PNGとして壊れています。画面を保存し直してください。")
    if width * height > _MOST_PIXELS:
        raise _Broken("画像が大きすぎます。1億画素までにしてください。")
    bits = depth * _CHANNELS[colour]
    passes = (
        ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        if interlace
        else ((0, 0, 1, 1),)
    )  # fmt: skip
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _read_xlsx(stream: IO[bytes]) -> None:
    import openpyxl

    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            refusal = _judge_archive(archive)
        stream.seek(0)
        book = None if refusal else openpyxl.load_workbook(stream, read_only=True, data_only=True)
        if book is not None:
            refusal = "" if book.sheetnames else _BROKEN_XLSX
            book.close()
    except Exception as error:  # whatever a broken file makes the readers raise
        raise _Broken(_BROKEN_XLSX) from error
    if refusal:
        raise _Broken(refusal)


def _judge_archive(archive: zipfile.ZipFile) -> str:
    """Say why an archive is not opened, before anything of it is parsed; empty when it may be."""
    parts = archive.infolist()
    packed = sum(part.compress_size for part in parts)
    limit = min(_LARGEST_UNPACKED, _LARGEST_RATIO * max(packed, 1))
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > limit:
        return "展開すると大きすぎます。必要なシートだけのファイルにしてください。"
    if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
        return "マクロが入っています。マクロのないXLSXで保存し直してください。"
    return "" if archive.testzip() is None else _BROKEN_XLSX


def _read_csv(stream: IO[bytes]) -> None:
    stream.seek(0)
    content = stream.read()
    if not _TEXT_CONTROLS.isdisjoint(content):
        raise _Broken("中身がCSVの文字ではありません。CSVとして保存し直してください。")
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _Broken("文字を読めません。UTF-8のCSVで保存し直してください。")
    try:
        rows = sum(bool(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise _Broken('引用符（"）が閉じていません。CSVとして保存し直してください。') from error
    if not rows:
        raise _Broken("行がありません。内容のあるファイルを選択してください。")
    if text.lstrip().startswith(_OTHER_TEXTS):
        raise _Broken("中身が表ではありません。CSVとして保存し直すか、PDFにしてください。")


_READERS: dict[EvidenceKind, Callable[[IO[bytes]], None]] = {
    EvidenceKind.PDF: _read_pdf,
    EvidenceKind.PNG: _read_png,
    EvidenceKind.XLSX: _read_xlsx,
    EvidenceKind.CSV: _read_csv,
}
