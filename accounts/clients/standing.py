"""What a token is good for at this moment: its own end, its client's, and its organisation's."""

import uuid
from collections.abc import Callable

from sqlmodel import Session

from accounts import queries as people
from accounts.clients import queries
from accounts.clients.models import AccessToken, ApiClient, ClientState
from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.models import Organisation
from core.db import now


def _bars_nobody(_session: Session, _organisation_id: uuid.UUID) -> bool:
    return False


_is_barred: Callable[[Session, uuid.UUID], bool] = _bars_nobody


def use_bars(is_barred: Callable[[Session, uuid.UUID], bool]) -> None:
    """Tell who knows whether an organisation's programs are shut out (a suspended vendor's)."""
    global _is_barred  # noqa: PLW0603 - set once by the application
    _is_barred = is_barred


def is_shut_out(session: Session, organisation_id: uuid.UUID) -> bool:
    """Tell whether an organisation's programs get and keep no rights at this moment."""
    return _is_barred(session, organisation_id)


def scopes_of(
    session: Session, token: AccessToken, client: ApiClient, owner: Organisation
) -> frozenset[Scope] | None:
    """Return what a token may do at this moment, None when it has ended."""
    has_ended = token.revoked_at is not None or token.expires_at <= now(session)
    if has_ended or client.state is not ClientState.ACTIVE or is_shut_out(session, owner.id):
        return None
    held = {*token.scopes} & {*client.scopes}
    return frozenset(scope for scope in SCOPES_BY_KIND[owner.kind] if scope.value in held)


def lock_scopes(session: Session, token_id: uuid.UUID) -> frozenset[Scope] | None:
    """Return what a token may do, and keep it and its client from ending before the commit."""
    token, client = queries.lock_token(session, token_id)
    owner = people.get_organisation(session, client.owner_id) if client else None
    if token is None or client is None or owner is None:
        return None
    return scopes_of(session, token, client, owner)
