"""The actor of an act: a person acting as one organisation, nobody, or the console."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from accounts.models import OrganisationKind, Role


class Pseudo(StrEnum):
    """Those who act without a membership."""

    ANONYMOUS = "anonymous"
    CONSOLE = "console"


Grantee = Role | Pseudo


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organisation, with which roles there; immutable for one request.

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
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_signed_in(self) -> bool:
        """Tell whether a person is known."""
        return self.person_id is not None

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
