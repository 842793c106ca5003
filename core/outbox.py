"""The outbox: messages committed with the act that causes them, delivered at least once."""

import threading
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Index, bindparam, delete, func, or_, select, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Field, Session, SQLModel

from core.db import reading, transaction
from core.models import JSONType, UTCDateTime, metadata

Handler = Callable[[Session, Mapping[str, Any]], None]
Payloads = Sequence[Mapping[str, Any]]
Keep = Callable[[Session], None]
"""Stores what goes with a delivery, in the transaction that notes it."""

BATCH = 100
CLAIM_SECONDS = 120
MAXIMUM_ATTEMPTS = 12
WORKER_SEEN_SECONDS = 60
_NOTE_EVERY = timedelta(seconds=20)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Together:
    """A Handler of all messages of its topic that are due: in one act, outside any transaction.

    What a kill leaves between the act and its note is acted on again, so repeating must do no harm.
    When the act fails for many messages, each is tried alone.
    """

    act: Callable[[Payloads], Keep]

    def __call__(self, _session: Session, _payload: Mapping[str, Any]) -> None:
        """Refuse to act inside a transaction: that is why no other handler can share the topic."""
        raise RuntimeError("this topic is delivered together, outside of transactions")


class OutboxMessage(SQLModel, table=True):
    """One message; due now or later, done, or given up after MAXIMUM_ATTEMPTS."""

    __tablename__ = "outbox_messages"
    __table_args__ = (Index("ix_outbox_messages_open", "done_at", "due_at"),)
    metadata = metadata

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    topic: str = Field(max_length=80, index=True)
    payload: dict[str, Any] = Field(sa_type=JSONType)
    created_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    due_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    attempts: int = 0
    claimed_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    given_up_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_error: str = Field(default="", max_length=500)


class OutboxWorker(SQLModel, table=True):
    """When a worker was last alive; read by `narabi doctor`."""

    __tablename__ = "outbox_workers"
    metadata = metadata

    id: int = Field(default=1, primary_key=True)
    seen_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


def publish(
    session: Session, topic: str, payload: Mapping[str, Any], *, due_at: datetime | None = None
) -> None:
    """Send a message with this transaction; `due_at` (aware UTC) delays it."""
    moment: datetime = session.info["now"]
    session.add(
        OutboxMessage(
            topic=topic,
            payload={key: _plain(value) for key, value in payload.items()},
            created_at=moment,
            due_at=due_at or moment,
        )
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID) else value


def run_due(handlers: Mapping[str, Handler], *, limit: int = BATCH) -> int:
    """Deliver messages that are due; returns how many were tried."""
    if _is_idle():
        return 0
    claimed = _claim(limit)
    gathered: dict[str, list[uuid.UUID]] = {}
    for message_id, topic in claimed:
        if isinstance(handlers.get(topic), Together):
            gathered.setdefault(topic, []).append(message_id)
    for topic, message_ids in gathered.items():
        _deliver_together(message_ids, handlers[topic])  # type: ignore[arg-type]
    for message_id, topic in claimed:
        if topic not in gathered:
            _deliver(message_id, handlers)
    return len(claimed)


def drain(handlers: Mapping[str, Handler]) -> int:
    """Deliver until nothing is due; returns how many were tried."""
    total = 0
    while tried := run_due(handlers):
        total += tried
    return total


def run_forever(
    handlers: Mapping[str, Handler], stop: threading.Event, *, pause_seconds: float = 0.25
) -> None:
    """Deliver messages until `stop` is set; a database that is away or busy is asked again.

    Between two rounds messages gather, so that those taken together are many.
    """
    while not stop.is_set():
        try:
            tried = run_due(handlers)
        except OperationalError as error:
            _log.warning("outbox.database_away", error=repr(error.orig))
            tried = 0
        if tried < BATCH:
            stop.wait(pause_seconds)


def count_waiting(session: Session) -> tuple[int, int]:
    """Return how many messages are overdue and how many were given up."""
    moment: datetime = session.info["now"]
    open_and_due = select(func.count()).where(
        OutboxMessage.done_at.is_(None),  # type: ignore[union-attr]
        OutboxMessage.given_up_at.is_(None),  # type: ignore[union-attr]
        OutboxMessage.due_at <= moment,  # type: ignore[arg-type]
    )
    given_up = select(func.count()).where(OutboxMessage.given_up_at.is_not(None))  # type: ignore[union-attr]
    return session.execute(open_and_due).scalar_one(), session.execute(given_up).scalar_one()


def measure_overdue(
    session: Session, topics: Collection[str] | None = None
) -> tuple[int, datetime | None]:
    """Return how many messages (of some topics) are overdue, and since when the oldest of them is."""
    moment: datetime = session.info["now"]
    statement = select(func.count(), func.min(OutboxMessage.due_at)).where(
        OutboxMessage.done_at.is_(None),  # type: ignore[union-attr]
        OutboxMessage.given_up_at.is_(None),  # type: ignore[union-attr]
        OutboxMessage.due_at <= moment,  # type: ignore[arg-type]
    )
    if topics is not None:
        statement = statement.where(OutboxMessage.topic.in_(topics))  # type: ignore[attr-defined]
    count, oldest = session.execute(statement).one()
    return int(count), oldest


def publish_next(session: Session, topic: str, due_at: datetime) -> None:
    """Send a message that comes again and again, unless the next one is already waiting."""
    moment: datetime = session.info["now"]
    statement = select(OutboxMessage.id).where(  # type: ignore[call-overload]
        OutboxMessage.topic == topic,
        OutboxMessage.due_at > moment,
        OutboxMessage.done_at.is_(None),  # type: ignore[union-attr]
        OutboxMessage.given_up_at.is_(None),  # type: ignore[union-attr]
    )
    if session.execute(statement.limit(1)).first() is None:
        publish(session, topic, {}, due_at=due_at)


def list_since(
    session: Session, topics: Collection[str], since: datetime
) -> list[tuple[str, dict[str, Any]]]:
    """Return topic and payload of what is due and not yet delivered, or was from a moment on."""
    moment: datetime = session.info["now"]
    statement = (
        select(OutboxMessage.topic, OutboxMessage.payload)  # type: ignore[call-overload]
        .where(
            OutboxMessage.topic.in_(topics),  # type: ignore[attr-defined]
            OutboxMessage.due_at <= moment,
            or_(OutboxMessage.done_at.is_(None), OutboxMessage.done_at >= since),  # type: ignore[union-attr, operator, arg-type]
        )
        .order_by(OutboxMessage.id)
    )
    return [(topic, payload) for topic, payload in session.execute(statement)]


def worker_seen_at(session: Session) -> datetime | None:
    """Return when a worker was last alive."""
    worker = session.get(OutboxWorker, 1)
    return worker.seen_at if worker else None


def forget_worker(session: Session) -> None:
    """Forget that a worker was alive: the rows come from another time."""
    session.execute(delete(OutboxWorker))


def _claim(limit: int) -> list[tuple[uuid.UUID, str]]:
    with transaction() as session:
        moment: datetime = session.info["now"]
        _mark_alive(session, moment)
        messages = session.execute(
            select(OutboxMessage)
            .where(
                OutboxMessage.done_at.is_(None),  # type: ignore[union-attr]
                OutboxMessage.given_up_at.is_(None),  # type: ignore[union-attr]
                OutboxMessage.due_at <= moment,  # type: ignore[arg-type]
                or_(
                    OutboxMessage.claimed_until.is_(None),  # type: ignore[union-attr]
                    OutboxMessage.claimed_until < moment,  # type: ignore[arg-type, operator]
                ),
            )
            .order_by(OutboxMessage.due_at, OutboxMessage.created_at, OutboxMessage.id)  # type: ignore[arg-type]
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).scalars()
        claimed = []
        for message in messages:
            message.claimed_until = moment + timedelta(seconds=CLAIM_SECONDS)
            message.attempts += 1
            claimed.append((message.id, message.topic))
        return claimed


def _mark_alive(session: Session, moment: datetime) -> None:
    session.execute(
        text(
            "INSERT INTO outbox_workers (id, seen_at) VALUES (1, :moment) "
            "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
        ).bindparams(bindparam("moment", moment, UTCDateTime))
    )


def _is_idle() -> bool:
    """Tell from a cheap read whether there is nothing to do and the worker was noted lately."""
    with reading() as session:
        waiting, _ = count_waiting(session)
        seen = worker_seen_at(session)
        moment: datetime = session.info["now"]
    return waiting == 0 and seen is not None and moment - seen < _NOTE_EVERY


def _deliver(message_id: uuid.UUID, handlers: Mapping[str, Handler]) -> None:
    try:
        with transaction() as session:
            message = session.get(OutboxMessage, message_id, with_for_update=True)
            if message is None or message.done_at is not None:
                return
            handlers[message.topic](session, message.payload)
            message.done_at = session.info["now"]
    except Exception as error:  # noqa: BLE001 - any failure of a handler means: try again later
        _log.warning("outbox.failed", message_id=str(message_id), error=repr(error))
        _postpone(message_id, error)


def _deliver_together(message_ids: Sequence[uuid.UUID], handler: Together) -> None:
    try:
        with reading() as session:
            payloads = [each.payload for each in _list_open(session, message_ids)]
        keep = handler.act(payloads)
        with transaction() as session:
            for message in _list_open(session, message_ids, lock=True):
                message.done_at = session.info["now"]
            keep(session)
    except Exception as error:  # noqa: BLE001 - one bad message must not hold up the others
        _log.warning("outbox.failed", messages=len(message_ids), error=repr(error))
        if len(message_ids) == 1:
            _postpone(message_ids[0], error)
            return
        for message_id in message_ids:
            _deliver_together([message_id], handler)


def _list_open(
    session: Session, message_ids: Sequence[uuid.UUID], *, lock: bool = False
) -> list[OutboxMessage]:
    """Give of claimed messages those that no other worker has delivered since."""
    statement = (
        select(OutboxMessage)
        .where(OutboxMessage.id.in_(message_ids), OutboxMessage.done_at.is_(None))  # type: ignore[attr-defined, union-attr]
        .order_by(OutboxMessage.id)  # type: ignore[arg-type]
    )
    return list(session.scalars(statement.with_for_update() if lock else statement))


def _postpone(message_id: uuid.UUID, error: Exception) -> None:
    with transaction() as session:
        message = session.get(OutboxMessage, message_id, with_for_update=True)
        if message is None or message.done_at is not None:
            return
        moment: datetime = session.info["now"]
        message.last_error = repr(error)[:500]
        message.claimed_until = None
        message.due_at = moment + timedelta(seconds=min(2**message.attempts, 3_600))
        if message.attempts >= MAXIMUM_ATTEMPTS:
            message.given_up_at = moment
