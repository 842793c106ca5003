"""Upkeep of the feed: records that the code would write otherwise, and changes that are too old."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from catalog.feed import SOURCE
from catalog.queries import list_ids, list_left_behind
from core import changes, outbox
from core.changes import BATCH, Move, Operation, dump_record, hash_record
from core.clock import day_in_japan, end_of_day
from core.config import Settings
from core.db import now, reading, transaction

PRUNE = "feed.prune"
_PRUNED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Drift:
    """How many records were missing, read otherwise, or had nothing public behind them."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def total(self) -> int:
        """All records that were not as they should be."""
        return self.added + self.changed + self.removed


def reconcile(*, batch: int = BATCH, repair: bool = True) -> Drift:
    """Hold every public record against what the database says; `repair` announces what differs.

    A batch is one transaction, and what is repaired takes the usual way into the feed: mirrors hear
    of it. Afterwards all records are of the present shape. Drift is what was found.
    """
    found = Counter[str]()
    for kind in SOURCE.kinds:
        for ids in _list_batches(kind, batch):
            differing = _compare(kind, ids)
            if differing and repair:
                with transaction() as session:
                    for each in differing:
                        changes.append(session, kind, each)
                # With what depends on them, which the next batches then find in order.
                found.update(_name(move) for move in session.info["moves"])
            else:
                found.update(differing.values())
    if repair:
        with transaction() as session:
            changes.set_shape(session, SOURCE.shape)
    return Drift(**found)


def _name(move: Move) -> str:
    if move.operation is Operation.DELETE:
        return "removed"
    return "added" if move.turned else "changed"


def _list_batches(kind: str, size: int) -> Iterator[list[uuid.UUID]]:
    with reading() as session:
        left = list_left_behind(session, kind)
    yield from (left[start : start + size] for start in range(0, len(left), size))
    after: uuid.UUID | None = None
    while True:
        with reading() as session:
            ids = list_ids(session, kind, after, size)
        if not ids:
            return
        yield ids
        after = ids[-1]


def _compare(kind: str, ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Name, of these things, those whose record is not what it should be, and how."""
    with reading() as session:
        records = SOURCE.load(session, kind, ids)
        held = changes.read_hashes(session, kind, ids)
    told = {each: hash_record(kind, each, dump_record(record)) for each, record in records.items()}
    return {
        each: "removed" if each not in told else "changed" if each in held else "added"
        for each in ids
        if told.get(each) != held.get(each)
    }


def is_of_shape() -> bool:
    """Tell whether all records are written as this program writes them."""
    with reading() as session:
        return changes.read_state(session).shape == SOURCE.shape


def renew() -> Drift | None:
    """Write all records anew when an older program wrote them; None when none did."""
    return None if is_of_shape() else reconcile()


def prune(settings: Settings, *, limit: int = _PRUNED_AT_ONCE) -> int:
    """Forget changes older than the settings say, some at a time; returns how many."""
    total = 0
    while True:
        with transaction() as session:
            count = _prune_some(session, settings, limit)
        total += count
        if count < limit:
            return total


def _prune_some(session: Session, settings: Settings, limit: int) -> int:
    before = now(session) - timedelta(days=settings.feed_keep_days)
    return changes.prune(session, before, limit)


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handler of the nightly message."""

    def prune_nightly(session: Session, _payload: Mapping[str, Any]) -> None:
        moment = now(session)
        is_done = _prune_some(session, settings, _PRUNED_AT_ONCE) < _PRUNED_AT_ONCE
        if is_done:
            outbox.publish_next(session, PRUNE, end_of_day(day_in_japan(moment)))
        else:
            outbox.publish(session, PRUNE, {})

    return {PRUNE: prune_nightly}
