"""The search server as an engine: the official client, tasks waited for, failures contained."""

import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError, MeilisearchError
from requests.exceptions import RequestException

from search.analysis import plan_query
from search.engine import (
    FACETS,
    WHOLE,
    Completions,
    EngineHealth,
    Hit,
    IndexMissing,
    SearchQuery,
    SearchRecord,
    SearchResult,
    SearchUnavailable,
    group_records,
    iterate_groups,
    shuffle_makers,
)
from search.meilisearch_query import (
    MAX_HITS,
    SCHEMA_VERSION,
    SETTINGS,
    build_documents,
    build_filter,
    build_stale,
    read_strictly,
)
from search.meilisearch_read import Question, read_completions, read_page
from search.prefixes import beginning, inside

NAME = "meilisearch"

_BATCH = 500
_TASK_SECONDS = 300
_WRITE_SECONDS = 30
_FAILURES_TO_OPEN = 3
_OPEN_SECONDS = 10.0
_PARALLEL = 8


class CircuitBreaker:
    """Stops asking a server that does not answer, and lets few ask at once.

    A hanging server would otherwise hold every thread of every page for the whole timeout.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_PARALLEL)
        self._failures = 0
        self._open_until = 0.0

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Pass on, or raise SearchUnavailable at once while the server is given a rest."""
        with self._lock:
            if time.monotonic() < self._open_until:
                raise SearchUnavailable
            if self._failures >= _FAILURES_TO_OPEN:
                # One question tries whether the server is back; the others wait for its result.
                self._open_until = time.monotonic() + _OPEN_SECONDS
        if not self._room.acquire(timeout=0.2):
            raise SearchUnavailable
        try:
            yield
        except (MeilisearchError, RequestException, ValueError, KeyError) as error:
            # ValueError and KeyError: the answer was not what a search server gives.
            self._note(failed=_is_failure(error))
            raise _mapped(error) from error
        else:
            self._note(failed=False)
        finally:
            self._room.release()

    def _note(self, *, failed: bool) -> None:
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            is_open = self._failures >= _FAILURES_TO_OPEN
            self._open_until = time.monotonic() + _OPEN_SECONDS if is_open else 0.0


class MeilisearchEngine:
    """A SearchEngine over one index of a Meilisearch server.

    `timeout` is in seconds and holds for questions; writes wait for the server's task, so they
    belong into the outbox worker. While `rebuild` runs, other writers change the index that is
    about to be replaced: the caller repeats, afterwards, what changed since it began.
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
        with self._breaker.guard():
            client = self._client(self._timeout)
            for tokens in (beginning(key), inside(key)) if key else ():
                if tokens and min(len(names), len(makers)) < limit:
                    hits, found = read_completions(client, self._index, tokens, seed, limit)
                    names.update(dict.fromkeys(hits))
                    makers.update(dict.fromkeys(shuffle_makers(found, seed)))
        return Completions(tuple(names)[:limit], tuple(makers)[:limit])

    def health(self) -> EngineHealth:
        """Say whether searches can be answered; never raises."""
        try:
            with self._breaker.guard():
                client = self._client(self._timeout)
                generation = self._generation(client)
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
        with self._breaker.guard():
            client = self._client(self._timeout)
            generation = self._generation(client)
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
        groups = {key: build_documents(each) for key, each in group_records(records).items()}
        documents = [document for group in groups.values() for document in group]
        with self._breaker.guard():
            client = self._client(_WRITE_SECONDS)
            self._generation(client)
            for start in range(0, len(documents), _BATCH):
                batch = documents[start : start + _BATCH]
                _finish(client, client.index(self._index).add_documents(batch))
            for offering_id, group in groups.items():
                stale = build_stale(offering_id, frozenset(each["id"] for each in group))
                _finish(client, client.index(self._index).delete_documents(filter=stale))

    def delete(self, listing_ids: Iterable[str]) -> None:
        """Remove listings; ids that the index does not hold are passed over."""
        ids = list(listing_ids)
        with self._breaker.guard():
            client = self._client(_WRITE_SECONDS)
            self._generation(client)
            for start in range(0, len(ids), _BATCH):
                chosen = build_filter({"listing_id": frozenset(ids[start : start + _BATCH])})
                _finish(client, client.index(self._index).delete_documents(filter=chosen))

    def rebuild(self, records: Iterable[SearchRecord]) -> int:
        """Fill a new index, check its size, swap it in at once and delete the old one."""
        fresh = f"{self._index}__{secrets.token_hex(6)}"
        try:
            count = self._fill(fresh, records)
            with self._breaker.guard():
                client = self._client(_WRITE_SECONDS)
                self._ensure_index(client)
                _finish(client, client.swap_indexes([{"indexes": [self._index, fresh]}]))
        finally:
            self._remove(fresh)
        return count

    def _fill(self, fresh: str, records: Iterable[SearchRecord]) -> int:
        with self._breaker.guard():
            client = self._client(_WRITE_SECONDS)
            _finish(client, client.create_index(fresh, {"primaryKey": "id"}))
            _finish(client, client.index(fresh).update_settings(SETTINGS))
        count = 0
        listings = 0
        rows = iterate_groups(records)
        while batch := [each for group in islice(rows, _BATCH) for each in build_documents(group)]:
            with self._breaker.guard():
                _finish(client, client.index(fresh).add_documents(batch))
            count += len(batch)
            listings += sum(each["kind"] != WHOLE for each in batch)
        with self._breaker.guard():
            stored = client.index(fresh).get_stats().number_of_documents
        if stored != count:
            raise SearchUnavailable(f"索引に{count}件を送りましたが、{stored}件でした。")
        return listings

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
            clients[timeout] = Client(self._url, self._api_key, timeout=timeout)
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


def _is_failure(error: Exception) -> bool:
    """Say whether the server failed, and did not merely refuse this request."""
    if isinstance(error, MeilisearchApiError):
        return error.status_code >= 500 or error.status_code == 429
    return True


def _mapped(error: Exception) -> SearchUnavailable:
    code = error.code if isinstance(error, MeilisearchApiError) else None
    if code == "index_not_found":
        return IndexMissing("検索の索引がまだありません。索引を作り直してください。")
    if code in {"invalid_api_key", "missing_authorization_header"}:
        return SearchUnavailable("検索サーバーの鍵が正しくありません。")
    return SearchUnavailable()
