"""Who asks by a bearer token (RFC 6750), and how a program is told that its token does not do."""

from datetime import timedelta

from flask import Response, g, make_response, request
from flask.typing import ResponseReturnValue

from accounts.clients import limits, queries, standing
from accounts.clients.models import AccessToken, ApiClient
from accounts.clients.tokens import touch_client
from accounts.identity import ANONYMOUS, Actor, Scope
from accounts.services import hash_token
from core import web
from core.db import now, transaction
from core.errors import InsufficientScope, InvalidToken, SignInRequired, TokenRequired, TooMany

PREFIX = "/api/"
_REALM = 'Bearer realm="narabi"'
_TOUCH_EVERY = timedelta(minutes=1)
_LONGEST = 200


def load_client() -> None:
    """Make the holder of the token the actor of this request; without a token, nobody.

    Raises InvalidToken for whatever else the header holds, so that no program believes itself known.
    """
    g.actor = ANONYMOUS
    given = request.headers.get("Authorization")
    if given is None:
        return
    scheme, _, text = given.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(text) <= _LONGEST:
        raise InvalidToken(
            "Authorizationヘッダーは「Bearer アクセストークン」の形で送ってください。"
        )
    session = web.read_session()
    token = queries.find_token(session, hash_token(text))
    scopes = standing.scopes_of(session, token, token.client, token.client.owner) if token else None
    if token is None or scopes is None:
        raise InvalidToken
    g.actor = _make_actor(token, token.client, scopes)
    used = token.client.last_used_at
    if used is None or now(session) - used > _TOUCH_EVERY:
        with transaction() as writing:
            touch_client(writing, token.client_id)


def _make_actor(token: AccessToken, client: ApiClient, scopes: frozenset[Scope]) -> Actor:
    owner = client.owner
    return Actor(
        grantees=scopes,
        organisation_id=owner.id,
        organisation_kind=owner.kind,
        organisation_label=owner.label,
        organisation_ids=frozenset({owner.id}),
        client_id=client.id,
        client_name=client.name,
        token_id=token.id,
    )


def answer_no_token(error: SignInRequired) -> ResponseReturnValue:
    """Tell a program that it needs a token, or that the one it has shown is not good (401)."""
    if isinstance(error, InvalidToken):
        try:
            limits.count_stranger()
        except TooMany as over:
            return web.answer_domain_error(over)
        challenge = (
            f'{_REALM}, error="invalid_token", error_description="unknown, expired or revoked"'
        )
        return _challenge(error, challenge)
    return _challenge(TokenRequired(), _REALM)


def answer_no_scope(error: InsufficientScope) -> ResponseReturnValue:
    """Tell a program which scope its token lacks (403)."""
    scopes = " ".join(error.scopes)
    return _challenge(error, f'{_REALM}, error="insufficient_scope", scope="{scopes}"')


def _challenge(error: SignInRequired | InsufficientScope, challenge: str) -> ResponseReturnValue:
    response = make_response(web.answer_domain_error(error))
    response.headers["WWW-Authenticate"] = challenge
    return response


def keep_apart(response: Response) -> Response:
    """Let no shared cache give one reader's answer of the API to another."""
    if request.path.startswith(PREFIX):
        response.vary.add("Authorization")
        if "Authorization" in request.headers:
            kept = response.headers.get("Cache-Control", "private, no-store")
            response.headers["Cache-Control"] = kept.replace("public", "private")
    return response
