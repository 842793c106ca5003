"""Every request to the search server fits its published description, and a stranger one is refused."""

import pytest
from meilisearch import Client
from meilisearch.errors import MeilisearchApiError

from search.engine import PriceCap, SearchQuery, SearchUnavailable
from search.meilisearch import MeilisearchEngine
from search.server_setup import make_keys
from tests.search.conftest import make_engine
from tests.search.corpus import make_corpus, make_record, make_sold
from tests.search.description import USED, Fault, load_description

pytestmark = pytest.mark.shared_data


def use_everything(engine):
    """Call whatever the adapter offers, in every shape of request."""
    engine.rebuild(make_corpus(20))
    engine.upsert([*make_sold(8), make_record(900, hi="マイナンバーカード Sakura")])
    aws = {"hosting": frozenset({"AWS", "x"})}
    terms = {"price_band": frozenset({"1"}), "exit_charge": frozenset({"free"})}
    cap = PriceCap(10_000, 2_000_000, frozenset({"a", "b"}), frozenset({"a"}))
    for text in ("", "住基", "sakula", "住民の引っ越しを予約したい"):
        for filters, limit in (({}, None), (aws, None), (terms, cap)):
            engine.search(SearchQuery(text=text, filters=filters, price_cap=limit))
            engine.search_all(SearchQuery(text=text, filters=filters, sort="cost_10000"))
    engine.complete("見本", seed=1, limit=8)
    engine.delete([make_record(900).listing_id])
    assert engine.differing_settings() == []
    assert engine.fingerprints()
    assert engine.health().available


def test_every_request_is_described_and_no_other_is_sent(fake, fake_server):
    fake.seen.clear()
    fake.keys.clear()
    make_keys(fake_server[1], "master")
    make_keys(fake_server[1], "master")
    use_everything(make_engine(fake_server[1]))
    assert fake.seen == USED


def test_each_key_is_enough_for_its_process_and_for_no_more(fake, fake_server):
    fake.keys.clear()
    fake.indexes.pop("listings", None)
    keys = make_keys(fake_server[1], "master")
    feeding = MeilisearchEngine(fake_server[1], keys["indexer"])
    feeding.rebuild(make_corpus(5))
    feeding.upsert([make_record(6, hi="住基")])
    feeding.delete([make_record(1).listing_id])
    assert len(feeding.fingerprints()) == 5
    asking = MeilisearchEngine(fake_server[1], keys["search"])
    assert asking.health().available
    assert asking.differing_settings() == []
    assert (
        asking.search(SearchQuery(text="住基")).total
        == feeding.search(SearchQuery(text="住基")).total
    )
    asking.complete("見本", seed=1, limit=8)
    for write in (
        lambda: asking.upsert([make_record(1)]),
        lambda: asking.delete(["1"]),
        lambda: asking.rebuild([]),
    ):
        with pytest.raises(SearchUnavailable, match="鍵"):
            write()
    for key in keys.values():
        with pytest.raises(SearchUnavailable, match="鍵"):
            make_keys(fake_server[1], key)
        with pytest.raises(SearchUnavailable, match="鍵"):
            MeilisearchEngine(fake_server[1], key, index="others").search(SearchQuery())


QUESTION = {"indexUid": "listings", "q": "", "page": 1, "hitsPerPage": 1}


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/multi-search", {"queries": [QUESTION | {"hitPerPage": 1}]}),
        ("POST", "/multi-search", {"queries": [QUESTION | {"page": "1"}]}),
        ("POST", "/multi-search", {"queries": [QUESTION | {"filter": [[1]]}]}),
        ("POST", "/multi-search", {"queries": [QUESTION | {"facets": "hosting"}]}),
        ("POST", "/multi-search", {"queries": [QUESTION | {"locales": ["japanese"]}]}),
        ("POST", "/multi-search", {"queries": [{"q": "a"}]}),
        ("POST", "/multi-search", {"queries": [], "federation": {"facetByIndex": {}}}),
        ("POST", "/multi-search", None),
        ("POST", "/multi_search", {"queries": []}),
        ("GET", "/multi-search", None),
        ("GET", "/tasks/last", None),
        ("GET", "/tasks?status=failed", None),
        ("GET", "/tasks?statuses=failed&statuses=enqueued", None),
        ("GET", "/indexes?limit=many", None),
        ("PATCH", "/indexes/x/settings", {"filterableAttribute": []}),
        ("PATCH", "/indexes/x/settings", {"pagination": {"maxTotalHit": 9}}),
        ("PATCH", "/indexes/x/settings", {"faceting": {"maxValuesPerFacet": "9"}}),
        ("PATCH", "/indexes/x/settings", {"typoTolerance": {"disableOnWord": []}}),
        ("PATCH", "/indexes/x/settings", {"searchCutoffMs": "1 s"}),
        ("POST", "/indexes/x/documents", {"id": "not a list"}),
        ("POST", "/indexes/x/documents", [{"uid": "a"}]),
        ("POST", "/indexes/x/documents?primarykey=id", [{"id": "a"}]),
        ("POST", "/indexes/x/documents/delete", {"filters": "id = 1"}),
        ("POST", "/indexes", {"uid": "x", "primary_key": "id"}),
        ("POST", "/swap-indexes", {"indexes": ["a", "b"]}),
        ("POST", "/keys", {"actions": ["search.all"], "indexes": ["*"], "expiresAt": None}),
    ],
)
def test_what_is_not_described_is_refused(method, target, body):
    with pytest.raises(Fault):
        load_description().check_request(method, target, "application/json", body)


def test_what_is_described_passes_by_the_corrected_description():
    for method, target, kind, body in (
        ("GET", "/tasks?statuses=failed,enqueued&limit=5", "", None),
        ("POST", "/indexes/x/documents", "application/x-ndjson", '{"id": 1}\n'),
        ("POST", "/multi-search", "application/json", {"queries": [QUESTION | {"facets": ["a"]}]}),
    ):
        assert load_description().check_request(method, target, kind, body)
    with pytest.raises(Fault):
        load_description().check_request("POST", "/keys", "text/plain", "{}")


def test_the_official_client_is_refused_a_misspelt_parameter(fake_server):
    engine = make_engine(fake_server[1])
    engine.rebuild([])
    asked = QUESTION | {
        "indexUid": engine._index,
        "sort": ["newest:asc"],
        "matchingStrategy": "all",
    }
    assert Client(fake_server[1]).multi_search([asked])["results"][0]["hits"] == []
    with pytest.raises(MeilisearchApiError, match="hitPerPage"):
        Client(fake_server[1]).multi_search([asked | {"hitPerPage": 1}])
