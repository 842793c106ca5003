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
from catalog.what_if import Baseline
from core import audit, db
from core.errors import NotFound
from tests import factories
from tests.page_checks import parse_page, text_of

PRICES = (
    (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 20_000),
    (ComponentKind.USAGE, Unit.HOUSEHOLD, Interval.MONTH, 1),
    (ComponentKind.OPTION, Unit.LUMP, Interval.MONTH, 5_000),
)


@pytest.fixture
def town(database, hold_clock):
    """Two services with an option and a price per household; a clerk of a town and of its union."""
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        version = factories.specification(session, requirements=1, name="施設予約")
        rows = [
            factories.offering(session, factories.vendor(session), version, prices=PRICES)
            for _ in range(2)
        ]
        body = factories.body(
            session, name="川上町", prefecture="群馬県", code="103667", population=8_421
        )
        union = factories.body(
            session, name="川下町", prefecture="群馬県", code="100005", population=None
        )
        clerk = factories.person(session, Role.CLERK, body)
        factories.membership(session, clerk, Role.CLERK, union)
        return SimpleNamespace(ids=[row.id for row in rows], body=body, union=union, clerk=clerk)


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
        stored = queries.load_baseline(session, acting)
        assert stored == Baseline(1_234_567, date(2027, 3, 31))
        acts = session.exec(select(audit.AuditEvent.action)).all()
        assert "cost_profile.keep" in acts
    # Acting for another organisation, and everyone else, sees nothing of it.
    other, stranger = new_client(), new_client()
    factories.sign_in_client(other, town.clerk, town.union)
    for browser in (other, stranger):
        seen = browser.get(path).text
        assert "3200" not in seen
        assert "1234567" not in seen
        assert "今覚えている条件" not in seen
    assert 'value="1234567"' in client.get(path).text
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


def test_keeping_replaces_and_forgetting_deletes(database, town):
    acting = factories.actor(town.clerk, Role.CLERK, town.body)
    with db.transaction() as session:
        services.keep(session, acting, {"months": "12"}, Baseline(5, date(2027, 3, 31)))
    with db.transaction() as session:
        services.keep(session, acting, {"months": "24"}, None)
    with db.transaction() as session:
        rows = session.exec(select(CostProfile)).all()
        assert [row.conditions for row in rows] == [{"months": "24"}]
        assert queries.load_baseline(session, acting) is None
    with db.transaction() as session:
        services.forget(session, acting)
        services.forget(session, acting)
        assert queries.find_profile(session, acting) is None
    nobody = Actor(grantees=frozenset({Role.CLERK}))
    with pytest.raises(NotFound), db.transaction() as session:
        services.keep(session, nobody, {}, None)
