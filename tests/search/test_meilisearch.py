"""What only a search server can get wrong."""

import re
import socket
import threading
import time
from pathlib import Path

import pytest

from search.analysis import plan_query
from search.engine import IndexMissing, SearchQuery, SearchUnavailable
from search.meilisearch import MeilisearchEngine
from search.meilisearch_query import (
    SETTINGS,
    build_documents,
    encode,
    read_strictly,
)
from search.server_setup import find_differences, find_faults, make_keys
from tests.search.conftest import make_engine
from tests.search.corpus import make_record


@pytest.fixture
def engine(fake, fake_server):
    made = make_engine(fake_server[1])
    made.rebuild([make_record(number, hi="戸籍") for number in range(3)])
    return made


def test_tokens_are_plain_letters_and_tell_words_apart():
    words = ["京都", "東京", "aws", "サーバ", "長" * 100, "長" * 99 + "短", "|", "a-b"]
    tokens = {encode("w", word) for word in words}
    assert len(tokens) == len(words)
    assert all(token.isascii() and token.isalpha() and len(token) < 250 for token in tokens)


def test_the_server_is_never_sent_more_words_than_it_reads():
    query = SearchQuery(text="住基 国保 生保 ごみ 罹災証明 gis rpa aiocr 保育所 ガバクラ")
    for reading in read_strictly(plan_query(query.text), query):
        assert 0 < reading.words.count('"') // 2 <= 10


def test_the_server_holds_no_more_than_ids_facets_numbers_and_tokens():
    document = build_documents([make_record(1, hi="戸籍", facets={"hosting": {"AWS"}})])[0]
    assert not [value for value in document.values() if isinstance(value, str) and "戸" in value]


def test_a_missing_index_is_named_and_not_made_by_a_write(fake, fake_server):
    engine = make_engine(fake_server[1])
    with pytest.raises(IndexMissing):
        engine.search(SearchQuery())
    with pytest.raises(IndexMissing):
        engine.upsert([make_record(1)])
    assert not engine.health().available


def test_a_rebuild_leaves_one_index(engine, fake):
    before = len(fake.indexes)
    engine.rebuild([make_record(1)])
    assert len(fake.indexes) == before


def test_a_failed_task_is_an_error_though_its_answer_was_not(engine, fake):
    fake.failing_tasks = "documentAdditionOrUpdate"
    with pytest.raises(SearchUnavailable, match="no_space_left_on_device"):
        engine.upsert([make_record(9)])
    with pytest.raises(SearchUnavailable):
        engine.rebuild([make_record(9)])
    fake.failing_tasks = None
    assert engine.search(SearchQuery()).total == 3


@pytest.mark.parametrize(
    "failure",
    [
        (503, "too_many_search_requests"),
        (500, "internal"),
        (403, "invalid_api_key"),
        (400, "invalid_search_filter"),
    ],
)
def test_a_refusing_server_is_unavailable_never_wider(engine, fake, failure):
    fake.failing = failure
    with pytest.raises(SearchUnavailable):
        engine.search(SearchQuery(filters={"hosting": frozenset({"AWS"})}))
    assert not engine.health().available


def test_a_server_that_keeps_failing_is_left_alone_for_a_while(engine, fake, monkeypatch):
    fake.failing = (500, "internal")
    for _ in range(3):
        with pytest.raises(SearchUnavailable):
            engine.search(SearchQuery())
    asked = len(fake.requests)
    fake.failing = None
    with pytest.raises(SearchUnavailable):
        engine.search(SearchQuery())
    assert len(fake.requests) == asked
    later = time.monotonic() + 60
    monkeypatch.setattr("search.breaker.time.monotonic", lambda: later)
    assert engine.search(SearchQuery()).total == 3
    assert engine.search(SearchQuery()).total == 3


def test_a_refusal_does_not_open_the_breaker(engine, fake):
    fake.failing = (400, "invalid_search_filter")
    for _ in range(5):
        with pytest.raises(SearchUnavailable):
            engine.search(SearchQuery())
    fake.failing = None
    assert engine.search(SearchQuery()).total == 3


def test_a_closed_port_is_unavailable():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    engine = MeilisearchEngine(f"http://127.0.0.1:{port}", timeout=1)
    with pytest.raises(SearchUnavailable):
        engine.search(SearchQuery())
    health = engine.health()
    assert (health.available, health.documents) == (False, 0)


def test_a_hanging_server_costs_its_timeout_and_then_nothing():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        engine = MeilisearchEngine(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=1)

        def ask():
            with pytest.raises(SearchUnavailable):
                engine.search(SearchQuery())

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        started = time.monotonic()
        with pytest.raises(SearchUnavailable):
            engine.search(SearchQuery())
        assert time.monotonic() - started < 0.5


@pytest.fixture
def held(engine, fake):
    """Give the settings that the fake holds for the engine's index, to change them."""
    return fake.indexes[engine._index]["settings"]


def test_a_server_whose_settings_were_changed_is_named(engine, held):
    assert engine.differing_settings() == []
    kept = dict(held)
    held["pagination"] = {"maxTotalHits": 1000}
    held["rankingRules"] = list(reversed(kept["rankingRules"]))
    held["filterableAttributes"] = list(reversed(kept["filterableAttributes"]))
    assert engine.differing_settings() == ["rankingRules", "pagination.maxTotalHits"]
    held["pagination"] = None
    held["faceting"] = {"maxValuesPerFacet": 100}
    assert "faceting.maxValuesPerFacet" in engine.differing_settings()
    held.update(kept)
    limits = ["pagination.maxTotalHits", "faceting.maxValuesPerFacet"]
    assert find_differences(kept, 2_000_000) == limits
    described = [{"attributePatterns": kept["filterableAttributes"]}]
    assert find_faults({**kept, "filterableAttributes": described}, 3) == []
    assert set(find_faults({}, 0)) > {*limits, "searchableAttributes", "rankingRules"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pagination", {"maxTotalHits": 3}),
        ("faceting", {"maxValuesPerFacet": 2}),
        ("filterableAttributes", ["kind", "offering_id"]),
        ("sortableAttributes", []),
        ("displayedAttributes", ["id"]),
        ("rankingRules", ["words", "sort"]),
        ("typoTolerance", {"enabled": True}),
        ("stopWords", ["z"]),
        ("synonyms", {"sakura": ["aws"]}),
        ("distinctAttribute", "maker"),
    ],
)
def test_a_server_that_would_leave_rows_out_is_not_asked(fake, fake_server, name, value):
    engine = make_engine(fake_server[1])
    engine.rebuild([make_record(number, hi="戸籍") for number in range(3)])
    held = fake.indexes[engine._index]["settings"]
    kept = dict(held)
    held[name] = value
    # A process that starts now, as the indexer and the web do.
    started = MeilisearchEngine(fake_server[1], index=engine._index)
    assert name in started.health().detail
    for ask in (
        lambda: started.search(SearchQuery()),
        lambda: started.search_all(SearchQuery()),
        lambda: started.complete("戸", seed=0, limit=8),
        lambda: started.upsert([make_record(4)]),
    ):
        with pytest.raises(SearchUnavailable, match=name):
            ask()
    held.clear()
    held.update(kept)
    assert started.search(SearchQuery()).total == 3


def test_a_catalog_that_outgrows_its_server_is_noticed(engine, fake, held, monkeypatch):
    held["pagination"] = {"maxTotalHits": 6}
    engine.upsert([make_record(number, hi="戸籍") for number in range(3, 5)])
    with pytest.raises(SearchUnavailable, match="maxTotalHits"):
        engine.upsert([make_record(number, hi="戸籍") for number in range(5, 7)])
    monkeypatch.setitem(SETTINGS, "pagination", {"maxTotalHits": 9})
    engine.rebuild([make_record(number, hi="戸籍") for number in range(8)])
    with pytest.raises(SearchUnavailable, match="maxTotalHits"):
        engine.rebuild([make_record(number, hi="戸籍") for number in range(9)])
    assert engine.search(SearchQuery()).total == 8


def test_the_master_key_makes_two_keys_that_may_do_no_more_than_needed(fake, fake_server):
    fake.keys.clear()
    made = make_keys(fake_server[1], "master")
    assert made == make_keys(fake_server[1], "master")
    assert made["search"] != made["indexer"]
    allowed = {key["key"]: key for key in fake.keys.values()}
    asking, feeding = allowed[made["search"]], allowed[made["indexer"]]
    assert not [
        action
        for action in asking["actions"]
        if action.endswith((".add", ".delete", ".create", ".update", ".swap", "*"))
    ]
    assert not [each for each in feeding["actions"] if "*" in each or each.startswith("keys")]
    assert (asking["indexes"], feeding["indexes"]) == (["listings"], ["listings", "listings__*"])
    fake.failing = (403, "invalid_api_key")
    with pytest.raises(SearchUnavailable, match="鍵"):
        make_keys(fake_server[1], "wrong")


def test_nothing_but_the_indexer_writes_the_index():
    """The outbox's handlers, the rebuild and the check are the only ways in."""
    root = Path(__file__).resolve().parents[2]
    packages = ("accounts", "catalog", "core", "procurement", "search", "vendors")
    writers = {
        path.relative_to(root).as_posix()
        for package in packages
        for path in (root / package).rglob("*.py")
        if re.search(r"\b(\w*engine|part|one|server|reserve)\.(upsert|rebuild)\(", path.read_text())
        or "index_listings(" in path.read_text()
    }
    assert writers == {"search/indexer.py", "search/reserve.py"}
