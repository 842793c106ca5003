"""Acts on access tokens: give, end, note their use; a token itself is never kept."""

import secrets
import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col

from accounts.clients.models import AccessToken, ApiClient
from accounts.services import hash_token
from core.db import now

TOKEN_PREFIX = "nrt_"  # noqa: S105 - tells scanners of leaked secrets whose it is
_KEPT = timedelta(days=1)


def give_token(
    session: Session, client: ApiClient, scopes: Iterable[str], lifetime: timedelta
) -> tuple[str, AccessToken]:
    """Make a token; returns it, for it is nowhere kept, and the row that knows it again."""
    session.execute(delete(AccessToken).where(col(AccessToken.expires_at) < now(session) - _KEPT))
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = AccessToken(
        token_hash=hash_token(token),
        client_id=client.id,
        scopes=sorted(scopes),
        created_at=now(session),
        expires_at=now(session) + lifetime,
    )
    session.add(row)
    session.flush()
    return token, row


def touch_client(session: Session, client_id: uuid.UUID) -> None:
    """Note that a client was just used; no version is raised, for nobody edits this."""
    moment = now(session)
    row = update(ApiClient).where(col(ApiClient.id) == client_id)
    session.execute(row.values(last_used_at=moment))


def end_tokens(session: Session, client_id: uuid.UUID) -> None:
    """Revoke every token of a client from this moment on."""
    live = update(AccessToken).where(
        col(AccessToken.client_id) == client_id, col(AccessToken.revoked_at).is_(None)
    )
    session.execute(live.values(revoked_at=now(session)))
