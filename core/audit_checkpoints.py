"""The audit chain walked from its beginning, and signed statements of its head to be kept outside.

The chain alone shows each edit; that its end was cut off, or all of it written anew, is seen only
against a checkpoint that lies elsewhere.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select, text
from sqlmodel import Session

from core.audit import GENESIS, AuditDetail, AuditEvent, commit_to, event_hash

_BATCH = 1_000
_HEXADECIMAL = frozenset("0123456789abcdef")
_UNSAFE_INTEGER = 2**53  # from here on canonical JSON knows no whole number


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
