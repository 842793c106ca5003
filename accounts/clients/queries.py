"""Reading API clients and their tokens."""

import uuid

from sqlalchemy import func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.clients.models import AccessToken, ApiClient
from accounts.models import Organisation
from core.db import now

_MOST, _MOST_LISTED = 500, 10_000


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


def find_client(session: Session, client_id: uuid.UUID) -> ApiClient | None:
    """Return a client with its organisation."""
    statement = (
        select(ApiClient).where(ApiClient.id == client_id).options(joinedload(ApiClient.owner))  # type: ignore[arg-type]
    )
    return session.exec(statement).first()


def lock_client(session: Session, client_id: uuid.UUID) -> ApiClient | None:
    """Return a client as it is now, and keep everyone else from changing it before the commit."""
    return session.get(ApiClient, client_id, with_for_update=True, populate_existing=True)


def list_own(session: Session, organisation_id: uuid.UUID | None) -> list[ApiClient]:
    """Return the clients of an organisation, live ones first, with who made and who saw the secret."""
    statement = (
        select(ApiClient)
        .where(ApiClient.owner_id == organisation_id)
        .options(joinedload(ApiClient.created_by), joinedload(ApiClient.secret_seen_by))  # type: ignore[arg-type]
        .order_by(col(ApiClient.state), col(ApiClient.name), col(ApiClient.id))
        .limit(_MOST)
    )
    return list(session.exec(statement).all())


def get_own(
    session: Session, organisation_id: uuid.UUID | None, client_id: uuid.UUID
) -> ApiClient | None:
    """Return one of an organisation's clients as the pages show it."""
    own = list_own(session, organisation_id)
    return next((each for each in own if each.id == client_id), None)


def list_all(session: Session, organisation: str = "") -> list[ApiClient]:
    """Return clients with their organisations, of those whose name has the words; for operators."""
    statement = (
        select(ApiClient)
        .join(Organisation, col(Organisation.id) == col(ApiClient.owner_id))
        .where(col(Organisation.name).contains(organisation, autoescape=True))
        .options(joinedload(ApiClient.owner))  # type: ignore[arg-type]
        .order_by(Organisation.name, col(ApiClient.name), col(ApiClient.id))
        .limit(_MOST_LISTED)
    )
    return list(session.exec(statement).all())


def count_tokens(session: Session, client_id: uuid.UUID) -> int:
    """Return how many tokens of a client are good at this moment."""
    statement = select(func.count()).where(
        AccessToken.client_id == client_id,
        col(AccessToken.revoked_at).is_(None),
        col(AccessToken.expires_at) > now(session),
    )
    return session.exec(statement).one()
