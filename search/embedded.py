"""The embedded engine: a tantivy index in the data folder, one writer, any number of readers."""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import tantivy
from tantivy import Index, Query, Searcher

from search.analysis import plan_query
from search.embedded_counts import Facets, count_facets
from search.embedded_documents import build_documents, make_document, prepare_documents
from search.embedded_page import (
    complete,
    count_listings,
    read_fingerprints,
    read_page,
)
from search.embedded_query import (
    TOKENIZER,
    build_schema,
    build_strict,
    schema_fingerprint,
)
from search.engine import (
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
)
from search.recent import Recent
from search.streams import prepare

NAME = "embedded"
VERSION = f"tantivy {version('tantivy')} / {schema_fingerprint()}"

_CURRENT = "CURRENT"
_SHAPE = "narabi.json"
_UPDATE_HEAP = 30_000_000
_BUILD_HEAP = 128_000_000
_LOCK_SECONDS = 30.0
_KEPT_ANSWERS = 256

Stamp = tuple[str, int, int, int]
_Changes = list[tuple[str, str, list[tantivy.Document]]]
"""Field, value, and the documents to put in the place of all that have it."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One committed state of one generation, and the stamp by which a newer one is noticed."""

    pid: int
    stamp: Stamp
    index: Index
    searcher: Searcher

    @property
    def generation(self) -> str:
        return self.stamp[0]


class EmbeddedEngine:
    """A SearchEngine over files: `<data_dir>/search/<generation>/` and the pointer CURRENT."""

    def __init__(self, data_dir: Path) -> None:
        self._root = Path(data_dir) / "search"
        self._snapshot: _Snapshot | None = None
        self._facets: Recent[Facets] = Recent(_KEPT_ANSWERS)
        self._completions: Recent[Completions] = Recent(_KEPT_ANSWERS)

    # --- reading ---------------------------------------------------------------------------------

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer one page with facet counts; raises SearchUnavailable."""
        with _mapped_errors():
            snapshot = self._read()
            offset = (query.page - 1) * query.per_page
            strict = build_strict(plan_query(query.text))
            # tantivy works outside the interpreter's lock: both passes run at once.
            counting = _counters(snapshot.pid).submit(
                self._count_facets, snapshot, query, strict, relaxed=False
            )
            hits, total, text, relaxed = read_page(
                snapshot.searcher, query, offset, query.per_page, grouped=True
            )
            facets = counting.result()
            if relaxed:
                facets = self._count_facets(snapshot, query, text, relaxed=True)
            return _result(snapshot, query, hits, total, facets=facets, relaxed=relaxed)

    def search_all(self, query: SearchQuery) -> SearchResult:
        """Answer every hit in the same order, page and facet counts left out."""
        with _mapped_errors():
            snapshot = self._read()
            everything = snapshot.searcher.num_docs
            hits, total, _, relaxed = read_page(
                snapshot.searcher, query, 0, everything, grouped=False
            )
            return _result(snapshot, query, hits, total, facets={}, relaxed=relaxed)

    def complete(self, key: str, *, seed: int, limit: int) -> Completions:
        """Give listings and makers whose name begins with or else holds a folded key."""
        with _mapped_errors():
            snapshot = self._read()
            return self._completions.get(
                (snapshot.pid, snapshot.stamp, key, seed, limit),
                lambda: complete(snapshot.searcher, key, seed=seed, limit=limit),
            )

    def fingerprints(self) -> dict[str, str]:
        """Give the fingerprint of every record by its listing id, to compare with the database."""
        with _mapped_errors():
            return read_fingerprints(self._read().searcher)

    def health(self) -> EngineHealth:
        """Say whether searches can be answered; never raises."""
        try:
            with _mapped_errors():
                snapshot = self._read()
        except SearchUnavailable as error:
            return EngineHealth(
                available=False,
                engine=NAME,
                engine_version=VERSION,
                generation="",
                documents=0,
                detail=error.message,
            )
        return EngineHealth(
            available=True,
            engine=NAME,
            engine_version=VERSION,
            generation=snapshot.generation,
            documents=count_listings(snapshot.searcher),
            detail="検索できます。",
        )

    def _count_facets(
        self, snapshot: _Snapshot, query: SearchQuery, text: Query, *, relaxed: bool
    ) -> Facets:
        """Count each facet under all filters but its own, remembering recent answers."""
        filters = query.active_filters
        cap = query.price_cap
        asked = (plan_query(query.text), tuple(filters.items()), cap, query.counted)
        key = (snapshot.pid, snapshot.stamp, *asked)
        return self._facets.get(
            key, lambda: count_facets(snapshot.searcher, text, query, relaxed=relaxed)
        )

    def _read(self) -> _Snapshot:
        """Give the newest committed state: a stat before each search makes writes visible."""
        for attempt in range(3):
            try:
                return self._refresh()
            except (OSError, ValueError):
                # A rebuild may have swapped the generation between two looks at the disk.
                if attempt == 2:
                    raise
        raise SearchUnavailable

    def _refresh(self) -> _Snapshot:
        stamp = self._stamp()
        known = self._snapshot
        if known and known.pid == os.getpid():
            if known.stamp == stamp:
                return known
            if known.generation == stamp[0]:
                known.index.reload()
                return self._remember(stamp, known.index)
        return self._remember(stamp, _open(self._root / stamp[0]))

    def _remember(self, stamp: Stamp, index: Index) -> _Snapshot:
        snapshot = _Snapshot(os.getpid(), stamp, index, index.searcher())
        self._snapshot = snapshot
        return snapshot

    def _stamp(self) -> Stamp:
        generation = self._current()
        try:
            meta = (self._root / generation / "meta.json").stat()
        except FileNotFoundError:
            if self._current() == generation:
                raise _missing() from None
            raise
        return (generation, meta.st_ino, meta.st_mtime_ns, meta.st_size)

    def _current(self) -> str:
        try:
            return (self._root / _CURRENT).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise _missing() from None

    # --- writing ---------------------------------------------------------------------------------

    def upsert(self, records: Iterable[SearchRecord]) -> None:
        """Add all listings of some software in place of what it had; visible when it returns."""
        self._change(_make_changes(records, ()))

    def delete(self, listing_ids: Iterable[str]) -> None:
        """Remove listings; ids that the index does not hold are passed over."""
        self._change(_make_changes((), listing_ids))

    def rebuild(self, records: Iterable[SearchRecord], catch_up: CatchUp = no_changes) -> int:
        """Build a new generation beside the old one and switch to it; gives its size.

        Only the last step, what changed meanwhile and the switch, holds up other writers.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        with self._holding("rebuild.lock", "検索の索引は、ほかの処理が作り直しています。"):
            generation = secrets.token_hex(8)
            folder = self._root / generation
            folder.mkdir()
            try:
                turns = prepare(records, prepare_documents)
                write_documents(folder, map(make_document, chain.from_iterable(turns)))
                with self._writing(), _mapped_errors():
                    _write(folder, _make_changes(*catch_up()))
                    count = count_listings(_open(folder).searcher())
                    self._switch(generation)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            return count

    def _change(self, changes: _Changes) -> None:
        if not changes:
            return
        self._root.mkdir(parents=True, exist_ok=True)
        with self._writing(), _mapped_errors():
            _write(self._root / self._current(), changes)

    def _writing(self) -> AbstractContextManager[None]:
        return self._holding("writer.lock", "検索の索引は、ほかの処理が更新中です。")

    @contextmanager
    def _holding(self, name: str, refusal: str) -> Iterator[None]:
        """Hold a lock of the kernel's: one process at a time, freed even if it is killed."""
        deadline = time.monotonic() + _LOCK_SECONDS
        with (self._root / name).open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise SearchUnavailable(refusal) from None
                    time.sleep(0.02)
            yield

    def _switch(self, generation: str) -> None:
        """Point readers to a generation; the one before stays for readers that just opened it."""
        pointer = self._root / _CURRENT
        previous = pointer.read_text(encoding="ascii").strip() if pointer.exists() else ""
        fresh = self._root / f"{_CURRENT}.new"
        with fresh.open("w", encoding="ascii") as file:
            file.write(generation)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(pointer)
        _sync_folder(self._root)
        for folder in self._root.iterdir():
            if folder.is_dir() and folder.name not in {generation, previous}:
                shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=1)
def _counters(_pid: int) -> ThreadPoolExecutor:
    """Give the threads of this process that count facets; a forked one has none of its parent's."""
    return ThreadPoolExecutor(os.cpu_count(), "facets")


# --- answers ------------------------------------------------------------------------------------


def _result(
    snapshot: _Snapshot,
    query: SearchQuery,
    hits: list[Hit],
    total: int,
    *,
    facets: Facets,
    relaxed: bool,
) -> SearchResult:
    return SearchResult(
        hits=tuple(hits),
        total=total,
        facets=facets,
        relaxed=relaxed,
        seed=query.seed,
        engine=NAME,
        engine_version=VERSION,
        generation=snapshot.generation,
    )


# --- files ---------------------------------------------------------------------------------------


def _make_changes(records: Iterable[SearchRecord], gone: Iterable[str]) -> _Changes:
    groups = group_records(records).items()
    changes: _Changes = [("offering_id", key, build_documents(each)) for key, each in groups]
    return [*changes, *(("listing_id", each, []) for each in dict.fromkeys(gone))]


def _open(folder: Path) -> Index:
    shape = json.loads((folder / _SHAPE).read_text(encoding="utf-8"))
    if shape != _shape() or not Index.is_compatible(str(folder)):
        raise _missing()
    return _with_tokenizer(Index.open(str(folder)))


def _write(folder: Path, changes: _Changes) -> None:
    # A writer on an index that was opened earlier leaves orphan files: always a fresh one.
    writer = _open(folder).writer(_UPDATE_HEAP, 1)
    for field, value, documents in changes:
        writer.delete_documents_by_term(field, value)
        for document in documents:
            writer.add_document(document)
    writer.commit()
    writer.garbage_collect_files()
    writer.wait_merging_threads()


def write_documents(folder: Path, documents: Iterable[tantivy.Document]) -> None:
    """Make an index of documents in an empty folder; raises SearchUnavailable when the disk refuses."""
    (folder / _SHAPE).write_text(json.dumps(_shape()), encoding="utf-8")
    with _mapped_errors():
        writer = _with_tokenizer(Index(build_schema(), path=str(folder))).writer(_BUILD_HEAP, 1)
    for document in documents:
        writer.add_document(document)
    with _mapped_errors():
        writer.commit()
        writer.wait_merging_threads()
        _sync_folder(folder)


def _with_tokenizer(index: Index) -> Index:
    blank = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(TOKENIZER, blank)
    return index


def _shape() -> dict[str, str]:
    return {"shape": schema_fingerprint()}


def _missing() -> IndexMissing:
    return IndexMissing("検索の索引がまだないか、古い形です。索引を作り直してください。")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _mapped_errors() -> Iterator[None]:
    """Turn what the disk or tantivy raises into SearchUnavailable."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise SearchUnavailable from error
