"""For whom costs are computed: the page of conditions, what is kept of them, and for whom alone.

Pages are asked once; keeping and forgetting act on both databases.
"""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from accounts.identity import Actor
from accounts.models import Role
from catalog.kept import queries, services
from catalog.kept.models import CostProfile
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.specifications.models import StandardSpecification
from catalog.what_if import Baseline
from core import audit, db
from core.errors import Conflict, NotFound
from tests import factories
from tests.page_checks import parse_page, text_of

PRICES = (
    (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 20_000),
    (ComponentKind.USAGE, Unit.HOUSEHOLD, Interval.MONTH, 1),
    (ComponentKind.OPTION, Unit.LUMP, Interval.MONTH, 5_000),
)


DESK_PRICES = (
    (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 10_000),
    (ComponentKind.USAGE, Unit.CASE, Interval.MONTH, 100),
)


@pytest.fixture
def town(database, hold_clock):
    """Two services of a work with an option and a price per household, one of another by cases.

    A clerk of a town and of its union.
    """
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        version = factories.specification(session, requirements=1, name="施設予約")
        rows = [
            factories.offering(session, factories.vendor(session), version, prices=PRICES)
            for _ in range(2)
        ]
        desk = factories.specification(session, requirements=1, name="窓口受付")
        other = factories.offering(
            session, factories.vendor(session), desk, prices=DESK_PRICES, name="まど受付"
        )
        body = factories.body(
            session, name="川上町", prefecture="群馬県", code="103667", population=8_421
        )
        union = factories.body(
            session, name="川下町", prefecture="群馬県", code="100005", population=None
        )
        clerk = factories.person(session, Role.CLERK, body)
        factories.membership(session, clerk, Role.CLERK, union)
        return SimpleNamespace(
            ids=[row.id for row in rows],
            listing=rows[0].listing_id,
            work=session.get(StandardSpecification, version.specification_id),
            desk=other.id,
            desk_listing=other.listing_id,
            desk_work=session.get(StandardSpecification, desk.specification_id),
            body=body,
            union=union,
            clerk=clerk,
        )


def words(client, path, status=200):
    return text_of(client.page(path, status))


@pytest.mark.sqlite_only
def test_what_is_typed_becomes_an_address_and_comes_back_with_a_sentence(client, town):
    ids = "&".join(f"l={each}" for each in town.ids)
    path = f"/compare/conditions?{ids}&body=103667&diff=1&must=1"
    typed = {
        "population": "８,５００",
        "population_on-year": "8",
        "population_on-month": "10",
        "population_on-day": "1",
        "population_from": "住民基本台帳",
        "households": "3,200",
        "ids": "0",
        "start-year": "9",
        "start-month": "4",
        "start-day": "16",
        "months": "24",
        "o": ["オプション"],
        "rounding": "per_month",
        "exit": "1",
        "usd": "152.34",
        "usd_on-year": "8",
        "usd_on-month": "11",
        "usd_on-day": "1",
        "usd_from": "取引銀行の公表相場",
    }
    page = words(client, path)
    assert "8,421人" in page
    assert "空欄は「わからない」、0は「ない」" in page
    wrong = client.submit(path, {**typed, "population_from": "", "months": "24"})
    assert wrong.status_code == 422
    assert "人口の出どころを入力してください" in wrong.text
    kept = {each.get("name"): each.get("value") for each in parse_page(wrong.text).iter("input")}
    assert (kept["population"], kept["households"], kept["usd"]) == ("８,５００", "3,200", "152.34")
    assert (kept["start-day"], kept["diff"], kept["must"]) == ("16", "1", "1")
    answer = client.submit(path, typed, action="/compare/conditions")
    assert answer.status_code == 303
    asked = parse_qs(urlsplit(answer.location).query)
    assert asked["l"] == [str(each) for each in town.ids]
    assert (asked["start"], asked["ids"], asked["o"]) == (["2027-04-16"], ["0"], ["オプション"])
    assert (asked["diff"], asked["must"], asked["exit"]) == (["1"], ["1"], ["1"])
    assert "keep" not in asked
    shown = words(client, answer.location)
    for sentence in (
        "人口8,500人（入力した人口：令和8年10月1日、住民基本台帳）",
        "世帯数3,200世帯、使う人のID数0ID",
        "オプション：オプション",
        "月ごとに計算し、1円未満を切り捨て（試しの計算",
        "1米ドル＝152.34円（令和8年11月1日、取引銀行の公表相場）",
    ):
        assert sentence in shown
    # The same page opened again shows what was typed.
    again = client.get(answer.location.replace("/compare", "/compare/conditions"))
    assert 'value="8500"' in again.text
    assert 'value="オプション" checked' in again.text
    long = client.submit(path, {"population_from": "あ" * 101, "population": "1"})
    assert "人口の出どころは100文字以内で入力してください" in long.text


@pytest.mark.sqlite_only
def test_conditions_are_kept_for_one_person_and_one_organisation(client, new_client, town):
    one, two = town.ids
    factories.sign_in_client(client, town.clerk, town.body)
    path = f"/cost/conditions?l={one}"
    typed = {
        "body": "川上町（群馬県）",
        "households": "3200",
        "months": "60",
        "o": ["オプション"],
        "baseline_yearly": "1,234,567",
        "baseline_ends_on-year": "9",
        "baseline_ends_on-month": "3",
        "baseline_ends_on-day": "31",
    }
    unkept = client.submit(path, typed, action="/cost/conditions")
    assert unkept.status_code == 422
    assert "条件といっしょにだけ保存できます" in unkept.text
    kept = client.submit(path, {**typed, "keep": "1"}, action="/cost/conditions")
    assert kept.status_code == 303
    assert "1234567" not in kept.location
    assert "計算の条件を覚えました" in words(client, kept.location)
    # Word by word: what an address leaves out is what was kept; one that names a body is complete.
    shown = words(client, f"/compare?l={one}&l={two}&months=24")
    assert "（24か月）" in shown
    assert "世帯数3,200世帯" in shown
    assert "オプション：オプション" in shown
    alone = words(client, f"/compare?l={one}&l={two}&body=103667")
    assert "3,200世帯" not in alone
    assert "人口のほかは入力していません" in alone
    assert "（36か月）" in alone
    with db.transaction() as session:
        acting = factories.actor(town.clerk, Role.CLERK, town.body)
        assert queries.load_baseline(session, acting, "") is None
        stored = queries.load_baseline(session, acting, town.work.code)
        assert stored == Baseline(1_234_567, date(2027, 3, 31))
        acts = session.exec(select(audit.AuditEvent.action)).all()
        assert "cost_profile.keep" in acts
    # Acting for another organisation, and everyone else, sees nothing of it.
    other, stranger = new_client(), new_client()
    factories.sign_in_client(other, town.clerk, town.union)
    for browser in (other, stranger):
        seen = browser.get(path).text
        assert "3200" not in seen
        assert "1,234,567" not in seen
        assert "今覚えている条件" not in seen
    assert 'value="1,234,567"' in client.get(path).text
    client.submit(path, {}, action="/conditions/forget")
    assert "覚えていた計算の条件を忘れました" in words(client, path)
    assert "世帯数3,200世帯" not in words(client, f"/cost?l={one}")


@pytest.mark.sqlite_only
def test_a_visitor_keeps_conditions_in_the_browser(client, new_client, town):
    one = town.ids[0]
    client.get("/conditions?next=/search")
    answer = client.submit(
        "/conditions?next=/search",
        {"body": "103667", "households": "77"},
        action="/conditions",
    )
    assert answer.status_code == 303
    assert answer.location.endswith("/search")
    shown = words(client, f"/cost?l={one}")
    assert "川上町（群馬県）・人口8,421人" in shown
    assert "世帯数77世帯" in shown
    assert "baseline" not in client.get("/conditions").text
    # A start that has passed is kept no longer: the next fiscal year counts again.
    client.submit("/conditions", {"start-year": "8", "start-month": "4"}, action="/conditions")
    assert "令和9年4月1日" in words(client, f"/cost?l={one}")
    # The body that has no population in the register gets no reproach for one that was typed.
    typed = "body=100005&population=900&population_on=2026-10-01&population_from=x"
    assert "登録されている川下町" not in words(client, f"/cost?l={one}&{typed}")
    # A name in the address of a file leads to the file.
    named = client.get(f"/cost.xlsx?l={one}&today=1&body=川上町")
    assert "/cost.xlsx?" in named.location
    assert "today=1" in named.location
    assert "世帯数77世帯" not in words(new_client(), f"/cost?l={one}")
    outside = client.submit(
        "/conditions?next=https://example.com/", {"body": "103667"}, action="/conditions"
    )
    assert urlsplit(outside.location).path == "/conditions"


CONTRACT = {
    "baseline_yearly": "1,234,567",
    "baseline_ends_on-year": "9",
    "baseline_ends_on-month": "3",
    "baseline_ends_on-day": "31",
}


@pytest.mark.sqlite_only
def test_what_is_kept_for_one_work_counts_for_no_other(client, new_client, town):
    """Quantities, options and today's contract are those of a specification's services alone."""
    one, desk = town.ids[0], town.desk
    factories.sign_in_client(client, town.clerk, town.body)
    typed = {"cases": "120", "counters": "4", "households": "3200", "keep": "1", **CONTRACT}
    kept = client.submit(f"/cost/conditions?l={one}", typed, action="/cost/conditions")
    assert kept.status_code == 303
    assert "1,234,567" in words(client, f"/cost?l={one}")
    other = words(client, f"/cost?l={desk}")
    assert "見積が必要な費用があるため" in other
    assert "世帯数3,200世帯" in other  # households are those of the town, not of a work
    assert "1,234,567" not in other
    assert "120件" not in other
    assert "「窓口受付」の今の契約の年額と終わる日を" in other
    assert 'value="120"' not in client.get(f"/cost/conditions?l={desk}").text
    # The listing's page and the results of a search count alike.
    assert "窓口4か所、1か月の件数120件" in words(client, f"/listings/{town.listing}")
    desk_page = words(client, f"/listings/{town.desk_listing}")
    assert "見積が必要" in desk_page
    assert "120件" not in desk_page
    # A visitor's browser keeps them apart in the same way.
    visitor = new_client()
    visitor.submit(
        f"/cost/conditions?l={one}",
        {"body": "103667", "cases": "120", "keep": "1"},
        action="/cost/conditions",
    )
    assert "件数120件" in words(visitor, f"/cost?l={one}")
    assert "120件" not in words(visitor, f"/cost?l={desk}")


@pytest.mark.sqlite_only
def test_services_of_several_works_are_counted_by_what_the_address_says(client, town):
    one, desk = town.ids[0], town.desk
    factories.sign_in_client(client, town.clerk, town.body)
    typed = {"cases": "120", "counters": "4", "keep": "1", **CONTRACT}
    client.submit(f"/cost/conditions?l={one}", typed, action="/cost/conditions")
    # A comparison over works uses neither, and leads to each with its own.
    page = client.page(f"/compare?l={one}&l={desk}")
    assert "業務ごとに覚えた数量とオプションは、この比較では使っていません" in text_of(page)
    links = {text_of(a): a.get("href") for a in page.iter("a")}
    own = next(href for name, href in links.items() if name.endswith("の費用") and str(one) in href)
    assert "cases=120" in own
    assert all("cases" not in href for href in links.values() if str(desk) in href)
    typed_in = words(client, f"/compare?l={one}&l={desk}&cases=7")
    assert "どのサービスの費用にも使っています" in typed_in
    part = {"cases": "7", "keep": "1"}
    asked = f"/compare/conditions?l={one}&l={desk}"
    assert "baseline_yearly" not in client.get(asked).text
    led = client.submit(asked, part, action="/compare/conditions")
    assert "それだけは覚えていません" in words(client, led.location)
    # The other work's are kept beside; the own page shows both, and changes one of them.
    client.submit(f"/conditions?work={town.desk_work.code}", {"cases": "9"}, action="/conditions")
    assert "税込" in words(client, f"/cost?l={desk}")
    mine = words(client, "/conditions")
    assert (
        "窓口4か所、1か月の件数120件、今の契約：年額1,234,567円（税込）、令和9年3月31日まで" in mine
    )
    assert "窓口受付1か月の件数9件" in mine
    # Chosen on a page that did not show it, a work keeps what was not typed.
    added = client.submit(
        "/conditions", {"work": town.work.code, "ids": "30"}, action="/conditions"
    )
    assert added.status_code == 303
    whole = words(client, f"/cost?l={one}")
    for each in ("使う人のID数30ID", "窓口4か所", "1,234,567"):
        assert each in whole
    refused = client.submit("/conditions", {"ids": "3"}, action="/conditions")
    assert refused.status_code == 422
    assert "どの業務の計算に使うか選んで" in refused.text
    assert 'value="3"' in refused.text
    # Forgetting from there brings back what was typed, but nothing of today's contract.
    parsed = parse_page(refused.text)
    back = parsed.find(".//form[@id='forget-form']//input[@name='next']").get("value")
    assert 'value="3"' in client.get(back).text
    assert "1234567" not in back
    assert client.get("/conditions?work=none").status_code == 404


@pytest.mark.sqlite_only
def test_fields_opened_for_one_work_are_never_kept_for_another(client, town):
    factories.sign_in_client(client, town.clerk, town.body)
    client.submit(f"/conditions?work={town.desk_work.code}", {"cases": "9"}, action="/conditions")
    opened = f"/conditions?work={town.work.code}"
    page = client.page(opened)
    assert not page.findall(".//select[@name='work']")
    links = {text_of(a): a.get("href") for a in page.iter("a")}
    other_way = client.page(links["ほかの業務のものを入力する"])
    assert len(other_way.findall(".//select[@name='work']")) == 1
    token = page.find(".//form[@id='conditions-form']//input[@name='csrf_token']").get("value")
    said = {"work": town.desk_work.code, "opened": town.work.code, "cases": "120"}
    mixed = client.post("/conditions", data={**said, "csrf_token": token})
    assert mixed.status_code == 422
    assert "開いている業務と違う業務" in mixed.text
    assert "1か月の件数9件" in words(client, "/conditions").split("窓口受付")[-1]


@pytest.mark.sqlite_only
def test_what_no_work_was_told_for_waits_for_its_owner(client, town):
    one = town.ids[0]
    with db.transaction() as session:
        session.add(
            CostProfile(
                person_id=town.clerk.id,
                organisation_id=town.body.id,
                conditions={"months": "60", "cases": "55", "o": ["オプション"]},
                baseline_yearly=1_234_567,
                baseline_ends_on=date(2027, 3, 31),
            )
        )
    factories.sign_in_client(client, town.clerk, town.body)
    for listing in (one, town.desk):
        shown = words(client, f"/cost?l={listing}")
        assert "（60か月）" in shown
        assert "55件" not in shown
        assert "1,234,567" not in shown
    assert "どの業務のものか分からない数量か今の契約" in words(client, f"/cost/conditions?l={one}")
    assert "どの業務の計算にも使っていません" in words(client, "/conditions")
    assert client.submit("/conditions", {}, action="/conditions").status_code == 422
    told = client.submit("/conditions", {"work": town.desk_work.code}, action="/conditions")
    assert told.status_code == 303
    priced = words(client, f"/cost?l={town.desk}")
    assert "1か月の件数55件" in priced
    assert "「窓口受付」の今の契約は年額1,234,567円" in priced
    assert "1,234,567" not in words(client, f"/cost?l={one}")
    assert "分からない" not in words(client, "/conditions").replace("「わからない」", "")


@pytest.mark.sqlite_only
def test_an_address_without_a_body_leads_to_the_whole_one(client, new_client, town):
    """Who passes on the address in the bar passes on what is seen."""
    one, two = town.ids
    factories.sign_in_client(client, town.clerk, town.body)
    client.submit(
        f"/cost/conditions?l={one}",
        {"months": "60", "counters": "4", "keep": "1", **CONTRACT},
        action="/cost/conditions",
    )
    stranger = new_client()
    for page in ("/cost", "/cost.xlsx", "/compare", "/compare.xlsx", "/compare/options"):
        services = f"l={one}&l={two}" if "compare" in page else f"l={one}"
        for ask in (client.get, client.head):
            led = ask(f"{page}?{services}")
            assert led.status_code == 303
            asked = parse_qs(urlsplit(led.location).query)
            assert urlsplit(led.location).path == page
            assert (asked["body"], asked["months"]) == (["103667"], ["60"])
            assert asked["counters"] == ["4"]
            assert "1234567" not in led.location
        assert client.get(led.location).status_code == 200
        assert stranger.get(led.location).status_code == 200
    whole = client.get(f"/cost.xlsx?l={one}&months=24&today=1").location
    assert "months=24" in whole
    assert "today=1" in whole
    assert "body=reference" in stranger.get(f"/cost?l={one}").location
    # What can be read no further gets its sentence where it was asked for.
    for wrong in (f"l={one}&months=x", f"l={one}&body=000000", "months=24", f"l={one}&l={two}"):
        assert stranger.get(f"/cost?{wrong}").status_code == 422
    assert stranger.get(f"/cost?l={town.body.id}").status_code == 404


def test_keeping_replaces_and_forgetting_deletes(database, town):
    acting = factories.actor(town.clerk, Role.CLERK, town.body)
    paid = Baseline(5, date(2027, 3, 31))

    def keep(session, words, of_work=None, baseline=None, **told):
        work = of_work and services.Work(town.work.id, town.work.code, of_work, baseline)
        services.keep(session, acting, words, work, **told)

    with db.transaction() as session:
        keep(session, {"months": "12"}, {"ids": "3"}, paid)
    with db.transaction() as session:
        keep(session, {"months": "24", "ids": "9"})
    with db.transaction() as session:
        rows = session.exec(select(CostProfile)).all()
        kept = {row.specification_id: row.conditions for row in rows}
        assert kept == {None: {"months": "24"}, town.work.id: {"ids": "3"}}
        assert queries.load_baseline(session, acting, town.work.code) == paid
        assert queries.load_baseline(session, acting, "") is None
    with pytest.raises(Conflict), db.transaction() as session:
        owner = {"person_id": town.clerk.id, "organisation_id": town.body.id}
        session.add(CostProfile(**owner))
    with db.transaction() as session:
        keep(session, {}, {"months": "12"})
        assert queries.find_profiles(session, acting).works == {}
    with db.transaction() as session:
        services.forget(session, acting)
        services.forget(session, acting)
        assert queries.find_profiles(session, acting) == queries.NOTHING_KEPT
    nobody = Actor(grantees=frozenset({Role.CLERK}))
    with pytest.raises(NotFound), db.transaction() as session:
        services.keep(session, nobody, {})
