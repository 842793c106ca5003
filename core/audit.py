"""The audit trail: append-only and hash-chained.

Each event holds the SHA-256 of its canonical JSON (RFC 8785), which contains the hash before it.
What may hold personal data (reasons, details) lies in a side table; the chain holds only its
salted commitment, so that it can be erased without breaking the chain.
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import rfc8785
from sqlalchemy import BigInteger, Column, ForeignKey, Index, select, text
from sqlmodel import Field, Session, SQLModel

from core.models import JSONType, UTCDateTime, enum_type, metadata

AUDIT_LOCK = 0x4E41_5201
GENESIS = "0" * 64


class Outcome(StrEnum):
    """How an attempted act ended."""

    DONE = "done"
    REFUSED = "refused"
    CONFLICT = "conflict"


class Acting(Protocol):
    """What the trail needs to know about who acts."""

    @property
    def client_id(self) -> uuid.UUID | None:
        """The program that acts by the API, or None."""

    @property
    def client_name(self) -> str:
        """The name of that program, empty when none acts."""

    @property
    def person_id(self) -> uuid.UUID | None:
        """The person, or None for nobody and for the system."""

    @property
    def organisation_id(self) -> uuid.UUID | None:
        """The organisation for which the person acts."""


@dataclass(frozen=True, slots=True)
class System:
    """The system itself as actor: workers and commands."""

    person_id: uuid.UUID | None = None
    organisation_id: uuid.UUID | None = None
    client_id: uuid.UUID | None = None
    client_name: str = ""


SYSTEM = System()


class AuditEvent(SQLModel, table=True):
    """One link of the chain."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_subject", "subject_kind", "subject_id"),)
    metadata = metadata

    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    occurred_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    person_id: uuid.UUID | None = Field(default=None, index=True)
    organisation_id: uuid.UUID | None = Field(default=None, index=True)
    action: str = Field(max_length=80)
    outcome: Outcome = Field(sa_type=enum_type(Outcome))
    subject_kind: str = Field(max_length=60)
    subject_id: uuid.UUID | None = None
    owner_id: uuid.UUID | None = Field(default=None, index=True)
    case_id: uuid.UUID | None = Field(default=None, index=True)
    request_id: str = Field(default="", max_length=40)
    commitment: str = Field(max_length=64)
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64, unique=True)


class AuditDetail(SQLModel, table=True):
    """The words and values of an event, outside the chain; may be erased by law."""

    __tablename__ = "audit_details"
    metadata = metadata

    sequence: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("audit_events.sequence"), primary_key=True, autoincrement=False
        )
    )
    salt: str = Field(max_length=32)
    detail: dict[str, Any] = Field(sa_type=JSONType)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event waiting for the end of its transaction."""

    actor: Acting
    action: str
    subject_kind: str
    subject_id: uuid.UUID | None
    owner_id: uuid.UUID | None = None
    case_id: uuid.UUID | None = None
    outcome: Outcome = Outcome.DONE
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(
    session: Session,
    actor: Acting,
    action: str,
    subject_kind: str,
    subject_id: uuid.UUID | None,
    *,
    owner_id: uuid.UUID | None = None,
    case_id: uuid.UUID | None = None,
    outcome: Outcome = Outcome.DONE,
    **detail: Any,
) -> None:
    """Add an event to the transaction; it is numbered and chained just before the commit.

    `owner_id` is the organisation whose trail shows it, `case_id` the project it belongs to.
    """
    draft = Draft(
        actor, action, subject_kind, subject_id, owner_id, case_id, outcome, _jsonable(detail)
    )
    session.info.setdefault("audit", []).append(draft)


def flush_events(session: Session) -> None:
    """Chain the buffered events under the audit lock; called by transaction() only."""
    drafts: list[Draft] = session.info.pop("audit", [])
    if not drafts:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": AUDIT_LOCK})
    last = session.execute(
        select(AuditEvent.sequence, AuditEvent.hash)  # type: ignore[call-overload]
        .order_by(AuditEvent.sequence.desc())  # type: ignore[attr-defined]
        .limit(1)
    ).first()
    sequence, previous = (last[0], last[1]) if last else (0, GENESIS)
    details = []
    for draft in drafts:
        sequence += 1
        event, detail = _link(draft, sequence, previous, session)
        session.add(event)
        details.append(detail)
        previous = event.hash
    session.flush()
    session.add_all(details)
    session.flush()


def _link(
    draft: Draft, sequence: int, previous: str, session: Session
) -> tuple[AuditEvent, AuditDetail]:
    salt = secrets.token_hex(16)
    detail = {**draft.detail, **_program(draft.actor)}
    event = AuditEvent(
        sequence=sequence,
        occurred_at=session.info["now"],
        person_id=draft.actor.person_id,
        organisation_id=draft.actor.organisation_id,
        action=draft.action,
        outcome=draft.outcome,
        subject_kind=draft.subject_kind,
        subject_id=draft.subject_id,
        owner_id=draft.owner_id,
        case_id=draft.case_id,
        request_id=session.info.get("request_id", ""),
        commitment=commit_to(salt, detail),
        previous_hash=previous,
        hash="",
    )
    event.hash = event_hash(event)
    return event, AuditDetail(sequence=sequence, salt=salt, detail=detail)


def _program(actor: Acting) -> dict[str, str]:
    """Name the program that acts; in the detail, so that the links of older chains stay as they are."""
    if actor.client_id is None:
        return {}
    return {"client_id": str(actor.client_id), "client_name": actor.client_name}


def commit_to(salt: str, detail: Mapping[str, Any]) -> str:
    """Return SHA-256(salt || canonical JSON of the detail) in hexadecimal."""
    return hashlib.sha256(salt.encode() + rfc8785.dumps(dict(detail))).hexdigest()


def event_fields(event: AuditEvent) -> dict[str, Any]:
    """Return the hashed fields of an event as JSON values."""
    return {
        "sequence": event.sequence,
        "occurred_at": event.occurred_at.isoformat(timespec="microseconds"),
        "person_id": _text(event.person_id),
        "organisation_id": _text(event.organisation_id),
        "action": event.action,
        "outcome": str(event.outcome),
        "subject_kind": event.subject_kind,
        "subject_id": _text(event.subject_id),
        "owner_id": _text(event.owner_id),
        "case_id": _text(event.case_id),
        "request_id": event.request_id,
        "commitment": event.commitment,
        "previous_hash": event.previous_hash,
    }


def event_hash(event: AuditEvent) -> str:
    """Return SHA-256 of the event's canonical JSON in hexadecimal."""
    return hashlib.sha256(rfc8785.dumps(event_fields(event))).hexdigest()


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)


def _jsonable(detail: Mapping[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json.dumps(detail, default=str, ensure_ascii=False))
    return loaded
