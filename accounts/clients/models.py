"""API clients, the tokens they were given, and the assertions they have used up."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Text, UniqueConstraint
from sqlmodel import Field

from accounts.identity import Scope
from accounts.models import Organisation, Person
from core.models import JSONType, Model, StatefulModel, UTCDateTime, enum_type, related
from core.state_machine import LabelledCode, StateMachine


class ClientState(LabelledCode):
    """States of an API client."""

    ACTIVE = "active", "使用中"
    REVOKED = "revoked", "取消し済み"


class ClientAction(StrEnum):
    """Acts that end an API client."""

    REVOKE = "revoke"


class AuthMethod(LabelledCode):
    """How a client shows who it is: a secret (RFC 6749), or a key that never leaves it (RFC 7523)."""

    CLIENT_SECRET = "client_secret", "秘密の文字列"
    PRIVATE_KEY_JWT = "private_key_jwt", "公開鍵（private_key_jwt）"


CLIENT_MACHINE = StateMachine(
    noun="APIクライアント",
    initial=ClientState.ACTIVE,
    transitions={(ClientState.ACTIVE, ClientAction.REVOKE): ClientState.REVOKED},
)


class ApiClient(StatefulModel, table=True):
    """A program of an organisation. Its id is the `client_id` of OAuth 2.0.

    Only SHA-256 of a secret of 256 random bits is kept; the former one is good until
    `former_secret_until`. `jwks` are public keys (RFC 7517) as JSON text.
    """

    MACHINE: ClassVar[StateMachine] = CLIENT_MACHINE
    __tablename__ = "api_clients"
    __table_args__ = (
        CheckConstraint(
            "(auth_method = 'client_secret') = (secret_hash <> '')"
            " AND (auth_method = 'private_key_jwt') = (jwks <> '')",
            "one_credential",
        ),
        CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", "revoked_dated"),
        CheckConstraint(
            "(former_secret_hash = '') = (former_secret_until IS NULL)", "former_secret_ends"
        ),
    )

    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    name: str = Field(max_length=100)
    state: ClientState = Field(default=ClientState.ACTIVE, sa_type=enum_type(ClientState))
    scopes: list[str] = Field(default_factory=list, sa_type=JSONType)
    auth_method: AuthMethod = Field(sa_type=enum_type(AuthMethod))
    secret_hash: str = Field(default="", max_length=64)
    secret_made_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    former_secret_hash: str = Field(default="", max_length=64)
    former_secret_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    jwks: str = Field(default="", sa_type=Text)
    created_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    secret_seen_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    last_used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    owner: Organisation = related()
    created_by: Person | None = related(foreign_keys="ApiClient.created_by_id")
    secret_seen_by: Person | None = related(foreign_keys="ApiClient.secret_seen_by_id")

    @property
    def is_live(self) -> bool:
        """Tell whether it was not revoked."""
        return self.state is ClientState.ACTIVE

    @property
    def labels(self) -> list[str]:
        """The Japanese words of its scopes."""
        return [scope.label for scope in Scope if scope.value in self.scopes]


class AccessToken(Model, table=True):
    """A token that a client holds for a short time; only its SHA-256 is kept."""

    __tablename__ = "access_tokens"

    token_hash: str = Field(max_length=64, unique=True)
    client_id: uuid.UUID = Field(foreign_key="api_clients.id", index=True)
    scopes: list[str] = Field(default_factory=list, sa_type=JSONType)
    expires_at: datetime = Field(sa_type=UTCDateTime, nullable=False, index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    client: ApiClient = related()


class ClientAssertion(Model, table=True):
    """A signed statement (RFC 7523) by which a client has shown who it is; good once, on any node."""

    __tablename__ = "client_assertions"
    __table_args__ = (UniqueConstraint("client_id", "jti_hash"),)

    client_id: uuid.UUID = Field(foreign_key="api_clients.id")
    jti_hash: str = Field(max_length=64)
    expires_at: datetime = Field(sa_type=UTCDateTime, nullable=False, index=True)
