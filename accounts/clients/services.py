"""Acts of an organisation on its API clients: make, new secret, new keys, end."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.clients import queries
from accounts.clients.keys import read_keys
from accounts.clients.models import ApiClient, AuthMethod, ClientAction, ClientState
from accounts.clients.tokens import end_tokens
from accounts.identity import SCOPES_BY_KIND, Actor
from accounts.models import Organisation
from accounts.permissions import Permission, require
from accounts.services import hash_token, require_recent_sign_in
from core import audit
from core.config import Settings
from core.db import now
from core.errors import Conflict, Invalid, NotFound

MOST_CLIENTS = 20
OVERLAP = timedelta(hours=24)
SECRET_PREFIX = "nrs_"  # noqa: S105 - tells scanners of leaked secrets whose it is
_MANAGE = Permission.CLIENT_MANAGE


def create(
    session: Session,
    actor: Actor,
    settings: Settings,
    *,
    name: str,
    scopes: Sequence[str],
    auth_method: AuthMethod,
    jwks: str = "",
) -> tuple[ApiClient, str]:
    """Make a client; returns it with its secret, which is nowhere kept, or with no secret by key.

    Raises Invalid for scopes that the kind of organisation cannot have, and for what is no public key.
    """
    actor = require(session, actor, _MANAGE)
    require_recent_sign_in(session, settings, actor)
    owner = _lock_owner(session, actor)
    _judge(session, owner, name, scopes)
    is_by_key = auth_method is AuthMethod.PRIVATE_KEY_JWT
    secret = "" if is_by_key else _make_secret()
    client = ApiClient(
        owner_id=owner.id,
        name=name,
        scopes=sorted(scopes),
        auth_method=auth_method,
        secret_hash=hash_token(secret) if secret else "",
        secret_made_at=now(session),
        jwks=read_keys(jwks) if is_by_key else "",
        created_by_id=actor.person_id,
        secret_seen_by_id=actor.person_id,
    )
    session.add(client)
    session.flush()
    _record(session, actor, "client.create", client, scopes=client.scopes, by=auth_method.value)
    return client, secret


def edit(
    session: Session,
    actor: Actor,
    settings: Settings,
    client_id: uuid.UUID,
    *,
    name: str,
    scopes: Sequence[str],
    version: int | None = None,
) -> ApiClient:
    """Change name and scopes; a token that was given never has more than the client has now.

    More scopes need a new token. Raises Invalid as create does, StaleVersion for a change from an older page.
    """
    client, actor = _own(session, actor, settings, client_id)
    owner = _lock_owner(session, actor)
    _judge(session, owner, name, scopes, client.id)
    before = {"name": client.name, "scopes": client.scopes}
    client.revise(version, name=name, scopes=sorted(scopes))
    _record(session, actor, "client.edit", client, scopes=client.scopes, before=before)
    return client


def renew_secret(
    session: Session, actor: Actor, settings: Settings, client_id: uuid.UUID, *, at_once: bool
) -> str:
    """Make another secret and return it; the present one ends at once, with all tokens, or in a day."""
    client, actor = _own(session, actor, settings, client_id)
    if client.auth_method is not AuthMethod.CLIENT_SECRET:
        raise Conflict("このクライアントは公開鍵で確かめます。公開鍵を入れ替えてください。")
    secret = _make_secret()
    client.revise(
        secret_hash=hash_token(secret),
        secret_made_at=now(session),
        secret_seen_by_id=actor.person_id,
        former_secret_hash="" if at_once else client.secret_hash,
        former_secret_until=None if at_once else now(session) + OVERLAP,
    )
    if at_once:
        end_tokens(session, client.id)
    _record(session, actor, "client.renew_secret", client, at_once=at_once)
    return secret


def replace_keys(
    session: Session, actor: Actor, settings: Settings, client_id: uuid.UUID, *, jwks: str
) -> ApiClient:
    """Put other public keys in place of the present ones; tokens that were given end as always."""
    client, actor = _own(session, actor, settings, client_id)
    if client.auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        raise Conflict("このクライアントは秘密の文字列で確かめます。秘密を作り直してください。")
    client.revise(jwks=read_keys(jwks), secret_made_at=now(session))
    _record(session, actor, "client.replace_keys", client)
    return client


def revoke(session: Session, actor: Actor, settings: Settings, client_id: uuid.UUID) -> ApiClient:
    """End a client with all its tokens, for good, from the next call on."""
    client, actor = _own(session, actor, settings, client_id)
    _end(session, actor, client)
    return client


def revoke_by_console(session: Session, actor: Actor, client_id: uuid.UUID) -> ApiClient:
    """End any organisation's client, as operators do in an incident."""
    client = queries.lock_client(session, client_id)
    if client is None:
        raise NotFound("このclient_idのクライアントはありません。")
    _end(session, require(session, actor, Permission.CLIENT_END, client), client)
    return client


def _end(session: Session, actor: Actor, client: ApiClient) -> None:
    client.apply(ClientAction.REVOKE, revoked_at=now(session))
    end_tokens(session, client.id)
    _record(session, actor, "client.revoke", client)


def _own(
    session: Session, actor: Actor, settings: Settings, client_id: uuid.UUID
) -> tuple[ApiClient, Actor]:
    client = queries.lock_client(session, client_id)
    if client is None:
        raise NotFound
    actor = require(session, actor, _MANAGE, client)
    require_recent_sign_in(session, settings, actor)
    if client.state is not ClientState.ACTIVE:
        client.expect(ClientAction.REVOKE)
    return client, actor


def _lock_owner(session: Session, actor: Actor) -> Organisation:
    owner = session.get(Organisation, actor.organisation_id, with_for_update=True)
    if owner is None:
        raise NotFound
    return owner


def _judge(
    session: Session,
    owner: Organisation,
    name: str,
    scopes: Sequence[str],
    own_id: uuid.UUID | None = None,
) -> None:
    live = [e for e in queries.list_own(session, owner.id) if e.is_live and e.id != own_id]
    if len(live) >= MOST_CLIENTS:
        sentence = f"クライアントは{MOST_CLIENTS}件までです。使わないものを取り消してください。"
        raise Invalid({"name": sentence})
    if name in {each.name for each in live}:
        raise Invalid({"name": "同じ名前のクライアントがあります。別の名前にしてください。"})
    if not {*scopes} <= {scope.value for scope in SCOPES_BY_KIND[owner.kind]}:
        raise Invalid({"scopes": "この組織のクライアントには付けられない範囲があります。"})


def _make_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def _record(session: Session, actor: Actor, act: str, client: ApiClient, **detail: Any) -> None:
    owner = client.owner_id
    audit.record(
        session, actor, act, "ApiClient", client.id, owner_id=owner, name=client.name, **detail
    )
