"""The search page over HTTP."""

import uuid
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.models import Role
from catalog.certification.models import ReviewState
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    OfferAction,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.price_plan import ComponentKind, Interval, Unit
from core import clock, db
from search import engine as contract
from search.embedded import EmbeddedEngine
from search.queries import get_engine
from tests import factories
from tests.page_checks import text_of
from tests.procurement.test_home import make_project
from tests.search.market import index_all, open_listing

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

PEOPLE = ("people", "sign_ins", "memberships", "organisations")
MONTHLY = (ComponentKind.BASE, Unit.LUMP, Interval.MONTH)


def certify(version, **values):
    with db.transaction() as session:
        offering_version = session.get(OfferingVersion, version.offering_version_id)
        return factories.certification(session, offering_version, **values)


def names(page) -> list[str]:
    return [text_of(each) for each in page.findall(".//ol[@class='results']//h2")]


def status(page) -> str:
    return text_of(page.find(".//*[@role='status']"))


def links(page, words) -> list[str]:
    return [each.get("href") for each in page.iter("a") if words in text_of(each)]


def test_anyone_finds_a_listing_by_its_words(client, market):
    market({"name": "まちのへや予約"}, {"name": "窓口の受付"})
    page = client.page("/search?q=へや予約")
    assert names(page) == ["まちのへや予約"]
    assert "1件見つかりました" in status(page)


def test_row_says_version_cost_place_and_size(client, market):
    market({"name": "まちのへや", "prices": ((*MONTHLY, 30_000),)})
    row = text_of(client.page("/search").find(".//li[@class='result']"))
    assert "第1.0版" in row
    assert "396,000円" in row
    assert "AWS（東京）" in row
    assert "5万人未満" in row
    assert "初期の費用はありません" in row


def test_unpublished_price_is_said_and_never_zero(client, market):
    market({"prices": ((ComponentKind.BASE, Unit.COUNTER, Interval.MONTH, 500),)})
    row = text_of(client.page("/search").find(".//li[@class='result']"))
    assert "見積が必要" in row
    assert "0円" not in row


def test_filters_narrow_and_their_chips_take_them_off(client, market):
    market({"name": "Ａ号", "hosting_provider": "aws"}, {"name": "Ｂ号", "hosting_provider": "oci"})
    page = client.page("/search?hosting=oci")
    assert names(page) == ["Ｂ号"]
    chip = page.find(".//a[@class='chip']")
    assert "設置場所：Oracle Cloud" in text_of(chip)
    assert len(names(client.page(chip.get("href")))) == 2


def test_counts_of_a_facet_ignore_its_own_filter(client, market):
    market({"hosting_provider": "aws"}, {"hosting_provider": "oci"}, {"hosting_provider": "oci"})
    page = client.page("/search?hosting=oci")
    assert facet_counts(page, "hosting")["aws"] == "1件"
    assert facet_counts(page, "hosting")["oci"] == "2件"
    assert facet_counts(page, "hosting")["sakura"] == "0件"


def facet_counts(page, name) -> dict[str, str]:
    return {
        box.get("value"): text_of(choice.find("span"))
        for choice in page.iter("div")
        if choice.get("class") == "choice"
        for box in choice.findall("input")
        if box.get("name") == name
    }


def test_five_states_are_five_filters(client, market):
    versions = market(
        *({"name": f"{word}号"} for word in "認条期未"), {"answers": None, "name": "不"}
    )
    moment = clock.utcnow()
    certify(versions[0])
    certify(versions[1], state=ReviewState.CONDITIONAL)
    past = {"valid_from": moment - timedelta(days=9), "valid_until": moment - timedelta(days=1)}
    certify(versions[2], **past)
    index_all(client.application.config["NARABI"], *versions)
    found = {
        state: names(client.page(f"/search?certification={state}"))
        for state in ("certified", "conditional", "expired", "claimed", "unknown")
    }
    assert found == {
        "certified": ["認号"],
        "conditional": ["条号"],
        "expired": ["期号"],
        "claimed": ["未号"],
        "unknown": ["不"],
    }


@pytest.mark.acceptance(10)
def test_two_values_of_one_facet_are_alternatives(client, market):
    versions = market({"name": "一号"}, {"name": "二号"})
    certify(versions[0])
    index_all(client.application.config["NARABI"], *versions)
    page = client.page("/search?certification=certified&certification=claimed")
    assert sorted(names(page)) == ["一号", "二号"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/search?colour=red", "colour"),
        ("/search?hosting=moon", "moon"),
        ("/search?specification=NONE|1", "NONE|1"),
        ("/search?sort=popular", "popular"),
        ("/search?page=0", "1以上"),
        ("/search?page=two", "数字"),
        ("/search?seed=31", "30まで"),
        ("/search?q=a&q=b", "一つだけ"),
        ("/search?project=12", "案件がありません"),
        ("/search?population=7", "選べる人口"),
        ("/search?q=" + "あ" * 301, "300文字"),
        ("/search?q=" + "+".join("一二三四五六七八九十百"), "10個まで"),
    ],
)
def test_addresses_that_cannot_be_are_refused_by_name(client, market, address, words):
    market({})
    page = client.page(address, status=400)
    assert words in text_of(page)
    assert links(page, "条件を付けずにサービスを探す") == ["/search"]


@pytest.mark.acceptance(10)
def test_every_count_is_the_number_of_rows_reached(client, market):
    market(
        {"hosting_provider": "aws", "size_classes": ["under_10k"]},
        {"hosting_provider": "aws", "size_classes": ["under_10k", "10k"]},
        {"hosting_provider": "oci", "size_classes": ["10k"]},
    )
    page = client.page("/search?size_class=under_10k")
    for name, kept in (("hosting", "&size_class=under_10k"), ("size_class", "")):
        for value, words in facet_counts(page, name).items():
            reached = names(client.page(f"/search?{name}={value}{kept}"))
            assert words == f"{len(reached)}件", (name, value)


@pytest.mark.acceptance(11)
def test_words_filters_sort_and_page_survive_next_previous_and_a_pasted_link(client, market):
    market(*({"name": f"予約{n}号", "hosting_provider": "oci"} for n in range(23)))
    client.page("/search?q=予約")
    first = client.page("/search?q=予約&hosting=oci&sort=cost_10000")
    address = links(first, "次のページ")[0]
    asked = parse_qs(urlsplit(address).query)
    assert (asked["q"], asked["hosting"], asked["sort"]) == (["予約"], ["oci"], ["cost_10000"])
    second = client.page(address)
    assert names(client.page(address)) == names(second)
    assert names(client.page(links(second, "前のページ")[0])) == names(first)
    pasted = client.page(links(second, "この検索結果のアドレス")[0])
    assert names(pasted) == names(second)
    form = pasted.find(".//form[@id='search-form']")
    assert form.find(".//input[@name='q']").get("value") == "予約"
    assert form.find(".//input[@name='sort']").get("value") == "cost_10000"
    assert form.find(".//input[@value='oci']").get("checked") is not None


def test_order_by_cost_is_ascending_with_quotes_last(client, market):
    market(
        {"name": "高い", "prices": ((*MONTHLY, 90_000),)},
        {"name": "見積", "prices": ((ComponentKind.BASE, Unit.COUNTER, Interval.MONTH, 5),)},
        {"name": "安い", "prices": ((*MONTHLY, 10_000),)},
    )
    page = client.page("/search")
    sorted_page = client.page(links(page, "費用の安い順")[0])
    assert names(sorted_page) == ["安い", "高い", "見積"]
    assert "人口10,000人の団体の費用" in text_of(sorted_page.find(".//main"))


def test_zero_hits_say_which_condition_to_drop(client, market):
    market({"name": "まちのへや", "hosting_provider": "aws"})
    page = client.page("/search?q=へや&hosting=sakura&size_class=under_10k")
    main = text_of(page.find(".//main"))
    assert "条件に合うサービスは0件です" in main
    assert "「さくらのクラウド（条件付き）」を外すと1件見つかります" in main
    assert names(client.page(links(page, "1件見つかります")[0])) == ["まちのへや"]
    # No single condition hides it: the two that do are named together.
    page = client.page("/search?q=へや&hosting=sakura&network=internet&size_class=under_10k")
    main = text_of(page.find(".//main"))
    assert "条件を一つ外すだけでは見つかりません" in main
    assert "「さくらのクラウド（条件付き）」と「インターネット」を外すと1件見つかります" in main
    assert names(client.page(links(page, "1件見つかります")[0])) == ["まちのへや"]
    page = client.page("/search?q=ぬるぽ&hosting=sakura&network=internet")
    assert "条件を二つまで外しても見つかりません" in text_of(page.find(".//main"))
    assert all(each.findall(".//input") for each in page.findall(".//fieldset"))


def test_zero_hits_for_a_word_offer_the_whole_catalog(client, market):
    market({"name": "まちのへや"})
    page = client.page("/search?q=ぬるぽ")
    assert names(client.page(links(page, "すべてのサービスを見る")[0])) == ["まちのへや"]


def test_relaxed_answer_says_so_and_keeps_the_filters(client, market):
    market(
        {"name": "クラウドカレンダー", "hosting_provider": "aws"},
        {"name": "クラウドカレンダー別館", "hosting_provider": "oci"},
    )
    page = client.page("/search?q=クラウドカレンタ&hosting=oci")
    assert "近いことばで探した結果です" in text_of(page.find(".//main"))
    assert names(page) == ["クラウドカレンダー別館"]


def test_clerk_reads_the_cost_for_the_own_body(client, market):
    market({"prices": ((ComponentKind.USAGE, Unit.PERSON, Interval.MONTH, 10),)})
    with db.transaction() as session:
        town = factories.body(
            session,
            name="飯島町",
            prefecture="長野県",
            population=9_007,
            population_date=date(2020, 10, 1),
        )
        clerk = factories.person(session, Role.CLERK, town)
    factories.sign_in_client(client, clerk, town)
    page = client.page("/search")
    main = text_of(page.find(".//main"))
    assert "飯島町（長野県）・人口9,007人（令和2年10月1日）の最初の12か月分です" in main
    assert "1,188,924円" in main
    assert "飯島町の人口（1万人未満）1件" in main
    other = text_of(client.page("/search?population=50000").find(".//main"))
    assert "人口5万人の団体の最初の12か月分です" in other
    assert "6,600,000円" in other


def test_body_without_population_is_told(client, market):
    market({})
    with db.transaction() as session:
        town = factories.body(session, population=None, population_date=None)
        clerk = factories.person(session, Role.CLERK, town)
    factories.sign_in_client(client, clerk, town)
    assert "の人口は登録されていません" in text_of(client.page("/search").find(".//main"))


def test_sellers_of_one_software_are_named_beside_each_other(client, market, settings):
    (own,) = market({"name": "まちのへや"})
    with db.transaction() as session:
        offering = session.get(Offering, session.get(Listing, own.listing_id).offering_id)
        other = factories.listing(
            session,
            offering,
            session.get(OfferingVersion, own.offering_version_id),
            factories.vendor(session, name="販売の会社"),
            OfferState.PUBLISHED,
            ((*MONTHLY, 10_000),),
        )
    index_all(settings, own, other)
    main = text_of(client.page("/search").find(".//main"))
    assert "販売者 2社" in main
    assert "販売の会社" in main
    assert names(client.page("/search?seller_kind=reseller")) == ["まちのへや"]


def test_withdrawn_and_suspended_rows_are_withheld_before_the_index_knows(client, market):
    kept, withdrawn, suspended = market(
        {"name": "残る", "hosting_provider": "sakura"},
        {"name": "終了", "hosting_provider": "aws"},
        {"name": "停止"},
    )
    with db.transaction() as session:
        session.get(ListingVersion, withdrawn.id).apply(OfferAction.WITHDRAW)
        offering = session.get(Offering, session.get(Listing, suspended.listing_id).offering_id)
        from vendors.models import Vendor, VendorAction

        session.get(Vendor, offering.maker_id).apply(VendorAction.SUSPEND)
    page = client.page("/search")
    assert names(page) == ["残る"]
    assert "1件見つかりました" in status(page)
    assert "2件を除きました" in text_of(page.find(".//main"))
    # Neither total nor facets tell what is no longer published.
    for asked, left, hosting in (
        ("", 1, {"sakura": 1}),
        ("q=終了", 0, {}),
        ("hosting=aws", 0, {"sakura": 1}),
        ("hosting=aws&hosting=sakura", 1, {"sakura": 1}),
    ):
        found = client.get(f"/api/v1/search?facets=hosting&{asked}").json
        counted = {each["value"]: each["count"] for each in found["facets"][0]["values"]}
        assert {value: count for value, count in counted.items() if count} == hosting, asked
        assert (found["total"], len(found["items"])) == (left, left), asked
        assert found["withheld"] > 0, asked
    assert kept.id


@pytest.mark.acceptance(26)
def test_expired_certificate_is_not_shown_under_certified_before_the_index_knows(
    client, market, hold_clock
):
    moment = clock.utcnow()
    hold_clock(moment)
    (version,) = market({"name": "まもなく"})
    certify(version, valid_until=moment + timedelta(days=1))
    index_all(client.application.config["NARABI"], version)
    assert names(client.page("/search?certification=certified")) == ["まもなく"]
    hold_clock(moment + timedelta(days=1))
    assert names(client.page("/search?certification=certified")) == []
    assert "期限切れ" in text_of(client.page("/search").find(".//li[@class='result']"))


def test_comparison_takes_the_chosen_rows(client, market):
    version = market({})[0]
    page = client.page("/search")
    box = page.find(f".//input[@id='compare-{version.id}']")
    form = page.find(f".//form[@id='{box.get('form')}']")
    assert (form.get("action"), form.get("method")) == ("/compare", "get")
    assert (box.get("name"), box.get("value")) == ("l", str(version.id))


def test_project_stays_in_links_and_form_of_whoever_may_search_for_it(client, market):
    market({"hosting_provider": "oci"})
    with db.transaction() as session:
        town, other = factories.body(session), factories.body(session)
        clerk = factories.person(session, Role.CLERK, town)
        stranger = factories.person(session, Role.CLERK, other)
        case = make_project(session, town, clerk).id
    address = f"/search?project={case}&hosting=oci"
    for people in ((stranger, other), (clerk, town)):
        page = client.page(address)
        assert "案件" not in text_of(page.find(".//main"))
        assert page.find(".//input[@name='project']") is None
        assert str(case) not in page.find(".//a[@class='chip']").get("href")
        factories.sign_in_client(client, *people)
    missing = client.page(f"/search?project={uuid.uuid4()}")
    assert "案件に戻る" not in text_of(missing.find(".//main"))
    page = client.page(address)
    assert links(page, "案件に戻る") == [f"/projects/{case}"]
    assert f"project={case}" in page.find(".//a[@class='chip']").get("href")
    assert page.find(".//input[@name='project']").get("value") == str(case)


def test_empty_catalog_is_an_answer_without_an_index(client):
    page = client.page("/search")
    assert "0件見つかりました" in status(page)
    assert "公開中のサービスはまだありません" in text_of(page.find(".//main"))


def test_missing_index_with_listings_is_said(client, market, settings):
    with db.transaction() as session:
        open_listing(session)
    assert "索引" in text_of(client.page("/search", status=503))


def test_broken_engine_answers_503_and_never_wider(client, market, monkeypatch):
    market({"name": "まちのへや"})

    def fail(_self, _query):
        raise contract.SearchUnavailable

    monkeypatch.setattr(EmbeddedEngine, "search", fail)
    page = client.page("/search?q=へや", status=503)
    assert "検索がいま使えません" in text_of(page)
    assert "まちのへや" not in text_of(page)


def test_posting_is_refused(client):
    assert client.post("/search", data={"q": "x"}).status_code == 405


def test_search_page_uses_six_statements_at_most(client, market):
    market(*({"name": f"第{n}号"} for n in range(12)))
    client.get("/search?q=号")
    assert len(client.business_statements(*PEOPLE)) <= 6


def test_engine_of_the_page_is_the_engine_of_the_settings(client, market, settings):
    market({"name": "まちのへや"})
    get_engine(settings).rebuild([])
    assert names(client.page("/search")) == []
