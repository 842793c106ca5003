"""Filters, price for my body, orders and rows of several sellers, as a buyer meets them.

Words and addresses of pages: the same on both databases, so asked once.
"""

from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.models import Role
from app import outbox_handlers
from catalog.kept.queries import works_of
from catalog.offerings.models import Listing, Offering, OfferingVersion, OfferState
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.specifications.models import SpecificationVersion
from core import clock, db, outbox
from tests import factories
from tests.page_checks import parse_page, text_of
from tests.procurement.test_home import make_project
from tests.search.market import index_all
from tests.search.test_search_pages import PEOPLE, facet_counts, links, names, status

pytestmark = pytest.mark.sqlite_only

PER_HEAD = (ComponentKind.USAGE, Unit.PERSON, Interval.MONTH)
MONTHLY = (ComponentKind.BASE, Unit.LUMP, Interval.MONTH)


def held(kind, until):
    row = {"kind": kind, "number": "見本-1", "body": "見本の機構", "scope": "全体"}
    return {**row, "expires_on": until.isoformat()}


def resell(settings, version, name, monthly):
    with db.transaction() as session:
        offering = session.get(Offering, session.get(Listing, version.listing_id).offering_id)
        made = factories.listing(
            session,
            offering,
            session.get(OfferingVersion, version.offering_version_id),
            factories.vendor(session, name=name),
            OfferState.PUBLISHED,
            ((*MONTHLY, monthly),),
        )
    index_all(settings, made)
    return made


def sign_in_clerk(client, population=9_007):
    with db.transaction() as session:
        town = factories.body(
            session, name="飯島町", prefecture="長野県", code="203840", population=population
        )
        clerk = factories.person(session, Role.CLERK, town)
    factories.sign_in_client(client, clerk, town)
    return town, clerk


def fields_of(page):
    """What the search form sends as it stands."""
    chosen = [
        each
        for each in page.find(".//form[@id='search-form']").iter("input")
        if each.get("type") != "checkbox" or each.get("checked") is not None
    ]
    return [(each.get("name"), each.get("value")) for each in chosen if each.get("name")]


@pytest.mark.acceptance(10, 11)
def test_every_value_of_every_facet_reaches_the_rows_that_it_counts(client, market):
    soon = clock.today_jst() + timedelta(days=9)
    market(
        {"body_kinds": ["town"], "networks": ["lgwan"], "hosting_region": "東京"},
        {"body_kinds": ["town", "city"], "networks": ["internet"], "languages": ["ja", "en"]},
        {
            "networks": ["lgwan", "internet"],
            "hosting_region": "大阪",
            "export_formats": "JSON、CSV",
            "authentication": ["saml"],
            "accreditations": [held("ismap", soon), held("lgwan_asp", date(2020, 1, 1))],
        },
    )
    page = client.page("/search?network=lgwan")
    checked = 0
    for box in page.findall(".//fieldset//input"):
        name, value = box.get("name"), box.get("value")
        counted = facet_counts(page, name)[value]
        kept = "" if name == "network" else "network=lgwan&"
        reached = client.page(f"/search?{kept}{name}={value}")
        assert counted == f"{len(names(reached))}件", (name, value)
        checked += counted != "0件"
    assert checked > 25
    assert facet_counts(page, "accreditation")["ismap"] == "1件"
    assert facet_counts(page, "accreditation")["lgwan_asp"] == "0件"
    chosen = page.find(".//a[@class='chip']")
    assert "つなぐ回線：LGWAN" in text_of(chosen)
    # What is chosen stands first, and its group is open.
    groups = [text_of(each) for each in page.findall(".//details[@class='facet-group']/summary")]
    assert groups[0] == "動く場所とつなぎ方（1件指定中）"
    for address, words in (
        ("/search?region=月面", "月面"),
        ("/search?maker=unknown", "unknown"),
        ("/search?exit_charge=cheap", "cheap"),
    ):
        assert words in text_of(client.page(address, status=400))


def test_an_accreditation_counts_for_its_last_day_and_the_index_is_told_the_next(
    client, market, settings, hold_clock
):
    start = datetime(2026, 10, 1, 3, tzinfo=clock.utcnow().tzinfo)
    hold_clock(start)
    (version,) = market({"name": "認定号", "accreditations": [held("ismap", date(2026, 10, 2))]})
    with db.transaction() as session:
        due = clock.start_of_day(date(2026, 10, 3))
        offering = session.get(OfferingVersion, version.offering_version_id).offering_id
        told = {"offering_id": offering}
        outbox.publish(session, "offering.accreditation_expired", told, due_at=due)
    hold_clock(start + timedelta(days=1))
    outbox.drain(outbox_handlers(settings))
    assert names(client.page("/search?accreditation=ismap")) == ["認定号"]
    hold_clock(start + timedelta(days=2))
    page = client.page("/search?accreditation=ismap")
    assert names(page) == []
    assert "1件を除きました" in text_of(page.find(".//main"))
    outbox.drain(outbox_handlers(settings))
    page = client.page("/search?accreditation=ismap")
    assert facet_counts(page, "accreditation")["ismap"] == "0件"
    assert "除きました" not in text_of(page.find(".//main"))


@pytest.mark.acceptance(27)
def test_a_certificate_for_one_version_is_none_for_the_next(client, market, settings):
    with db.transaction() as session:
        older = factories.specification(session, code="SPECX", label="2.0")
        newer = SpecificationVersion(
            specification_id=older.specification_id,
            label="3.0",
            state=older.state,
            applies_from=date(2026, 4, 1),
        )
        newer.last_editor_id = factories.person(session).id
        newer.publisher_id = factories.person(session).id
        session.add(newer)
        session.flush()
        two = factories.offering(session, factories.vendor(session), older, name="第二版号")
        three = factories.offering(
            session, factories.vendor(session), newer, name="第三版号", answers=None
        )
        certified = session.get(OfferingVersion, two.offering_version_id)
        factories.certification(session, certified)
    index_all(settings, two, three)
    assert names(client.page("/search?specification=SPECX|2.0&certification=certified")) == [
        "第二版号"
    ]
    page = client.page("/search?specification=SPECX|3.0&certification=certified")
    assert names(page) == []
    assert facet_counts(page, "certification")["unknown"] == "1件"
    assert "第3.0版" in text_of(page.find(".//main"))


def test_costs_are_filtered_and_sorted_exactly_for_my_body(client, market, settings):
    counters = ((ComponentKind.BASE, Unit.COUNTER, Interval.MONTH, 5),)
    *_, counted = market(
        {"name": "人数号", "prices": ((*PER_HEAD, 10),)},
        {"name": "定額号", "prices": ((*MONTHLY, 91_000),)},
        {"name": "高額号", "prices": ((*MONTHLY, 900_000),)},
        {"name": "見積号", "prices": counters},
    )
    sign_in_clerk(client)
    # 9,007 people pay 1,080,840 yen a year, 10,000 would pay 1,200,000: above the flat 1,092,000.
    page = client.page("/search?sort=cost")
    assert names(page) == ["人数号", "定額号", "高額号", "見積号"]
    assert "人口9,007人の団体の費用で並べています" in text_of(page.find(".//main"))
    assert names(client.page("/search?sort=cost&population=10000")) == [
        "定額号",
        "人数号",
        "高額号",
        "見積号",
    ]
    # With tax 1,188,924 yen: the limit is what people read in the row.
    assert names(client.page("/search?cost_max=1,188,924")) == ["人数号"]
    assert names(client.page("/search?cost_max=１１８万８９２４円", status=422)) == []
    assert names(client.page("/search?cost_max=1188923")) == []
    page = client.page("/search?cost_max=1201200円&sort=cost")
    assert names(page) == ["人数号", "定額号"]
    assert "1年の費用：1,201,200円以下" in text_of(page.find(".//a[@class='chip']"))
    assert facet_counts(page, "price_band")["10m"] == "0件"
    address = urlsplit(links(page, "この検索結果のアドレス")[0])
    assert parse_qs(address.query)["body"] == ["203840"]
    # Anyone opens the same rows by the address, for the same body.
    other = client.application.test_client()
    assert names(other.page(f"{address.path}?{address.query}")) == ["人数号", "定額号"]
    # At zero hits too the exact cost decides: 10,000 people would pay more than the limit.
    zero = client.page("/search?cost_max=1188924&hosting=oci")
    assert "「Oracle Cloud Infrastructure（OCI）」を外すと1件見つかります" in text_of(
        zero.find(".//main")
    )
    assert names(client.page(links(zero, "1件見つかります")[0])) == ["人数号"]
    zero = client.page("/search?cost_max=5")
    assert names(client.page(links(zero, "4件見つかります")[0])) == names(client.page("/search"))
    # What the reader keeps for a work counts in its rows, in filter and order, and in no other's.
    market({"name": "別業務号", "prices": counters})
    with db.transaction() as session:
        work = works_of(session, [counted.id])[counted.id]
    kept = client.submit(
        links(client.page("/search?sort=cost"), "数量とオプションも入れて")[0],
        {"counters": "20", "work": work.code},
        action="/conditions",
    )
    assert urlsplit(kept.location).query == "sort=cost"
    page = client.page(kept.location)
    assert names(page) == ["見積号", "人数号", "定額号", "高額号", "別業務号"]
    told = f"人口9,007人の団体の費用（「{work.name}」は窓口20か所）で並べています"
    assert told in text_of(page.find(".//main"))
    assert "1,320円" in text_of(page)
    assert names(client.page("/search?cost_max=1320")) == ["見積号"]
    client.get("/search?cost_max=1320")
    assert len(client.business_statements(*PEOPLE)) <= 8
    assert "body=" not in links(page, "この検索結果のアドレス")[0]
    # A named body or population counts by itself.
    for named in ("body=203840", "population=10000"):
        assert "見積号" in names(client.page(f"/search?sort=cost&{named}"))[-2:]
    searched = client.page(f"/search?specification={work.code}|第1.0版")
    assert f"work={work.code}" in links(searched, "数量とオプションも入れて")[0]


def test_what_cannot_be_a_cost_is_said_at_its_field_and_kept(client, market):
    market({"name": "まちのへや"})
    page = client.page("/search?cost_max=百万&q=へや", status=422)
    main = text_of(page.find(".//main"))
    assert "1年の費用の上限の「百万」は円単位の数字ではありません" in main
    assert page.find(".//input[@name='cost_max']").get("value") == "百万"
    assert page.find(".//input[@name='q']").get("value") == "へや"
    assert names(page) == []
    assert "見つかりました" not in status(page)
    for typed, sizes, words in (
        ("ない町", "", "「ない町」という団体は見つかりません"),
        ("ない町", "&size_class=own", "「ない町」という団体は見つかりません"),
        ("町" * 101, "", "団体は100文字以内で入力してください"),
        ("", "&size_class=own&size_class=10k", "団体の人口が分からないため"),
    ):
        page = client.page(f"/search?q=へや&body={typed}{sizes}", status=422)
        assert words in text_of(page.find(".//main"))
        assert page.find(".//input[@name='body']").get("value") == typed
        sent = dict(fields_of(page))
        assert (sent["q"], "own" in sent.values()) == ("へや", False)
    assert sent["size_class"] == "10k"


def test_my_body_is_a_value_of_the_size_and_stays_in_every_address(client, market):
    market(
        *({"name": f"小{n}号", "size_classes": ["under_10k"]} for n in range(21)),
        {"name": "大号", "size_classes": ["500k"]},
    )
    people = sign_in_clerk(client)
    page = client.page("/search?size_class=own")
    assert "21件見つかりました" in status(page)
    assert "対応する人口：1万人未満" in text_of(page.find(".//a[@class='chip']"))
    assert page.find(".//input[@value='own']").get("checked") is not None
    second = client.page(links(page, "次のページ")[0])
    assert len(names(second)) == 1
    assert "body=203840" in links(second, "この検索結果のアドレス")[0]
    assert len(names(client.page(page.find(".//a[@class='chip']").get("href")))) == 20
    client.page("/search?size_class=own&page=3", status=404)
    with db.transaction() as session:
        case = make_project(session, *people).id
    page = client.page(f"/search?size_class=own&sort=cost_10000&cost_max=9000000&project={case}")
    kept = urlsplit(links(page, "この条件を案件に保存する")[0])
    assert kept.path == f"/projects/{case}/search"
    assert parse_qs(kept.query) == {
        "size_class": ["under_10k"],
        "sort": ["cost"],
        "cost_max": ["9000000"],
    }


def test_a_body_that_was_named_is_named_again_by_every_change_of_the_form(client, market):
    market({"name": "小号", "size_classes": ["under_10k"], "hosting_provider": "oci"})
    with db.transaction() as session:
        factories.body(session, name="岡谷市", prefecture="長野県", code="202045", population=9_500)
    page = client.page("/search?q=号&body=岡谷市&size_class=own")
    for _ in range(2):
        sent = [*fields_of(page), ("hosting", "oci"), ("population", "")]
        assert ("body", "岡谷市（長野県）") in sent
        answer = client.get("/search", query_string=sent)
        assert answer.status_code == 200
        page = parse_page(answer.text)
        assert "岡谷市（長野県）・人口9,500人" in text_of(page.find(".//*[@id='basis-words']"))
        assert names(page) == ["小号"]
    # Whoever named another body than the own one keeps that.
    sign_in_clerk(client)
    page = client.page("/search?q=号&body=202045")
    page = parse_page(client.get("/search", query_string=fields_of(page)).text)
    assert "岡谷市（長野県）" in text_of(page.find(".//*[@id='basis-words']"))


def test_makers_beyond_the_first_are_on_a_page_of_their_own(client, market):
    market(*({"name": f"第{n}号"} for n in range(12)))
    page = client.page("/search?q=号")
    assert len(facet_counts(page, "maker")) == 8
    listed = client.page(links(page, "開発した事業者を一覧から選ぶ")[0])
    rows = listed.findall(".//main//ul//a")
    assert len(rows) == 12
    chosen = client.page(rows[11].get("href"))
    assert len(names(chosen)) == 1
    assert text_of(rows[11]) in text_of(chosen.find(".//a[@class='chip']"))
    assert facet_counts(chosen, "maker")
    client.page("/search/values/hosting", status=404)
    client.page("/search/values/maker?page=2", status=404)


def test_the_newest_certificate_comes_first(client, market, settings, hold_clock):
    moment = clock.utcnow()
    versions = market({"name": "古"}, {"name": "新"}, {"name": "申告"}, {"name": "期限"})
    for version, days, left in ((versions[0], 30, 90), (versions[1], 3, 90), (versions[3], 60, -1)):
        with db.transaction() as session:
            factories.certification(
                session,
                session.get(OfferingVersion, version.offering_version_id),
                decided_at=moment - timedelta(days=days),
                valid_from=moment - timedelta(days=days),
                valid_until=moment + timedelta(days=left),
            )
    index_all(settings, *versions)
    page = client.page("/search")
    found = names(client.page(links(page, "新しく認証された順")[0]))
    assert found[:2] == ["新", "古"]
    assert sorted(found[2:]) == ["期限", "申告"]


def test_sellers_share_one_row_and_only_those_that_fit_stand_in_front(client, market, settings):
    one, _other = market(
        {"name": "共販号", "prices": ((*MONTHLY, 90_000),)},
        {"name": "単独号", "prices": ((*MONTHLY, 50_000),)},
    )
    resell(settings, one, "安い販売会社", 10_000)
    page = client.page("/search")
    assert "2件見つかりました" in status(page)
    assert "同じサービスを何社が販売していても、1件と数えます" in text_of(page.find(".//main"))
    assert facet_counts(page, "seller_kind") == {"direct": "2件", "reseller": "1件"}
    assert names(client.page("/search?sort=cost_10000")) == ["共販号", "単独号"]
    row = client.page("/search?seller_kind=direct&sort=cost_10000").findall(
        ".//li[@class='result']"
    )[1]
    assert "共販号" in text_of(row)
    assert "1,188,000円" in text_of(row)
    assert "安い販売会社" in text_of(row)
    assert "条件に合いません" in text_of(row)
    # No single seller is both direct and that cheap.
    assert names(client.page("/search?seller_kind=direct&cost_max=200000")) == []
    assert names(client.page("/search?q=安い販売会社")) == ["共販号"]
    sign_in_clerk(client.application.test_client())
    for most in (7, 6):
        client.get("/search?q=号&sort=cost&cost_max=5000000&hosting=aws&body=203840")
        assert len(client.business_statements(*PEOPLE)) <= most


def test_a_slip_in_a_code_is_asked_about_and_not_corrected(client, market):
    market({"name": "GPKI連携"}, {"name": "まちのへや"})
    page = client.page("/search?q=GPKA")
    assert names(page) == []
    assert names(client.page(links(page, "「GPKI」で探す")[0])) == ["GPKI連携"]
    assert "で探す" not in text_of(client.page("/search?q=ISO27009").find(".//main/form"))
