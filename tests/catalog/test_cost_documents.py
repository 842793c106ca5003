"""The workbook and the PDF of a cost hold the figures of its page, read back from all three.

They are made from what the database gave in the same way on both, so they are asked once.
"""

import io
import re
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import openpyxl
import pytest
from pypdf import PdfReader
from sqlmodel import select

from catalog.kept.models import CostProfile
from catalog.price_plan import TaxRounding
from core import db
from tests import factories
from tests.catalog.cost_pages import (
    QUOTE,
    add_listing,
    cost_address,
    make_market,
    read_tables,
    to_int,
)
from tests.catalog.price_samples import EXAMPLE
from tests.catalog.test_cost_page import EVERYTHING, EXPECTED, RICH, check_ledger
from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def world(database, hold_clock):
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        found = make_market(session)
        found.example = add_listing(
            session, found, EXAMPLE, tax_rounding=TaxRounding.PER_YEAR, name="=ひかり予約"
        ).id
        found.rich = add_listing(session, found, RICH, name="みどり予約", discounts=[[5, 500]]).id
    return found


def get_workbook(client, listing, **asked):
    answer = client.whole(cost_address(listing, "/cost.xlsx", **asked))
    assert answer.status_code == 200, answer.text[:300]
    assert ".xlsx" in answer.headers["Content-Disposition"]
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def get_print(client, listing, **asked):
    answer = client.whole(cost_address(listing, "/cost.pdf", **asked))
    assert answer.status_code == 200
    reader = PdfReader(io.BytesIO(answer.data))
    box = reader.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)
    return reader, "".join(page.extract_text() for page in reader.pages).replace("\n", "")


def read_sheet(book, name):
    return [list(row) for row in book[name].iter_rows(values_only=True)]


def numbers_of(table):
    """The figures of a page's table line by line, its sums included; words stay words."""
    return [
        [to_int(cell) if re.fullmatch(r"−?[\d,]+", cell) else cell for cell in cells]
        for _name, cells, _notes in (*table.rows, *table.foot)
    ]


def check_same_figures(tables, book, text):
    """Compare every figure of the page with the workbook's cells and the print's words."""
    for sheet, table in (("年度", "years"), ("月", "months")):
        assert [row[1:] for row in read_sheet(book, sheet)[1:]] == numbers_of(tables[table])
    ledger = read_sheet(book, "明細")
    blocks = [numbers_of(tables[name]) for name in tables if name.startswith("ledger-")]
    years = [[cell for block in blocks for cell in block[at]] for at in range(len(blocks[0]))]
    width = len(years[0])
    assert [row[5 : 5 + width] for row in ledger[1:]] == years
    charges = numbers_of(tables["charges"])
    assert [row[1:5] for row in ledger[1 : 1 + len(charges)]] == charges
    what_if = {(row[1], row[2]): row[3] for row in read_sheet(book, "もしも")[1:]}
    for name in ("roundings", "discounts", "sensitivity"):
        for label, cells, _notes in tables[name].rows if name in tables else ():
            for head, cell in zip(tables[name].head[1:], cells, strict=True):
                told = what_if[label, head]
                assert told == cell or told == to_int(cell), (label, head)
    for table in tables.values():
        for _label, cells, _notes in (*table.rows, *table.foot):
            for cell in cells:
                assert cell.replace(" ", "") in text.replace(" ", ""), cell


def test_page_workbook_and_pdf_agree_for_each_kind_of_body_and_each_rounding(new_client, world):
    for (kind, clerk), rounding in zip(world.clerks.items(), TaxRounding, strict=True):
        client, body = new_client(), world.bodies[kind]
        factories.sign_in_client(client, clerk, body)
        asked = {"start": "2026-10", "months": 60, "rounding": rounding.value}
        tables = read_tables(client.page(cost_address(world.example, **asked)))
        check_ledger(tables, rounding)
        book = get_workbook(client, world.example, **asked)
        reader, text = get_print(client, world.example, **asked)
        check_same_figures(tables, book, text)
        facts = dict(read_sheet(book, "条件")[1:])
        assert facts["団体"] == body.label
        assert facts["料金表の日"] == "令和8年11月21日"
        assert str(world.example) in facts["販売条件の番号"]
        assert re.fullmatch(r"[0-9a-f]{64}", facts["販売条件のSHA-256"])
        assert facts["作成した時点"] == "令和8年11月21日 12:00"
        for word in (str(world.example), facts["販売条件のSHA-256"], "令和8年11月21日 12:00"):
            assert word in text
        assert f"1／{len(reader.pages)}" in text
        same = urlsplit(facts["同じ計算のアドレス"])
        assert read_tables(new_client().page(f"{same.path}?{same.query}")) == tables


def test_the_worked_example_has_its_three_totals_in_the_files(client, world):
    for rounding, total in EXPECTED.items():
        asked = {"body": "102016", "start": "2026-10", "months": 60, "rounding": rounding.value}
        book = get_workbook(client, world.example, **asked)
        assert book["年度"].cell(book["年度"].max_row, book["年度"].max_column).value == total
    # The last one's print holds its own total as the answer, and the other two beside it.
    _reader, text = get_print(client, world.example, **asked)
    assert f"5年間使うと、合計は税込{total:,}円です。" in text
    assert all(f"{each:,}" in text for each in EXPECTED.values())


def test_the_workbook_keeps_numbers_as_numbers_and_runs_nothing(client, world):
    book = get_workbook(client, world.example, body="102016", start="2026-10", months=60)
    assert book.sheetnames == ["条件", "年度", "明細", "月", "もしも"]
    for sheet in book.worksheets:
        frozen = {"条件": "A2", "もしも": "C2"}
        assert sheet.freeze_panes == frozen.get(sheet.title, "B2")
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert dict(read_sheet(book, "条件")[1:])["サービス"] == "=ひかり予約"
    assert isinstance(book["年度"]["B2"].value, int)
    assert book["年度"]["B2"].number_format.startswith("#,##0")


def test_what_needs_a_quote_is_said_in_the_files_and_never_zero(client, world):
    asked = {"body": "103667", "start": "2027-04", "months": 36}
    tables = read_tables(client.page(cost_address(world.rich, **asked)))
    book = get_workbook(client, world.rich, **asked)
    _reader, text = get_print(client, world.rich, **asked)
    check_same_figures(tables, book, text)
    facts = read_sheet(book, "条件")
    assert any(row[0] == "計算に必要なもの" and "1米ドルが何円か" in row[1] for row in facts)
    assert read_sheet(book, "年度")[-1][-1] == QUOTE
    assert "見積が必要な費用を0円とはみなしません" in text
    rate = {name: EVERYTHING[name] for name in ("gb", "usd", "usd_on", "usd_from")}
    priced = get_workbook(client, world.rich, **asked, **rate)
    assert isinstance(read_sheet(priced, "年度")[-1][-1], int)
    assert ["外貨の料金", "1米ドル", "内容", "152.34円"] in read_sheet(priced, "もしも")


def test_todays_contract_is_seen_by_its_owner_and_sent_only_when_ticked(new_client, world):
    town, clerk = world.bodies["town"], world.clerks["town"]
    with db.transaction() as session:
        session.add(
            CostProfile(
                person_id=clerk.id,
                organisation_id=town.id,
                specification_id=world.version.specification_id,
                conditions={},
                baseline_yearly=7_654_321,
                baseline_ends_on=date(2027, 4, 30),
            )
        )
    asked = {"start": "2027-04", "months": 36}
    client = new_client()
    factories.sign_in_client(client, clerk, town)
    page = client.page(cost_address(world.example, **asked))
    tables, text = read_tables(page), text_of(page)
    new = to_int(tables["years"].rows[0][1][-1])
    assert tables["today"].rows[0][1] == ["7,654,321", f"{new:,}", f"−{7_654_321 - new:,}"]
    assert "今の契約が30日続きます" in text
    assert "（税込）で、上の合計のほかに必要です" in text
    for link in page.iter("a"):
        assert "7654321" not in (link.get("href") or "")
    assert "7,654,321" not in str(
        read_sheet(get_workbook(client, world.example, **asked), "もしも")
    )
    assert "7,654,321" not in get_print(client, world.example, **asked)[1]
    ticked = read_sheet(get_workbook(client, world.example, **asked, today="1"), "もしも")
    assert ["今の契約との差", "令和9年度", "今の契約", 7_654_321] in ticked
    assert "7,654,321" in get_print(client, world.example, **asked, today="1")[1]
    elsewhere = client.page(cost_address(world.example, body="102016", **asked))
    assert "7,654,321" not in text_of(elsewhere)
    with db.transaction() as session:
        session.exec(select(CostProfile)).one().revise(baseline_ends_on=date(2027, 2, 28))
    later = client.page(cost_address(world.example, **asked))
    assert "新しい契約が始まるまで、31日あきます" in text_of(later)
    other = new_client()
    factories.sign_in_client(other, world.clerks["city"], world.bodies["city"])
    seen = text_of(other.page(cost_address(world.example, **asked)))
    assert "7,654,321" not in seen
    assert "保存した金額は、あなたにだけ表示します" in seen
