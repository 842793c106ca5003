"""The actor of an act: a person or a program acting as one organisation, nobody, or the console."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from accounts.models import OrganisationKind, Role
from core.state_machine import LabelledCode


class Pseudo(StrEnum):
    """Those who act without a membership."""

    ANONYMOUS = "anonymous"
    CONSOLE = "console"


class Scope(LabelledCode):
    """What an organisation may let its program do by the API; no scope submits, approves or sends."""

    CATALOG_READ = "catalog.read", "公開中のサービス、事業者、費用を読む"
    FEED_READ = "feed.read", "公開情報の写しと変更を読む"
    SPEC_READ = "spec.read", "標準仕様書と要件を読む"
    OFFERING_WRITE = "offering.write", "自社のサービスの下書きを作り、直す（提出はできません）"
    PROJECT_READ = "project.read", "自団体の調達案件を読む"
    WEBHOOK_MANAGE = "webhook.manage", "変更を知らせる先（Webhook）を管理する"


_OF_EVERYONE = frozenset({Scope.CATALOG_READ, Scope.FEED_READ, Scope.SPEC_READ})
SCOPES_BY_KIND: dict[OrganisationKind, frozenset[Scope]] = {
    OrganisationKind.VENDOR: _OF_EVERYONE | {Scope.OFFERING_WRITE, Scope.WEBHOOK_MANAGE},
    OrganisationKind.BODY: _OF_EVERYONE | {Scope.PROJECT_READ, Scope.WEBHOOK_MANAGE},
    OrganisationKind.AGENCY: _OF_EVERYONE,
    OrganisationKind.AUDIT: _OF_EVERYONE,
}

Grantee = Role | Pseudo | Scope


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organisation, with which roles there; immutable for one request.

    A program of the organisation has `client_id` and, in `grantees`, the scopes of its token.
    `organisation_ids` are all organisations that the person belongs to, and `recused_from` what the
    person keeps out of, for conflicts of interest.
    """

    grantees: frozenset[Grantee]
    person_id: uuid.UUID | None = None
    person_name: str = ""
    organisation_id: uuid.UUID | None = None
    organisation_kind: OrganisationKind | None = None
    organisation_label: str = ""
    organisation_ids: frozenset[uuid.UUID] = frozenset()
    recused_from: frozenset[uuid.UUID] = frozenset()
    sign_in_id: uuid.UUID | None = None
    authenticated_at: datetime | None = None
    signed_in_by: str = ""  # the code of the identity provider, empty for a password
    client_id: uuid.UUID | None = None
    client_name: str = ""
    token_id: uuid.UUID | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_signed_in(self) -> bool:
        """Tell whether a person is known."""
        return self.person_id is not None

    @property
    def is_client(self) -> bool:
        """Tell whether a program acts by the API."""
        return self.client_id is not None

    @property
    def can_switch(self) -> bool:
        """Tell whether there is another organisation to act as."""
        return len(self.organisation_ids) > 1

    @property
    def role_label(self) -> str:
        """The Japanese words of the roles, in the order of the table."""
        return "・".join(role.label for role in Role if role in self.grantees)

    def has_role(self, *roles: Role) -> bool:
        """Tell whether the actor holds one of the roles in the acting organisation."""
        return not self.grantees.isdisjoint(roles)


ANONYMOUS = Actor(grantees=frozenset({Pseudo.ANONYMOUS}))
CONSOLE = Actor(grantees=frozenset({Pseudo.CONSOLE}), person_name="コマンド")
