"""Acts around identity providers: journeys there and back, sign-in, link, confirmation, newcomers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from accounts import address_services, queries
from accounts.identity import Actor
from accounts.models import (
    AttemptPurpose,
    ExternalIdentity,
    Organisation,
    OrganisationKind,
    Person,
    Role,
    SignIn,
    SignInAttempt,
)
from accounts.newcomer import Newcomer, read_newcomer
from accounts.notices import tell_organisation
from accounts.oauth import LEEWAY, Identified, Refused
from accounts.permissions import Permission, require
from accounts.services import add_membership, hash_token, open_sign_in, require_recent_sign_in
from core import audit
from core.config import Settings
from core.db import now
from core.errors import Conflict, Invalid, NotFound

GBIZ = "gbiz"
STAFF = "staff"
ATTEMPT_MINUTES = 10
ARRIVAL_MINUTES = 30
_TOO_OLD = timedelta(minutes=11)  # a legal act needs a sign-in of at most ten
_STAFF_KINDS = frozenset(OrganisationKind) - {OrganisationKind.VENDOR}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A journey as it was begun; `told` is what the provider said of a newcomer."""

    provider: str
    purpose: AttemptPurpose
    sign_in_id: uuid.UUID | None
    begun_at: datetime
    wanted: str = ""
    carried: str = ""
    told: Mapping[str, str] | None = None


def begin(session: Session, actor: Actor, attempt: Attempt, *, state: str) -> None:
    """Note a journey under the hash of its state; those that ran out are cleared away."""
    require(session, actor, Permission.SIGN_IN)
    _note(session, attempt, state, ATTEMPT_MINUTES)


def _note(session: Session, attempt: Attempt, secret: str, minutes: int) -> None:
    queries.delete_expired_attempts(session)
    session.add(
        SignInAttempt(
            state_hash=hash_token(secret),
            provider=attempt.provider,
            purpose=attempt.purpose,
            sign_in_id=attempt.sign_in_id,
            wanted=attempt.wanted[:2000],
            carried=attempt.carried,
            told=dict(attempt.told or {}),
            created_at=now(session),
            expires_at=now(session) + timedelta(minutes=minutes),
        )
    )


def take(session: Session, actor: Actor, provider: str, *, state: str) -> Attempt | None:
    """Return a journey and forget it, so that no answer counts twice; None when there is none."""
    require(session, actor, Permission.SIGN_IN)
    row = queries.find_attempt(session, hash_token(state), for_update=True)
    if row is None or row.purpose is AttemptPurpose.ARRIVAL:
        return None
    taken = _taken(row)
    session.delete(row)
    is_live = taken.provider == provider and row.expires_at > now(session)
    return taken if is_live else None


def _taken(row: SignInAttempt) -> Attempt:
    return Attempt(
        row.provider,
        row.purpose,
        row.sign_in_id,
        row.created_at,
        row.wanted,
        row.carried,
        row.told,
    )


def record_refusal(session: Session, actor: Actor, provider: str, reason: str) -> None:
    """Write to the trail that an answer was not believed: a short code, nothing of the person."""
    audit.record(
        session,
        actor,
        "account.oidc_sign_in",
        "ExternalIdentity",
        None,
        outcome=audit.Outcome.REFUSED,
        provider=provider,
        reason=reason,
    )


def sign_in_with(session: Session, provider: str, who: Identified) -> str | None:
    """Open a session for a known identity and return its token; None for an unknown one.

    Raises Refused for a locked account, and when GビズID no longer vouches as it did at the first time.
    """
    identity = queries.find_identity(session, who.issuer, who.subject, for_update=True)
    if identity is None:
        return None
    if provider == GBIZ and read_newcomer(who).corporate_number != identity.corporate_number:
        raise Refused("company_changed")
    person = session.get_one(Person, identity.person_id, with_for_update=True)
    _require_unlocked(session, person)
    return open_proven(session, person, identity, who.authenticated_at)


def open_proven(
    session: Session, person: Person, identity: ExternalIdentity, authenticated_at: int | None
) -> str:
    """Open a session as old as the provider's own; an unknown moment is too old for legal acts."""
    proven = now(session) - _TOO_OLD
    if authenticated_at is not None:
        proven = datetime.fromtimestamp(authenticated_at, UTC)
    return open_sign_in(session, person, identity=identity, authenticated_at=proven)


def _require_unlocked(session: Session, person: Person) -> None:
    if person.locked_until is not None and person.locked_until > now(session):
        raise Refused("locked")


def confirm(session: Session, actor: Actor, attempt: Attempt, who: Identified) -> None:
    """Renew the age of a sign-in by a fresh proof of the same person. Raises Refused."""
    require(session, actor, Permission.SIGN_IN)
    if attempt.sign_in_id is None or attempt.sign_in_id != actor.sign_in_id:
        raise Refused("other_session")
    row = session.get_one(SignIn, attempt.sign_in_id)
    identity = queries.find_identity(session, who.issuer, who.subject, for_update=True)
    if identity is None or identity.id != row.identity_id:
        raise Refused("other_person")
    _require_unlocked(session, session.get_one(Person, identity.person_id, with_for_update=True))
    earliest = attempt.begun_at.timestamp() - LEEWAY
    if who.authenticated_at is None or who.authenticated_at < earliest:
        raise Refused("auth_time")
    row.authenticated_at = datetime.fromtimestamp(who.authenticated_at, UTC)
    audit.record(session, actor, "account.reauthenticate", "Person", identity.person_id)


def begin_link(
    session: Session, settings: Settings, actor: Actor, attempt: Attempt, *, state: str
) -> None:
    """Note a journey that is to link an identity to the actor's account; needs a recent sign-in."""
    require(session, actor, Permission.ACCOUNT_CHANGE)
    require_recent_sign_in(session, settings, actor)
    is_staff = actor.organisation_kind in _STAFF_KINDS
    if is_staff is not (attempt.provider == STAFF):
        raise Conflict("このサインインの方法は、今の組織では使えません。別の方法を選んでください。")
    _note(session, attempt, state, ATTEMPT_MINUTES)


def link(
    session: Session,
    actor: Actor,
    provider: str,
    who: Identified,
    *,
    corporate_number: str = "",
) -> ExternalIdentity:
    """Bind an identity to the account of whoever is signed in. Raises Refused, NotFound."""
    require(session, actor, Permission.ACCOUNT_CHANGE)
    if actor.person_id is None:
        raise NotFound
    bound = queries.find_identity(session, who.issuer, who.subject, for_update=True)
    if bound is not None:
        raise Refused("bound_already")
    identity = bind(
        session,
        actor.person_id,
        provider=provider,
        issuer=who.issuer,
        subject=who.subject,
        corporate_number=corporate_number,
    )
    audit.record(session, actor, "account.link", "ExternalIdentity", identity.id, provider=provider)
    return identity


def bind(
    session: Session,
    person_id: uuid.UUID,
    *,
    provider: str,
    issuer: str,
    subject: str,
    corporate_number: str = "",
) -> ExternalIdentity:
    """Add the row that binds an identity to a person; one that is bound already is a Conflict."""
    identity = ExternalIdentity(
        person_id=person_id,
        provider=provider,
        issuer=issuer,
        subject=subject,
        corporate_number=corporate_number,
        created_at=now(session),
    )
    session.add(identity)
    session.flush()
    return identity


def bind_by_console(
    session: Session, actor: Actor, person: Person, *, provider: str, issuer: str, subject: str
) -> ExternalIdentity:
    """Bind a subject of the staff's provider to an account, before its first sign-in."""
    require(session, actor, Permission.MEMBERSHIP_MANAGE)
    if queries.find_identity(session, issuer, subject) is not None:
        raise Conflict("この利用者識別子は、すでに結び付いています。")
    identity = bind(session, person.id, provider=provider, issuer=issuer, subject=subject)
    audit.record(session, actor, "account.link", "ExternalIdentity", identity.id, provider=provider)
    return identity


def unlink(session: Session, settings: Settings, actor: Actor, identity_id: uuid.UUID) -> None:
    """End a bond and every session that came through it; the last way to sign in stays."""
    require(session, actor, Permission.ACCOUNT_CHANGE)
    require_recent_sign_in(session, settings, actor)
    if actor.person_id is None:
        raise NotFound
    person = session.get_one(Person, actor.person_id, with_for_update=True)
    identities = queries.list_identities(session, person.id)
    identity = next((each for each in identities if each.id == identity_id), None)
    if identity is None:
        raise NotFound
    if not person.password_hash and len(identities) == 1:
        raise Conflict("サインインする方法がなくなるため、この結び付けは解除できません。")
    identity.revise(ended_at=now(session))
    for row in queries.list_sign_ins(session, person.id):
        if row.identity_id == identity.id:
            row.revise(revoked_at=now(session))
    audit.record(session, actor, "account.unlink", "ExternalIdentity", identity.id)


# --- newcomers of a company, whom only GビズID vouches for ---------------------------------------------


def receive(
    session: Session, actor: Actor, attempt: Attempt, who: Identified, *, token: str
) -> None:
    """Keep what GビズID said until the person has read what follows from it. Raises Refused.

    An address that an account here has already is refused: an e-mail never proves who somebody is.
    One that an account only claims does not stand in the way.
    """
    require(session, actor, Permission.SIGN_IN)
    newcomer = read_newcomer(who)
    is_link = attempt.purpose is AttemptPurpose.LINK
    if is_link and attempt.sign_in_id != actor.sign_in_id:
        raise Refused("other_session")
    if not is_link and queries.find_holder(session, newcomer.email) is not None:
        raise Refused("email_taken")
    told = {"issuer": who.issuer, "subject": who.subject, **who.values}
    told["auth_time"] = str(who.authenticated_at or "")
    arrival = Attempt(
        GBIZ,
        AttemptPurpose.ARRIVAL,
        attempt.sign_in_id if is_link else None,
        now(session),
        attempt.wanted,
        attempt.carried,
        told,
    )
    _note(session, arrival, token, ARRIVAL_MINUTES)


def find_newcomer(session: Session, actor: Actor, token: str, *, take: bool) -> Newcomer | None:
    """Return the newcomer of a browser; with `take` it is gone afterwards."""
    row = queries.find_attempt(session, hash_token(token), for_update=take)
    if row is None or row.purpose is not AttemptPurpose.ARRIVAL:
        return None
    if row.expires_at <= now(session) or row.sign_in_id != actor.sign_in_id:
        return None
    told = dict(row.told)
    if take:
        session.delete(row)
    auth_time = int(told["auth_time"]) if told["auth_time"] else None
    return read_newcomer(Identified(told["issuer"], told["subject"], auth_time, told))


def create_newcomer(session: Session, newcomer: Newcomer) -> tuple[Person, ExternalIdentity]:
    """Create the account of a newcomer, without a password, bound to the identity.

    Whoever only claimed the address has to let go of it.
    """
    if not address_services.release(session, newcomer.email):
        raise Conflict("このメールアドレスのアカウントは、すでにあります。")
    person = Person(email=newcomer.email, name=newcomer.name)
    session.add(person)
    session.flush()
    identity = bind(
        session,
        person.id,
        provider=GBIZ,
        issuer=newcomer.issuer,
        subject=newcomer.subject,
        corporate_number=newcomer.corporate_number,
    )
    return person, identity


def join(
    session: Session, newcomer: Newcomer, organisation: Organisation, *, as_administrator: bool
) -> str:
    """Bring a newcomer to a company and return the session's token.

    The holder of the company's GビズIDプライム becomes its administrator where there is none; everyone
    else holds no role until an administrator has said yes.
    """
    person, identity = create_newcomer(session, newcomer)
    who = audit.System(person_id=person.id, organisation_id=organisation.id)
    if as_administrator:
        add_membership(session, person, organisation, Role.VENDOR_ADMIN)
    else:
        identity.revise(asked_organisation_id=organisation.id)
        audit.record(
            session,
            who,
            "membership.ask",
            "ExternalIdentity",
            identity.id,
            owner_id=organisation.id,
        )
        title = "GビズIDでサインインした方が会社への参加を希望しています。管理者が答えてください。"
        tell_organisation(
            session,
            organisation.id,
            "membership.asked",
            title,
            "/account/wishes",
            roles=[Role.VENDOR_ADMIN],
        )
    return open_proven(session, person, identity, newcomer.authenticated_at)


def answer_wish(session: Session, actor: Actor, identity_id: uuid.UUID, *, admit: bool) -> None:
    """Admit or decline somebody who asked to join the administrator's company."""
    identity = queries.get_identity(session, identity_id, for_update=True)
    if identity is None or identity.asked_organisation_id is None:
        raise NotFound
    wish = Wish(identity.id, identity.asked_organisation_id)
    require(session, actor, Permission.MEMBERSHIP_ADMIT, wish)
    if admit:
        organisation = session.get_one(Organisation, wish.owner_id)
        person = session.get_one(Person, identity.person_id)
        try:
            add_membership(session, person, organisation, Role.VENDOR_MEMBER)
        except Conflict as error:
            raise Invalid({"answer": error.message}) from error
    identity.revise(asked_organisation_id=None)
    verb = "membership.admit" if admit else "membership.decline"
    audit.record(session, actor, verb, "Person", identity.person_id, owner_id=wish.owner_id)


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody's wish to join a company, as a subject of permissions."""

    id: uuid.UUID
    owner_id: uuid.UUID
