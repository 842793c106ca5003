"""The audit chain walked from its beginning, and signed statements of its head to be kept outside.

The chain alone shows each edit; that its end was cut off, or all of it written anew, is seen only
against a checkpoint that lies elsewhere.
"""

import json
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import BigInteger, Column, func, select, text
from sqlmodel import Field, Session, SQLModel

from core import outbox
from core.audit import GENESIS, AuditDetail, AuditEvent, commit_to, event_hash
from core.audit_tree import MerkleTree
from core.clock import day_in_japan, start_of_day
from core.db import now
from core.models import UTCDateTime, metadata

FORMAT = "narabi-checkpoint-2"
TOPIC = "audit.checkpoint"
MOST_DAYS_WITHOUT = 2
_BATCH = 1_000
_AFTER_MIDNIGHT = timedelta(minutes=5)
_HEXADECIMAL = frozenset("0123456789abcdef")
_UNSAFE_INTEGER = 2**53  # from here on canonical JSON knows no whole number
_LENGTHS = {"head": 64, "root": 64, "public_key": 64, "signature": 128}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement of the chain's length, its head and the root of its tree, to be kept outside.

    Those made before there was a tree have no root, and call the head `hash`.
    """

    sequence: int
    head: str
    root: str | None
    made_at: str
    public_key: str
    signature: str

    def values(self) -> dict[str, Any]:
        """Return the checkpoint as JSON values."""
        keys = {"public_key": self.public_key, "signature": self.signature}
        return {**self._signed_values(), **keys}

    def to_json(self) -> str:
        """Return the checkpoint as one line of canonical JSON."""
        return rfc8785.dumps(self.values()).decode()

    @classmethod
    def from_json(cls, line: str) -> "Checkpoint":
        """Read a checkpoint of either format; raises ValueError when it is not one."""
        msg = "記録の確認点のファイルではありません。narabi audit checkpoint で作ったものを指定してください。"
        try:
            value = json.loads(line)
            is_first = "format" not in value
            if not is_first and value["format"] != FORMAT:
                raise ValueError(msg)
            head, root = (value["hash"], None) if is_first else (value["head"], value["root"])
            names = ("made_at", "public_key", "signature")
            read = cls(value["sequence"], head, root, *(value[name] for name in names))
        except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(msg) from error
        if not read.is_well_formed(needs_root=not is_first):
            raise ValueError(msg)
        return read

    def is_well_formed(self, *, needs_root: bool) -> bool:
        """Tell whether each value is of the kind that a checkpoint holds."""
        if type(self.sequence) is not int or not isinstance(self.made_at, str):
            return False
        digits = {name: getattr(self, name) for name in _LENGTHS if name != "root" or needs_root}
        return 0 <= self.sequence < _UNSAFE_INTEGER and all(
            isinstance(value, str) and len(value) == _LENGTHS[name] and set(value) <= _HEXADECIMAL
            for name, value in digits.items()
        )

    def signed_bytes(self) -> bytes:
        """Return the bytes that the signature covers."""
        return rfc8785.dumps(self._signed_values())

    def _signed_values(self) -> dict[str, Any]:
        shared = {"sequence": self.sequence, "made_at": self.made_at}
        if self.root is None:
            return {**shared, "hash": self.head}
        return {**shared, "format": FORMAT, "head": self.head, "root": self.root}


class AuditCheckpoint(SQLModel, table=True):
    """A checkpoint that is kept; the one of a day is published, any other is for the operator."""

    __tablename__ = "audit_checkpoints"
    metadata = metadata

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    head: str = Field(max_length=64)
    root: str = Field(max_length=64)
    made_at: datetime = Field(sa_type=UTCDateTime, nullable=False, index=True)
    public_key: str = Field(max_length=64)
    signature: str = Field(max_length=128)
    published_on: date | None = Field(default=None, unique=True)

    @property
    def checkpoint(self) -> Checkpoint:
        """The signed statement."""
        moment = self.made_at.isoformat(timespec="seconds")
        return Checkpoint(
            self.sequence, self.head, self.root, moment, self.public_key, self.signature
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of walking the chain: how many events hold, and every problem found."""

    events: int
    head: str
    problems: tuple[str, ...]


def read_tree(session: Session) -> tuple[MerkleTree, str]:
    """Return the tree over the hashes of all events, and the newest of them."""
    statement = text("SELECT hash FROM audit_events ORDER BY sequence")
    hashes = session.execute(statement).scalars().all()
    return MerkleTree(map(bytes.fromhex, hashes)), hashes[-1] if hashes else GENESIS


def sign_tree(tree: MerkleTree, head: str, seed: bytes, made_at: datetime) -> Checkpoint:
    """Sign length, head and root with the ed25519 key made from a 32-byte seed."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    unsigned = Checkpoint(
        sequence=len(tree),
        head=head,
        root=tree.root().hex(),
        made_at=made_at.isoformat(timespec="seconds"),
        public_key=key.public_key().public_bytes_raw().hex(),
        signature="",
    )
    return replace(unsigned, signature=key.sign(unsigned.signed_bytes()).hex())


def make_checkpoint(session: Session, seed: bytes, made_at: datetime) -> Checkpoint:
    """Sign the present end of the chain."""
    return sign_tree(*read_tree(session), seed, made_at)


def public_key(seed: bytes) -> bytes:
    """Return the 32-byte public key that belongs to a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


# --- checkpoints kept here ------------------------------------------------------------------------


def keep_checkpoint(session: Session, seed: bytes, published_on: date | None = None) -> Checkpoint:
    """Sign the present end of the chain and keep it; the one of a day is published."""
    made = make_checkpoint(session, seed, now(session))
    moment = datetime.fromisoformat(made.made_at)
    values = {**made.values(), "made_at": moment, "published_on": published_on}
    session.add(AuditCheckpoint(**{k: v for k, v in values.items() if k != "format"}))
    session.flush()
    return made


def list_published(session: Session, *, limit: int, offset: int = 0) -> Sequence[AuditCheckpoint]:
    """Return the checkpoints of the days, newest first."""
    statement = _published().order_by(AuditCheckpoint.published_on.desc())  # type: ignore[union-attr]
    return session.execute(statement.limit(limit).offset(offset)).scalars().all()


def count_published(session: Session) -> int:
    """Return how many days have a checkpoint."""
    counted = select(func.count()).select_from(_published().subquery())
    return int(session.execute(counted).scalar_one())


def _published() -> Any:
    return select(AuditCheckpoint).where(AuditCheckpoint.published_on.is_not(None))  # type: ignore[union-attr]


def make_handlers(seed: bytes) -> Mapping[str, outbox.Handler]:
    """Return the handler that publishes the checkpoint of the day and calls for the next."""

    def publish_day(session: Session, _payload: Mapping[str, Any]) -> None:
        today = day_in_japan(now(session))
        if not _is_published(session, today):
            keep_checkpoint(session, seed, today)
        _call_for_tomorrow(session, today)

    return {TOPIC: publish_day}


def begin_publishing(session: Session) -> None:
    """Call for the next checkpoint, of today or of tomorrow; its delivery calls for the one after."""
    today = day_in_japan(now(session))
    if _is_published(session, today):
        _call_for_tomorrow(session, today)
    else:
        outbox.publish(session, TOPIC, {})


def _call_for_tomorrow(session: Session, today: date) -> None:
    due_at = start_of_day(today + timedelta(days=1)) + _AFTER_MIDNIGHT
    outbox.publish_next(session, TOPIC, due_at)


def _is_published(session: Session, day: date) -> bool:
    newest = list_published(session, limit=1)
    return bool(newest) and newest[0].published_on == day


# --- walking --------------------------------------------------------------------------------------


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
    hashes: list[str] = []
    for event in _events(session):
        if event.sequence != expected:
            problems.append(f"{expected}番の記録がありません（次は{event.sequence}番です）。")
        if event.previous_hash != previous:
            problems.append(f"{event.sequence}番の記録が前の記録とつながりません。")
        if event_hash(event) != event.hash:
            problems.append(f"{event.sequence}番の記録の内容がハッシュと合いません。")
        hashes.append(event.hash)
        expected, previous, count = event.sequence + 1, event.hash, count + 1
    problems += _detail_problems(session, erased)
    if checkpoint:
        problems += _checkpoint_problems(checkpoint, public_key, hashes)
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
    checkpoint: Checkpoint, public_key: bytes | None, hashes: Sequence[str]
) -> list[str]:
    found = []
    if not is_signed(checkpoint, public_key):
        found.append("確認点の署名が合いません。")
    length, sequence = len(hashes), checkpoint.sequence
    if length < sequence:
        return [*found, f"確認点では{sequence}番までありましたが、今は{length}番までです。"]
    if sequence and hashes[sequence - 1] != checkpoint.head:
        found.append(f"{sequence}番の記録が確認点のハッシュと合いません。")
    if checkpoint.root is not None:
        tree = MerkleTree(map(bytes.fromhex, hashes[:sequence]))
        if tree.root().hex() != checkpoint.root:
            found.append(f"1番から{sequence}番までの記録が確認点の木のハッシュと合いません。")
    return found


def is_signed(checkpoint: Checkpoint, public_key: bytes | None = None) -> bool:
    """Tell whether a checkpoint is signed by a key (by the one it names, without)."""
    key = public_key or bytes.fromhex(checkpoint.public_key)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(
            bytes.fromhex(checkpoint.signature), checkpoint.signed_bytes()
        )
    except (InvalidSignature, ValueError):
        return False
    return True
