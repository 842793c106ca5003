"""One act for one key: what was answered is kept in the transaction of the act, and told again.

The Idempotency-Key header (IETF draft-ietf-httpapi-idempotency-key-header). Whoever comes second
waits until the first has committed, so that a retry never meets half an act, and a killed worker
leaves either both or nothing. What was refused is not kept: the next try is judged anew.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field, Session

from core import sealing
from core.config import Settings
from core.db import now
from core.errors import Invalid
from core.form_keys import claim
from core.models import Model

KEPT = timedelta(hours=24)
_PURPOSE = "idempotency"


class IdempotencyKeyReused(Invalid):
    """A key came again with another request."""

    code = "idempotency_key_reused"
    title = "Idempotency-Keyが別の内容で使われています"
    meaning = "同じ利用者が、同じIdempotency-Keyで別の内容を先に送っています。"
    remedy = (
        "別の操作には新しいキーを付けてください。同じ操作のやり直しは、同じ内容で送ってください。"
    )

    def __init__(self) -> None:
        sentence = "このIdempotency-Keyは、24時間以内に別の内容で使われています。"
        super().__init__({"Idempotency-Key": sentence})


class IdempotencyKey(Model, table=True):
    """A key of one caller with the hash of its request and the answer, sealed: it may hold a secret."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    request_sha256: str = Field(max_length=64)
    status: int = 0
    location: str = Field(default="", max_length=500)
    etag: str = Field(default="", max_length=100)
    sealed: bytes = Field(default=b"", sa_type=LargeBinary)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept: status, Location, ETag, and the text of the body."""

    status: int
    location: str
    etag: str
    body: str
    is_repeat: bool = False


def is_known(session: Session, key: tuple[str, str], request_sha256: str) -> bool:
    """Tell whether this caller's request was done already; raises IdempotencyKeyReused as the act would.

    For what is costly to prepare before the act: the act itself still decides, in its transaction.
    """
    row = session.get(IdempotencyKey, _identify(key))
    if row is None or row.created_at < now(session) - KEPT:
        return False
    if row.request_sha256 != request_sha256:
        raise IdempotencyKeyReused
    return True


def act_once(
    session: Session,
    settings: Settings,
    key: tuple[str, str],
    request_sha256: str,
    act: Callable[[], Kept],
) -> Kept:
    """Act, or tell what was answered when this caller sent this key before; both at once, too.

    `key` is caller and key. Raises IdempotencyKeyReused (422) when the request was another.
    """
    row_id = _identify(key)
    empty = {"status": 0, "location": "", "etag": "", "sealed": b""}
    is_first = claim(session, IdempotencyKey, row_id, KEPT, request_sha256=request_sha256, **empty)
    row = session.get_one(IdempotencyKey, row_id)
    if not is_first:
        if row.request_sha256 != request_sha256:
            raise IdempotencyKeyReused
        body = sealing.unseal(settings, _PURPOSE, row.id, row.sealed).decode()
        return Kept(row.status, row.location, row.etag, body, is_repeat=True)
    made = act()
    sealed = sealing.seal(settings, _PURPOSE, row.id, made.body.encode())
    row.status, row.location, row.etag, row.sealed = made.status, made.location, made.etag, sealed
    return made


def _identify(key: tuple[str, str]) -> uuid.UUID:
    caller, text = key
    digest = hashlib.sha256(f"{caller}\n{text}".encode()).digest()
    return uuid.UUID(bytes=digest[:16])
