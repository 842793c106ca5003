"""Acts on accounts: sign-in, sign-out, acting organisation, people and memberships."""

import hashlib
import secrets
import uuid
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from sqlmodel import Session

from accounts import address_services, queries
from accounts.identity import Actor
from accounts.models import (
    ROLES_BY_KIND,
    ExternalIdentity,
    Membership,
    Organisation,
    OrganisationKind,
    Person,
    Recusal,
    Role,
    SignIn,
)
from accounts.permissions import Permission, require
from core import audit
from core.config import Settings
from core.db import now
from core.errors import Conflict, Invalid, NotFound, ReauthenticationRequired

_BUSINESS_ROLES = frozenset(Role) - {Role.OPERATOR}
MINIMUM_PASSWORD_LENGTH = 12
_hasher = PasswordHasher()


def _hash_of_nothing() -> str:
    """Return a hash that no password has: made at once, compared as slowly as a true one."""
    sizes = _hasher.salt_len, _hasher.hash_len
    salt, digest = (b64encode(secrets.token_bytes(each)).decode().rstrip("=") for each in sizes)
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


_DUMMY_HASH = _hash_of_nothing()


class SignInOutcome(StrEnum):
    """How an attempt to sign in ended."""

    SIGNED_IN = "signed_in"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class SignInResult:
    """The outcome, and the session token when signed in."""

    outcome: SignInOutcome
    token: str = ""


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password; raises Invalid when it is too short."""
    if len(password) < MINIMUM_PASSWORD_LENGTH:
        message = f"パスワードは{MINIMUM_PASSWORD_LENGTH}文字以上で入力してください。"
        raise Invalid({"password": message})
    return _hasher.hash(password)


def hash_token(token: str) -> str:
    """Return what the database keeps of a session token."""
    return hashlib.sha256(token.encode()).hexdigest()


def sign_in(session: Session, settings: Settings, email: str, password: str) -> SignInResult:
    """Check a password and open a server-side session; wrong ones count towards a lock-out.

    The answer is the same, and takes the same time, for an unknown address.
    """
    person = queries.find_person_by_email(session, email, for_update=True)
    if person is None:
        _matches(_DUMMY_HASH, password)
        _record_failure(session, None, "account.sign_in", "unknown")
        return SignInResult(SignInOutcome.WRONG)
    outcome = _check_password(session, settings, person, password, "account.sign_in")
    if outcome is not SignInOutcome.SIGNED_IN:
        return SignInResult(outcome)
    return SignInResult(SignInOutcome.SIGNED_IN, open_sign_in(session, person))


def open_sign_in(
    session: Session,
    person: Person,
    *,
    identity: ExternalIdentity | None = None,
    authenticated_at: datetime | None = None,
) -> str:
    """Open a server-side session for a person whose password, or provider, was just asked.

    `authenticated_at` is when an identity provider last saw the person; now when left out.
    """
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            token_hash=hash_token(token),
            person_id=person.id,
            organisation_id=_first_organisation(session, person.id),
            created_at=now(session),
            authenticated_at=authenticated_at or now(session),
            seen_at=now(session),
            identity_id=identity.id if identity else None,
        )
    )
    _record_person(session, person, "account.sign_in")
    return token


def _check_password(
    session: Session, settings: Settings, person: Person, password: str, action: str
) -> SignInOutcome:
    moment = now(session)
    if person.locked_until is not None and person.locked_until > moment:
        _matches(_DUMMY_HASH, password)
        _record_failure(session, person, action, "locked")
        return SignInOutcome.LOCKED
    if _matches(person.password_hash, password):
        person.failed_attempts, person.locked_until = 0, None
        return SignInOutcome.SIGNED_IN
    person.failed_attempts += 1
    if person.failed_attempts >= settings.sign_in_attempts:
        person.failed_attempts = 0
        person.locked_until = moment + timedelta(minutes=settings.sign_in_lock_minutes)
        _record_failure(session, person, "account.locked", "wrong")
        return SignInOutcome.LOCKED
    _record_failure(session, person, action, "wrong")
    return SignInOutcome.WRONG


def _matches(password_hash: str, password: str) -> bool:
    """Compare; an account without a password refuses every one, and takes as long for it."""
    try:
        _hasher.verify(password_hash or _DUMMY_HASH, password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(password_hash)


def _record_person(session: Session, person: Person, action: str) -> None:
    audit.record(session, audit.System(person_id=person.id), action, "Person", person.id)


def _record_failure(session: Session, person: Person | None, action: str, reason: str) -> None:
    """Write a failed attempt to the trail; of an unknown address nothing at all is kept."""
    person_id = person.id if person else None
    actor = audit.System(person_id=person_id)
    refused = audit.Outcome.REFUSED
    audit.record(session, actor, action, "Person", person_id, outcome=refused, reason=reason)


def _first_organisation(session: Session, person_id: uuid.UUID) -> uuid.UUID | None:
    memberships = queries.list_live_memberships(session, person_id)
    return memberships[0].organisation_id if memberships else None


def sign_out(session: Session, actor: Actor) -> None:
    """Revoke the session of this request; open to people who have lost every role, too."""
    require(session, actor, Permission.SIGN_IN)
    if actor.sign_in_id is not None:
        sign_in_row = session.get_one(SignIn, actor.sign_in_id)
        sign_in_row.revoked_at = now(session)
    audit.record(session, actor, "account.sign_out", "Person", actor.person_id)


def touch_sign_in(session: Session, sign_in_id: uuid.UUID) -> None:
    """Note that a session was used; keeps the idle limit from ending it."""
    session.get_one(SignIn, sign_in_id).seen_at = now(session)


def switch_organisation(session: Session, actor: Actor, organisation_id: uuid.UUID) -> uuid.UUID:
    """Act as another organisation from the next request on; raises NotFound for a stranger's."""
    require(session, actor, Permission.ACCOUNT_CHANGE)
    if actor.person_id is None or actor.sign_in_id is None:
        raise NotFound
    if not queries.lock_live_roles(session, actor.person_id, organisation_id):
        raise NotFound
    session.get_one(SignIn, actor.sign_in_id).organisation_id = organisation_id
    audit.record(session, actor, "account.switch_organisation", "Organisation", organisation_id)
    return organisation_id


def turn_to(session: Session, sign_in_id: uuid.UUID | None, organisation_id: uuid.UUID) -> None:
    """Let a session act for an organisation that its person has just begun."""
    if sign_in_id is not None:
        session.get_one(SignIn, sign_in_id).organisation_id = organisation_id


def require_recent_sign_in(session: Session, settings: Settings, actor: Actor) -> None:
    """Raise ReauthenticationRequired when the sign-in is older than the limit for legal acts."""
    if not is_recent(session, settings, actor):
        raise ReauthenticationRequired


def is_recent(session: Session, settings: Settings, actor: Actor) -> bool:
    """Tell whether the sign-in is young enough for a legal act."""
    if actor.authenticated_at is None:
        return False
    age = now(session) - actor.authenticated_at
    return age <= timedelta(minutes=settings.reauthentication_minutes)


def reauthenticate(
    session: Session, settings: Settings, actor: Actor, password: str
) -> SignInOutcome:
    """Check the password again and renew the age of the sign-in; wrong ones count."""
    if actor.person_id is None or actor.sign_in_id is None:
        raise NotFound
    person = session.get_one(Person, actor.person_id, with_for_update=True)
    action = "account.reauthenticate"
    outcome = _check_password(session, settings, person, password, action)
    if outcome is SignInOutcome.SIGNED_IN:
        session.get_one(SignIn, actor.sign_in_id).authenticated_at = now(session)
        _record_person(session, person, action)
    return outcome


def create_person(
    session: Session, *, email: str, name: str, password: str, is_sample: bool = False
) -> Person:
    """Create the account of an address that was shown to be the person's.

    Whoever only claimed it has to let go of it. Raises Invalid for a taken address or a short password.
    """
    address = email.strip().lower()
    if not address_services.release(session, address):
        message = "このメールアドレスは使えません。すでに登録がある方はサインインしてください。"
        raise Invalid({"email": message})
    person = Person(
        email=address, name=name, password_hash=hash_password(password), is_sample=is_sample
    )
    session.add(person)
    session.flush()
    return person


def claim_person(
    session: Session, settings: Settings, *, email: str, name: str, password: str
) -> Person | None:
    """Return a new account for the address, or the one that it belongs to when the password is its.

    A new one gets a letter, by whose link the address is confirmed.

    None for somebody else's address: like a failed sign-in it counts, is in the trail and takes as
    long as the rest, so that nobody learns whose addresses are known. Raises Invalid for a short
    password.
    """
    known = queries.find_person_by_email(session, email, for_update=True)
    if known is None:
        _matches(_DUMMY_HASH, password)
        made = create_person(session, email=email, name=name, password=password)
        address_services.ask(session, made)
        return made
    hash_password(password)
    outcome = _check_password(session, settings, known, password, "account.claim")
    return known if outcome is SignInOutcome.SIGNED_IN else None


def recuse(session: Session, person_id: uuid.UUID, subject_id: uuid.UUID) -> None:
    """Keep a person out of everything about a subject from now on, in whatever role."""
    if subject_id not in queries.list_recusals(session, person_id):
        session.add(Recusal(person_id=person_id, subject_id=subject_id))
        session.flush()


def add_membership(
    session: Session, person: Person, organisation: Organisation, role: Role
) -> Membership:
    """Give a role; operators never hold a business role, and roles fit the kind of organisation."""
    if role not in ROLES_BY_KIND[organisation.kind]:
        raise Conflict(f"{organisation.kind.label}に「{role.label}」の役割はありません。")
    held = queries.list_roles_anywhere(session, person.id)
    if (role is Role.OPERATOR and held & _BUSINESS_ROLES) or (
        role is not Role.OPERATOR and Role.OPERATOR in held
    ):
        raise Conflict("運用者は、ほかの役割を持てません。別の人を選んでください。")
    membership = Membership(person_id=person.id, organisation_id=organisation.id, role=role)
    session.add(membership)
    session.flush()
    audit.record(
        session,
        audit.SYSTEM,
        "membership.add",
        "Membership",
        membership.id,
        owner_id=organisation.id,
        role=role.value,
    )
    return membership


def create_organisation(
    session: Session, *, kind: OrganisationKind, name: str, is_sample: bool = False
) -> Organisation:
    """Create an organisation that is not a body (bodies come from the code list)."""
    organisation = Organisation(kind=kind, name=name, is_sample=is_sample)
    session.add(organisation)
    session.flush()
    return organisation


@dataclass(frozen=True, slots=True)
class ImportCount:
    """What an import of bodies did, in bodies."""

    created: int
    updated: int
    unchanged: int


def import_bodies(
    session: Session, actor: Actor, bodies: Sequence[dict[str, Any]], *, file_sha256: str
) -> ImportCount:
    """Add or update bodies by their code; a blank reading or population keeps what is known."""
    require(session, actor, Permission.BODY_IMPORT)
    known = {body.code: body for body in queries.list_bodies(session)}
    created = updated = 0
    for values in bodies:
        columns = _body_columns(values)
        body = known.get(values["code"])
        if body is None:
            session.add(Organisation(kind=OrganisationKind.BODY, **columns))
            created += 1
        elif any(getattr(body, name) != value for name, value in columns.items()):
            body.revise(**columns)
            updated += 1
    count = ImportCount(created, updated, len(bodies) - created - updated)
    audit.record(
        session,
        actor,
        "body.import",
        "Organisation",
        None,
        file_sha256=file_sha256,
        created=count.created,
        updated=count.updated,
    )
    return count


def _body_columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = {name: values[name] for name in ("code", "name", "prefecture")}
    columns["body_kind"] = values["kind"]
    if values["kana"]:
        columns["kana"] = values["kana"]
    if values["population"] is not None:
        for name in ("population", "population_date", "population_source"):
            columns[name] = values[name]
    return columns
