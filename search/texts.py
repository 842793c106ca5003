"""The analysed texts of listings: found stale, analysed by two processes, stored.

Analysis takes most of the time of a rebuild, so it runs beside the reading and storing; a few pieces
are under way at once, so that memory does not grow with the catalog.
"""

import multiprocessing
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import bindparam, update
from sqlmodel import col

from catalog.offerings.listed import Listed
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import read_listed
from core import db
from search.analysis import searchable_texts
from search.projection import current_rules, read_texts
from search.queries import chunks, list_stale_listing_ids

PROCESSES = 2
_WORTH_PROCESSES = 1_000
_AHEAD = 3

Texts = list[tuple[str, str, str]]
Submit = Callable[[Callable[[Texts], list[str]], Texts], "Future[list[str]]"]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some listing versions as they were read, and their texts being analysed."""

    versions: list[Listed]
    texts: "Future[list[str]]"


def refresh_texts() -> int:
    """Analyse the published listings whose stored text is missing or of older rules; count them."""
    with db.reading() as session:
        stale = list_stale_listing_ids(session)
    stored = 0
    pieces: deque[_Piece] = deque()
    with _analysing(len(stale)) as submit:
        for part in chunks(stale):
            pieces.append(_begin(part, submit))
            if len(pieces) > _AHEAD:
                stored += _store(pieces.popleft())
        while pieces:
            stored += _store(pieces.popleft())
    return stored


def _begin(listing_ids: Sequence[uuid.UUID], submit: Submit) -> _Piece:
    with db.reading() as session:
        versions = read_listed(session, listing_ids)
        zones = [read_texts(version) for version in versions]
    return _Piece(
        versions, submit(searchable_texts, [(each.hi, each.lo, each.ft) for each in zones])
    )


def _store(piece: _Piece) -> int:
    """Store analysed texts, unless a worker has stored another since they were read."""
    changes = [
        {
            "changed_id": version.id,
            "old_text": version.search_text,
            "old_rules": version.search_text_version,
            "text": text,
            "rules": current_rules(),
        }
        for version, text in zip(piece.versions, piece.texts.result(), strict=True)
    ]
    if not changes:
        return 0
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
    return len(changes)


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
