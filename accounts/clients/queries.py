"""Reading API clients and their tokens."""

import uuid

from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.clients.models import AccessToken, ApiClient


def find_token(session: Session, token_hash: str) -> AccessToken | None:
    """Return the token of this hash with its client and the client's organisation, ended or not."""
    statement = (
        select(AccessToken)
        .where(AccessToken.token_hash == token_hash)
        .options(joinedload(AccessToken.client).joinedload(ApiClient.owner))  # type: ignore[arg-type]
    )
    return session.exec(statement).first()


def lock_token(
    session: Session, token_id: uuid.UUID
) -> tuple[AccessToken | None, ApiClient | None]:
    """Return a token and its client as of now, and keep both from ending before the commit."""
    statement = (
        select(AccessToken, ApiClient)
        .join(ApiClient, col(ApiClient.id) == col(AccessToken.client_id))
        .where(AccessToken.id == token_id)
        .execution_options(populate_existing=True)
    )
    if not session.info.get("read_only"):
        statement = statement.with_for_update(read=True)
    found = session.exec(statement).first()
    return found or (None, None)
