"""The authorisation server (Authlib): client credentials, revocation, introspection, and its metadata.

RFC 6749 §4.4, RFC 7009, RFC 7662, RFC 7523 §2.2, RFC 8414. No other grant exists here, and no token
is renewed: a program asks anew. One request is one transaction.
"""

import hmac
import logging
import uuid
from datetime import timedelta
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Response
from sqlmodel import Session

from accounts.clients import queries, standing
from accounts.clients.assertions import ASSERTION_METHOD, ClientAssertionCheck
from accounts.clients.keys import ALGORITHMS
from accounts.clients.models import AccessToken, ApiClient, AuthMethod
from accounts.clients.tokens import give_token, touch_client
from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.models import OrganisationKind
from accounts.services import hash_token
from core.config import Settings
from core.db import now

# It would write every token into a log of level DEBUG.
logging.getLogger(ClientCredentialsGrant.__module__).disabled = True

TOKEN_PATH, REVOKE_PATH, INTROSPECT_PATH = "/oauth/token", "/oauth/revoke", "/oauth/introspect"
CLIENT_CREDENTIALS = ClientCredentialsGrant.GRANT_TYPE
METHODS = ["client_secret_basic", "client_secret_post", ASSERTION_METHOD]
_METHODS_OF = {
    AuthMethod.CLIENT_SECRET: frozenset(METHODS[:2]),
    AuthMethod.PRIVATE_KEY_JWT: frozenset(METHODS[2:]),
}


class KnownClient(ClientMixin):  # type: ignore[misc]
    """One of our clients as Authlib asks about it."""

    def __init__(self, session: Session, row: ApiClient) -> None:
        self.session, self.row = session, row

    def get_client_id(self) -> str:
        """Return the client_id."""
        return str(self.row.id)

    def check_client_secret(self, client_secret: str) -> bool:
        """Tell whether this is the secret, or the former one while it is still good."""
        given, row = hash_token(client_secret), self.row
        until = row.former_secret_until
        is_former = until is not None and until > now(self.session)
        good = [row.secret_hash, *([row.former_secret_hash] if is_former else [])]
        return any([hmac.compare_digest(given, each) for each in good])  # noqa: C419 - no early end

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Tell whether the client may show in this way who it is."""
        del endpoint
        return method in _METHODS_OF[self.row.auth_method]

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether the client may use this grant; there is one."""
        return bool(grant_type == CLIENT_CREDENTIALS)

    def list_scopes(self) -> list[str]:
        """Return what the client may have at this moment, in the order of the table."""
        allowed = SCOPES_BY_KIND[self.row.owner.kind]
        return [s.value for s in Scope if s in allowed and s.value in self.row.scopes]


class KnownToken:
    """One of our tokens as Authlib asks about it."""

    def __init__(self, row: AccessToken, scopes: frozenset[Scope] | None) -> None:
        self.row, self.scopes = row, scopes

    def check_client(self, client: KnownClient) -> bool:
        """Tell whether the token was given to this client."""
        return self.row.client_id == client.row.id

    def is_expired(self) -> bool:
        """Tell whether the token, its client or its organisation has ended."""
        return self.scopes is None

    def is_revoked(self) -> bool:
        """Tell whether the token was revoked; is_expired has told it."""
        return self.row.revoked_at is not None


class _Credentials(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        """Refuse what the client may not have, instead of giving less in silence."""
        client: KnownClient = self.request.client
        asked = (self.request.payload.scope or "").split()
        if len({*asked}) < len(asked) or not {*asked} <= {*client.list_scopes()}:
            raise InvalidScopeError(
                description="The client may ask for: " + " ".join(client.list_scopes())
            )


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> KnownToken | None:
        """Return one of our tokens."""
        del token_type_hint
        found: KnownToken | None = self.server.find_token(token_string)
        return found

    def revoke_token(self, token: KnownToken, request: Any) -> None:
        """End a token from the next call on."""
        del request
        if token.row.revoked_at is None:
            token.row.revise(revoked_at=now(self.server.session))


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> KnownToken | None:
        """Return one of our tokens."""
        del token_type_hint
        found: KnownToken | None = self.server.find_token(token_string)
        return found

    def check_permission(self, token: KnownToken, client: KnownClient, request: Any) -> bool:
        """Tell whether the asker may know of the token: its own, or any for operators' programs."""
        del request
        return token.check_client(client) or client.row.owner.kind is OrganisationKind.AGENCY

    def introspect_token(self, token: KnownToken) -> dict[str, Any]:
        """Return what a live token is (RFC 7662 §2.2)."""
        return {
            "active": True,
            "scope": " ".join(sorted(token.scopes or ())),
            "client_id": str(token.row.client_id),
            "token_type": "Bearer",
            "exp": int(token.row.expires_at.timestamp()),
            "iat": int(token.row.created_at.timestamp()),
            "iss": self.server.issuer,
        }


class OAuthServer(AuthorizationServer):  # type: ignore[misc]
    """Answers one request within one transaction; `failed` tells that a credential was wrong."""

    def __init__(self, session: Session, settings: Settings, issuer: str) -> None:
        super().__init__()
        self.session, self.settings, self.issuer = session, settings, issuer
        self.failed = False
        self.register_grant(_Credentials)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)
        check = ClientAssertionCheck(session, issuer + TOKEN_PATH)
        self.register_client_auth_method(ASSERTION_METHOD, check)

    def query_client(self, client_id: str) -> KnownClient | None:
        """Return a live client of an organisation that is not shut out."""
        try:
            row = queries.find_client(self.session, uuid.UUID(client_id))
        except ValueError:
            return None
        if row is None or not row.is_live or standing.is_shut_out(self.session, row.owner_id):
            return None
        return KnownClient(self.session, row)

    def find_token(self, token: str) -> KnownToken | None:
        """Return one of our tokens, ended or not."""
        row = queries.find_token(self.session, hash_token(token))
        if row is None:
            return None
        client = row.client
        return KnownToken(row, standing.scopes_of(self.session, row, client, client.owner))

    def generate_token(
        self, grant_type: str, client: KnownClient, scope: str | None = None, **_: Any
    ) -> dict[str, Any]:
        """Give a token with the scopes asked for, or with all that the client has."""
        del grant_type
        scopes = (scope or "").split() or client.list_scopes()
        lifetime = timedelta(minutes=self.settings.token_minutes)
        token, row = give_token(self.session, client.row, scopes, lifetime)
        touch_client(self.session, client.row.id)
        seconds = int(lifetime.total_seconds())
        shown = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
        return {**shown, "scope": " ".join(row.scopes)}

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        """Nothing is left to keep: generate_token has made the row, which knows no token."""

    def handle_error_response(self, request: Any, error: Any) -> Response:
        """Answer an error; of a wrong credential only that it is wrong, whoever's it was."""
        if isinstance(error, InvalidClientError):
            self.failed = True
            error = InvalidClientError(description="Client authentication failed.", status_code=401)
        response: Response = super().handle_error_response(request, error)
        return response


def describe(issuer: str) -> dict[str, Any]:
    """Return the metadata of the authorisation server (RFC 8414 §2)."""
    ways = {
        f"{name}_endpoint_auth_{what}": value
        for name in ("token", "revocation", "introspection")
        for what, value in (
            ("methods_supported", METHODS),
            ("signing_alg_values_supported", list(ALGORITHMS)),
        )
    }
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOKE_PATH,
        "introspection_endpoint": issuer + INTROSPECT_PATH,
        "response_types_supported": [],
        "grant_types_supported": [CLIENT_CREDENTIALS],
        "scopes_supported": [scope.value for scope in Scope],
        **ways,
    }
