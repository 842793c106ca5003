"""A client that shows who it is by a statement signed with its own key (RFC 7523 §2.2, §3)."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from sqlalchemy import Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import class_mapper
from sqlmodel import Session, col

from accounts.clients.keys import ALGORITHMS, key_set
from accounts.clients.models import ClientAssertion
from accounts.services import hash_token
from core.db import now

ASSERTION_METHOD = "private_key_jwt"
LEEWAY = 30  # seconds by which two clocks may differ
LONGEST = 300  # seconds until a statement has to end
_LONGEST_JTI = 200


class ClientAssertionCheck(JWTBearerClientAssertion):  # type: ignore[misc]
    """Believes a statement once: signed by a key of the client, for our token endpoint, for minutes."""

    CLIENT_AUTH_METHOD = ASSERTION_METHOD

    def __init__(self, session: Session, audience: str) -> None:
        super().__init__(leeway=LEEWAY)
        self.session, self.audience = session, audience

    def get_audiences(self) -> list[str]:
        """Return the one audience: the token endpoint."""
        return [self.audience]

    def resolve_client_public_key(self, client: Any) -> KeySet:
        """Return the keys of a client; one that has a secret instead has none."""
        if not client.row.jwks:
            raise InvalidClientError(description="The client has no keys.")
        return key_set(client.row.jwks)

    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read headers and claims before anything is proven; what nests too deep is refused."""
        try:
            read: tuple[dict[str, Any], dict[str, Any]] = super().extract_assertion(assertion)
        except RecursionError as error:
            raise InvalidClientError(description="Invalid JWT assertion.") from error
        return read

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """Check signature and claims; only signatures of our list, with a key of that kind."""
        try:
            token = jwt.decode(assertion, resolve_key, algorithms=list(ALGORITHMS))
            self.verify_claims(token.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidClientError(description="Invalid JWT assertion.") from error
        claims = token.claims
        if not use_up(self.session, uuid.UUID(claims["sub"]), claims["jti"], claims["exp"]):
            raise InvalidClientError(description="JWT ID is used before.")
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """Check who speaks, to whom, and until when."""
        moment = int(now(self.session).timestamp())
        needed = {name: {"essential": True} for name in ("iss", "sub", "exp", "jti")}
        aud = {"essential": True, "value": self.audience}
        registry = JWTClaimsRegistry(now=moment, leeway=LEEWAY, aud=aud, **needed)  # type: ignore[arg-type]
        registry.validate(claims)
        if claims["aud"] not in (self.audience, [self.audience]):
            raise InvalidClientError(description="Invalid claim: 'aud'")
        if claims["iss"] != claims["sub"]:
            raise InvalidClientError(description="Issuer and Subject MUST match.")
        if not isinstance(claims["exp"], int) or claims["exp"] - moment > LONGEST + LEEWAY:
            raise InvalidClientError(description="Invalid claim: 'exp'")
        jti = claims["jti"]
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
            raise InvalidClientError(description="Invalid claim: 'jti'")


def claimed_subject(assertion: str) -> str:
    """Return whose statement it claims to be, empty when it cannot be read; proves nothing."""
    try:
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
        return str(claims["sub"])
    except (JoseError, ValueError, TypeError, LookupError, RecursionError):
        return ""


def use_up(session: Session, client_id: uuid.UUID, jti: str, ends: int) -> bool:
    """Note that a statement was used; False when it was already, by whichever process."""
    table = cast("Table", class_mapper(ClientAssertion).local_table)
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    insert: Any = postgresql.insert if is_postgresql else sqlite.insert
    moment = now(session)
    session.execute(delete(ClientAssertion).where(col(ClientAssertion.expires_at) < moment))
    row = ClientAssertion(
        client_id=client_id,
        jti_hash=hash_token(jti),
        created_at=moment,
        updated_at=moment,
        expires_at=datetime.fromtimestamp(ends, UTC) + timedelta(seconds=2 * LEEWAY),
    )
    statement = insert(table).values(row.model_dump()).on_conflict_do_nothing()
    return session.execute(statement.returning(table.c.id)).first() is not None
