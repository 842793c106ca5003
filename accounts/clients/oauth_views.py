"""The addresses of the authorisation server: token, revocation, introspection, metadata."""

import uuid
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from accounts import throttling
from accounts.auth import access, settings
from accounts.clients import server
from accounts.clients.assertions import claimed_subject
from accounts.clients.server import OAuthServer
from accounts.permissions import Permission
from core.db import transaction
from core.errors import TooMany

blueprint = Blueprint("oauth", __name__)
_ASK = Permission.TOKEN_ASK
_FORM = "application/x-www-form-urlencoded"
_HOURS = 1


@blueprint.post(server.TOKEN_PATH)
@access(_ASK, write=_ASK)
def token() -> Response:
    """Give a token to a client that shows who it is (RFC 6749 §4.4)."""
    return _answer(lambda oauth: oauth.create_token_response(), "grant_type")


@blueprint.post(server.REVOKE_PATH)
@access(_ASK, write=_ASK)
def revoke() -> Response:
    """End a token of the client (RFC 7009)."""
    return _answer(lambda oauth: oauth.create_endpoint_response("revocation"), "token")


@blueprint.post(server.INTROSPECT_PATH)
@access(_ASK, write=_ASK)
def introspect() -> Response:
    """Tell a client what its token is worth, and operators' clients of any token (RFC 7662)."""
    return _answer(lambda oauth: oauth.create_endpoint_response("introspection"), "token")


@blueprint.get("/.well-known/oauth-authorization-server")
@access(Permission.API_READ)
def metadata() -> Response:
    """Describe the authorisation server to programs (RFC 8414)."""
    return jsonify(server.describe(_issuer()))


def _issuer() -> str:
    """Return the public address of this site; in development, when none is set, the one asked."""
    return (settings().base_url or request.host_url).rstrip("/")


def _answer(ask: Callable[[OAuthServer], Response], needed: str) -> Response:
    if refusal := _unclear(needed):
        return _refuse(refusal)
    limit = throttling.Limit("api_client", most=settings().client_attempts, hours=_HOURS)
    source = f"{_claimed_client()}@{throttling.network_of(request.remote_addr)}"
    with transaction() as session:
        wait = throttling.seconds_until_free(session, settings(), limit, source)
        if wait:
            raise TooMany(
                "続けて間違えたため、このクライアントの確認を止めています。時間をおいてから送ってください。",
                retry_after=wait,
            )
        oauth = OAuthServer(session, settings(), _issuer())
        response = ask(oauth)
        if oauth.failed:
            throttling.count_try(session, settings(), limit, source)
    response.headers["Cache-Control"] = "no-store"
    return response


def _unclear(needed: str) -> str:
    """Return what is wrong with the form of a request before any credential is looked at."""
    if request.args:
        return "Parameters belong into the body, not into the address."
    if request.mimetype != _FORM:
        return f"Send the parameters as {_FORM}."
    return _unclear_parameters(needed)


def _unclear_parameters(needed: str) -> str:
    if any(len(values) > 1 for _, values in request.form.lists()):
        return "A parameter was sent twice."
    if any("\x00" in value for value in request.form.values()):
        return "A parameter holds a character that cannot be."
    if not request.form.get(needed):
        return f"Missing parameter: {needed}."
    shown = {*request.form} & {"client_secret", "client_assertion"}
    if len(shown) + ("Authorization" in request.headers) > 1:
        return "Show in one way only who the client is."
    return ""


def _refuse(description: str) -> Response:
    response = jsonify({"error": "invalid_request", "error_description": description})
    response.status_code = 400
    response.headers["Cache-Control"] = "no-store"
    return response


def _claimed_client() -> str:
    """Return the client_id that the request claims, for counting; anything else counts as one."""
    authorization = request.authorization
    claimed = request.form.get("client_id") or (authorization.username if authorization else "")
    if assertion := request.form.get("client_assertion"):
        claimed = claimed_subject(assertion)
    try:
        return str(uuid.UUID(claimed or ""))
    except ValueError:
        return "nobody"
