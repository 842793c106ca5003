"""The search server as an engine: the official client, tasks waited for, failures contained."""

import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError

from search.analysis import plan_query
from search.breaker import CircuitBreaker
from search.deadline import TimedClient
from search.engine import (
    FACETS,
    CatchUp,
    Completions,
    EngineHealth,
    Hit,
    IndexMissing,
    SearchQuery,
    SearchRecord,
    SearchResult,
    SearchUnavailable,
    group_records,
    no_changes,
    shuffle_makers,
)
from search.meilisearch_query import (
    MAX_HITS,
    SCHEMA_VERSION,
    SETTINGS,
    build_documents,
    build_filter,
    build_stale,
    prepare_documents,
    read_strictly,
)
from search.meilisearch_read import Question, read_completions, read_fingerprints, read_page
from search.prefixes import beginning, inside
from search.server_setup import SettingsWatch, find_differences, refuse_faults
from search.streams import prepare

NAME = "meilisearch"

_BATCH = 500
_TASK_SECONDS = 300
_WRITE_SECONDS = 30


class MeilisearchEngine:
    """A SearchEngine over one index of a Meilisearch server.

    `timeout` is in seconds and holds for a whole question, however many answers it takes; writes
    wait for the server's task, so they belong into the outbox worker.
    """

    def __init__(
        self, url: str, api_key: str | None = None, *, index: str = "listings", timeout: int = 2
    ) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._index = index
        self._timeout = timeout
        self._local = threading.local()
        self._breaker = CircuitBreaker()
        self._settings = SettingsWatch(index)
        self._version = ""

    # --- reading ---------------------------------------------------------------------------------

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer one page with facet counts; raises SearchUnavailable."""
        return self._search(query, page=query.page, per_page=query.per_page, grouped=True)

    def search_all(self, query: SearchQuery) -> SearchResult:
        """Answer every hit in the same order, page and facet counts left out."""
        return self._search(query, page=1, per_page=MAX_HITS, grouped=False)

    def complete(self, key: str, *, seed: int, limit: int) -> Completions:
        """Give listings and makers whose name begins with or else holds a folded key."""
        names: dict[Hit, None] = {}
        makers: dict[str, None] = {}
        with self._breaker.guard(self._timeout):
            client = self._client(self._timeout)
            self._settings.require(client, self._generation(client))
            for tokens in (beginning(key), inside(key)) if key else ():
                if tokens and min(len(names), len(makers)) < limit:
                    hits, found = read_completions(client, self._index, tokens, seed, limit)
                    names.update(dict.fromkeys(hits))
                    makers.update(dict.fromkeys(shuffle_makers(found, seed)))
        return Completions(tuple(names)[:limit], tuple(makers)[:limit])

    def fingerprints(self) -> dict[str, str]:
        """Give the fingerprint of every record by its listing id, to compare with the database."""
        with self._breaker.guard():
            return read_fingerprints(self._client(_WRITE_SECONDS), self._index)

    def differing_settings(self) -> list[str]:
        """Name the server's settings that are not what the index needs; raises SearchUnavailable."""
        with self._breaker.guard():
            index = self._client(_WRITE_SECONDS).index(self._index)
            return find_differences(index.get_settings(), index.get_stats().number_of_documents)

    def health(self) -> EngineHealth:
        """Say whether searches can be answered; never raises."""
        try:
            with self._breaker.guard(self._timeout):
                client = self._client(self._timeout)
                generation = self._generation(client)
                self._settings.require(client, generation)
                documents = self._count_listings(client)
                version = self._engine_version(client)
        except SearchUnavailable as error:
            return EngineHealth(
                available=False,
                engine=NAME,
                engine_version=self._version,
                generation="",
                documents=0,
                detail=error.message,
                index_missing=isinstance(error, IndexMissing),
            )
        return EngineHealth(
            available=True,
            engine=NAME,
            engine_version=version,
            generation=generation,
            documents=documents,
            detail="検索できます。",
        )

    def _search(
        self, query: SearchQuery, *, page: int, per_page: int, grouped: bool
    ) -> SearchResult:
        plan = plan_query(query.text)
        with self._breaker.guard(self._timeout):
            client = self._client(self._timeout)
            generation = self._generation(client)
            self._settings.require(client, generation)
            asked = Question(client, self._index, query, page, per_page, grouped=grouped)
            hits, total, readings, relaxed = read_page(asked, query)
            counts = asked.count(readings, query.active_filters) if grouped else {}
            version = self._engine_version(client)
        nothing = not plan.terms and not plan.blank
        return SearchResult(
            hits=() if nothing else tuple(hits),
            total=0 if nothing else total,
            facets={facet: {} for facet in FACETS} if nothing and grouped else counts,
            relaxed=relaxed,
            seed=query.seed,
            engine=NAME,
            engine_version=version,
            generation=generation,
        )

    # --- writing ---------------------------------------------------------------------------------

    def upsert(self, records: Iterable[SearchRecord]) -> None:
        """Add all listings of some software in place of what it had; visible when it returns."""
        self._write(self._index, records, ())

    def delete(self, listing_ids: Iterable[str]) -> None:
        """Remove listings; ids that the index does not hold are passed over."""
        self._write(self._index, (), listing_ids)

    def rebuild(self, records: Iterable[SearchRecord], catch_up: CatchUp = no_changes) -> int:
        """Fill a new index, check its size, swap it in at once and delete the old one."""
        fresh = f"{self._index}__{secrets.token_hex(6)}"
        try:
            self._fill(fresh, records)
            self._write(fresh, *catch_up())
            with self._breaker.guard():
                client = self._client(_WRITE_SECONDS)
                self._ensure_index(client)
                _finish(client, client.swap_indexes([{"indexes": [self._index, fresh]}]))
            # Other writers wrote to the old index until the very swap.
            self._write(self._index, *catch_up())
            with self._breaker.guard():
                return self._count_listings(client)
        finally:
            self._remove(fresh)

    def _write(self, index: str, records: Iterable[SearchRecord], gone: Iterable[str]) -> None:
        """Put in and take out, in one index that must be there: a write would make a bare one."""
        groups = {key: build_documents(each) for key, each in group_records(records).items()}
        documents, ids = [each for group in groups.values() for each in group], list(gone)
        with self._breaker.guard():
            generation = self._client(self._timeout).get_raw_index(index)["createdAt"]
            client = self._client(_WRITE_SECONDS)
            if documents and index == self._index:
                # The catalog may have outgrown what the server was told to hold.
                self._settings.require(client, generation, adding=len(documents))
            for start in range(0, len(documents), _BATCH):
                batch = documents[start : start + _BATCH]
                _finish(client, client.index(index).add_documents(batch))
            for offering_id, group in groups.items():
                stale = build_stale(offering_id, frozenset(each["id"] for each in group))
                _finish(client, client.index(index).delete_documents(filter=stale))
            for start in range(0, len(ids), _BATCH):
                chosen = build_filter({"listing_id": frozenset(ids[start : start + _BATCH])})
                _finish(client, client.index(index).delete_documents(filter=chosen))

    def _fill(self, fresh: str, records: Iterable[SearchRecord]) -> None:
        with self._breaker.guard():
            client = self._client(_WRITE_SECONDS)
            _finish(client, client.create_index(fresh, {"primaryKey": "id"}))
            _finish(client, client.index(fresh).update_settings(SETTINGS))
        count = 0
        for turn in prepare(records, prepare_documents):
            for start in range(0, len(turn), _BATCH):
                batch = turn[start : start + _BATCH]
                with self._breaker.guard():
                    _finish(client, client.index(fresh).add_documents(batch))
                count += len(batch)
        with self._breaker.guard():
            stored = client.index(fresh).get_stats().number_of_documents
            held = client.index(fresh).get_settings()
        refuse_faults(held, count)
        if stored != count:
            raise SearchUnavailable(f"索引に{count}件を送りましたが、{stored}件でした。")

    def _remove(self, index: str) -> None:
        # What is left behind costs room, not truth: it must not hide how the rebuild ended.
        with suppress(SearchUnavailable), self._breaker.guard():
            client = self._client(_WRITE_SECONDS)
            _finish(client, client.delete_index(index))

    def _ensure_index(self, client: Client) -> None:
        try:
            client.get_raw_index(self._index)
        except MeilisearchApiError as error:
            if error.code != "index_not_found":
                raise
            _finish(client, client.create_index(self._index, {"primaryKey": "id"}))

    # --- the server ------------------------------------------------------------------------------

    def _client(self, timeout: int) -> Client:
        """Give this thread's client: the official one changes its headers while it asks."""
        clients: dict[int, Client] | None = getattr(self._local, "clients", None)
        if clients is None:
            clients = self._local.clients = {}
        if timeout not in clients:
            clients[timeout] = TimedClient(self._url, self._api_key, timeout=timeout)
        return clients[timeout]

    def _generation(self, client: Client) -> str:
        """Name the index behind the name: a swap brings another time of creation."""
        return str(client.get_raw_index(self._index)["createdAt"])

    def _count_listings(self, client: Client) -> int:
        """Count the listings; the documents of whole software are not more of them."""
        asked = Question(client, self._index, SearchQuery(), 1, 1, grouped=False)
        return asked.read(read_strictly(plan_query(""), SearchQuery()), {})[1]

    def _engine_version(self, client: Client) -> str:
        if not self._version:
            version = client.get_version()["pkgVersion"]
            self._version = f"meilisearch {version} / {SCHEMA_VERSION}"
        return self._version


def _finish(client: Client, task: Any) -> None:
    """Wait until the server has done a task: its error stands there, not in the first answer."""
    done = client.wait_for_task(task.task_uid, timeout_in_ms=_TASK_SECONDS * 1000)
    if done.status == "succeeded":
        return
    reason = (done.error or {}).get("message", "")
    raise SearchUnavailable(f"検索サーバーの更新に失敗しました。{reason}")
