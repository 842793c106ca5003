"""Offerings in spreadsheets over HTTP: template, import as a whole, export, mapping, refusals.

Words of pages are the same on both databases; test_sheet_import asks the service on both.
"""

import csv
import hashlib
import io
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from flask import Flask
from sqlmodel import Session, select

from accounts.models import Role
from catalog.offerings import queries
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.specifications.queries import list_versions
from core import db
from core.audit import AuditDetail, AuditEvent
from tests import factories
from tests.catalog.offerings.conftest import Company, load, make_company, make_draft
from tests.catalog.offerings.statements import open_vendor_pages
from tests.client import CheckedClient
from tests.page_checks import parse_page, text_of
from vendors.models import Vendor

pytestmark = pytest.mark.sqlite_only

SERVICES = Path(__file__).resolve().parents[4] / "shared" / "data" / "services_real.csv"
START = "/vendor/offerings/sheets"
IMPORT = "下書きとして取り込む"
ROW: dict[str, Any] = {
    "キー": "A1",
    "標準仕様書": "",
    "サービスの名称": "まるごと見本予約",
    "一行の説明": "窓口の予約を受け付けます。",
    "主な機能": "予約の受付\n順番の案内",
    "設置場所の事業者": "AWS",
    "使える回線": "LGWAN、インターネット",
    "対応する団体の人口": "1万人未満",
    "最低利用期間（か月）": 12,
    "サービスを提供する予定の時間": "毎日0時から24時まで",
    "稼働率の目標（%）": 99.5,
    "データ消去の証明書": "はい",
}
PRICE: dict[str, Any] = {
    "キー": "A1",
    "料金の種類": "月額基本",
    "単位": "一式",
    "回数": "毎月",
    "単価（税抜・円）": "120,000円",
}


REAL = {
    "name": "name",
    "summary": "description",
    "field": "category",
    "corporate_number": "corporate_number",
    "start": "starts_on",
    "end": "ends_on",
    "url": "page",
    "provider": "provider",
}


@pytest.fixture
def company(database) -> Company:
    """A vendor that may sell, in a catalog with one open standard."""
    with db.transaction() as session:
        factories.specification(session, code="MADO", label="1.0")
        return make_company(session)


@pytest.fixture
def browser(client: CheckedClient, company: Company) -> CheckedClient:
    """The browser of the vendor's member."""
    client.query_budget = 30
    factories.sign_in_client(client, company.member, company.home)
    return client


def fill(template: bytes, rows: list[dict[str, Any]], prices: list[dict[str, Any]]) -> bytes:
    """Return the template with rows under its sample, as a person fills it in."""
    book = openpyxl.load_workbook(io.BytesIO(template))
    for page, lines in ((book["サービス"], rows), (book["料金"], prices)):
        headings = {cell.value: cell.column for cell in page[1]}
        for number, line in enumerate(lines, start=3):
            for heading, value in line.items():
                cell = page.cell(number, headings[heading], value)
                if str(value).startswith("=1"):
                    cell.data_type = "s"  # a text, as a cell of the format "text" holds it
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def filled(browser: CheckedClient, rows: Any, prices: Any = ()) -> bytes:
    template = browser.get(f"{START}/template.xlsx").data
    made = [{**ROW, "標準仕様書": "MADO 1.0", **each} for each in rows]
    return fill(template, made, [{**PRICE, **each} for each in prices])


def upload(browser: CheckedClient, content: bytes, name: str = "table.xlsx") -> str:
    sent = browser.submit(START, {"file": (io.BytesIO(content), name)})
    assert sent.status_code == 303, text_of(browser.page(START))
    return str(sent.location)


def as_csv(rows: list[list[str]]) -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target).writerows(rows)
    return target.getvalue().encode()


def own_specification(session: Session) -> UUID:
    return next(each.id for each in list_versions(session))


def own(company: Company) -> list[OfferingVersion]:
    with db.reading() as session:
        return queries.list_versions_of(session, company.vendor.owner_id)


def test_a_filled_template_becomes_drafts_and_the_sample_does_not(
    browser: CheckedClient, company: Company
) -> None:
    start = text_of(browser.page("/vendor/offerings"))
    assert "表でまとめて登録・変更する" in start
    content = filled(
        browser,
        [{}, {"キー": "B", "サービスの名称": "=1+1 予約"}],
        [{}, {"料金の種類": "従量", "単位": "人口1人", "単価（税抜・円）": 3, "段階2の始まり": 50000, "段階2の単価（税抜・円）": 2}],
    )  # fmt: skip
    page = upload(browser, content)
    shown = text_of(browser.page(page))
    assert "誤りはありません。2件を取り込めます" in shown
    assert "見本の行" in shown
    assert browser.submit(page, {}, button=IMPORT).location == "/vendor/offerings"
    names = {each.name: each for each in own(company)}
    assert set(names) == {"まるごと見本予約", "=1+1 予約"}
    with db.reading() as session:
        version, terms = load(session, names["まるごと見本予約"].id)
    assert version.state is OfferState.DRAFT
    assert (version.networks, version.features) == (
        ["lgwan", "internet"],
        ["予約の受付", "順番の案内"],
    )
    assert (terms.availability_basis_points, terms.deletion_certificate) == (9950, True)
    assert [each.tiers for each in terms.components] == [[[0, 120_000]], [[0, 3], [50_000, 2]]]
    with db.reading() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "offering.import")).one()
        detail = session.get(AuditDetail, event.sequence)
    assert detail is not None
    assert detail.detail["sha256"] == hashlib.sha256(content).hexdigest()
    assert sorted(detail.detail["made"]) == sorted(str(each.id) for each in own(company))
    assert browser.get(page).location == "/vendor/offerings"
    again = upload(browser, content)
    assert "同じ名称と標準仕様書のサービスが、自社にもうあります" in text_of(browser.page(again))
    with db.transaction() as session:
        rival = make_company(session)
    factories.sign_in_client(browser, rival.admin, rival.home)
    assert browser.get(page).status_code == 404
    assert browser.get(again).status_code == 404


@pytest.mark.acceptance(8)
def test_twelve_broken_rows_are_named_all_at_once_and_nothing_is_imported(
    browser: CheckedClient, company: Company
) -> None:
    broken: list[tuple[dict[str, Any], str]] = [
        ({"サービスの名称": ""}, "サービスの名称を入力してください。"),
        ({"標準仕様書": "MADO 9.9"}, "「MADO 9.9」という標準仕様書の版はありません"),
        ({"使える回線": "LGWAN、電話"}, "「電話」は選べません。LGWAN、インターネット、閉域網から"),
        ({"稼働率の目標（%）": 0.995}, "1以下です。割合ではなく、99.5のように"),
        ({"サービスを提供する予定の時間": ""}, "もとになる予定の時間も入力してください。"),
        ({"終了を知らせる時期（か月前）": "半年"}, "終了を知らせる時期は数字で入力してください。"),
        ({"データ消去の証明書": "たぶん"}, "「たぶん」は選べません。はい、いいえから"),
        (
            {"一行の説明": "あ" * 201},
            "一行の説明は200文字以内で入力してください。現在201文字です。",
        ),
        (
            {"ID（変えない）": "00000000-0000-0000-0000-000000000000"},
            "このIDのサービスは自社にありません",
        ),
        ({"キー": "K1"}, "キー「K1」は3行目にもあります。"),
        ({"一行の説明": "=1+1"}, ""),
        ({"設置する地域": "東\u202e京"}, "設置する地域"),
        ({"設置する地域": "=2+3"}, "計算式の結果が保存されていません。"),
    ]
    rows = [
        {"キー": f"K{n}", "サービスの名称": f"見本{n}", **change}
        for n, (change, _) in enumerate(broken, start=1)
    ]
    prices = [
        {"キー": "K3", "料金の種類": "月額基本", "回数": "1回"},
        {"キー": "K4", "料金の種類": "従量", "段階2の始まり": 10},
        {"キー": "X9"},
    ]
    page = upload(browser, filled(browser, rows, prices))
    shown = text_of(browser.page(page))
    for _, words in broken:
        assert words in shown
    for place in (
        "サービス!F3",
        "サービス!E4",
        "サービス!M5",
        "14行目",
        "料金!E3",
        "料金!K4",
        "料金!A5",
    ):
        assert place in shown, place
    for words in (
        "種類が「月額基本」のときは、回数に「毎月」か「毎年」を選択してください。",
        "段階2の単価を入力してください。",
        "キー「X9」のサービスがありません。",
    ):
        assert words in shown
    refused = browser.submit(page, {}, button=IMPORT)
    assert refused.status_code == 422
    assert "直すまで何も取り込みません" in refused.text
    assert own(company) == []
    # A person may say explicitly that the sound rows come in; the formula's text is one of them.
    chosen = browser.submit(page, {"sound_only": "yes"}, button="選び方を確かめる")
    assert "取り込まない行" in text_of(browser.page(chosen.location))
    assert browser.submit(chosen.location, {}, button=IMPORT).status_code == 303
    assert [(each.name, each.summary) for each in own(company)] == [("見本11", "=1+1")]


def test_an_export_comes_back_unchanged_changed_or_refused_when_stale(
    browser: CheckedClient, company: Company
) -> None:
    page = upload(browser, filled(browser, [{}, {"キー": "B", "サービスの名称": "-見本", "一行の説明": "@sum"}], [{}]))  # fmt: skip
    browser.submit(page, {}, button=IMPORT)
    with db.transaction() as session:
        specification_id = own_specification(session)
        rival = make_company(session)
        stranger = make_draft(session, rival, specification_id)
    before = {each.id: each.version for each in own(company)}
    csv_file = browser.get(f"{START}/export.csv").data
    assert b"'@sum" in csv_file
    assert str(stranger).encode() not in csv_file
    book = browser.get(f"{START}/export.xlsx").data
    for content, name in ((csv_file, "a.csv"), (book, "a.xlsx")):
        page = upload(browser, content, name)
        shown = text_of(browser.page(page))
        assert "変わるものはありません" in shown, name
        assert browser.submit(page, {}, button=IMPORT).status_code == 422
    assert {each.id: each.version for each in own(company)} == before

    rows = list(csv.reader(io.StringIO(csv_file.decode("utf-8-sig"))))
    place = rows[0].index("設置する地域")
    price = rows[0].index("単価（税抜・円）")
    for row in rows[1:]:
        row[place] = "大阪"
        row[price] = "150000" if row[price] else ""
    changed = as_csv(rows)
    page = upload(browser, changed, "a.csv")
    shown = text_of(browser.page(page))
    assert "設置する地域、料金" in shown
    assert "今の下書きを変えるもの2件公開中のものに変更の下書きを作るもの0件" in shown
    browser.submit(page, {}, button=IMPORT)
    versions = own(company)
    assert {each.hosting_region for each in versions} == {"大阪"}
    with db.reading() as session:
        found = [load(session, each.id)[1].components for each in versions]
    assert sorted(each.tiers for rows in found for each in rows) == [[[0, 150_000]]]

    check_refusals(browser, rows, str(stranger))
    assert {each.hosting_region for each in own(company)} == {"大阪"}


def check_refusals(browser: CheckedClient, rows: list[list[str]], stranger: str) -> None:
    """The file is older than what is stored; then it names another vendor's offering."""
    place = rows[0].index("設置する地域")
    for row in rows[1:]:
        row[place] = "京都"
    stale = browser.submit(upload(browser, as_csv(rows), "a.csv"), {}, button=IMPORT)
    assert stale.status_code == 412
    assert "ファイルを書き出したあとに、ほかで変更されています" in stale.text
    identity = rows[0].index("ID（変えない）")
    rows[1][identity] = stranger
    page = text_of(browser.page(upload(browser, as_csv(rows), "a.csv")))
    assert "このIDのサービスは自社にありません" in page


def test_own_headings_are_mapped_by_a_person_before_anything_is_imported(
    browser: CheckedClient, company: Company
) -> None:
    table = [["社内の一覧"], ["製品名", "ひとこと", "価格帯", "開始日"], ["予約くん（見本）", "便利です", "安い", "未定"]]  # fmt: skip
    page = upload(browser, as_csv(table), "list.csv")
    first = text_of(browser.page(page))
    assert "見出しが書式と違う表です" in first
    assert "全部の行に使う標準仕様書" in first
    assert browser.submit(page, {}, button="確かめる").status_code == 303
    assert "標準仕様書の列がありません" in text_of(browser.page(page))
    told = {"specification": "MADO 1.0", "column-1": "summary", "column-2": "note"}
    again = browser.submit(page, told, button="確かめる").location
    shown = text_of(browser.page(again))
    assert "日付として読めません" in shown
    assert "D3" in shown
    assert browser.submit(again, {}, button=IMPORT).status_code == 422
    dropped = browser.submit(again, {"drop": "yes"}, button="選び方を確かめる").location
    assert "空欄として取り込むセル" in text_of(browser.page(dropped))
    browser.submit(dropped, {}, button=IMPORT)
    made = own(company)[0]
    assert (made.name, made.summary, made.description) == (
        "予約くん（見本）",
        "便利です",
        "価格帯：安い",
    )
    wrong = browser.submit(upload(browser, as_csv(table), "list.csv"), {"column-1": "name", "specification": "MADO 1.0"}, button="確かめる")  # fmt: skip
    assert "2列が当てられています" in text_of(browser.page(wrong.location))


@pytest.mark.acceptance(8)
def test_five_hundred_offerings_are_imported_and_shown_with_as_few_statements(
    browser: CheckedClient, company: Company, app: Flask
) -> None:
    rows = [{"キー": f"K{n}", "サービスの名称": f"見本{n}"} for n in range(500)]
    prices = [{"キー": f"K{n}"} for n in range(500)]
    page = upload(browser, filled(browser, rows, prices))
    assert "誤りはありません。500件を取り込めます" in text_of(browser.page(page))
    browser.submit(page, {}, button=IMPORT)
    made = own(company)
    assert len(made) == 500
    with db.reading() as session:
        assert load(session, made[0].id)[1].components[0].tiers == [[0, 120_000]]
    page = upload(browser, browser.get(f"{START}/export.xlsx").data)
    assert "変わるものはありません" in text_of(browser.page(page))
    check_statements(browser, company, app, page)


def check_statements(browser: CheckedClient, company: Company, app: Flask, upload: str) -> None:
    """Open every page of the vendor of five hundred; none needs more than ten statements."""
    with db.reading() as session:
        version, terms = load(session, own(company)[0].id)
    ids = {"offering_version_id": version.id, "listing_version_id": terms.id, "chapter": 1,
           "listing_id": terms.listing_id, "vendor_id": company.vendor.id, "kind": "xlsx",
           "upload_id": upload.rpartition("/")[2], "section": "company"}  # fmt: skip
    opened = open_vendor_pages(browser, app, ids)
    assert "home.index" in opened
    assert len(opened) > 20
    assert "あなたの番（古い順） 500件" in text_of(browser.page("/?turn=50"))
    assert len(browser.statements) <= 10
    assert browser.get("/?turn=51").status_code == 404


@pytest.mark.shared_data
def test_the_real_registry_goes_through_the_mapping_with_every_doubt_named(
    browser: CheckedClient, company: Company
) -> None:
    rows = list(csv.DictReader(io.StringIO(SERVICES.read_text("utf-8-sig"))))
    headings = list(rows[0])
    [(mine, _)] = Counter(each["provider"] for each in rows).most_common(1)
    with db.transaction() as session:
        session.get_one(Vendor, company.vendor.id).name = mine
    page = upload(browser, SERVICES.read_bytes(), SERVICES.name)
    told = {f"column-{headings.index(name)}": target for name, target in REAL.items()}
    again = browser.submit(page, {**told, "specification": "MADO 1.0"}, button="確かめる").location
    shown = text_of(browser.page(again))
    number, joint = 2, "&" if "?" in again else "?"
    while (page_of_errors := browser.get(f"{again}{joint}errors={number}")).status_code == 200:
        shown += text_of(parse_page(page_of_errors.text))
        number += 1
    assert number > 2  # so many that there are pages
    for words in ("「教育、学習支援」（", "「教育・学習支援」（", "今は11文字です", "未定", "コロナ終息を目途", "2020-0330", "同じ名称が"):  # fmt: skip
        assert words in shown, words
    assert shown.count(f"自社の名称（{mine}）と違います") == sum(
        e["provider"] != mine for e in rows
    )
    assert shown.count("一つのアドレスとして読めません") == 7
    assert browser.submit(again, {}, button=IMPORT).status_code == 422
    assert own(company) == []
    chosen = browser.submit(again, {"sound_only": "yes"}, button="選び方を確かめる").location
    assert browser.submit(chosen, {}, button=IMPORT).status_code == 303
    clean = own(company)
    assert {each.name for each in clean} < {e["name"] for e in rows if e["provider"] == mine}
    assert len(clean) == 5
    assert all("未定" not in each.description for each in clean)


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR, Role.LEAD_REVIEWER])
def test_others_neither_import_nor_export(client: CheckedClient, database, role: Role) -> None:
    with db.transaction() as session:
        someone = factories.person(session, role)
    factories.sign_in_client(client, someone)
    for path in (START, f"{START}/template.xlsx", f"{START}/export.csv"):
        assert client.get(path).status_code in {403, 404}
