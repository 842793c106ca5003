"""How fast the index is built, how large it is, how soon a change shows, how much memory it takes."""

import gc
import json
import multiprocessing
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import tantivy
from sqlmodel import Session, col, select

from bench.measures import measure
from bench.search.requests import Request, Requests
from bench.search.speed import percentile
from bench.search.world import Site, World, indexing, large, megabytes, served, small
from catalog.offerings.listed import Listed
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from core import db, outbox
from core.clock import today_jst
from search.analysis import searchable_text
from search.embedded import EmbeddedEngine, write_documents
from search.embedded_documents import _text_values, _values
from search.embedded_query import build_schema
from search.engine import SOLO, SearchQuery, SearchRecord
from search.indexer import LISTING_CHANGED
from search.projection import Zones, read_texts
from search.queries import read_records
from search.queries.listings import chunks, list_offering_ids

_PROCESSES = 2
_CHANGES, _PER_SECOND, _SETTLING = 200, 10, 20
_READERS = 8


# --- the raw rate --------------------------------------------------------------------------------


@lru_cache
def _sample() -> tuple[list[Zones], list[SearchRecord]]:
    """Load texts and records of the small catalog, before any time is taken."""
    texts: list[Zones] = []
    records: list[SearchRecord] = []
    small()
    with db.reading() as session:
        for part in chunks(list_offering_ids(session)):
            for version, record in read_records(session, part):
                texts.append(read_texts(version, today_jst()))
                records.append(record)
            session.expunge_all()
    return texts, records


def _analyse(zones: Zones) -> str:
    return searchable_text(zones.hi, zones.lo, zones.ft)


@contextmanager
def _empty_index() -> Iterator[EmbeddedEngine]:
    folder = Path(tempfile.mkdtemp(prefix="narabi-bench-"))
    try:
        yield EmbeddedEngine(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@lru_cache
def time_raw_adding() -> float:
    """Return listings a second: the same analysis, and the engine's writer fed with its words.

    Everything else that a document holds is ready before: no database, no outbox, no grouping.
    """
    texts, records = _sample()
    ready = [(_values(record) | {"kind": SOLO}, record.analysed) for record in records]
    folder = Path(tempfile.mkdtemp(prefix="narabi-bench-"))
    with multiprocessing.get_context("spawn").Pool(_PROCESSES) as pool:
        pool.map(_analyse, texts[:20])
        start = time.perf_counter()
        write_documents(folder, _documents(ready, pool.imap(_analyse, texts, 50)))
        seconds = time.perf_counter() - start
    shutil.rmtree(folder, ignore_errors=True)
    return len(records) / seconds


def _documents(
    ready: list[tuple[dict[str, Any], str]], texts: Iterable[str]
) -> Iterator[tantivy.Document]:
    """Complete documents by the words of a text as it is analysed."""
    for (values, expected), text in zip(ready, texts, strict=True):
        if text != expected:
            raise AssertionError("the raw analysis differs from the product's")
        yield tantivy.Document.from_dict(values | _text_values(text), build_schema())


def _with_texts(records: list[SearchRecord], texts: Iterator[str]) -> Iterator[SearchRecord]:
    for record, text in zip(records, texts, strict=True):
        if record.analysed != text:
            raise AssertionError("the raw analysis differs from the product's")
        yield record


@measure(
    "search_rebuild_rate", goal=">= 0.7", unit="×", base="raw engine's add rate, two processes"
)
def compare_rebuild() -> float:
    """Return the rate of the rebuild command, nothing analysed before, against the raw rate."""
    world = large()
    return world.market.size / world.rebuilt.seconds / time_raw_adding()


@measure("search_bulk_build", goal="<= 1.6", unit="×", base="pure analysis, one process")
def compare_bulk_build() -> float:
    """Return how much longer analysis and index together take than analysis alone."""
    texts, records = _sample()
    # What the measure itself keeps is no part of it: collections would walk it while the index is built.
    gc.collect()
    gc.freeze()
    start = time.process_time()
    analysed = [_analyse(zones) for zones in texts]
    pure = time.process_time() - start
    with _empty_index() as engine:
        start = time.process_time()
        engine.rebuild(_with_texts(records, map(_analyse, texts)))
        whole = time.process_time() - start
    gc.unfreeze()
    if len(analysed) != len(records):
        raise AssertionError("not everything was analysed")
    return whole / pure


# --- size ----------------------------------------------------------------------------------------


@measure("search_index_size", goal="<= 1.2", unit="×", base="source as JSON, 100k listings")
def compare_index_size() -> float:
    """Return the bytes of the index for each byte of what it was made from."""
    world = large()
    index = sum(file.stat().st_size for file in world.generation.iterdir())
    return index / _source_bytes(world)


def _source_bytes(world: World) -> float:
    """Return the bytes of the listings as JSON: ids, texts, values of facets and costs."""
    total = listings = 0
    with db.reading() as session:
        services = list_offering_ids(session)
        for part in chunks(services[:: max(1, len(services) // 2_000)]):
            for version, record in read_records(session, part):
                total += len(_as_json(version, record).encode())
                listings += 1
            session.expunge_all()
    return total / listings * world.market.size


def _as_json(version: Listed, record: SearchRecord) -> str:
    zones = read_texts(version, today_jst())
    source = {
        "listing_version_id": record.listing_version_id,
        "listing_id": record.listing_id,
        "offering_id": record.offering_id,
        "names": zones.hi,
        "around": zones.lo,
        "features": zones.ft,
        "facets": {name: sorted(values) for name, values in record.facets.items() if values},
        "yearly_costs": dict(record.yearly_costs),
    }
    return json.dumps(source, ensure_ascii=False)


# --- one change ----------------------------------------------------------------------------------


@measure(
    "search_change_visible",
    goal="<= 1",
    unit="s",
    base=f"p95 of {_CHANGES} changes, {_PER_SECOND} a second, 100k listings",
)
def time_changes() -> float:
    """Return the seconds from the commit of a change until a search finds it."""
    world = large()
    with db.reading() as session:
        targets = _targets(session)
    watcher = _Watcher(world.engine)
    with indexing(world):
        _change(targets[0], "慣らし")
        watcher.wait_for("慣らし", 60)
        start = time.monotonic()
        for number, target in enumerate(targets[1:]):
            time.sleep(max(0.0, start + number / _PER_SECOND - time.monotonic()))
            word = f"変更xq{number}"
            _change(target, word)
            watcher.expect(word)
        return percentile(watcher.finish(_SETTLING), 0.95)


def _targets(session: Session) -> list[tuple[object, object]]:
    statement = (
        select(ListingVersion.listing_id, ListingVersion.offering_version_id)
        .where(ListingVersion.state == OfferState.PUBLISHED)
        .order_by(col(ListingVersion.id))
        .limit(_CHANGES + 1)
    )
    return list(session.exec(statement))


def _change(target: tuple[object, object], word: str) -> None:
    """Change a published text and tell the outbox in the same transaction, as the services do."""
    listing_id, offering_version_id = target
    with db.transaction() as session:
        version = session.get_one(OfferingVersion, offering_version_id)
        version.revise(summary=word)
        outbox.publish(session, LISTING_CHANGED, {"listing_id": listing_id})


class _Watcher:
    """Searches for words until each is found."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self._waiting: dict[str, float] = {}
        self._taken: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def expect(self, word: str) -> None:
        """Begin to look for a word that has just been committed."""
        self._waiting[word] = time.monotonic()

    def wait_for(self, word: str, seconds: float) -> None:
        """Look for one word; fails when it does not come."""
        deadline = time.monotonic() + seconds
        while not self._engine.search(SearchQuery(text=word)).total:
            if time.monotonic() > deadline:
                raise RuntimeError("the indexer does nothing")
            time.sleep(0.1)

    def finish(self, seconds: float) -> list[float]:
        """Wait for the rest; fails when a change never came."""
        deadline = time.monotonic() + seconds
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        self._stop.set()
        self._thread.join()
        if self._waiting:
            raise RuntimeError(f"{len(self._waiting)} changes never came")
        return self._taken

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            for word in list(self._waiting):
                if not self._engine.search(SearchQuery(text=word)).total:
                    break  # changes come in order: the later ones are not there either
                self._taken.append(time.monotonic() - self._waiting.pop(word))


# --- memory --------------------------------------------------------------------------------------


@measure("search_web_memory", goal="<= 500", unit="MB", base="RSS of one web worker, 100k listings")
def take_web_memory() -> float:
    """Return the memory of a worker after 200 different searches by eight readers at once."""
    world = large()
    with served(world) as site, ThreadPoolExecutor(_READERS) as pool:
        drawn = Requests("memory").draw(100)
        for done in [pool.submit(_browse, site, drawn[each::_READERS]) for each in range(_READERS)]:
            done.result()
        return site.worker_megabytes()


def _browse(site: Site, requests: Sequence[Request]) -> None:
    own = site.another()
    for request in requests:
        own.get(request.address)
        own.get(request.page_address)


@measure("search_indexer_memory", goal="<= 500", unit="MB", base="peak RSS, 100k listings")
def take_indexer_memory() -> float:
    """Return the higher peak of the rebuild and of the running indexer after some changes."""
    world = large()
    with db.reading() as session:
        targets = _targets(session)[:20]
    watcher = _Watcher(world.engine)
    with indexing(world) as pid:
        for number, target in enumerate(targets):
            _change(target, f"記憶xq{number}")
            watcher.expect(f"記憶xq{number}")
        watcher.finish(120)
        return max(world.rebuilt.peak_megabytes, megabytes(pid, "VmHWM"))
