"""The analysed texts of listings: found stale, analysed by two processes, stored.

Analysis takes most of the time of a rebuild, so it runs beside the reading and storing; a few pieces
are under way at once, so that memory does not grow with the catalog.
"""

import multiprocessing
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, update
from sqlmodel import col

from catalog.offerings.listed import Listed
from catalog.offerings.models import ListingVersion
from core import db
from core.clock import day_in_japan
from search.analysis import searchable_texts
from search.engine import SearchRecord
from search.projection import current_rules, read_texts, stored_text
from search.queries import read_records
from search.queries.listings import chunks, list_offering_ids, list_stale_listing_ids

PROCESSES = 2
_WORTH_PROCESSES = 1_000
_AHEAD = 3

Texts = list[tuple[str, str, str]]
Submit = Callable[[Callable[[Texts], list[str]], Texts], "Future[list[str]]"]


@dataclass(frozen=True, slots=True)
class _Stale:
    """What is stored of a listing version whose text has to be analysed anew."""

    version_id: uuid.UUID
    text: str
    rules: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some records as they were read, and the texts that they lack, being analysed."""

    records: list[SearchRecord]
    stale: list[_Stale]
    texts: "Future[list[str]]"

    def finish(self) -> list[SearchRecord]:
        """Wait for the texts, store them, and give the whole records."""
        texts = self.texts.result()
        _store(self.stale, texts)
        fresh = iter(texts)
        return [
            each if each.analysed else replace(each, analysed=next(fresh)) for each in self.records
        ]


def read_pieces(parts: Iterable[Sequence[uuid.UUID]], stale: int) -> Iterator[list[SearchRecord]]:
    """Give the whole records of parts of the catalog, of which about so many texts are stale."""
    pieces: deque[_Piece] = deque()
    with _analysing(stale) as submit:
        for part in parts:
            pieces.append(_begin(part, submit, stored_text))
            if len(pieces) > _AHEAD:
                yield pieces.popleft().finish()
        while pieces:
            yield pieces.popleft().finish()


def read_changed(
    offering_ids: Sequence[uuid.UUID], changed: Collection[uuid.UUID]
) -> list[SearchRecord]:
    """Give the whole records of some software, the texts of changed listings analysed anew."""
    return _begin(
        offering_ids,
        _run_here,
        lambda version: "" if version.listing_id in changed else stored_text(version),
    ).finish()


def refresh_texts() -> int:
    """Analyse the published listings whose stored text is missing or of older rules; count them."""
    with db.reading() as session:
        stale = list_stale_listing_ids(session)
        parts = [list_offering_ids(session, part) for part in chunks(stale)]
    offering_ids = sorted({each for part in parts for each in part})
    for _ in read_pieces(chunks(offering_ids), len(stale)):
        pass
    return len(stale)


def _begin(
    offering_ids: Sequence[uuid.UUID], submit: Submit, read_text: Callable[[Listed], str]
) -> _Piece:
    """Read the records of some software, and begin to analyse the texts that they lack."""
    with db.reading() as session:
        found = read_records(session, offering_ids, read_text)
        lacking = [version for version, record in found if not record.analysed]
        today = day_in_japan(db.now(session))
        zones = [read_texts(version, today) for version in lacking]
    return _Piece(
        [record for _, record in found],
        [_Stale(each.id, each.search_text, each.search_text_version) for each in lacking],
        submit(searchable_texts, [(each.hi, each.lo, each.ft) for each in zones]),
    )


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


@contextmanager
def _analysing(count: int) -> Iterator[Submit]:
    """Give what starts an analysis: in other processes when there is much to do, else here."""
    if count < _WORTH_PROCESSES:
        yield _run_here
        return
    # Forked children would share the connections of this process; fresh ones have none.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        yield pool.submit


def _run_here(act: Callable[[Texts], list[str]], texts: Texts) -> "Future[list[str]]":
    done: Future[list[str]] = Future()
    done.set_result(act(texts))
    return done
