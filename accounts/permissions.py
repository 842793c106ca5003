"""Who may do what: the table asked before an act, and again inside its transaction."""

import uuid
from dataclasses import replace

from sqlmodel import Session

from accounts import queries
from accounts.clients import standing
from accounts.identity import Actor, Pseudo, Scope
from accounts.models import Role
from accounts.permission_table import PERMISSIONS, VISIBLE_BY, Permission
from core import audit, db
from core.errors import Forbidden, InsufficientScope, InvalidToken, NotFound, SignInRequired

__all__ = [
    "JUDGES",
    "Permission",
    "can",
    "may_see_noun",
    "may_somewhere",
    "name_attempt",
    "require",
    "require_scope",
    "scopes_for",
]

JUDGES = frozenset({Role.REVIEWER, Role.LEAD_REVIEWER})


def may_somewhere(actor: Actor, permission: Permission) -> bool:
    """Tell whether any role of the actor has the permission for some subject."""
    return not actor.grantees.isdisjoint(PERMISSIONS[permission])


def may_see_noun(actor: Actor, permission: Permission) -> bool:
    """Tell whether a role of the actor reads such subjects, so that a refusal may name the role."""
    visible = VISIBLE_BY.get(permission.value.split(".")[0])
    return visible is not None and may_somewhere(actor, visible)


def scopes_for(permission: Permission) -> list[str]:
    """Return the scopes by which a program has the permission for some subject."""
    return [who.value for who in PERMISSIONS[permission] if isinstance(who, Scope)]


def can(actor: Actor, permission: Permission | str, subject: object = None) -> bool:
    """Tell whether the actor may do this to the subject; with no subject, to some subject."""
    granted = PERMISSIONS[Permission(permission)]
    if subject is None:
        return not actor.grantees.isdisjoint(granted)
    return any(who in granted and granted[who](actor, subject) for who in actor.grantees)


def require(
    session: Session, actor: Actor, permission: Permission, subject: object = None
) -> Actor:
    """Re-check the right inside the transaction and return the actor with the roles of this moment.

    Raises SignInRequired, NotFound (for strangers) or Forbidden (for insiders); for a program
    InvalidToken when its token has ended, InsufficientScope when it lacks the scope. The attempt is
    written to the audit trail if the act fails.
    """
    name_attempt(session, actor, permission, subject)
    fresh = _refresh(session, actor, subject)
    if can(fresh, permission, subject):
        return fresh
    require_scope(fresh, permission)
    if not fresh.is_client and not fresh.is_signed_in and not fresh.grantees & {Pseudo.CONSOLE}:
        raise SignInRequired
    if subject is None:
        raise Forbidden("この操作は、今の役割ではできません。担当の方に頼んでください。")
    visible = VISIBLE_BY.get(permission.value.split(".")[0])
    if visible is not None and can(fresh, visible, subject):
        raise Forbidden("この操作は、今の役割ではできません。担当の方に頼んでください。")
    raise NotFound


def require_scope(actor: Actor, permission: Permission) -> None:
    """Raise InsufficientScope, naming it, when a program lacks the scope that would open the act."""
    scopes = scopes_for(permission)
    if actor.is_client and scopes and not may_somewhere(actor, permission):
        raise InsufficientScope(scopes)


def name_attempt(session: Session, actor: Actor, permission: Permission, subject: object) -> None:
    """Tell the transaction who attempts what, so that a refusal is recorded."""
    if permission.is_write:
        draft = audit.Draft(
            actor,
            permission.value,
            type(subject).__name__ if subject is not None else "",
            getattr(subject, "id", None),
            getattr(subject, "owner_id", None),
            getattr(subject, "project_id", None),
        )
        db.name_attempt(session, draft)


def _refresh(session: Session, actor: Actor, subject: object) -> Actor:
    if actor.token_id is not None:
        scopes = standing.lock_scopes(session, actor.token_id)
        if scopes is None:
            raise InvalidToken
        return replace(actor, grantees=frozenset(scopes))
    if actor.person_id is None or actor.organisation_id is None:
        return actor
    roles = queries.lock_live_roles(session, actor.person_id, actor.organisation_id)
    is_kin = hasattr(type(subject), "family_id")  # nothing else is judged by recusals
    if session.info.get("read_only") or roles.isdisjoint(JUDGES) or not is_kin:
        return replace(actor, grantees=roles or frozenset({Pseudo.ANONYMOUS}))
    # Once per transaction: what is read under the lock of the subject holds until the commit.
    known: dict[uuid.UUID, frozenset[uuid.UUID]] = session.info.setdefault("recusals", {})
    if actor.person_id not in known:
        known[actor.person_id] = queries.list_recusals(session, actor.person_id)
    return replace(actor, grantees=roles, recused_from=known[actor.person_id])
