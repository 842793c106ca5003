"""Prices that count for some bodies or some time: overlaps, gaps, what is public when, and its cost.

The rules are pure and the pages are the same on both databases, so they are asked once.
"""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from app import outbox_handlers
from catalog.cost_rules import CostRules, discount
from catalog.offerings import queries, services
from catalog.offerings.content import hash_content, listing_content
from catalog.offerings.price_variants import Variant, check_variants
from catalog.price_bands import first_year_cost
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    PriceComponent,
    PricePlan,
    QuoteReason,
    TaxRounding,
    Term,
    Tier,
    Unit,
    Volumes,
)
from catalog.pricing import cost
from catalog.terms import SizeClass
from core import db, outbox
from tests import factories
from tests.catalog.offerings.conftest import (
    BASE_PRICE,
    Company,
    load,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.page_checks import text_of
from tests.search.market import index_all

pytestmark = [pytest.mark.sqlite_only, pytest.mark.query_budget(40)]

SMALL, MIDDLE, CITY = SizeClass.UNDER_10K, SizeClass.FROM_10K, SizeClass.FROM_50K
APRIL, MARCH = date(2027, 4, 1), date(2027, 3, 31)


def price(amount: int | None, *sizes: SizeClass, **bounds: Any) -> PriceComponent:
    """Give a monthly price for bodies of these classes."""
    tiers = () if amount is None else (Tier(0, amount),)
    monthly = (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, tiers)
    return PriceComponent("基本料", *monthly, sizes=frozenset(sizes), **bounds)


def row(
    number: int, *sizes: SizeClass, first: date | None = None, last: date | None = None, **more
):
    """Give a row of a price list."""
    kind = more.get("kind", ComponentKind.BASE)
    interval = more.get("interval", Interval.MONTH)
    return Variant(number, kind, "基本料", interval, frozenset(sizes), first, last)


def test_the_price_of_the_class_counts_and_what_nothing_covers_needs_a_quote():
    plan = PricePlan((price(10_000, SMALL), price(30_000, MIDDLE), price(None, CITY)))
    totals = {}
    for population in (9_999, 10_000, 50_000, 300_000):
        volumes = Volumes(population=population)
        statement = cost(plan, volumes, Term(APRIL, 12), CostRules(TaxRounding.WHOLE))
        reasons = [need.reason for need in statement.needs_quote]
        totals[population] = statement.subtotal or reasons
        assert first_year_cost(plan, volumes).running == statement.yearly
    assert totals == {
        9_999: 120_000,
        10_000: 360_000,
        50_000: [QuoteReason.NO_PRICE],
        300_000: [QuoteReason.OUTSIDE_SIZE],
    }
    # Plans by size with names of their own: each body owes its plan, and nobody the other's.
    named = (replace(price(10_000, SMALL), name="町村"), replace(price(30_000, MIDDLE), name="市"))
    beside = replace(price(500, SMALL, MIDDLE, CITY), name="保守")
    spared = PricePlan((*named, beside))
    for population, yearly in ((9_999, 126_000), (10_000, 366_000), (50_000, None)):
        volumes = Volumes(population=population)
        assert (
            cost(spared, volumes, Term(APRIL, 12), CostRules(TaxRounding.WHOLE)).subtotal == yearly
        )
        assert first_year_cost(spared, volumes).running == yearly
    unknown = cost(plan, Volumes(), Term(APRIL, 12), CostRules(TaxRounding.WHOLE))
    assert [need.reason for need in unknown.needs_quote] == [QuoteReason.UNKNOWN_VOLUME]


def test_each_month_has_the_price_of_its_day():
    plan = PricePlan((price(10_000, valid_to=MARCH), price(20_000, valid_from=APRIL)))
    body = Volumes(population=5_000)
    statement = cost(plan, body, Term(date(2027, 1, 1), 12), CostRules(TaxRounding.WHOLE))
    assert [line.subtotal for line in statement.lines] == [30_000, 180_000]
    assert (statement.subtotal, statement.total) == (210_000, 231_000)
    ends = PricePlan((price(10_000, valid_to=MARCH),))
    statement = cost(ends, body, Term(date(2027, 1, 1), 12), CostRules(TaxRounding.WHOLE))
    assert [need.reason for need in statement.needs_quote] == [QuoteReason.OUTSIDE_PERIOD]
    assert statement.total is None
    with pytest.raises(ValueError, match="two prices"):
        PricePlan((price(1, SMALL), price(2, SMALL, MIDDLE)))
    assert discount(217_353, 500) == 206_485


REFUSED = (
    ((row(1), row(2)), {"name_2": "2行目の名前は1行目と同じです。両方が足される"}),
    ((row(1, SMALL), row(2, SMALL, MIDDLE)), {"sizes_2": "1行目と重なっています（1万人未満）"}),
    ((row(1), row(2, first=APRIL)), {"valid_from_2": "1行目と重なっています（すべての人口、令和9年4月1日から）"}),
    (
        (row(1, last=MARCH), row(2, first=date(2027, 5, 1))),
        {"valid_from_2": "令和9年4月1日から令和9年4月30日までの料金がありません。2行目の"},
    ),
    ((row(1, SMALL), row(2, CITY)), {"sizes_2": "1万人以上5万人未満の団体の料金がありません"}),
    (
        (row(1, SMALL), row(2, MIDDLE, interval=Interval.YEAR)),
        {"interval_2": "1行目と同じ「毎月」にするか、名前を変えて"},
    ),
)  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), REFUSED)
def test_overlaps_and_gaps_are_named(rows, expected):
    found = check_variants(rows)
    assert list(found) == list(expected)
    for field, words in expected.items():
        assert words in found[field]


@pytest.mark.parametrize(
    "rows",
    [
        (row(1), row(2, kind=ComponentKind.USAGE)),
        (row(1, SMALL), row(2, MIDDLE)),
        (row(1, last=MARCH), row(2, first=APRIL)),
        (row(1, SMALL, kind=ComponentKind.OPTION), row(2, CITY, kind=ComponentKind.OPTION)),
        (row(1, SMALL, last=MARCH), row(2, SMALL, first=APRIL), row(3, MIDDLE)),
    ],
)
def test_what_fits_together_passes(rows):
    assert check_variants(rows) == {}


@pytest.fixture
def company(database, hold_clock) -> Company:
    """A vendor that may sell."""
    hold_clock(datetime(2026, 11, 22, 3, tzinfo=UTC))
    with db.transaction() as session:
        return make_company(session)


@pytest.fixture
def draft(company) -> tuple[UUID, UUID]:
    """A complete draft for bodies under 50,000: its offering version and the maker's terms."""
    with db.transaction() as session:
        version_id = make_draft(session, company, factories.specification(session).id)
        return version_id, load(session, version_id)[1].id


def words(client, path):
    """Return the words of a page."""
    return text_of(client.page(path))


TWO_SIZES: dict[str, Any] = {
    "kind_1": "base", "name_1": "基本料", "unit_1": "lump", "interval_1": "month",
    "price_1": "10,000", "sizes_1": ["under_10k"],
    "kind_2": "base", "name_2": "基本料", "unit_2": "lump", "interval_2": "month",
    "price_2": "30,000", "sizes_2": ["10k"],
}  # fmt: skip


PASSED_ON: dict[str, Any] = {
    **TWO_SIZES, "kind_3": "cloud", "name_3": "", "unit_3": "person", "interval_3": "month",
    "price_3": "23", "minimum_3": "1,000", "currency_3": "USD", "part_month": "days",
}  # fmt: skip


def test_price_page_previews_by_button_and_checks_the_rows(client, company, draft):
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/listings/{draft[1]}/prices"
    shown = client.submit(path, TWO_SIZES, button="料金を試算する")
    assert shown.status_code == 200
    assert "120,000" in shown.text
    assert "人口5万人：「基本料」は、この料金の対象となる人口ではありません。" in shown.text
    with db.reading() as session:
        assert load(session, draft[0])[1].components[0].tiers == [[0, 20_000]]
    overlapping = {**TWO_SIZES, "sizes_2": ["under_10k", "10k"]}
    refused = client.submit(path, overlapping, button="下書きを保存する")
    assert refused.status_code == 422
    assert "2行目の「基本料」は、1行目と重なっています（1万人未満）。" in refused.text
    short = {**TWO_SIZES, "kind_2": "", "name_2": "", "unit_2": "", "interval_2": ""}
    short |= {"price_2": "", "sizes_2": []}
    assert client.submit(path, short, button="下書きを保存する").status_code == 303
    missing = words(client, f"/vendor/offerings/{draft[0]}")
    assert "「基本料」は、1万人以上5万人未満の団体の料金がありません。" in missing
    # Plans with names of their own cover the bodies together.
    plans = {**TWO_SIZES, "name_1": "町村プラン", "name_2": "市プラン"}
    assert client.submit(path, plans, button="下書きを保存する").status_code == 303
    assert "料金がありません" not in words(client, f"/vendor/offerings/{draft[0]}")
    assert client.submit(path, TWO_SIZES, button="下書きを保存する").status_code == 303
    assert "料金がありません" not in words(client, f"/vendor/offerings/{draft[0]}")
    with db.reading() as session:
        stored = load(session, draft[0])[1].components
        assert [each.size_classes for each in stored] == [["under_10k"], ["10k"]]
    abroad = client.submit(path, {**TWO_SIZES, "currency_1": "USD"}, button="下書きを保存する")
    assert abroad.status_code == 422
    assert "ほかの通貨を選べるのは「クラウド利用料」だけです。" in abroad.text
    assert client.submit(path, PASSED_ON, button="下書きを保存する").status_code == 303
    checked = words(client, f"/vendor/offerings/{draft[0]}/check")
    assert "0.23米ドル" in checked
    assert "10.00米ドル以上" in checked
    assert "月の一部を使うときの料金暦の月ごとに日割り" in checked
    assert "円に換える率がわかりません" in words(client, path)


def test_submission_names_what_the_prices_leave_open(client, company, draft):
    factories.sign_in_client(client, company.admin, company.home)
    prices, check, submit = (
        f"/vendor/listings/{draft[1]}/prices",
        f"/vendor/offerings/{draft[0]}/check",
        f"/vendor/offerings/{draft[0]}/submit",
    )
    ended = "料金はすべて令和8年3月31日までに終わっています。"
    after = "「基本料」は、令和9年3月31日より後の料金がありません。"
    apart = "「保守料」は、1万人以上5万人未満の団体の料金がありません。"
    only = {"kind_1": "base", "name_1": "基本料", "unit_1": "lump", "interval_1": "month"}
    only |= {"price_1": "10,000", "valid_to_1-era": "western", "valid_to_1-year": "2026"}
    only |= {"valid_to_1-month": "3", "valid_to_1-day": "31"}
    assert client.submit(prices, only, button="下書きを保存する").status_code == 303
    assert ended in words(client, f"/vendor/offerings/{draft[0]}")
    small: dict[str, Any] = {
        "kind_2": "base",
        "name_2": "保守料",
        "unit_2": "lump",
        "interval_2": "month",
    }
    small |= {"price_2": "500", "sizes_2": ["under_10k"]}
    later = {**only, **small, "valid_to_1-year": "2027"}
    assert client.submit(prices, later, button="下書きを保存する").status_code == 303
    assert apart in words(client, check)  # owed beside another: nobody could tell what others pay
    assert client.submit(prices, {**later, "sizes_2": []}, button="下書き").status_code == 303
    for path in (check, submit):
        shown = words(client, path)
        assert ended not in shown
        assert after in shown, path
        assert "足りないもの" not in shown, path
    assert "料金のない期間があることと" in words(client, submit)
    assert client.submit(submit, {}).status_code == 422  # the box says so, and must be ticked
    assert client.submit(submit, {"confirmed": "yes"}).status_code == 303


DISCOUNTS = {
    "bodies_1": "5", "percent_1": "5", "bodies_2": "10", "percent_2": "8.5",
    "state_support_yen": "500,000",
    "state_support_until-era": "reiwa", "state_support_until-year": "9",
    "state_support_until-month": "3", "state_support_until-day": "31",
}  # fmt: skip


RETURNED = (("台帳データの返還", "lump", "50,000"), ("画像データの返還", "gigabyte", "300"))


def test_discounts_and_support_are_shown_apart(client, new_client, company, draft):
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/listings/{draft[1]}/discounts"
    for changes, sentence in (
        ({"bodies_2": "5"}, "2行目の団体の数は5より大きい数字にしてください。"),
        ({"percent_1": ""}, "1行目の割引率を入力してください。"),
        ({"percent_2": "5"}, "2行目の割引率は、団体の数が少ない行の5%より大きくしてください。"),
        ({"percent_2": "100"}, "2行目の割引率は100%より小さくしてください。"),
        ({"state_support_until-year": "", "state_support_until-month": "", "state_support_until-day": ""}, "支援の期限を入力してください。"),
    ):  # fmt: skip
        refused = client.submit(path, {**DISCOUNTS, **changes}, button="下書きを保存する")
        assert refused.status_code == 422
        assert sentence in refused.text
    ended = {**DISCOUNTS, "state_support_until-year": "2"}
    assert client.submit(path, ended, button="下書きを保存する").status_code == 303
    home = f"/vendor/offerings/{draft[0]}"
    assert "国の支援は令和2年3月31日に終わっています" in words(client, home)
    assert client.submit(path, DISCOUNTS, button="下書きを保存する").status_code == 303
    prices = f"/vendor/listings/{draft[1]}/prices"
    # A charge for data return that differs by category is a price of its own for each.
    returned: dict[str, str] = {}
    for number, (name, unit, amount) in enumerate(RETURNED, start=2):
        returned |= {f"kind_{number}": "exit", f"name_{number}": name, f"unit_{number}": unit}
        returned |= {f"interval_{number}": "once", f"price_{number}": amount}
    assert client.submit(prices, returned, button="下書きを保存する").status_code == 303
    preview = words(client, f"/vendor/listings/{draft[1]}/prices")
    assert "（5団体以上で採用）" in preview
    assert "228,000" in preview  # 240,000 less 5 %
    with db.transaction() as session:
        lead = make_lead(session)
    listing_id = publish(company, lead, draft[0]).listing_id
    reader = new_client()
    shown = words(reader, f"/listings/{listing_id}")
    for fact in ("5団体以上で5%引き", "10団体以上で8.5%引き", "500,000円まで", "令和9年3月31日"):
        assert fact in shown, fact
    computed = words(reader, f"/cost?l={draft[1]}&start=2027-04&months=12&body=reference")
    assert "10団体以上8.5%引き219,600241,560" in computed
    assert "国が500,000円（税抜）まで支援します" in computed
    assert "264,000" in computed  # the total: 240,000 and its tax, without support and discount
    (found,) = reader.get("/api/v1/offerings").get_json()["items"]
    terms = found["listings"][0]
    assert terms["volume_discounts"][1] == {"from_bodies": 10, "basis_points": 850}
    assert terms["state_support"]["until"] == "2027-03-31"
    assert terms["part_month"] == "whole"
    assert {each["currency"] for each in terms["price_components"]} == {"JPY"}
    exits = [each["name"] for each in terms["price_components"] if each["kind"] == "exit"]
    assert exits == [name for name, _, _ in RETURNED]
    assert "解約・データ返還" in computed
    for name, _, _ in RETURNED:
        assert name in shown


def test_a_price_that_begins_later_is_seen_by_nobody_before_its_day(
    client, new_client, company, draft, settings, hold_clock
):
    secret = {**BASE_PRICE, "name": "基本料", "tiers": [[0, 77_777]], "valid_from": APRIL}
    today = {**BASE_PRICE, "name": "基本料", "tiers": [[0, 20_000]], "valid_to": MARCH}
    with db.transaction() as session:
        _, terms = load(session, draft[0])
        services.save_prices(
            session, company.acts(), terms, version=terms.version, components=[today, secret]
        )
        lead = make_lead(session)
    published = publish(company, lead, draft[0])
    listing, version = published.listing_id, published.id
    with db.transaction() as session:
        other = factories.offering(
            session, factories.vendor(session), load(session, draft[0])[0].specification_version
        )
    index_all(settings, published, other)
    asked = f"l={version}&start=2027-04&months=12&body=reference"
    places = (
        f"/listings/{listing}", f"/listings/{listing}/history", f"/cost?{asked}", "/search",
        f"/compare?{asked}&l={other.id}",
    )  # fmt: skip
    reader = new_client()
    for place in places:
        page = words(reader, place)
        assert "77,777" not in page, place
        assert "933,324" not in page, place
    assert "その時期の料金が公表されていません" in words(reader, f"/cost?{asked}")
    for place in ("/api/v1/offerings", "/api/v1/changes?since=0"):
        assert "77777" not in reader.get(place).get_data(as_text=True), place
    factories.sign_in_client(client, company.admin, company.home)
    assert "77,777" in words(client, f"/vendor/offerings/{draft[0]}/check")
    head = reader.get("/api/v1/changes?since=0").get_json()["head"]

    hold_clock(datetime(2027, 3, 31, 15, 1, tzinfo=UTC))
    assert "77,777" in words(reader, f"/listings/{listing}")
    assert "933,324" in words(reader, f"/cost?{asked}")
    outbox.run_due(outbox_handlers(settings))
    changed = reader.get(f"/api/v1/changes?since={head}").get_json()["changes"]
    assert "77777" in str([each["data"] for each in changed if each["kind"] == "listing"])


def test_bounds_are_part_of_the_hash_only_where_told_and_travel_in_tables(client, company, draft):
    with db.transaction() as session:
        _, terms = load(session, draft[0])
        before = hash_content(listing_content(terms))
        for later in ("valid_from", "currency", "part_month"):
            assert later not in str(listing_content(terms))
        bounded = {**BASE_PRICE, "size_classes": ["under_10k", "10k"], "valid_from": APRIL}
        values = {"discounts": [[5, 500]], "state_support_yen": 1, "state_support_until": MARCH}
        values["part_month"] = PartMonth.DAYS
        cloud = {**BASE_PRICE, "kind": ComponentKind.CLOUD, "currency": Currency.USD}
        services.save_prices(
            session,
            company.acts(),
            terms,
            version=terms.version,
            components=[bounded, cloud],
            **values,
        )
        told = queries.get_listing_version(session, terms.id)
        assert hash_content(listing_content(told)) != before
        assert listing_content(told)["components"][0]["valid_from"] == "2027-04-01"
        assert listing_content(told)["components"][1]["currency"] == "USD"
        assert listing_content(told)["part_month"] == "days"
    factories.sign_in_client(client, company.admin, company.home)
    table = client.get("/vendor/offerings/sheets/export.csv").get_data(as_text=True)
    for cell in ("1万人未満、1万人以上5万人未満", "2027-04-01", "5｜5", "日割り", "米ドル"):
        assert cell in table, cell
    sent = client.submit(
        "/vendor/offerings/sheets", {"file": (io.BytesIO(table.encode()), "export.csv")}
    )
    assert "登録されている内容と同じです" in words(client, sent.location)
