"""Projects: numbers, terms, strangers, bad input.

What pages and rules in Python refuse is asked on SQLite alone; rows and races on both.
"""

import threading
from datetime import UTC, date, datetime

import pytest

from accounts.models import BodyKind, Role
from core import db
from procurement.bodies.models import ContractCategory
from procurement.bodies.queries import ceiling_for
from procurement.projects import services
from procurement.projects.models import ContractTermBasis
from tests import factories
from tests.page_checks import text_of
from tests.procurement.conftest import NEED

VALUES = {
    "title": "予約",
    "need": "予約したい。",
    "starts_on": date(2027, 4, 1),
    "term_months": 12,
    "term_basis": ContractTermBasis.SINGLE_YEAR,
    "budget_line": "2款",
    "category": ContractCategory.SERVICES,
}


def test_term_past_the_fiscal_year_needs_a_ground(market):
    client = market.as_(market.clerk)
    refused = client.submit("/projects/new", {**NEED, "term_basis": "single_year"})
    assert refused.status_code == 422
    assert "令和12年3月31日" in refused.text
    assert "債務負担行為" in refused.text
    within = {**NEED, "term_basis": "single_year", "term_months": "12"}
    assert client.submit("/projects/new", within).status_code == 303
    longer = {**NEED, "term_basis": "long_term", "term_months": "13"}
    refused = client.submit("/projects/new", longer)
    assert refused.status_code == 422
    assert "長期継続契約を認める条例が登録されていません" in refused.text
    past = {**NEED, "burden_until-era": "reiwa", "burden_until-year": "12"}
    refused = client.submit(
        "/projects/new", {**past, "burden_until-month": "3", "burden_until-day": "30"}
    )
    assert refused.status_code == 422
    assert "債務負担行為の期間の終わり" in refused.text


IMPOSSIBLE = [
    ("term_months", "0"),
    ("term_months", "121"),
    ("term_months", "三年"),
    ("starts_on-month", "13"),
    ("starts_on-year", "1"),
    ("title", ""),
    ("need", ""),
    ("budget_line", ""),
]


@pytest.mark.sqlite_only
def test_impossible_values_are_named_beside_their_field(market):
    client = market.as_(market.clerk)
    for field, value in IMPOSSIBLE:
        refused = client.submit("/projects/new", {**NEED, field: value})
        assert refused.status_code == 422, field
        assert "確認が必要な入力が1件あります" in refused.text, field


def test_numbers_are_gapless_per_body_and_fiscal_year(market, hold_clock):
    with db.transaction() as session:
        other = factories.body(session)
        stranger = factories.person(session, Role.CLERK, other)
    clerk = factories.actor(market.clerk, Role.CLERK, market.body)
    elsewhere = factories.actor(stranger, Role.CLERK, other)

    def open_one(who, **values):
        with db.transaction() as session:
            return services.create_project(session, who, **{**VALUES, **values}).number

    hold_clock(datetime(2027, 3, 31, 14, 59, tzinfo=UTC))
    assert [open_one(clerk), open_one(clerk)] == ["令和8-0001", "令和8-0002"]
    with pytest.raises(Exception, match="標準仕様書"):
        open_one(clerk, specification_version_id=market.body.id)
    assert open_one(clerk) == "令和8-0003"
    assert open_one(elsewhere) == "令和8-0001"
    hold_clock(datetime(2027, 3, 31, 15, 0, tzinfo=UTC))
    assert open_one(clerk) == "令和9-0001"


def test_numbers_stay_gapless_when_many_open_at_once(market):
    clerk = factories.actor(market.clerk, Role.CLERK, market.body)
    numbers, lock = [], threading.Lock()

    def open_some():
        for _ in range(5):
            with db.transaction() as session:
                made = services.create_project(session, clerk, **VALUES)
            with lock:
                numbers.append(int(made.number.split("-")[1]))

    threads = [threading.Thread(target=open_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 21))


@pytest.mark.sqlite_only
def test_strangers_cannot_tell_that_a_project_exists(market):
    market.reach_locked()
    with db.transaction() as session:
        other = factories.body(session)
        stranger = factories.person(session, Role.CLERK, other)
        boss = factories.person(session, Role.APPROVER, other)
    project = market.project()
    paths = [
        "",
        "/edit",
        "/search",
        "/lock",
        "/evidence/1",
        "/evidence/1.json",
        "/candidates",
        "/conditions",
        "/evaluation",
        "/compare",
        "/methods",
        "/selection",
        "/none-suitable",
        "/cancel",
        "/history",
        "/request",
    ]
    for path in paths:
        response = market.as_(stranger).get(f"/projects/{project.id}{path}")
        assert response.status_code == 404, path
        assert project.title not in response.text
    assert market.as_(boss).get(f"/projects/{project.id}/decision").status_code == 404
    for person in (market.seller_admin, market.rival_admin):
        for path in paths:
            response = market.as_(person).get(f"/projects/{project.id}{path}")
            assert response.status_code in {403, 404}, path
            assert project.title not in response.text


def test_approver_reads_but_does_not_edit(market):
    market.reach_locked()
    client, path = market.as_(market.approver), f"/projects/{market.project().id}"
    page = text_of(client.page(path))
    assert "公共施設の予約" in page
    assert "案件を中止する" not in page
    assert client.get(f"{path}/edit").status_code == 403
    assert client.get(f"{path}/lock").status_code == 403


def test_two_clerks_who_edit_one_project_see_both_texts(market):
    market.open_project()
    path = f"/projects/{market.project().id}/edit"
    first, second = market.as_(market.clerk), market.as_(market.second_clerk)
    version = str(market.project().version)
    assert first.submit(path, {"title": "先の件名"}).status_code == 303
    late = second.submit(path, {"title": "あとの件名", "version": version})
    assert late.status_code == 412
    assert "先の件名" in late.text
    assert "あとの件名" in late.text
    assert market.project().title == "先の件名"


@pytest.mark.sqlite_only
def test_unknown_facet_value_is_refused_by_name(market):
    market.open_project()
    client = market.as_(market.clerk)
    path = f"/projects/{market.project().id}/search"
    token = client.page(path).find(".//input[@name='csrf_token']").get("value")
    form = {"q": "", "certification": "golden", "version": "1", "csrf_token": token}
    refused = client.post(path, data=form)
    assert refused.status_code == 422
    assert "「golden」はありません" in refused.text
    page_nine = client.get(f"{path}?page=9")
    assert page_nine.status_code == 200
    market.search()
    assert client.get(f"{path}?page=9").status_code == 404
    assert client.get(f"{path}?page=x").status_code == 400


def test_ceilings_follow_the_group_of_the_body(market):
    day = date(2026, 10, 1)

    def amount(session, body, category, on=day):
        found = ceiling_for(session, body, category, on)
        return found.amount if found else None

    with db.transaction() as session:
        town = market.body
        city = factories.body(session, body_kind=BodyKind.DESIGNATED_CITY)
        prefecture = factories.body(session, body_kind=BodyKind.PREFECTURE)
        assert amount(session, town, ContractCategory.SERVICES) == 1_000_000
        assert amount(session, town, ContractCategory.LEASE) == 800_000
        for upper in (city, prefecture):
            assert amount(session, upper, ContractCategory.SERVICES) == 2_000_000
            assert amount(session, upper, ContractCategory.LEASE) == 1_500_000
        assert amount(session, town, ContractCategory.SERVICES, date(2025, 3, 31)) is None
