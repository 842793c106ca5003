"""The public change log: commit-ordered, gapless sequence numbers given under one lock.

A reader that has seen number N can never be overtaken by a smaller number that commits later.
"""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, select, text
from sqlmodel import Field, Session, SQLModel

from core.models import UTCDateTime, enum_type, metadata

FEED_LOCK = 0x4E41_5202


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


class FeedState(SQLModel, table=True):
    """The identity of this feed; a new epoch tells mirrors to start again from a snapshot."""

    __tablename__ = "feed_state"
    metadata = metadata

    id: int = Field(default=1, primary_key=True)
    epoch: str = Field(max_length=36)


def append(
    session: Session, kind: str, subject_id: uuid.UUID, operation: Operation = Operation.UPSERT
) -> None:
    """Announce a public change; it is numbered just before the commit. The last word per subject counts."""
    pending: dict[tuple[str, uuid.UUID], Operation] = session.info.setdefault("changes", {})
    pending.pop((kind, subject_id), None)
    pending[kind, subject_id] = operation


def flush_changes(session: Session) -> None:
    """Number the buffered changes under the feed lock; called by transaction() only."""
    pending: dict[tuple[str, uuid.UUID], Operation] = session.info.pop("changes", {})
    if not pending:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FEED_LOCK})
    sequence = head(session)
    for (kind, subject_id), operation in pending.items():
        sequence += 1
        session.add(
            PublicChange(
                sequence=sequence,
                kind=kind,
                subject_id=subject_id,
                operation=operation,
                occurred_at=session.info["now"],
            )
        )
    session.flush()


def head(session: Session) -> int:
    """Return the last sequence number, 0 when there is none."""
    return int(
        session.execute(text("SELECT COALESCE(MAX(sequence), 0) FROM public_changes")).scalar_one()
    )


def epoch(session: Session) -> str:
    """Return the identity of this feed."""
    return str(session.execute(text("SELECT epoch FROM feed_state WHERE id = 1")).scalar_one())


def list_changes(session: Session, since: int, limit: int) -> list[PublicChange]:
    """Return changes after a sequence number in order, at most `limit`."""
    statement = (
        select(PublicChange)
        .where(PublicChange.sequence > since)  # type: ignore[arg-type]
        .order_by(PublicChange.sequence)  # type: ignore[arg-type]
        .limit(limit)
    )
    return list(session.execute(statement).scalars().all())


def first_sequence(session: Session) -> int:
    """Return the oldest sequence number still kept, 0 when there is none."""
    return int(
        session.execute(text("SELECT COALESCE(MIN(sequence), 0) FROM public_changes")).scalar_one()
    )
