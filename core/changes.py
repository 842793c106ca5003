"""The public change log and the public records: numbered under one lock, in the order of commits.

A reader that has seen number N can never be overtaken by a smaller number that commits later. What
is public of each thing is kept as text beside the log, with the sum of all hashes, so that log,
records and sum agree at every number.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from typing import Any

from sqlalchemy import BigInteger, Column, Text, Uuid, and_, bindparam, insert, select, text
from sqlmodel import Field, Session, SQLModel

from core.models import UTCDateTime, enum_type, metadata

FEED_LOCK = 0x4E41_5202
BATCH = 500
_NO_HASH = "0" * 64
_MODULUS = 2**256

Record = Mapping[str, Any]


class Operation(StrEnum):
    """What happened to the public face of a thing."""

    UPSERT = "upsert"
    DELETE = "delete"


class PublicChange(SQLModel, table=True):
    """One change that a mirror must repeat."""

    __tablename__ = "public_changes"
    metadata = metadata

    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str = Field(max_length=40)
    subject_id: uuid.UUID = Field(index=True)
    operation: Operation = Field(sa_type=enum_type(Operation))
    occurred_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class PublicRecord(SQLModel, table=True):
    """What is public of one thing, as canonical JSON (RFC 8785); `sequence` is its last change."""

    __tablename__ = "public_records"
    metadata = metadata

    kind: str = Field(max_length=40, primary_key=True)
    subject_id: uuid.UUID = Field(primary_key=True)
    content: str = Field(sa_type=Text)
    sha256: str = Field(max_length=64)
    sequence: int = Field(sa_type=BigInteger)


class FeedState(SQLModel, table=True):
    """The identity of this feed; a new epoch tells mirrors to start again from a snapshot.

    `head` is the last number given, `floor` the last one that was forgotten; `catalog_hash` is the
    sum of the hashes of all records, and `shape` the form in which all of them are written.
    """

    __tablename__ = "feed_state"
    metadata = metadata

    id: int = Field(default=1, primary_key=True)
    epoch: str = Field(max_length=36)
    head: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    floor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    catalog_hash: str = Field(
        default=_NO_HASH, max_length=64, sa_column_kwargs={"server_default": _NO_HASH}
    )
    record_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    shape: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


@dataclass(frozen=True, slots=True)
class State:
    """The feed as one statement has read it."""

    epoch: str
    head: int
    floor: int
    catalog_hash: str
    record_count: int
    shape: int


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log; `content` is the record as it is now, None where nothing is public."""

    sequence: int
    kind: str
    subject_id: uuid.UUID
    operation: Operation
    occurred_at: datetime
    content: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """A record that reads otherwise now; `turned` when it appeared or vanished."""

    kind: str
    subject_id: uuid.UUID
    operation: Operation
    turned: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Where public records come from.

    `load` gives of some things of a kind the records of those that are public, `dependants` the things
    whose records may have to change with what has moved. Both only read. Raise `shape` whenever
    a record would be written otherwise: the next upgrade then renews all of them.
    """

    kinds: tuple[str, ...]
    shape: int
    load: Callable[[Session, str, Sequence[uuid.UUID]], Mapping[uuid.UUID, Record]]
    dependants: Callable[[Session, Sequence[Move]], Mapping[str, Collection[uuid.UUID]]]


_source: Source | None = None


def use_source(source: Source) -> None:
    """Tell where the records of this process come from; other kinds are numbered without a record."""
    global _source  # noqa: PLW0603 - set once by the application
    _source = source


# --- writing -------------------------------------------------------------------------------------


def append(
    session: Session, kind: str, subject_id: uuid.UUID, operation: Operation = Operation.UPSERT
) -> None:
    """Say that the public face of a thing may have changed.

    Just before the commit its record is read: equal content, and what never was public, is not
    announced. `operation` counts for kinds without records only; the last word per subject counts.
    """
    pending: dict[tuple[str, uuid.UUID], Operation] = session.info.setdefault("changes", {})
    pending.pop((kind, subject_id), None)
    pending[kind, subject_id] = operation


def flush_changes(session: Session, read_moment: Callable[[Session], datetime]) -> None:
    """Number what has changed under the feed lock; called by transaction() only.

    `moves` in the session's info then says which records read otherwise.
    """
    pending: dict[tuple[str, uuid.UUID], Operation] = session.info.pop("changes", {})
    if not pending:
        return
    lock_feed(session)
    # Read anew behind the lock, by a session that remembers nothing: what others have committed
    # meanwhile is seen, and a day that began meanwhile as well.
    with Session(session.connection(), autoflush=False) as view:
        view.info.update(now=read_moment(view), read_only=True)
        session.info["moves"] = _Writer(view).write(pending)


def lock_feed(session: Session) -> None:
    """Let nobody else number changes until the end of this transaction; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FEED_LOCK})


class _Writer:
    """One act's changes on their way into the log and the records."""

    def __init__(self, session: Session) -> None:
        self._session = session
        state = read_state(session)
        self._before = state
        self._sequence, self._count = state.head, state.record_count
        self._sum = int(state.catalog_hash, 16)
        self._settled: set[tuple[str, uuid.UUID]] = set()

    def write(self, pending: Mapping[tuple[str, uuid.UUID], Operation]) -> list[Move]:
        """Write records and log; a thing that moves takes those with it that depend on it."""
        kinds = _source.kinds if _source else ()
        bare = [(*key, operation) for key, operation in pending.items() if key[0] not in kinds]
        self._log(bare)
        asked = {kind: [key[1] for key in pending if key[0] == kind] for kind in kinds}
        told: list[Move] = []
        while _source is not None and any(asked.values()):
            moves = [move for kind in kinds for move in self._settle(kind, asked[kind])]
            told += moves
            found = _source.dependants(self._session, moves) if moves else {}
            asked = {
                kind: [i for i in found.get(kind, ()) if (kind, i) not in self._settled]
                for kind in kinds
            }
        if self._sequence != self._before.head:
            _set_state(
                self._session,
                head=self._sequence,
                catalog_hash=f"{self._sum % _MODULUS:064x}",
                record_count=self._count,
            )
        return told

    def _settle(self, kind: str, subject_ids: Sequence[uuid.UUID]) -> list[Move]:
        moves = []
        for start in range(0, len(subject_ids), BATCH):
            batch = subject_ids[start : start + BATCH]
            self._settled.update((kind, each) for each in batch)
            moves += self._settle_batch(kind, batch)
            self._session.expunge_all()
        return moves

    def _settle_batch(self, kind: str, batch: Sequence[uuid.UUID]) -> list[Move]:
        known = _source.load(self._session, kind, batch) if _source else {}
        held = read_hashes(self._session, kind, batch)
        moves, rows, gone = [], [], []
        for subject_id in batch:
            old = held.get(subject_id)
            content = dump_record(known[subject_id]) if subject_id in known else None
            new = None if content is None else hash_record(kind, subject_id, content)
            if new == old:
                continue
            self._sum += int(new or "0", 16) - int(old or "0", 16)
            self._count += (new is not None) - (old is not None)
            operation = Operation.DELETE if new is None else Operation.UPSERT
            moves.append(Move(kind, subject_id, operation, turned=new is None or old is None))
            key = {"kind": kind, "subject_id": subject_id}
            if new is None:
                gone.append(key)
            else:
                sequence = self._sequence + len(moves)
                rows.append({**key, "content": content, "sha256": new, "sequence": sequence})
        if gone:
            self._session.execute(_REMOVE, gone)
        if rows:
            self._session.execute(_PUT, rows)
        self._log([(kind, each.subject_id, each.operation) for each in moves])
        return moves

    def _log(self, news: Sequence[tuple[str, uuid.UUID, Operation]]) -> None:
        if not news:
            return
        moment = self._session.info["now"]
        rows = [
            {
                "sequence": self._sequence + number,
                "kind": kind,
                "subject_id": subject_id,
                "operation": operation,
                "occurred_at": moment,
            }
            for number, (kind, subject_id, operation) in enumerate(news, 1)
        ]
        self._session.execute(insert(PublicChange), rows)
        self._sequence += len(rows)


_SUBJECT = bindparam("subject_id", type_=Uuid())
_PUT = text(
    "INSERT INTO public_records (kind, subject_id, content, sha256, sequence) "
    "VALUES (:kind, :subject_id, :content, :sha256, :sequence) "
    "ON CONFLICT (kind, subject_id) DO UPDATE SET "
    "content = excluded.content, sha256 = excluded.sha256, sequence = excluded.sequence"
).bindparams(_SUBJECT)
_REMOVE = text(
    "DELETE FROM public_records WHERE kind = :kind AND subject_id = :subject_id"
).bindparams(_SUBJECT)


def dump_record(record: Record) -> str:
    """Return the canonical JSON (RFC 8785) of a record: its keys are ASCII and it has no fractions."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_record(kind: str, subject_id: object, content: str) -> str:
    """Return the SHA-256 of the canonical JSON of [kind, id, data]."""
    return hashlib.sha256(f'["{kind}","{subject_id}",{content}]'.encode()).hexdigest()


def _set_state(session: Session, **values: Any) -> None:
    names = ", ".join(f"{name} = :{name}" for name in values)
    session.execute(text(f"UPDATE feed_state SET {names} WHERE id = 1"), values)  # noqa: S608 - our own names


def set_shape(session: Session, shape: int) -> None:
    """Note that every record is written in this form."""
    _set_state(session, shape=shape)


def begin_epoch(session: Session) -> str:
    """Give the feed a new identity, so that every mirror starts again; returns it."""
    lock_feed(session)
    epoch = str(uuid.uuid4())
    _set_state(session, epoch=epoch)
    return epoch


def prune(session: Session, before: datetime, limit: int) -> int:
    """Forget the oldest changes, at most `limit` of them, that happened before a moment."""
    lock_feed(session)
    statement = (
        select(PublicChange.sequence, PublicChange.occurred_at)  # type: ignore[call-overload]
        .order_by(PublicChange.sequence)
        .limit(limit)
    )
    rows = session.execute(statement).all()
    old = [sequence for sequence, _ in takewhile(lambda row: row[1] < before, rows)]
    if old:
        _set_state(session, floor=old[-1])
        session.execute(
            text("DELETE FROM public_changes WHERE sequence <= :floor"), {"floor": old[-1]}
        )
    return len(old)


# --- reading -------------------------------------------------------------------------------------


def read_state(session: Session) -> State:
    """Return the feed's identity, range, hash and count as they are now."""
    names = ", ".join(State.__slots__)
    found = session.execute(text(f"SELECT {names} FROM feed_state WHERE id = 1"))  # noqa: S608 - our own names
    return State(*found.one())


def head(session: Session) -> int:
    """Return the last sequence number, 0 when there is none."""
    return read_state(session).head


def epoch(session: Session) -> str:
    """Return the identity of this feed."""
    return read_state(session).epoch


def list_changes(session: Session, since: int, limit: int) -> list[Change]:
    """Return changes after a number in order, at most `limit`, with the records of now (1 statement)."""
    statement = (
        select(  # type: ignore[call-overload]
            PublicChange.sequence,
            PublicChange.kind,
            PublicChange.subject_id,
            PublicChange.operation,
            PublicChange.occurred_at,
            PublicRecord.content,
        )
        .outerjoin(
            PublicRecord,
            and_(
                PublicRecord.kind == PublicChange.kind,  # type: ignore[arg-type]
                PublicRecord.subject_id == PublicChange.subject_id,  # type: ignore[arg-type]
            ),
        )
        .where(PublicChange.sequence > since)
        .order_by(PublicChange.sequence)
        .limit(limit)
    )
    return [Change(*row) for row in session.execute(statement)]


def read_hashes(
    session: Session, kind: str, subject_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return the hashes of the records that are kept of these things."""
    statement = select(PublicRecord.subject_id, PublicRecord.sha256).where(  # type: ignore[call-overload]
        PublicRecord.kind == kind,
        PublicRecord.subject_id.in_(subject_ids),  # type: ignore[attr-defined]
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def list_records(
    session: Session, kind: str, after: uuid.UUID | None, limit: int
) -> list[tuple[uuid.UUID, str]]:
    """Return ids and contents of the records of a kind in the order of their ids, after one of them."""
    statement = (
        select(PublicRecord.subject_id, PublicRecord.content)  # type: ignore[call-overload]
        .where(PublicRecord.kind == kind)
        .order_by(PublicRecord.subject_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(PublicRecord.subject_id > after)
    return [(subject_id, content) for subject_id, content in session.execute(statement)]
