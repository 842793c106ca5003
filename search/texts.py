"""The catalog read for an index: by two processes when there is much, stale texts analysed and stored.

Reading, pricing and analysing take most of the time of a rebuild. The other processes do it and hand
over what the index's writer takes; a few pieces are under way at once, so that memory does not grow
with the catalog. Each piece is read in its own transaction, whoever reads it.
"""

import gc
import multiprocessing
import os
import threading
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog
from sqlalchemy import bindparam, update
from sqlmodel import col

from catalog.offerings.listed import Listed
from catalog.offerings.models import ListingVersion
from core import clock, db
from core.clock import day_in_japan
from search.analysis import searchable_texts
from search.engine import SearchRecord
from search.projection import current_rules, read_texts, stored_text
from search.queries import read_records
from search.queries.listings import chunks, list_offering_ids, list_stale_listing_ids
from search.streams import Prepare

PROCESSES = 2
_WORTH_PROCESSES = 3_000
_STALE = 2
"""To analyse a text takes twice as long as all the rest of a listing."""
_AHEAD = 3

T = TypeVar("T")
Read = tuple[int, T]
"""How many listings were read, and what was made of them."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Stale:
    """What is stored of a listing version whose text has to be analysed anew."""

    version_id: uuid.UUID
    text: str
    rules: str


@dataclass(frozen=True, slots=True)
class _Piece(Generic[T]):
    """Some software that is being read, or is to be read here when its turn comes."""

    offering_ids: Sequence[uuid.UUID]
    act: Prepare[T]
    under_way: "Future[Read[T]] | None"

    def finish(self) -> "Read[T]":
        """Wait for it; a piece that no other process can read is read here."""
        if self.under_way is not None:
            try:
                return self.under_way.result()
            except BrokenExecutor as error:
                _log.warning("search.reading_here", error=repr(error))
        return _read_piece(self.offering_ids, self.act)


def read_pieces(
    parts: Iterable[Sequence[uuid.UUID]], listings: int, stale: int, act: Prepare[T]
) -> "Iterator[Read[T]]":
    """Give what `act` makes of the whole records of each part of the catalog, in order.

    There are about so many listings, of which so many texts are stale.
    """
    pieces: deque[_Piece[T]] = deque()
    with _readers(listings + _STALE * stale) as pool:
        for part in parts:
            pieces.append(_Piece(part, act, _begin(pool, part, act)))
            if len(pieces) > _AHEAD:
                yield pieces.popleft().finish()
        while pieces:
            yield pieces.popleft().finish()


def read_changed(
    offering_ids: Sequence[uuid.UUID], changed: Collection[uuid.UUID]
) -> list[SearchRecord]:
    """Give the whole records of some software, the texts of changed listings analysed anew."""
    return _read_whole(
        offering_ids,
        lambda version: "" if version.listing_id in changed else stored_text(version),
    )


def refresh_texts() -> int:
    """Analyse the published listings whose stored text is missing or of older rules; count them."""
    with db.reading() as session:
        stale = list_stale_listing_ids(session)
        parts = [list_offering_ids(session, part) for part in chunks(stale)]
    offering_ids = sorted({each for part in parts for each in part})
    for _ in read_pieces(chunks(offering_ids), len(stale), len(stale), len):
        pass
    return len(stale)


def _read_piece(offering_ids: Sequence[uuid.UUID], act: Prepare[T]) -> "Read[T]":
    records = _read_whole(offering_ids, stored_text)
    return len(records), act(records)


def _read_whole(
    offering_ids: Sequence[uuid.UUID], read_text: Callable[[Listed], str]
) -> list[SearchRecord]:
    """Read the records of some software; the texts that they lack are analysed and stored."""
    with db.reading() as session:
        found = read_records(session, offering_ids, read_text)
        lacking = [version for version, record in found if not record.analysed]
        today = day_in_japan(db.now(session))
        zones = [read_texts(version, today) for version in lacking]
    if not lacking:
        return [record for _, record in found]
    texts = searchable_texts([(each.hi, each.lo, each.ft) for each in zones])
    _store([_Stale(each.id, each.search_text, each.search_text_version) for each in lacking], texts)
    fresh = iter(texts)
    return [
        record if record.analysed else replace(record, analysed=next(fresh)) for _, record in found
    ]


def _store(stale: list[_Stale], texts: list[str]) -> None:
    """Store analysed texts that are new, unless a worker has stored another since they were read."""
    rules = current_rules()
    changes = [
        {
            "changed_id": old.version_id,
            "old_text": old.text,
            "old_rules": old.rules,
            "text": text,
            "rules": rules,
        }
        for old, text in zip(stale, texts, strict=True)
        if (old.text, old.rules) != (text, rules)
    ]
    if not changes:
        return
    statement = (
        update(ListingVersion)
        .where(
            col(ListingVersion.id) == bindparam("changed_id"),
            col(ListingVersion.search_text) == bindparam("old_text"),
            col(ListingVersion.search_text_version) == bindparam("old_rules"),
        )
        .values(search_text=bindparam("text"), search_text_version=bindparam("rules"))
    )
    with db.transaction() as session:
        session.connection().execute(statement, changes)


# --- other processes -----------------------------------------------------------------------------


@contextmanager
def _readers(effort: int) -> Iterator[ProcessPoolExecutor | None]:
    """Give processes that read the same database, when there is much to do and they can be had."""
    # Only this process knows of a clock that is held.
    if effort < _WORTH_PROCESSES or clock.is_fixed():
        yield None
        return
    with ExitStack() as stack:
        try:
            # Forked children would share the connections of this process; fresh ones have none.
            pool = ProcessPoolExecutor(
                PROCESSES,
                multiprocessing.get_context("spawn"),
                _begin_process,
                (db.current().url,),
            )
        except (ImportError, NotImplementedError, OSError) as error:
            _log.warning("search.reading_here", error=repr(error))
            yield None
            return
        stack.callback(pool.shutdown, cancel_futures=True)
        yield pool


def _begin(
    pool: ProcessPoolExecutor | None, offering_ids: Sequence[uuid.UUID], act: Prepare[T]
) -> "Future[Read[T]] | None":
    """Have another process read some software; None where none can be started."""
    if pool is None:
        return None
    try:
        return pool.submit(_read_piece, offering_ids, act)
    except (AssertionError, BrokenExecutor, OSError) as error:  # asserted: a daemon has no children
        _log.warning("search.reading_here", error=repr(error))
        return None


def _begin_process(url: str) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    db.configure(url)
    gc.freeze()


def _end_with_parent() -> None:
    """Leave nobody behind when the process that asked is killed: its end of the pipe stays open here."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
