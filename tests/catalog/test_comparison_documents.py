"""The comparison's workbook and PDF, read back: the figures and rows of the page, ids and hashes.

What is drawn is the same on both databases, so SQLite alone is asked.
"""

import io
import re
import uuid
from datetime import UTC, date, datetime
from types import SimpleNamespace

import openpyxl
import pytest
from pypdf import PdfReader

from accounts.models import Role
from catalog.offerings.models import ConformanceAnswer
from catalog.offerings.queries import list_answers, load_listing_versions
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.terms import Answer
from catalog.used_options import write_used
from core import db
from tests import factories
from tests.page_checks import parse_page, text_of

pytestmark = pytest.mark.sqlite_only

LUMP, ONCE, MONTH = Unit.LUMP, Interval.ONCE, Interval.MONTH
PRICES = [
    [(ComponentKind.INITIAL, LUMP, ONCE, 500_000), (ComponentKind.BASE, LUMP, MONTH, 20_000)],
    [
        (ComponentKind.BASE, LUMP, MONTH, 9_000),
        (ComponentKind.USAGE, Unit.PERSON, MONTH, 3),
        (ComponentKind.OPTION, LUMP, MONTH, 4_000),
        (ComponentKind.EXIT, LUMP, ONCE, 80_000),
    ],
    [(ComponentKind.BASE, LUMP, MONTH, 10_000), (ComponentKind.USAGE, Unit.COUNTER, MONTH, 700)],
    [(ComponentKind.BASE, LUMP, MONTH, 7_777), (ComponentKind.TRAINING, LUMP, ONCE, 1)],
    [(ComponentKind.BASE, LUMP, MONTH, 0)],
]
ISMAP = {"kind": "ismap", "number": "C24-0001", "body": "見本監査法人"}
ACCREDITED = [
    {**ISMAP, "scope": "東京の設備", "expires_on": "2028-03-31"},
    {**ISMAP, "number": "C20-0009", "scope": "古い設備", "expires_on": "2026-03-31"},
]


@pytest.fixture
def market(database, hold_clock):
    """Five services whose prices and terms have little in common; the first is named like a formula."""
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        version = factories.specification(session, requirements=9, name="施設予約")
        ids = [
            factories.offering(
                session,
                factories.vendor(session),
                version,
                name=name,
                prices=prices,
                answers=None if number == 2 else Answer.CONFORMS,
                accreditations=ACCREDITED if number == 0 else [],
            ).id
            for number, (name, prices) in enumerate(
                zip(
                    ("=1+1予約", "みどり予約", "あおい予約", "しろ予約", "くろ予約"),
                    PRICES,
                    strict=True,
                )
            )
        ]
        rows = load_listing_versions(session, ids)
        first, second = rows[ids[0]], rows[ids[1]]
        first.revise(
            state_support_yen=300_000,
            state_support_until=date(2026, 10, 31),
            discounts=[[3, 500]],
            export_charge_yen=0,
            transition_days=45,
        )
        second.revise(
            retrieval_days=None, state_support_yen=1, state_support_until=date(2027, 3, 31)
        )
        factories.certification(session, first.offering_version)
        answer = session.get(ConformanceAnswer, _answer_id(session, second, "R-002"))
        answer.revise(answer=Answer.CONDITIONAL, due_on=date(2027, 4, 1), note="@春に対応")
        town = factories.body(session, name="川上町", code="103667", population=8_421)
        return SimpleNamespace(ids=ids, rows=rows, town=town, version=version)


def _answer_id(session, version, requirement_id):
    answers = list_answers(session, [version.offering_version_id])[version.offering_version_id]
    return next(a.id for a in answers.values() if a.requirement.requirement_id == requirement_id)


def address(market, count, kind="", **asked):
    pairs = [f"l={each}" for each in market.ids[:count]]
    pairs += [f"{name}={value}" for name, value in {"body": "103667", **asked}.items()]
    return f"/compare{kind}?{'&'.join(pairs)}"


def read_workbook(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def read_pdf(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    reader = PdfReader(io.BytesIO(answer.data))
    return reader, [re.sub(r"\s", "", page.extract_text()) for page in reader.pages]


def read_sheet(sheet):
    """Return the rows of a sheet as the page has them: a note stands in the cell of its amount."""
    rows = []
    for row in sheet.iter_rows(min_row=2, values_only=True):
        if row[0].endswith("（補足）"):
            rows[-1] = [
                above + plain(note or "") for above, note in zip(rows[-1], row, strict=True)
            ]
        else:
            rows.append([plain(value) for value in row])
    return rows


def page_rows(client, path, table):
    """Return the rows of a table on the page: words of the head and of each cell."""
    page = client.page(path)
    found = next(each for each in page.iter("table") if each.get("id") == table)
    rows = [row for row in found.iter("tr") if any(cell.tag == "td" for cell in row)]
    return [
        [re.sub(r"\s", "", text_of(cell)).removeprefix("違いあり：") for cell in row]
        for row in rows
        if "compare__facts" not in (row.get("class") or "")
    ]


def plain(value):
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    ("count", "asked"), [(2, {}), (3, {"diff": 1, "o": "オプション", "exit": 1}), (5, {"gaps": 1})]
)
def test_workbook_and_pdf_hold_the_rows_of_the_page(client, market, count, asked):
    path = address(market, count, **asked)
    book = read_workbook(client, path.replace("/compare", "/compare.xlsx"))
    assert book.sheetnames == ["比較の条件", "機能", "条件", "費用", "費用の明細"]
    reader, texts = read_pdf(client, path.replace("/compare", "/compare.pdf"))
    whole = "".join(texts)
    for name, table, first in (
        ("機能", "functions", 5),
        ("条件", "terms", 3),
        ("費用", "costs", 3),
    ):
        shown = page_rows(client, path, table)
        sheet = read_sheet(book[name])
        assert [row[first:] for row in sheet] == [row[1:] for row in shown]
        for row in shown:
            for cell in row[1:]:
                assert cell in whole, cell
        page = book[name]
        assert page.freeze_panes == "B2"
        assert (page.print_title_rows, page.print_title_cols) == ("$1:$1", "$A:$A")
        assert page.page_setup.orientation == "landscape"
        assert page.page_setup.paperSize == (8 if count == 5 else 9)
        heads = [cell.value for cell in page[1]][first:]
        assert [head.split("（")[0] for head in heads] == [
            "=1+1予約", "みどり予約", "あおい予約", "しろ予約", "くろ予約"
        ][:count]  # fmt: skip
        assert all("［見本］" in head for head in heads)
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "n"}
    wide, high = reader.pages[0].mediabox.width, reader.pages[0].mediabox.height
    assert (round(wide), round(high)) == ((1191, 842) if count == 5 else (842, 595))
    assert f"1／{len(texts)}" in texts[0]


def test_figures_are_numbers_and_charges_add_up_to_the_years(client, market):
    path = address(market, 5, ".xlsx", o="オプション", exit=1, start="2026-10", months=60)
    book = read_workbook(client, path)
    costs = {(row[0].value, row[1].value): row for row in book["費用"].iter_rows(min_row=2)}
    totals = costs["税込の計", "全期間の費用（円）"]
    whole = 500_000 + 60 * 20_000
    assert totals[3].value == whole * 11 // 10
    noted = costs["税込の計（補足）", "全期間の費用（円）"]
    assert noted[3].value == "選んだ「オプション」は料金表になく、含んでいません"
    assert not noted[4].value
    assert next(iter(costs))[1] == "全期間の費用（円）"
    second = 60 * (9_000 + 3 * 8_421 + 4_000) + 80_000
    assert totals[4].value == second * 11 // 10
    assert totals[5].value == "見積が必要：「従量」は、窓口の数がわからないため計算できません。"
    assert costs["初期（税抜）", "令和8年度（6か月）の費用（円）"][4].value == "料金表にありません"
    assert ("初期（税抜）", "令和9年度の費用（円）") not in costs
    assert costs["オプション（税抜）", "令和9年度の費用（円）"][3].value == (
        "選んだオプションはこの料金表にありません"
    )
    ledger = list(book["費用の明細"].iter_rows(values_only=True))
    years = [n for n, head in enumerate(ledger[0]) if "年度（" in head]
    for number, name in enumerate(("=1+1予約", "みどり予約", "しろ予約")):
        mine = [row for row in ledger[1:] if row[0].startswith(f"{name}（")]
        column = 3 + (0, 1, 3)[number]
        for year in years:
            label = ledger[0][year].removesuffix("（税抜・円）")
            told = next(
                row[column].value
                for (text, chapter), row in costs.items()
                if text == "税抜の計" and chapter.startswith((f"{label}の", f"{label}（"))
            )
            assert sum(row[year] for row in mine) == told
    assert ("3円 × 8,421人 ＝ 25,263円") in {row[4] for row in ledger[1:]}


def test_gaps_aside_are_words_and_never_nothing(client, market):
    words = {row[0]: row[1:] for row in page_rows(client, address(market, 3), "costs")}
    support = words["初期費用への国の支援（合計から引いていない）"]
    assert support[0].endswith("令和8年10月31日までに契約した団体）受付は終わりました")
    assert "受付は終わりました" not in support[1]
    assert support[2] == "情報なし"
    assert words["団体の数による割引（合計に含まない）"][:2] == [
        "3団体以上で5%引き",
        "公表されていません",
    ]
    assert words["この料金表にない費目"][0] == (
        "従量、オプション、クラウド利用料、データ移行、研修、解約・データ返還（無料とは限りません）"
    )
    assert words["解約・データ返還（税抜）"] == [
        "料金表にありません",
        "80,000円",
        "料金表にありません",
    ]
    terms = {row[0]: row[1:] for row in page_rows(client, address(market, 3), "terms")}
    held = terms["第三者の認証・登録（範囲と期限）"]
    assert "C24-0001（見本監査法人、令和10年3月31日まで）：東京の設備" in held[0]
    assert "期限切れ：" in held[0]
    assert "令和8年3月31日まで）：古い設備" in held[0]
    assert held[1] == "情報なし"
    # The days that a vendor publishes are those of its help: more of them is not worse.
    assert all(told.startswith("情報なし") for told in terms["移行の期間：30日以内"])
    assert terms["データを取り出せる期間：30日以上"][1] == "情報なし"
    charge = terms["乗り換え・データ返還の費用（税抜）：令和9年1月12日からは無料"]
    assert charge == ["目安に合う（無料）", "目安に合わない（80,000円）", "情報なし"]
    assert terms["乗り換えを申し出てからの予告：2か月以内"][0].startswith("情報なし")
    page = client.page(address(market, 3))
    assert "日本の法令ではありません" in text_of(page)
    gaps = [each for each in page.iter("td") if text_of(each).startswith("情報なし")]
    assert {each.get("class") for each in gaps} == {"gap"}


@pytest.mark.acceptance(15, 19)
def test_a_file_says_what_it_was_made_of(client, market):
    used = write_used(
        str(market.version.id), [f"R-{n:03d}" for n in range(1, 10)], {"R-003", "R-006"}
    )
    book = read_workbook(client, address(market, 3, ".xlsx", must=1, use=used))
    facts = dict(book["比較の条件"].iter_rows(min_row=2, values_only=True))
    rows = [market.rows[each] for each in market.ids[:3]]
    for number, row in enumerate(rows, start=1):
        assert str(row.id) in facts[f"サービス{number} 販売条件の番号"]
        assert str(row.listing_id) in facts[f"サービス{number} 販売条件の番号"]
        assert facts[f"サービス{number} 販売条件のSHA-256"] == row.content_sha256
        assert facts[f"サービス{number} サービスの版の番号"] == str(row.offering_version_id)
        assert (
            facts[f"サービス{number} サービスの版のSHA-256"] == row.offering_version.content_sha256
        )
    states = [facts[f"サービス{number} 認証"].split("、")[0].split("（")[0] for number in (1, 2, 3)]
    assert states == ["認証済み", "申告のみ", "情報なし"]
    assert str(market.version.id) in facts["標準仕様書"]
    assert facts["料金表"].startswith("令和8年11月21日")
    assert facts["作成した時点"].startswith("令和8年11月21日")
    assert facts["絞り込み"] == "必須の要件だけ"
    assert facts["使う標準オプション"] == "R-003、R-006"
    assert len(facts["比べた内容のSHA-256"]) == 64
    assert [row[3].value for row in book["機能"].iter_rows(min_row=2)] == ["必須"] * 6
    link = facts["同じ比較のアドレス"].removeprefix("http://localhost")
    assert "内容は変わっていません" in text_of(client.page(link))
    shown = text_of(client.page(address(market, 3, must=1, use=used)))
    assert facts["比べた内容のSHA-256"][:12] in shown
    _, texts = read_pdf(client, link.replace("/compare", "/compare.pdf"))
    assert all(facts["比べた内容のSHA-256"] in text for text in texts)
    for row in rows:
        assert str(row.id) in texts[-1]
    assert all("機能要件" in text for text in texts if "R-00" in text)


def test_all_rows_go_into_a_file_and_on_the_page_that_is_printed(client, market, monkeypatch):
    monkeypatch.setattr("catalog.comparison_views._ROWS_SHOWN", 4)
    path = address(market, 2)
    assert len(page_rows(client, path, "functions")) == 4
    whole = next(a for a in client.page(path).iter("a") if "すべてを1ページに" in text_of(a))
    assert len(page_rows(client, whole.get("href"), "functions")) == 9
    assert read_workbook(client, address(market, 2, ".xlsx"))["機能"].max_row == 10


def test_files_are_refused_as_the_page_is(client, market):
    for kind in (".xlsx", ".pdf"):
        assert client.get(address(market, 1, kind)).status_code == 422
        assert client.get(address(market, 2, kind, months=0)).status_code == 422
        assert client.get(address(market, 2, kind, use="zzz")).status_code == 422
        assert client.get(f"/compare{kind}?l={market.ids[0]}&l={uuid.uuid4()}").status_code == 404
        named = client.get(address(market, 2, kind, body="川上町"))
        assert named.status_code == 303
        assert f"/compare{kind}?" in named.location


def test_pdfs_have_a_bound_that_leads_to_the_workbook(client, new_client, market, monkeypatch, app):
    """One address of a network cannot keep the server drawing; whoever is signed in counts alone."""
    narrowed = app.config["NARABI"].model_copy(update={"pdf_per_hour": 1})
    monkeypatch.setitem(app.config, "NARABI", narrowed)
    cost = f"/cost.pdf?l={market.ids[0]}&body=103667"
    assert client.get(cost).mimetype == "application/pdf"
    for path in (cost, address(market, 2, ".pdf")):
        stopped = client.get(path)
        assert (stopped.status_code, stopped.headers["Retry-After"]) == (429, "3600")
        assert "この回線が1時間に作れるPDFの数（1）を超えました" in stopped.text
        links = {text_of(a): a.get("href") for a in parse_page(stopped.text).iter("a")}
        assert client.get(links["同じ内容をExcelで受け取る"]).status_code == 200
        assert client.get(links["元のページに戻る"]).status_code == 200
    clerk = new_client()
    with db.transaction() as session:
        town = factories.body(session)
        person = factories.person(session, Role.CLERK, town)
    factories.sign_in_client(clerk, person, town)
    assert clerk.get(cost).status_code == 200
    assert "あなたが1時間に作れる" in clerk.get(cost).text
    # A comparison too long to print says so before anybody asks.
    rows = len(page_rows(client, address(market, 2), "functions"))
    monkeypatch.setattr("catalog.pdf_limits.MOST_ROWS", rows - 1)
    assert "PDFは違いだけなどに絞ると作れます" in text_of(client.page(address(market, 2)))
    long = client.get(address(market, 2, ".pdf"))
    assert long.status_code == 422
    assert f"この比較は{rows}件あります" in long.text
