"""Tables that people send are read as a spreadsheet shows them, or refused in a sentence."""

import io
import zipfile
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import documents, tables


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def read(
    content: bytes, filename: str = "表.csv", **choice: str
) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.number, row.cells) for row in tables.read_table(content, filename, **choice).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_csv_is_read_in_the_encodings_that_spreadsheets_write(encoding: str) -> None:
    text = '機能ID,要件\r\nA-1,"一行\r\n二行"\r\n\r\nA-2,"""引用"""\r\n'
    assert read(text.encode(encoding)) == [
        (1, ("機能ID", "要件")),
        (2, ("A-1", "一行\r\n二行")),
        (4, ("A-2", '"引用"')),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_row_that_cannot_be_decoded_is_named(encoding: str) -> None:
    good = '機能ID,要件\r\nA-1,"一行\r\n二行"\r\n'.encode(encoding)
    with pytest.raises(tables.TableError, match=r"^3行目：文字として読めない") as refusal:
        tables.read_table(good + b"A-2,\xff\xff\r\n", "表.csv")
    assert refusal.value.row == 3


def test_open_quotation_is_refused_with_its_row() -> None:
    with pytest.raises(tables.TableError, match="引用符") as refusal:
        tables.read_table(b'a,b\r\n1,2\r\n3,"open\r\n4,5\r\n', "表.csv")
    assert refusal.value.row == 3


def test_workbook_is_read_as_text_with_its_row_numbers() -> None:
    content = workbook(
        料金=[
            ["費用", "額", "日"],
            [],
            ["基本", 120000.0, date(2026, 10, 1)],
            [True, 0.5, None],
        ],
        別=[["x"]],
    )
    assert read(content, "表.xlsx") == [
        (1, ("費用", "額", "日")),
        (3, ("基本", "120000", "2026-10-01")),
        (4, ("TRUE", "0.5")),
    ]
    assert tables.read_table(content, "表.xlsx").sheet == "料金"
    assert read(content, "表.XLSX", sheet="別") == [(1, ("x",))]
    with pytest.raises(tables.TableError, match="シート「無」がありません"):
        tables.read_table(content, "表.xlsx", sheet="無")


def test_merged_cells_repeat_their_first_value() -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in (["章", "要件"], ["1 管理", "あ"], [None, "い"], ["2 異動", None]):
        page.append(row)
    page.merge_cells("A2:A3")
    page.merge_cells("A4:C4")
    buffer = io.BytesIO()
    book.save(buffer)
    assert read(buffer.getvalue(), "表.xlsx") == [
        (1, ("章", "要件")),
        (2, ("1 管理", "あ")),
        (3, ("1 管理", "い")),
        (4, ("2 異動", "2 異動", "2 異動")),
    ]


def test_what_we_write_is_read_back() -> None:
    rows: list[documents.Row] = [["=1+1", -5, "二\n行"], ["007", 0, "𠮷"]]
    sheet = documents.Sheet("a", ["甲", "乙", "丙"], rows)
    expected = [
        (1, ("甲", "乙", "丙")),
        (2, ("=1+1", "-5", "二\n行")),
        (3, ("007", "0", "𠮷")),
    ]
    assert read(documents.write_xlsx([sheet]), "表.xlsx") == expected


@pytest.mark.parametrize(
    ("content", "filename", "sentence"),
    [
        (b"x", "a.docx", "CSVかXLSXを選んで"),
        (b"x", "a", "CSVかXLSXを選んで"),
        (b"", "a.csv", "空です"),
        (b"a" * (tables.LARGEST_TABLE + 1), "a.csv", "10MBまで"),
        (b"PK\x03\x04....", "a.csv", "中身がCSV"),
        ("列".encode("utf-16"), "a.csv", "文字として読めない"),
        ("a,b".encode("utf-16"), "a.csv", "中身がCSV"),
        (b"no workbook", "a.xlsx", "壊れているか"),
        (b"a\r\n" * (tables.MOST_ROWS + 1), "a.csv", "20,000行まで"),
    ],
)
def test_file_of_the_wrong_kind_or_size_is_refused(
    content: bytes, filename: str, sentence: str
) -> None:
    with pytest.raises(tables.TableError, match=sentence):
        tables.read_table(content, filename)


def test_unpacking_bomb_is_refused_before_it_is_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 30_000_000)
    with pytest.raises(tables.TableError, match="展開すると大きすぎます"):
        tables.read_table(buffer.getvalue(), "a.xlsx")


@pytest.mark.parametrize(("cell", "sentence"), [("AAA1", "ZZ列まで"), ("A1048576", "20,000行まで")])
def test_cell_far_outside_is_refused(cell: str, sentence: str) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0][cell] = "遠"
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(tables.TableError, match=sentence):
        tables.read_table(buffer.getvalue(), "a.xlsx")


def test_too_many_merged_cells_are_refused() -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page["A1"], page["A19000"] = "一", "二"
    page.merged_cells.add("B1:Z19000")
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(tables.TableError, match="結合したセル"):
        tables.read_table(buffer.getvalue(), "a.xlsx")


SOUND = workbook(表=[["機能ID", "要件"], ["A-1", "要件の文"]])


def refusal_of(content: bytes, filename: str) -> str:
    """Return the sentence of the one declared error, or nothing where the file was read."""
    try:
        tables.read_table(content, filename)
    except tables.TableError as refusal:
        return refusal.message
    return ""


@settings(max_examples=80, deadline=None)
@given(position=st.integers(0, len(SOUND) - 1), byte=st.one_of(st.none(), st.integers(0, 255)))
def test_broken_workbook_raises_only_the_declared_error(position: int, byte: int | None) -> None:
    rest = b"" if byte is None else bytes([byte]) + SOUND[position + 1 :]
    assert refusal_of(SOUND[:position] + rest, "a.xlsx")[-5:] in {"", "ください。"}


def test_cut_workbook_is_refused() -> None:
    for size in range(1, len(SOUND), len(SOUND) // 20):
        assert "壊れているか" in refusal_of(SOUND[:size], "a.xlsx")


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_called_csv_raise_only_the_declared_error(content: bytes) -> None:
    assert refusal_of(content, "a.csv")[-5:] in {"", "ください。"}
