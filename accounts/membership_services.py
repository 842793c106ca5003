"""Acts of the operator's console on memberships and sessions: give a role, end it, revoke."""

import uuid

from sqlalchemy import delete, update
from sqlmodel import Session, col

from accounts import queries
from accounts.clients.models import AccessToken
from accounts.identity import Actor
from accounts.models import Membership, Organisation, Person, Role, SignIn, SignInAttempt
from accounts.permissions import Permission, require
from accounts.services import add_membership, create_organisation, create_person
from core import audit
from core.db import now
from core.errors import NotFound


def grant_role(
    session: Session,
    actor: Actor,
    *,
    email: str,
    name: str,
    password: str,
    role: Role,
    at: Organisation,
) -> Membership:
    """Give a person a role, with a new account when the address is unknown."""
    require(session, actor, Permission.MEMBERSHIP_MANAGE)
    person = queries.find_person_by_email(session, email)
    if person is None:
        person = create_person(session, email=email, name=name, password=password)
    membership = add_membership(session, person, at, role)
    _record(session, actor, "membership.grant", person_id=person.id, at=at.id, role=role)
    return membership


def end_role(session: Session, actor: Actor, person: Person, role: Role, at: Organisation) -> None:
    """End a role and every session of the person; the right is gone at the next request.

    Raises NotFound when the person does not hold the role there.
    """
    require(session, actor, Permission.MEMBERSHIP_MANAGE)
    held = [
        each
        for each in queries.list_live_memberships(session, person.id)
        if each.role is role and each.organisation_id == at.id
    ]
    if not held:
        raise NotFound(f"{person.email}は{at.label}で「{role.label}」の役割を持っていません。")
    held[0].revise(ended_at=now(session))
    _record(session, actor, "membership.end", person_id=person.id, at=at.id, role=role)
    revoke_sessions(session, actor, person)


def revoke_sessions(session: Session, actor: Actor, person: Person) -> int:
    """End every sign-in of a person on the server; returns how many there were."""
    require(session, actor, Permission.MEMBERSHIP_MANAGE)
    rows = queries.list_sign_ins(session, person.id)
    for row in rows:
        row.revise(revoked_at=now(session))
    audit.record(session, actor, "account.revoke_sessions", "Person", person.id, count=len(rows))
    return len(rows)


def end_all_access(session: Session) -> None:
    """End every sign-in, journey to an identity provider and access token: an older state knows ended ones.

    Nobody acts: it is part of a restore, whose own event says so.
    """
    moment = now(session)
    ended = update(SignIn).where(col(SignIn.revoked_at).is_(None)).values(revoked_at=moment)
    session.execute(ended)
    session.execute(delete(SignInAttempt))
    live = update(AccessToken).where(col(AccessToken.revoked_at).is_(None))
    session.execute(live.values(revoked_at=moment))


def find_or_create_organisation(
    session: Session, actor: Actor, organisation: Organisation
) -> Organisation:
    """Return the agency or audit office of this name, made when it is the first of its people."""
    require(session, actor, Permission.MEMBERSHIP_MANAGE)
    found = queries.find_organisation(session, organisation.kind, organisation.name)
    return found or create_organisation(session, kind=organisation.kind, name=organisation.name)


def _record(
    session: Session, actor: Actor, action: str, *, person_id: uuid.UUID, at: uuid.UUID, role: Role
) -> None:
    audit.record(session, actor, action, "Person", person_id, owner_id=at, role=role.value)
