"""Documents are right when they are opened again: PDF text, cells of XLSX, rows of CSV."""

import copy
import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from core import documents, tables

HASH = documents.sha256_hex(b"evidence")

SHARED: dict[str, Any] = {
    "made_at": "2026-09-30T05:05:00+00:00",
    "number": "令和8-0001",
    "date": "令和8年9月30日",
    "sample": True,
    "evidence": {"label": "検索証跡 SHA-256", "hash": HASH},
}
YEARS = [
    ["令和8年度", "1,500,000", "720,000", "584,118", "2,804,118", "280,411", "3,084,529"],
    *[
        [f"令和{n}年度", "0", "1,440,000", "1,168,236", "2,608,236", "260,823", "2,869,059"]
        for n in (9, 10, 11, 12)
    ],
    ["令和13年度", "0", "720,000", "584,118", "1,304,118", "130,411", "1,434,529"],
]
REQUEST: dict[str, Any] = {
    **SHARED,
    "title": "利用契約依頼書",
    "subject": "住民記録システムの利用契約について",
    "addressee": {"name": "架空ソフト株式会社", "representative": "代表取締役　架空　太郎"},
    "sender": {"body": "みどり市（群馬県）", "approver": "みどり市長　見本　一郎"},
    "contact": {
        "department": "総務部情報政策課",
        "person": "見本　花子",
        "phone": "0277-00-0000",
        "mail": "joho@example.lg.jp",
    },
    "service": {
        "name": "住民記録まるごとクラウド",
        "version": "第3版",
        "specification": "住民記録システム標準仕様書（見本）　第2.1版",
        "certification": "認証済み（令和10年3月31日まで）",
    },
    "term": "令和8年10月1日から令和13年9月30日まで（60か月）",
    "method": {
        "name": "入札をしない契約（随意契約）",
        "ground": "地方自治法施行令第167条の2第1項第1号",
        "reason": "#strong[必須]の要件を満たす*3件*のうち、総額が最も小さいためです。",
    },
    "budget": "",
    "fees": {
        "head": ["会計年度", "初期", "基本", "従量", "税抜計", "消費税", "税込計"],
        "rows": YEARS,
        "total": [
            "合計",
            "1,500,000",
            "7,200,000",
            "5,841,180",
            "14,541,180",
            "1,454,114",
            "15,995,294",
        ],
        "basis": [["従量", "3円／人／月 × 32,451人"]],
    },
    "price": {
        "formal": "金15,995,294円",
        "tax": "1,454,114円",
        "rounding": "会計年度ごとに計算し、1円未満を切り捨てます。",
    },
    "reduction": "予算が減額されたときは、この契約を変更し、又は解除することができます。",
    "conditions": [],
    "search": {
        "locked_at": "令和8年9月28日 10:12",
        "sequence": "第1,284号",
        "hits": "14件（候補3件、除外11件）",
        "hash": HASH,
    },
    "approval": {
        "number": "令和8-総情-0042",
        "people": [
            {"role": "決裁者", "name": "見本　一郎", "day": "令和8年9月30日"},
            {"role": "担当者", "name": "見本　花子", "day": "令和8年9月29日"},
        ],
    },
    "reply_by": "令和8年10月15日（木）17:00",
}
COUNTS = ["要件", "適合", "条件付適合", "代替手段", "非適合", "対象外", "未回答"]
CERTIFICATE: dict[str, Any] = {
    **SHARED,
    "title": "適合確認の認証書",
    "number": "見本-0012",
    "state": "条件付き認証",
    "issuer": {"name": "共通SaaSカタログ運営（見本）", "decider": "主任審査者　見本　次郎"},
    "vendor": {"name": "架空ソフト株式会社", "corporate_number": "8000012010038"},
    "offering": {"name": "住民記録まるごとクラウド", "version": "第3版"},
    "specification": {"name": "住民記録システム標準仕様書（見本）", "version": "第2.1版"},
    "validity": "令和8年4月1日から令和10年3月31日まで",
    "reviewers": "審査者2名がそれぞれ確認し、主任審査者が決定しました。",
    "classes": {
        "head": ["区分", *COUNTS],
        "rows": [["必須", "58", "56", "2", "0", "0", "0", "0"]],
        "total": ["計", "58", "56", "2", "0", "0", "0", "0"],
        "note": "不可の要件3件は、3件とも非実装です。",
    },
    "chapters": {
        "head": ["章", *COUNTS],
        "rows": [["1　管理項目", "58", "56", "2", "0", "0", "0", "0"]],
    },
    "conditions": [["JK-0103", "転入通知の自動取込", "令和9年3月31日"]],
    "requirements": [["A-01", "検索できること", "必須", "適合"]],
    "hashes": [["適合確認の記録", HASH]],
}


def read_pdf(content: bytes) -> tuple[PdfReader, str]:
    reader = PdfReader(io.BytesIO(content))
    return reader, "".join(page.extract_text() for page in reader.pages).replace("\n", "")


# --- hashes


def test_canonical_json_has_one_byte_form() -> None:
    assert documents.canonical_json({"い": 1, "a": [True, None, "\u20ac"]}) == (
        '{"a":[true,null,"€"],"い":1}'.encode()
    )
    assert documents.canonical_json({"b": 1, "a": 2}) == documents.canonical_json({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="domain"):
        documents.canonical_json(2**60)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert documents.sha256_hex(b"") == empty


# --- PDF


def test_request_prints_what_was_approved() -> None:
    rendered = documents.render_pdf("usage_contract_request", REQUEST)
    reader, text = read_pdf(rendered.content)
    assert rendered.sha256 == documents.sha256_hex(rendered.content)
    assert not rendered.missing_glyphs
    assert len(reader.pages) == 2
    for words in (
        "利用契約依頼書",
        "令和8-0001",
        "代表取締役　架空　太郎　様",
        "金15,995,294円",
        "うち消費税及び地方消費税の額1,454,114円",
        "令和8年10月15日（木）17:00",
        "第167条の2第1項第1号",
        "予算が減額されたときは",
        "2,869,059",
        "1／2",
        "2／2",
    ):
        assert words in text, words
    assert text.count(HASH) == 3
    assert text.count("見本") > 4
    assert "契約成立" not in text


def test_typed_text_is_never_run_as_markup() -> None:
    _, text = read_pdf(documents.render_pdf("usage_contract_request", REQUEST).content)
    assert "#strong[必須]の要件を満たす*3件*" in text


def test_request_without_options_addresses_the_company_and_shows_no_sample_mark() -> None:
    data = copy.deepcopy(REQUEST) | {"sample": False, "reduction": ""}
    data["addressee"]["representative"] = ""
    _, text = read_pdf(documents.render_pdf("usage_contract_request", data).content)
    assert "架空ソフト株式会社　御中" in text
    assert "架空の内容です" not in text
    assert "4　選定の記録" in text


def test_request_for_many_years_and_parts_stays_readable() -> None:
    data = copy.deepcopy(REQUEST)
    data["fees"]["head"] = ["会計年度", *[f"費用{n}" for n in range(8)], "税抜", "税", "税込"]
    data["fees"]["rows"] = [[f"令和{n}年度", *["1,234,567"] * 11] for n in range(8, 30)]
    data["fees"]["total"] = ["合計", *["12,345,678"] * 11]
    reader, text = read_pdf(documents.render_pdf("usage_contract_request", data).content)
    assert len(reader.pages) <= 4
    assert text.count("1,234,567") == 22 * 11
    assert "令和29年度" in text


def test_certificate_prints_results_conditions_and_hash() -> None:
    rendered = documents.render_pdf("certificate", CERTIFICATE)
    _, text = read_pdf(rendered.content)
    for words in ("条件付き認証", "見本-0012", "8000012010038", "JK-0103", "令和9年3月31日", HASH):
        assert words in text, words
    plain = documents.render_pdf("certificate", CERTIFICATE | {"conditions": []})
    assert "JK-0103" not in read_pdf(plain.content)[1]


def test_equal_data_give_equal_bytes_dated_by_the_data() -> None:
    one = documents.render_pdf("certificate", CERTIFICATE)
    reordered = dict(reversed(CERTIFICATE.items()))
    assert documents.render_pdf("certificate", reordered).content == one.content
    other = documents.render_pdf("certificate", CERTIFICATE | {"number": "見本-0013"})
    assert other.sha256 != one.sha256
    reader, _ = read_pdf(one.content)
    assert reader.metadata is not None
    assert reader.metadata.creation_date == datetime(2026, 9, 30, 5, 5, tzinfo=UTC)


def test_pdf_is_tagged_for_assistive_technology() -> None:
    reader, _ = read_pdf(documents.render_pdf("usage_contract_request", REQUEST).content)
    catalog: Any = reader.trailer["/Root"]
    assert catalog["/Lang"].startswith("ja")
    assert catalog["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part" in catalog["/Metadata"].get_data()


def test_missing_glyph_costs_the_standard_not_the_document() -> None:
    data = CERTIFICATE | {"validity": "𓀀まで"}
    rendered = documents.render_pdf("certificate", data)
    assert rendered.missing_glyphs
    assert b"pdfuaid:part" not in rendered.content
    assert "有効期間" in read_pdf(rendered.content)[1]


@pytest.mark.parametrize("letters", ["髙﨑𠮷①㈱", "葛\U000e0100城", "№㎡～−"])
def test_rare_letters_of_names_are_in_the_font(letters: str) -> None:
    data = CERTIFICATE | {"validity": letters}
    assert not documents.render_pdf("certificate", data).missing_glyphs


def test_template_that_is_absent_or_data_that_lack_a_key_are_our_fault() -> None:
    for name in ("../usage_contract_request", "absent"):
        with pytest.raises(documents.DocumentError, match="no template"):
            documents.render_pdf(name, REQUEST)
    with pytest.raises(documents.DocumentError, match="validity"):
        documents.render_pdf(
            "certificate", {k: v for k, v in CERTIFICATE.items() if k != "validity"}
        )
    with pytest.raises(documents.DocumentError, match="aware"):
        documents.render_pdf("certificate", CERTIFICATE | {"made_at": "2026-09-30T05:05:00"})


# --- XLSX and CSV out

FORMULAS = [
    "=1+1",
    "+1",
    "@SUM(A1)",
    "-cmd|' /C calc'!A0",
    "\t=1",
    "\r=1",
    "＝1+1",
    "＋1",
    "＠A",
    "－A",
    " =1",
]


def test_workbook_keeps_text_as_text_and_numbers_as_numbers() -> None:
    moment = datetime(2026, 9, 30, 5, 5, tzinfo=UTC)
    row = (
        "=1+1",
        -120,
        Decimal("99.5"),
        date(2026, 10, 1),
        moment,
        True,
        None,
        "http://a.jp",
        "007",
    )
    header = [f"列{n}" for n in range(len(row))]
    content = documents.write_xlsx([documents.Sheet("比較", header, [row])])
    page = openpyxl.load_workbook(io.BytesIO(content))["比較"]
    cells = list(page[2])
    assert [cell.value for cell in cells] == [
        "=1+1",
        -120,
        99.5,
        datetime(2026, 10, 1),  # noqa: DTZ001 - spreadsheets know no time zone
        datetime(2026, 9, 30, 14, 5),  # noqa: DTZ001 - Japanese time
        True,
        None,
        "http://a.jp",
        "007",
    ]
    assert cells[0].data_type == "s"
    assert page.freeze_panes == "A2"
    assert page["A1"].font.bold
    assert page.print_title_rows == "$1:$1"


def test_workbook_takes_any_sheet_name_and_refuses_what_no_cell_holds() -> None:
    sheets = [
        documents.Sheet(name, ["a"], [])
        for name in ("料金/年", "料金:年", "'", "長" * 40, "A", "a")
    ]
    names = openpyxl.load_workbook(io.BytesIO(documents.write_xlsx(sheets))).sheetnames
    assert len({name.casefold() for name in names}) == 6
    assert names[0] == "料金・年"
    with pytest.raises(documents.DocumentError, match="40000"):
        documents.write_xlsx([documents.Sheet("a", ["a"], [["x" * 40_000]])])


def test_equal_rows_give_an_equal_workbook() -> None:
    sheet = documents.Sheet("a", ["列"], [["値", 1]])
    assert documents.write_xlsx([sheet]) == documents.write_xlsx([sheet])


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_cell_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    content = documents.write_csv([["名称"], [text]])
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[1] == [f"'{text}"]


def test_csv_keeps_numbers_quotes_and_lines() -> None:
    rows: list[documents.Row] = [
        ["見出し", "値"],
        ['引用"符,', -120],
        ["二\n行", Decimal("-1.50")],
        ["-120", None],
        ["", date(2026, 10, 1)],
    ]
    content = documents.write_csv(rows)
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in content
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert read == [
        ["見出し", "値"],
        ['引用"符,', "-120"],
        ["二\n行", "-1.50"],
        ["-120", ""],
        ["", "2026-10-01"],
    ]


@given(st.text(min_size=1))
def test_no_text_begins_with_a_formula_sign_after_the_guard(text: str) -> None:
    guarded = documents.guard_formula(text)
    assert guarded.endswith(text)
    assert guarded[0] not in "=+@\t\r＝＋＠"


def test_csv_for_old_spreadsheets_names_the_row_it_cannot_write() -> None:
    assert documents.write_csv([["日本"]], encoding="cp932") == "日本\r\n".encode("cp932")
    with pytest.raises(tables.TableError, match="2行目：「𠮷」は") as refusal:
        documents.write_csv([["a"], ["𠮷野"]], encoding="cp932")
    assert (refusal.value.row, refusal.value.value) == (2, "𠮷")
