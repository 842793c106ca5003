"""A double click makes nothing twice; a page that comes too early says what to do first."""

import pytest
from sqlalchemy import text

from accounts.models import Role
from core import db
from core.form_keys import make_key, make_once
from procurement.projects import queries, services
from procurement.projects.models import ProjectState
from tests import factories
from tests.page_checks import parse_page, text_of
from tests.procurement.conftest import NEED, PROJECT, START
from tests.procurement.test_requests import run_at_once

ROUNDS = 5


def projects_of(market):
    with db.reading() as session:
        return queries.list_projects(session, market.body.id)


def field_of(page, name):
    return page.find(f".//input[@name='{name}']").get("value")


def test_double_click_on_new_project_opens_one(market):
    client = market.as_(market.clerk)
    press = client.prepare("/projects/new", NEED)
    first, second = press(), press()
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert "1回だけ受け付けました" in text_of(client.page(second.location))
    assert len(projects_of(market)) == 1
    # The same form with other words is no double click: nothing is made or lost without a word.
    page = client.page("/projects/new")
    shown = {**NEED, "csrf_token": field_of(page, "csrf_token")}
    key = field_of(page, "form_key")
    assert client.post("/projects/new", data={**shown, "form_key": key}).status_code == 303
    changed = {**shown, "title": "言い直した件名", "form_key": key}
    asked = client.post("/projects/new", data=changed)
    assert asked.status_code == 422
    assert "この画面からの登録は" in asked.text
    fresh = parse_page(asked.text)
    assert field_of(fresh, "title") == "言い直した件名"
    assert field_of(fresh, "form_key") not in {key, ""}
    again = {**changed, "form_key": field_of(fresh, "form_key")}
    assert client.post("/projects/new", data=again).status_code == 303
    assert len(projects_of(market)) == 3
    # A refused form keeps its key; mended, it makes one.
    refused = client.submit("/projects/new", {**NEED, "term_months": "0"})
    kept = field_of(parse_page(refused.text), "form_key")
    mended = [client.post("/projects/new", data={**shown, "form_key": kept}) for _ in range(2)]
    assert mended[0].location == mended[1].location
    assert len(projects_of(market)) == 4
    # Somebody else's key is a key of its own: nobody is led to another's work by it.
    other = market.as_(market.second_clerk)
    token = field_of(other.page("/projects/new"), "csrf_token")
    theirs = other.post("/projects/new", data={**shown, "csrf_token": token, "form_key": kept})
    assert theirs.location != mended[0].location


def test_two_clicks_at_once_make_one(market):
    who = factories.actor(market.clerk, Role.CLERK, market.body)
    made: list[str] = []
    for _ in range(ROUNDS):
        key = make_key(None)

        def click(session, key=key):
            def act():
                opened = services.create_project(session, who, **{**PROJECT, "starts_on": START})
                return f"/projects/{opened.id}", "始めました"

            done = make_once(session, (key, who.person_id), [("title", "見本")], act)
            made.append(done.location)
            return "repeat" if done.is_repeat else "made"

        assert sorted(run_at_once(click, click)) == ["made", "repeat"]
    assert len(set(made)) == len(projects_of(market)) == ROUNDS


def test_double_click_on_the_lock_leads_to_the_one_pack(market):
    market.reach_searching()
    press = market.prepare_lock()
    first, second = press(), press()
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    client = market.as_(market.clerk)
    assert "1回だけ受け付けました" in text_of(client.page(second.location))
    with db.reading() as session:
        assert session.execute(text("SELECT count(*) FROM evidence_packs")).scalar_one() == 1
        locks = text("SELECT count(*) FROM audit_events WHERE action = 'evidence.lock'")
        assert session.execute(locks).scalar_one() == 1


EARLY = {
    ProjectState.DRAFT: ("先に、サービスを探してください", "/search"),
    ProjectState.SEARCHING: ("先に、検索結果を確かめて確定してください", "/search"),
    ProjectState.EVIDENCE_LOCKED: ("候補を比べて、比較を終えてください", "/candidates"),
}
TOO_EARLY = {
    ProjectState.DRAFT: ("candidates", "compare", "selection", "decision", "request", "lock"),
    ProjectState.SEARCHING: ("candidates", "compare", "selection", "decision", "request"),
    ProjectState.EVIDENCE_LOCKED: ("selection", "decision", "request", "lock"),
}


@pytest.mark.sqlite_only  # words and links, the same on both databases
def test_a_page_that_comes_too_early_says_what_to_do_first(market):
    market.open_project()
    client, path = market.as_(market.clerk), f"/projects/{market.project().id}"
    token = field_of(client.page(f"{path}/edit"), "csrf_token")
    reason = "早すぎた選定の理由をここに書きました。"
    for state, pages in TOO_EARLY.items():
        assert market.project().state is state
        sentence, first = EARLY[state]
        for name in pages:
            page = client.page(f"{path}/{name}", status=409)
            assert sentence in text_of(page), (state, name)
            assert [a for a in page.iter("a") if a.get("href") == path + first], (state, name)
            assert page.find(".//main//form") is None, (state, name)
        reader = market.as_(market.approver).page(f"{path}/decision", status=409)
        assert sentence in text_of(reader)
        back = [a.get("href") for a in reader.find(".//main").iter("a")]
        assert back == [path], state
        sent = client.post(f"{path}/selection", data={"reason": reason, "csrf_token": token})
        assert sent.status_code == 409
        assert reason in sent.text
        {ProjectState.DRAFT: market.search, ProjectState.SEARCHING: market.lock}.get(
            state, market.compare
        )()
    assert client.get(f"{path}/selection").status_code == 200
    early = market.as_(market.approver).page(f"{path}/decision", status=409)
    assert "次は、選定の案を作るか" in text_of(early)
    assert f"{path}/selection" not in {a.get("href") for a in early.iter("a")}


@pytest.mark.sqlite_only  # words and links, the same on both databases
def test_empty_result_offers_the_end_to_whom_it_is_open(market):
    market.open_project()
    market.search(q="麒麟")
    market.lock()
    path = f"/projects/{market.project().id}"

    def ends(person):
        page = market.as_(person).page(f"{path}/candidates")
        assert "確定した検索結果は0件です" in text_of(page)
        return [a for a in page.iter("a") if a.get("href") == f"{path}/none-suitable"]

    assert ends(market.clerk)
    assert not ends(market.approver)
    end = {"confirmed": "yes", "reason": "適するものがないため。"}
    assert market.as_(market.clerk).submit(f"{path}/none-suitable", end).status_code == 303
    assert not ends(market.clerk)


@pytest.mark.sqlite_only  # one page; the sums are asserted on both elsewhere
def test_each_candidate_says_beforehand_whether_a_small_contract_is_possible(market):
    market.reach_compared()
    path = f"/projects/{market.project().id}/selection"
    client = market.as_(market.clerk)
    page = client.page(path)
    assert len(client.statements) <= 25
    words = {
        version.id: text_of(page.find(f".//p[@id='{field.get('id')}-about']"))
        for version in (market.cheap, market.other, market.dear)
        for field in page.iter("input")
        if field.get("value") == str(market.candidate(version).id)
    }
    assert "971,982円（税込）" in words[market.cheap.id]
    assert "その他のもの（役務など）なら少額の契約を選べます" in words[market.cheap.id]
    assert "限度額は1,000,000円で、合計はそれ以下です" in words[market.cheap.id]
    assert "限度額は800,000円で、合計は171,982円こえるため、見積が必要" in words[market.cheap.id]
    assert "限度額は1,000,000円で、合計は2,960,000円こえる" in words[market.dear.id]
    assert "選べます" not in words[market.dear.id]
    assert "少額の契約で選べる候補はありません" not in text_of(page)


@pytest.mark.sqlite_only  # words of refusals, the same on both databases
def test_both_search_pages_refuse_the_same_addresses(market):
    market.reach_searching()
    client = market.as_(market.clerk)
    own = f"/projects/{market.project().id}/search"
    refused = {
        "?colour=red": "「colour」という指定はありません",
        "?q=a&q=b": "「q」は一つだけ指定してください",
        "?page=0": "ページ（page）",
        "?hosting=moon": "「moon」はありません",
    }
    for query, sentence in refused.items():
        for path in ("/search", own):
            response = client.get(path + query)
            assert (response.status_code, sentence in response.text) == (400, True), path + query
    assert client.get(f"{own}?q=予約&certification=certified&page=1").status_code == 200
