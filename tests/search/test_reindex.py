"""Rebuilding while everything goes on, and drift between index and database, on both engines."""

import os
import threading
import time
from dataclasses import replace
from functools import partial

import pytest
from pydantic import SecretStr

from app import outbox_handlers
from catalog.offerings.models import ListingVersion, OfferAction, OfferingVersion
from core import db, outbox
from search import indexer
from search.analysis import searchable_text
from search.engine import SearchQuery
from search.indexer import check, rebuild
from search.meilisearch import MeilisearchEngine
from search.queries import get_engine, read_records
from search.queries.listings import list_offering_ids
from search.reserve import parts_of
from tests import factories
from tests.search.conftest import KINDS, SERVER, name_index, server_key
from tests.search.market import index_all, open_listing, publish

AWS = {"hosting": frozenset({"aws"})}


@pytest.fixture(params=KINDS)
def served(request, settings, monkeypatch):
    """Give settings for each engine; the server's index is not there at first."""
    if request.param == "embedded":
        return settings
    index = name_index()
    monkeypatch.setattr("search.queries.MeilisearchEngine", partial(MeilisearchEngine, index=index))
    if request.param == "server":
        values = {"search_url": os.environ[SERVER], "search_key": SecretStr(server_key() or "")}
    else:
        request.getfixturevalue("fake")
        values = {"search_url": request.getfixturevalue("fake_server")[1]}
    return settings.model_copy(update=values)


class Reader(threading.Thread):
    """Asks the same question all the time, and notes every answer that may not be."""

    def __init__(self, engine, always, sometimes):
        super().__init__()
        self.engine, self.always, self.allowed = engine, always, always | sometimes
        self.stopped = threading.Event()
        self.asked, self.generations, self.wrong = 0, set(), []

    def run(self):
        while not self.stopped.is_set():
            try:
                answer = self.engine.search(SearchQuery(filters=AWS, per_page=100))
            except Exception as error:  # noqa: BLE001 -- every failure is a finding
                self.wrong.append(repr(error))
                continue
            found = set(answer.ids)
            if not self.always <= found <= self.allowed or not answer.facets["hosting"]["aws"]:
                self.wrong.append(found)
            self.generations.add(answer.generation)
            self.asked += 1


class Vendor(threading.Thread):
    """Takes some listings away and publishes others while half of the new index is written."""

    def __init__(self, handlers, leaving, coming):
        super().__init__()
        self.handlers, self.pairs = handlers, list(zip(leaving, coming, strict=True))
        self.half, self.done = threading.Event(), threading.Event()
        self.seen = []

    def run(self):
        self.half.wait(20)
        for gone, new in self.pairs:
            with db.transaction() as session:
                session.get(ListingVersion, gone.id).apply(OfferAction.WITHDRAW)
                session.get(OfferingVersion, new.offering_version_id).apply(OfferAction.PUBLISH)
                session.get(ListingVersion, new.id).apply(OfferAction.PUBLISH)
                for each in (gone, new):
                    outbox.publish(
                        session, "search.listing_changed", {"listing_id": each.listing_id}
                    )
            outbox.drain(self.handlers)
        self.done.set()

    def progress(self, done, total):
        """Hold the rebuild until all is changed."""
        self.seen.append((done, total))
        if done * 2 >= total:
            self.half.set()
            assert self.done.wait(20)


def open_market():
    """Give what stays and is asked for, stays and is not, leaves, and comes."""
    with db.transaction() as session:
        shared = {
            "maker": factories.vendor(session),
            "specification": factories.specification(session),
        }
        return [
            [open_listing(session, **shared, **values) for _ in range(number)]
            for number, values in (
                (4, {}),
                (2, {"hosting_provider": "sakura"}),
                (2, {}),
                (2, {"state": "approved"}),
            )
        ]


def ids_of(*groups):
    return {str(each.id) for group in groups for each in group}


@pytest.mark.acceptance(37)
def test_index_is_rebuilt_while_readers_search_and_vendors_publish(settings, served, monkeypatch):
    engine, handlers = parts_of(get_engine(served))[-1], outbox_handlers(served)
    kept, others, leaving, coming = open_market()
    outbox.drain(handlers)
    index_all(served, *kept, *others, *leaving)
    reader = Reader(engine, ids_of(kept), ids_of(leaving, coming))
    vendor = Vendor(handlers, leaving, coming)
    monkeypatch.setattr(indexer, "chunks", lambda ids: ([each] for each in ids))
    reader.start()
    vendor.start()
    try:
        count = rebuild(engine, vendor.progress)
        asked = reader.asked
        while reader.asked < asked + 2 and not reader.wrong:
            time.sleep(0.01)
    finally:
        reader.stopped.set()
        reader.join()
        vendor.join()
    assert reader.wrong == []
    assert len(reader.generations) == 2
    assert count == 8
    assert vendor.seen[:4] == [(done, 8) for done in range(1, 5)]
    assert vendor.seen[-1][0] == vendor.seen[-1][1]
    # Nothing is delivered again: what changed meanwhile is in the index that was switched to.
    assert set(engine.search_all(SearchQuery()).ids) == ids_of(kept, others, coming)
    assert check(engine).count == 0


@pytest.mark.acceptance(37)
@pytest.mark.sqlite_only
def test_every_kind_of_drift_is_found_and_mended(served):
    engine = get_engine(served)
    with db.transaction() as session:
        versions = [open_listing(session, name=f"へや予約{number}号") for number in range(6)]
    index_all(served, *versions)
    assert check(engine).count == 0
    with db.reading() as session:
        records = {
            record.listing_id: record
            for _, record in read_records(session, list_offering_ids(session))
        }
    missing, surplus, facet, text, cost = (str(each.listing_id) for each in versions[:5])
    stale = records[facet]
    engine.upsert(
        [
            replace(stale, facets={**stale.facets, "hosting": frozenset({"azure"})}),
            replace(records[text], analysed=searchable_text("古い名前", "", "")),
            replace(records[cost], yearly_costs={1_000: 1}),
        ]
    )
    engine.delete([missing])
    with db.transaction() as session:
        session.get(ListingVersion, versions[1].id).apply(OfferAction.WITHDRAW)
    drift = check(engine)
    assert (drift.missing, drift.surplus) == ({missing}, {surplus})
    assert drift.different == {facet, text, cost}
    assert check(engine).count == 0
    assert engine.search(SearchQuery(text="古い名前")).total == 0
    assert engine.search(SearchQuery(text="へや予約")).total == 5
    assert engine.search(SearchQuery(filters={"hosting": frozenset({"azure"})})).total == 0


@pytest.mark.sqlite_only
def test_a_second_rebuild_at_once_is_refused_and_the_first_unharmed(settings, monkeypatch):
    engine = get_engine(settings)
    with db.transaction() as session:
        version = open_listing(session)
    monkeypatch.setattr("search.embedded._LOCK_SECONDS", 0.05)
    refused = []

    def progress(_done, _total):
        with pytest.raises(Exception, match="作り直しています") as caught:
            engine.rebuild([])
        refused.append(caught.type.__name__)

    assert rebuild(engine, progress) == 1
    assert refused == ["SearchUnavailable"]
    publish("search.listing_changed", listing_id=version.listing_id)
    assert outbox.drain(outbox_handlers(settings)) == 1
    assert engine.search(SearchQuery()).total == 1


def test_catalog_is_read_by_other_processes_and_here_when_they_end(settings, monkeypatch):
    engine = get_engine(settings)
    with db.transaction() as session:
        versions = [open_listing(session, name=f"へや予約{number}号") for number in range(3)]
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("search.texts._WORTH_PROCESSES", 0)
        elsewhere.delattr("search.texts.read_records")
        assert rebuild(engine) == 3
    assert check(engine).count == 0
    with db.transaction() as session:
        texts = [session.get(ListingVersion, each.id) for each in versions]
        assert all(each.search_text for each in texts)
        texts[0].revise(notice_months=7)
    with monkeypatch.context() as broken:
        # A process that cannot begin breaks the pool, as one does that is killed.
        broken.setattr("search.texts._WORTH_PROCESSES", 0)
        broken.setattr("search.texts._begin_process", os._exit)
        assert rebuild(engine) == 3
    assert engine.search(SearchQuery(text="へや予約")).total == 3
    assert check(engine).count == 0
