"""The lock: what is refused, what is frozen, and what a later change cannot reach.

What pages and rules in Python refuse is asked on SQLite alone; rows and guards on both.
"""

import json
import threading

import pytest
from sqlalchemy import text

from catalog.offerings.models import ListingVersion, OfferAction, OfferState
from core import db
from core.documents import canonical_json, sha256_hex
from core.errors import DomainError
from procurement.projects.models import ProjectState
from search.engine import SearchResult
from search.queries import get_engine
from tests.page_checks import text_of
from tests.search.market import index_all


def pack_page(market, revision=1):
    path = f"/projects/{market.project().id}/evidence/{revision}"
    return text_of(market.as_(market.clerk).page(path))


def withdraw(version: ListingVersion) -> None:
    with db.transaction() as session:
        row = session.get_one(ListingVersion, version.id)
        row.apply(OfferAction.WITHDRAW)


def test_pack_is_canonical_and_holds_every_hit_in_order(market):
    market.reach_locked()
    pack = market.pack()
    content = json.loads(pack.content)
    assert canonical_json(content).decode() == pack.content
    assert sha256_hex(pack.content.encode()) == pack.sha256
    versions = {str(v.id): v for v in (market.cheap, market.other, market.dear)}
    assert {hit["listing_version_id"] for hit in content["hits"]} == set(versions)
    assert [hit["rank"] for hit in content["hits"]] == [1, 2, 3]
    for hit in content["hits"]:
        assert hit["listing_sha256"] == versions[hit["listing_version_id"]].content_sha256
        assert hit["certification"]["state"] == "certified"
    assert content["search"]["seed"] == market.project().search_query["seed"]
    assert len(content["search"]["synonyms_sha256"]) == 64
    download = market.as_(market.clerk).get(f"/projects/{market.project().id}/evidence/1.json")
    assert sha256_hex(download.data) == pack.sha256


def test_a_limit_and_an_order_by_the_bodys_own_cost_are_kept_and_locked(market):
    market.reach_searching()
    path = f"/projects/{market.project().id}/search"
    client = market.as_(market.clerk)
    refused = client.submit(path, {"q": "", "cost_max": "百万"})
    assert refused.status_code == 422
    assert "円単位の数字ではありません" in refused.text
    market.search(cost_max="", sort="cost")
    costs = dict(zip(names_of(client.page(path)), rows_of(client.page(path)), strict=True))
    assert len(costs) == 3
    second = sorted(costs.values())[1]
    market.search(cost_max=f"{second:,}円", sort="cost")
    page = client.page(path)
    assert list(rows_of(page)) == sorted(costs.values())[:2]
    assert f"{second:,}円" in text_of(page.find(".//main"))
    assert market.lock().status_code == 303
    content = json.loads(market.pack().content)
    assert content["search"]["cost_max"] == second
    assert [hit["name"] for hit in content["hits"]] == names_of(page)
    assert f"1年の費用の上限（税込）{second:,}円" in pack_page(market).replace(" ", "")


def names_of(page):
    return [text_of(each) for each in page.findall(".//ol[@class='results']//h2")]


def rows_of(page):
    found = page.findall(".//ol[@class='results']//dd/span[@class='number strong']")
    return [int(text_of(each).replace(",", "").removesuffix("円")) for each in found]


@pytest.mark.acceptance(18)
def test_locked_evidence_ignores_later_changes_and_a_second_lock_is_refused(market):
    market.reach_locked()
    before, json_before = pack_page(market), market.pack().content
    withdraw(market.cheap)
    index_all(market.settings, market.cheap)
    assert pack_page(market) == before
    assert market.pack().content == json_before
    client = market.as_(market.clerk)
    show = f"/projects/{market.project().id}"
    assert client.get(f"{show}/lock").status_code == 409
    token = client.page(f"{show}/edit").find(".//input[@name='csrf_token']").get("value")
    form = {"confirmed": "yes", "version": str(market.project().version), "csrf_token": token}
    refused = client.post(f"{show}/lock", data=form)
    assert refused.status_code == 409
    assert "検索結果確定済み" in refused.text
    with db.reading() as session:
        assert session.execute(text("SELECT count(*) FROM evidence_packs")).scalar_one() == 1


def test_pack_cannot_be_changed_in_sql(market):
    market.reach_locked()
    for statement in ("UPDATE evidence_packs SET content = ''", "DELETE FROM evidence_packs"):
        with pytest.raises(DomainError), db.transaction() as session:
            session.execute(text(statement))


def test_new_search_makes_a_new_revision_and_keeps_the_old(market):
    market.reach_compared()
    first = market.pack()
    market.search(q="とびら")
    assert market.project().state is ProjectState.SEARCHING
    assert market.lock().status_code == 303
    assert market.pack().revision == 2
    assert "見つかったすべてのサービス" in pack_page(market, 1)
    assert first.sha256 in pack_page(market, 1)
    assert "とびらの予約" in pack_page(market, 2)
    old = market.as_(market.clerk).get(f"/projects/{first.project_id}/evidence/3")
    assert old.status_code == 404


def test_lock_waits_while_the_index_is_behind(market):
    market.open_project()
    market.search()
    withdraw(market.other)
    path = f"/projects/{market.project().id}/lock"
    refused = market.as_(market.clerk).get(path)
    assert refused.status_code == 409
    assert "索引の更新を待っています" in refused.text
    assert "もう一度試す" in refused.text
    index_all(market.settings, market.other)
    assert market.lock().status_code == 303
    assert len(json.loads(market.pack().content)["hits"]) == 2


@pytest.mark.sqlite_only
def test_relaxed_answer_cannot_be_locked(market, monkeypatch):
    market.open_project()
    market.search(q="予約")
    answer_as(market, monkeypatch, relaxed=True)
    refused = market.as_(market.clerk).get(f"/projects/{market.project().id}/lock")
    assert refused.status_code == 422
    assert "ゆるめた結果は確定できません" in refused.text


@pytest.mark.sqlite_only
def test_over_a_hundred_hits_are_refused_with_their_number(market, monkeypatch):
    market.open_project()
    market.search()
    answer_as(market, monkeypatch, total=101)
    refused = market.as_(market.clerk).get(f"/projects/{market.project().id}/lock")
    assert refused.status_code == 422
    assert "候補が101件あります" in refused.text


def answer_as(market, monkeypatch, *, relaxed=False, total=3):
    """Make the engine answer with other facts over the same hits."""
    engine = get_engine(market.settings)
    true = engine.search_all

    def answer(query):
        found = true(query)
        return SearchResult(
            hits=found.hits,
            total=total,
            facets={},
            relaxed=relaxed,
            seed=found.seed,
            engine=found.engine,
            engine_version=found.engine_version,
            generation=found.generation,
        )

    monkeypatch.setattr(type(engine), "search_all", lambda _self, query: answer(query))


def test_exclusion_needs_a_reason_and_can_be_undone_before_comparing(market):
    market.reach_locked()
    assert market.exclude(market.dear, reason=" ").status_code == 422
    assert market.exclude(market.dear, condition="条-9").status_code == 422
    assert market.exclude().status_code == 422
    assert not market.candidate(market.dear).is_excluded
    late = market.prepare_exclusion(
        market.cheap, reason="先に開いた画面の理由です。", condition="案-2"
    )
    assert market.exclude(market.dear, market.other).status_code == 303
    stale = late()
    assert stale.status_code == 412
    assert "先に開いた画面の理由です。" in stale.text
    assert [market.candidate(v).is_excluded for v in (market.cheap, market.other)] == [False, True]
    assert market.candidate(market.dear).condition_key == "案-1"
    candidates = f"/projects/{market.project().id}/candidates"
    client = market.as_(market.clerk)
    assert "合わない条件：案-1理由：夜間の受付に合わないため。" in pack_page(market)
    assert "来庁しないで公民館を予約できるようにしたい。" in pack_page(market)
    for version in (market.dear, market.other):
        restore = f"{market.candidate(version).id}/restore"
        assert client.submit(candidates, action=restore).status_code == 303
        assert not market.candidate(version).is_excluded
    said = {"reason": "比較のあとに押した除外の理由です。", "condition": "案-1"}
    press = market.prepare_exclusion(market.dear, **said)
    assert market.compare().status_code == 303
    late = press()
    assert late.status_code == 409
    assert "比較のあとに押した除外の理由です。" in late.text
    assert "選定の案を作るか、検索をやり直してください" in late.text
    assert not market.candidate(market.dear).is_excluded


@pytest.mark.sqlite_only
def test_comparison_needs_a_remaining_candidate(market):
    market.reach_locked()
    press = market.as_(market.clerk).prepare(
        f"/projects/{market.project().id}/compare", {"confirmed": "yes"}
    )
    assert market.exclude(market.cheap, market.other, market.dear).status_code == 303
    refused = press()
    assert refused.status_code == 422
    assert "候補が残っていません" in refused.text
    page = text_of(market.as_(market.clerk).page(f"/projects/{market.project().id}/candidates"))
    assert "適するサービスがないとして終える" in page


@pytest.mark.sqlite_only
@pytest.mark.acceptance(21)
@pytest.mark.parametrize(
    ("act", "state"),
    [("none-suitable", ProjectState.NONE_SUITABLE), ("cancel", ProjectState.CANCELLED)],
)
def test_project_ends_without_a_choice_only_with_a_reason(market, act, state):
    market.reach_locked()
    path = f"/projects/{market.project().id}/{act}"
    client = market.as_(market.clerk)
    assert client.submit(path, {"confirmed": "yes", "reason": ""}).status_code == 422
    press = client.prepare(path, {"confirmed": "yes", "reason": "合うものがありません。"})
    done = press()
    assert done.status_code == 303
    assert market.project().state is state
    assert "合うものがありません。" in text_of(client.page(done.location))
    assert press().status_code == 409
    stopped = client.get(f"/projects/{market.project().id}/edit")
    assert stopped.status_code == 409
    assert "案件は終わっています" in stopped.text


def test_catalog_that_changes_during_the_lock_is_read_again(market, monkeypatch):
    """A listing that goes between index and database never ends in a pack that is silently different."""
    market.open_project()
    market.search()
    engine = get_engine(market.settings)
    true, calls = type(engine).search_all, []

    def meanwhile(self, query):
        found = true(self, query)
        calls.append(len(found.hits))
        return found

    monkeypatch.setattr(type(engine), "search_all", meanwhile)
    ready, results = threading.Barrier(2), []

    def vanish():
        ready.wait()
        withdraw(market.other)
        index_all(market.settings, market.other)

    press = market.prepare_lock()
    thread = threading.Thread(target=vanish)
    thread.start()
    ready.wait()
    results.append(press())
    thread.join()
    if results[0].status_code == 303:
        hits = json.loads(market.pack().content)["hits"]
        assert len(hits) in {2, 3}
        assert all(hit["state"] == OfferState.PUBLISHED.value for hit in hits)
    else:
        assert results[0].status_code == 409
