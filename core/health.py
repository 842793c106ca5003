"""Whether this process can serve: what a balancer asks before it sends anybody here, and what an alarm watches.

Only what no request could do without makes it unready. A late outbox or an index that is ill is named, but turns
nobody away: pages are right without them, and all nodes would go at the same moment.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from core import audit, changes, db, outbox
from core.cli import CheckFailedError, newest_revision
from core.errors import DomainError

LATE = timedelta(minutes=15)
_WAIT_FOR_WRITING = 2.0  # seconds

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Probes:
    """What the upper rooms add: a check of the search, the outbox topics that feed its index, figures.

    Each of the figures has a name and says what it is.
    """

    search: Callable[[], str]
    index_topics: Collection[str]
    more: Callable[[Session], Mapping[str, tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One part that was looked at; `needed` when nobody can be served without it."""

    name: str
    is_well: bool
    needed: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages are overdue, and for how many seconds the oldest of them."""

    waiting: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database says of the whole instance, whichever node is asked; seconds and counts."""

    outbox: Backlog
    index: Backlog
    given_up: int
    worker_silent_seconds: float | None
    feed_head: int
    feed_records: int
    audit_events: int
    more: Mapping[str, tuple[str, float]]


def check_all(probes: Probes) -> list[Check]:
    """Look at every part; none of them waits for long, and none raises."""
    parts: tuple[tuple[str, Callable[[], object], bool], ...] = (
        ("database", _check_schema, True),
        ("audit", _check_writing, True),
        ("outbox", lambda: _check_outbox(probes), False),
        ("search", probes.search, False),
    )
    return [Check(name, _is_well(name, look), needed) for name, look, needed in parts]


def _is_well(name: str, look: Callable[[], object]) -> bool:
    try:
        look()
    except (CheckFailedError, DomainError, SQLAlchemyError, TimeoutError) as error:
        _log.warning("health.ill", part=name, error=repr(getattr(error, "orig", error)))
        return False
    return True


def _check_schema() -> None:
    with db.reading() as session:
        revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    if revision != _newest():
        raise CheckFailedError(f"{revision} is not {_newest()}")


@lru_cache(maxsize=1)
def _newest() -> str:
    return newest_revision()


def _check_writing() -> None:
    """Wait in the queue of those who write, as every act does: whoever sits on its lock is found."""
    db.try_writing(audit.AUDIT_LOCK, _WAIT_FOR_WRITING)


def _check_outbox(probes: Probes) -> None:
    with db.reading() as session:
        figures = read_figures(session, probes)
    silent = figures.worker_silent_seconds
    if silent is None or silent > outbox.WORKER_SEEN_SECONDS:
        raise CheckFailedError("no worker delivers the outbox")
    if figures.given_up or figures.outbox.seconds > LATE.total_seconds():
        raise CheckFailedError("the outbox is late or has given up messages")


def read_figures(session: Session, probes: Probes) -> Figures:
    """Read the figures of the instance (7 statements, and those of `more`)."""
    moment, seen = db.now(session), outbox.worker_seen_at(session)
    _, given_up = outbox.count_waiting(session)
    state = changes.read_state(session)
    events = session.execute(text("SELECT COALESCE(MAX(sequence), 0) FROM audit_events"))
    return Figures(
        outbox=_read_backlog(session, None),
        index=_read_backlog(session, probes.index_topics),
        given_up=given_up,
        worker_silent_seconds=None if seen is None else (moment - seen).total_seconds(),
        feed_head=state.head,
        feed_records=state.record_count,
        audit_events=int(events.scalar_one()),
        more=probes.more(session),
    )


def _read_backlog(session: Session, topics: Collection[str] | None) -> Backlog:
    count, oldest = outbox.measure_overdue(session, topics)
    seconds = (db.now(session) - oldest).total_seconds() if oldest else 0.0
    return Backlog(count, seconds)
