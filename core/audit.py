"""The audit trail: append-only, hash-chained, with signed checkpoints to be kept outside.

Each event holds the SHA-256 of its canonical JSON (RFC 8785), which contains the hash before it.
What may hold personal data (reasons, details) lies in a side table; the chain holds only its
salted commitment, so that it can be erased without breaking the chain.
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import BigInteger, Column, ForeignKey, Index, select, text
from sqlmodel import Field, Session, SQLModel

from core.models import JSONType, UTCDateTime, enum_type, metadata

AUDIT_LOCK = 0x4E41_5201
GENESIS = "0" * 64
_BATCH = 1_000
_HEXADECIMAL = frozenset("0123456789abcdef")
_UNSAFE_INTEGER = 2**53  # from here on canonical JSON knows no whole number


class Outcome(StrEnum):
    """How an attempted act ended."""

    DONE = "done"
    REFUSED = "refused"
    CONFLICT = "conflict"


class Acting(Protocol):
    """What the trail needs to know about who acts."""

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
    detail = dict(draft.detail)
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


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement of the chain's length and head, to be kept outside."""

    sequence: int
    hash: str
    made_at: str
    public_key: str
    signature: str

    def to_json(self) -> str:
        """Return the checkpoint as one line of canonical JSON."""
        return rfc8785.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, line: str) -> "Checkpoint":
        """Read a checkpoint; raises ValueError when it is not one."""
        msg = "記録の確認点のファイルではありません。narabi audit checkpoint で作ったものを指定してください。"
        try:
            value = json.loads(line)
            read = cls(**{name: value[name] for name in cls.__slots__})
        except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(msg) from error
        if not read.is_well_formed():
            raise ValueError(msg)
        return read

    def is_well_formed(self) -> bool:
        """Tell whether each value is of the kind that a checkpoint holds."""
        texts = (self.hash, self.public_key, self.signature, self.made_at)
        if type(self.sequence) is not int or not all(isinstance(each, str) for each in texts):
            return False
        lengths = tuple(map(len, texts[:3]))
        are_digits = all(set(each) <= _HEXADECIMAL for each in texts[:3])
        return 0 <= self.sequence < _UNSAFE_INTEGER and are_digits and lengths == (64, 64, 128)

    def signed_bytes(self) -> bytes:
        """Return the bytes that the signature covers."""
        return rfc8785.dumps(
            {"sequence": self.sequence, "hash": self.hash, "made_at": self.made_at}
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of walking the chain: how many events hold, and every problem found."""

    events: int
    head: str
    problems: tuple[str, ...]


def make_checkpoint(session: Session, seed: bytes, made_at: datetime) -> Checkpoint:
    """Sign the present head of the chain with the ed25519 key made from a 32-byte seed."""
    last = _head(session)
    key = Ed25519PrivateKey.from_private_bytes(seed)
    unsigned = Checkpoint(
        sequence=last[0],
        hash=last[1],
        made_at=made_at.isoformat(timespec="seconds"),
        public_key=key.public_key().public_bytes_raw().hex(),
        signature="",
    )
    return Checkpoint(
        unsigned.sequence,
        unsigned.hash,
        unsigned.made_at,
        unsigned.public_key,
        key.sign(unsigned.signed_bytes()).hex(),
    )


def public_key(seed: bytes) -> bytes:
    """Return the 32-byte public key that belongs to a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _head(session: Session) -> tuple[int, str]:
    statement = text("SELECT sequence, hash FROM audit_events ORDER BY sequence DESC LIMIT 1")
    row = session.execute(statement).first()
    return (row[0], row[1]) if row else (0, GENESIS)


def _events(session: Session) -> Iterator[AuditEvent]:
    position = 0
    while True:
        batch = (
            session.execute(
                select(AuditEvent)
                .where(AuditEvent.sequence > position)  # type: ignore[arg-type]
                .order_by(AuditEvent.sequence)  # type: ignore[arg-type]
                .limit(_BATCH)
            )
            .scalars()
            .all()
        )
        if not batch:
            return
        yield from batch
        position = batch[-1].sequence
        session.expunge_all()


def verify(
    session: Session,
    checkpoint: Checkpoint | None = None,
    public_key: bytes | None = None,
    *,
    erased: Collection[int] = (),
) -> Verification:
    """Walk the whole chain and name every break; with a checkpoint also truncation and rewriting.

    `public_key` must have signed the checkpoint; the details of events `erased` may be gone.
    """
    problems: list[str] = []
    expected, previous, count = 1, GENESIS, 0
    at_checkpoint = GENESIS
    for event in _events(session):
        if event.sequence != expected:
            problems.append(f"{expected}番の記録がありません（次は{event.sequence}番です）。")
        if event.previous_hash != previous:
            problems.append(f"{event.sequence}番の記録が前の記録とつながりません。")
        if event_hash(event) != event.hash:
            problems.append(f"{event.sequence}番の記録の内容がハッシュと合いません。")
        if checkpoint and event.sequence == checkpoint.sequence:
            at_checkpoint = event.hash
        expected, previous, count = event.sequence + 1, event.hash, count + 1
    problems += _detail_problems(session, erased)
    if checkpoint:
        problems += _checkpoint_problems(checkpoint, public_key, expected - 1, at_checkpoint)
    return Verification(count, previous, tuple(problems))


def _detail_problems(session: Session, erased: Collection[int]) -> list[str]:
    found: list[str] = []
    position = 0
    while True:
        rows = session.execute(
            select(AuditEvent.sequence, AuditEvent.commitment, AuditDetail)  # type: ignore[call-overload]
            .join(AuditDetail, AuditDetail.sequence == AuditEvent.sequence, isouter=True)
            .where(AuditEvent.sequence > position)
            .order_by(AuditEvent.sequence)
            .limit(_BATCH)
        ).all()
        if not rows:
            return found
        for sequence, commitment, detail in rows:
            if detail is None and sequence not in erased:
                found.append(f"{sequence}番の記録の詳細がありません。消されています。")
            elif detail is not None and commit_to(detail.salt, detail.detail) != commitment:
                found.append(f"{sequence}番の記録の詳細が約束の値と合いません。")
        position = rows[-1][0]
        session.expunge_all()


def _checkpoint_problems(
    checkpoint: Checkpoint, public_key: bytes | None, head: int, hash_there: str
) -> list[str]:
    found = []
    key = public_key or bytes.fromhex(checkpoint.public_key)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(
            bytes.fromhex(checkpoint.signature), checkpoint.signed_bytes()
        )
    except (InvalidSignature, ValueError):
        found.append("確認点の署名が合いません。")
    if head < checkpoint.sequence:
        found.append(f"確認点では{checkpoint.sequence}番までありましたが、今は{head}番までです。")
    elif checkpoint.sequence and hash_there != checkpoint.hash:
        found.append(f"{checkpoint.sequence}番の記録が確認点のハッシュと合いません。")
    return found
