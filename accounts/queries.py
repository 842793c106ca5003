"""What can be asked about people and organisations."""

import unicodedata
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache

import jaconv
from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, delete, func, or_
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts.models import (
    ExternalIdentity,
    Membership,
    Organisation,
    OrganisationKind,
    OrganisationNotice,
    Person,
    Recusal,
    Role,
    SignIn,
    SignInAttempt,
    label_body,
)
from core.db import now


def find_person_by_email(
    session: Session, email: str, *, for_update: bool = False
) -> Person | None:
    """Return the person with this address (compared in lower case)."""
    statement = select(Person).where(Person.email == email.strip().lower())
    if for_update:
        statement = statement.with_for_update()
    return session.exec(statement).first()


def lock_person(session: Session, person_id: uuid.UUID) -> Person | None:
    """Return a person as the database holds it now, and keep everyone else from changing it."""
    return session.get(Person, person_id, with_for_update=True, populate_existing=True)


def find_holder(session: Session, email: str) -> Person | None:
    """Return the person whose address this is; none while somebody only claims it."""
    person = find_person_by_email(session, email)
    return None if person is None or person.awaits_confirmation else person


def get_person(session: Session, person_id: uuid.UUID) -> Person | None:
    """Return a person."""
    return session.get(Person, person_id)


def list_people(session: Session, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """Return people by id."""
    people = session.exec(select(Person).where(col(Person.id).in_(person_ids)))
    return {person.id: person for person in people}


def list_organisation_notices(
    session: Session, organisation_id: uuid.UUID, since: datetime, limit: int = 10
) -> list[OrganisationNotice]:
    """Return what an organisation was told since a moment, the newest first."""
    statement = (
        select(OrganisationNotice)
        .where(
            OrganisationNotice.organisation_id == organisation_id,
            OrganisationNotice.told_at >= since,
        )
        .order_by(col(OrganisationNotice.told_at).desc(), col(OrganisationNotice.id))
        .limit(limit)
    )
    return list(session.exec(statement).all())


def has_notice(session: Session, organisation_id: uuid.UUID, kind: str, due_on: date) -> bool:
    """Tell whether an organisation was told this about this day already."""
    statement = select(OrganisationNotice.id).where(
        OrganisationNotice.organisation_id == organisation_id,
        OrganisationNotice.kind == kind,
        OrganisationNotice.due_on == due_on,
    )
    return session.exec(statement.limit(1)).first() is not None


def find_sign_in(session: Session, token_hash: str) -> SignIn | None:
    """Return the unrevoked sign-in of a token with its person."""
    return session.exec(_sign_in(), params={"token_hash": token_hash}).first()


# Asked in every request and every act: built once, for building costs more than asking.
@cache
def _sign_in() -> SelectOfScalar[SignIn]:
    return (
        select(SignIn)
        .where(SignIn.token_hash == bindparam("token_hash"), col(SignIn.revoked_at).is_(None))
        .options(joinedload(SignIn.person), joinedload(SignIn.identity))  # type: ignore[arg-type]
    )


def is_live(session: Session) -> ColumnElement[bool]:
    """Return the condition that a membership counts at this moment: not ended, and not run out."""
    return _is_live_at(now(session))


def _is_live_at(moment: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return and_(
        col(Membership.ended_at).is_(None),
        or_(col(Membership.ends_at).is_(None), col(Membership.ends_at) > moment),
    )


def list_live_memberships(session: Session, person_id: uuid.UUID) -> list[Membership]:
    """Return the person's memberships of this moment with their organisations, in a fixed order."""
    values = {"person_id": person_id, "moment": now(session)}
    return list(session.exec(_live_memberships(), params=values).all())


@cache
def _live_memberships() -> SelectOfScalar[Membership]:
    return (
        select(Membership)
        .join(Organisation, col(Organisation.id) == col(Membership.organisation_id))
        .where(
            Membership.person_id == bindparam("person_id"),
            _is_live_at(bindparam("moment")),
        )
        .options(joinedload(Membership.organisation))  # type: ignore[arg-type]
        .order_by(Organisation.name, Membership.role, col(Membership.id))
    )


def list_recusals(session: Session, person_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Return the subjects that a person keeps out of."""
    return frozenset(session.exec(_recusals(), params={"person_id": person_id}))


def list_recused(session: Session, subject_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Return the people who keep out of everything about a subject."""
    statement = select(Recusal.person_id).where(Recusal.subject_id == subject_id)
    return frozenset(session.exec(statement))


@cache
def _recusals() -> SelectOfScalar[uuid.UUID]:
    return select(Recusal.subject_id).where(Recusal.person_id == bindparam("person_id"))


def lock_live_roles(
    session: Session, person_id: uuid.UUID, organisation_id: uuid.UUID
) -> frozenset[Role]:
    """Return the roles held at this moment and keep them from ending before the commit."""
    values = {
        "person_id": person_id,
        "organisation_id": organisation_id,
        "moment": now(session),
    }
    statement = _live_roles(is_locking=not session.info.get("read_only"))
    return frozenset(Role(role) for role in session.exec(statement, params=values).all())


@cache
def _live_roles(*, is_locking: bool) -> SelectOfScalar[str]:
    statement = select(Membership.role).where(
        Membership.person_id == bindparam("person_id"),
        Membership.organisation_id == bindparam("organisation_id"),
        _is_live_at(bindparam("moment")),
    )
    return statement.with_for_update(read=True) if is_locking else statement


def list_roles_anywhere(session: Session, person_id: uuid.UUID) -> frozenset[Role]:
    """Return all live roles of a person in all organisations."""
    return frozenset(membership.role for membership in list_live_memberships(session, person_id))


def get_organisation(session: Session, organisation_id: uuid.UUID) -> Organisation | None:
    """Return an organisation."""
    return session.get(Organisation, organisation_id)


def find_body_by_code(session: Session, code: str) -> Organisation | None:
    """Return the body with this six-digit code."""
    return session.exec(select(Organisation).where(Organisation.code == code)).first()


def list_bodies(session: Session) -> list[Organisation]:
    """Return all bodies in the order of their codes (at most a few thousand)."""
    statement = (
        select(Organisation)
        .where(Organisation.kind == OrganisationKind.BODY)
        .order_by(col(Organisation.code))
        .limit(5_000)
    )
    return list(session.exec(statement).all())


def list_body_labels(session: Session) -> list[str]:
    """Return the names of all bodies with their prefectures, to choose from as one types."""
    statement = (
        select(Organisation.name, Organisation.prefecture)
        .where(Organisation.kind == OrganisationKind.BODY)
        .order_by(col(Organisation.code))
        .limit(5_000)
    )
    return [label_body(name, prefecture) for name, prefecture in session.exec(statement)]


def search_bodies(session: Session, words: str, limit: int) -> list[Organisation]:
    """Return bodies by the beginning of their code or by any part of name, label or reading."""
    wanted = "".join(unicodedata.normalize("NFKC", words).split())
    if not wanted:
        return []
    wanted = wanted.replace("(", "（").replace(")", "）")
    return find_bodies(session, words=wanted, limit=limit)


def find_bodies(
    session: Session,
    *,
    limit: int,
    after: str = "",
    words: str = "",
    kind: str | None = None,
    prefecture: str | None = None,
) -> list[Organisation]:
    """Return bodies in the order of their codes, after one of them; words as above."""
    statement = select(Organisation).where(Organisation.kind == OrganisationKind.BODY)
    wanted = "".join(unicodedata.normalize("NFKC", words).split())
    if wanted:
        statement = statement.where(_is_named(wanted.replace("(", "（").replace(")", "）")))
    if after:
        statement = statement.where(col(Organisation.code) > after)
    if kind is not None:
        statement = statement.where(Organisation.body_kind == kind)
    if prefecture is not None:
        statement = statement.where(Organisation.prefecture == prefecture)
    return list(session.exec(statement.order_by(col(Organisation.code)).limit(limit)))


def _is_named(wanted: str) -> ColumnElement[bool]:
    name, prefecture = col(Organisation.name), col(Organisation.prefecture)
    return or_(
        col(Organisation.code).startswith(wanted, autoescape=True),
        (prefecture + name).contains(wanted, autoescape=True),
        (name + "（" + prefecture + "）").contains(wanted, autoescape=True),
        col(Organisation.kana).startswith(jaconv.kata2hira(wanted), autoescape=True),
    )


def count_organisations(session: Session, kind: OrganisationKind) -> int:
    """Return how many organisations of a kind exist."""
    statement = select(func.count()).where(Organisation.kind == kind)
    return session.exec(statement).one()


def list_members(session: Session, organisation_id: uuid.UUID, *roles: Role) -> list[Membership]:
    """Return live members of an organisation with these roles (all when none is given)."""
    statement = (
        select(Membership)
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(Membership.organisation_id == organisation_id, is_live(session))
        .options(joinedload(Membership.person))  # type: ignore[arg-type]
        .order_by(Person.name, col(Membership.id))
    )
    if roles:
        statement = statement.where(col(Membership.role).in_(roles))
    return list(session.exec(statement).unique().all())


def list_people_with_role(session: Session, *roles: Role) -> list[Person]:
    """Return all people who hold one of the roles anywhere at this moment, by name."""
    statement = (
        select(Person)
        .join(Membership, col(Membership.person_id) == col(Person.id))
        .where(col(Membership.role).in_(roles), is_live(session))
        .distinct()
        .order_by(Person.name, col(Person.id))
    )
    return list(session.exec(statement).all())


def list_sign_ins(session: Session, person_id: uuid.UUID) -> list[SignIn]:
    """Return the sign-ins of a person that nobody has revoked."""
    statement = (
        select(SignIn)
        .where(SignIn.person_id == person_id, col(SignIn.revoked_at).is_(None))
        .order_by(col(SignIn.created_at), col(SignIn.id))
        .limit(1_000)
    )
    return list(session.exec(statement).all())


def find_organisation(session: Session, kind: OrganisationKind, name: str) -> Organisation | None:
    """Return the organisation of a kind with exactly this name."""
    statement = select(Organisation).where(Organisation.kind == kind, Organisation.name == name)
    return session.exec(statement).first()


def find_attempt(
    session: Session, state_hash: str, *, for_update: bool = False
) -> SignInAttempt | None:
    """Return the journey to an identity provider that has this state."""
    statement = select(SignInAttempt).where(SignInAttempt.state_hash == state_hash)
    if for_update:
        statement = statement.with_for_update()
    return session.exec(statement).first()


def delete_expired_attempts(session: Session) -> None:
    """Forget the journeys whose time has run out."""
    session.execute(delete(SignInAttempt).where(col(SignInAttempt.expires_at) <= now(session)))


def find_identity(
    session: Session, issuer: str, subject: str, *, for_update: bool = False
) -> ExternalIdentity | None:
    """Return the live bond of a subject of an issuer, both compared exactly."""
    statement = select(ExternalIdentity).where(
        ExternalIdentity.issuer == issuer,
        ExternalIdentity.subject == subject,
        col(ExternalIdentity.ended_at).is_(None),
    )
    if for_update:
        statement = statement.with_for_update()
    return session.exec(statement).first()


def get_identity(
    session: Session, identity_id: uuid.UUID, *, for_update: bool = False
) -> ExternalIdentity | None:
    """Return a bond, live or ended."""
    return session.get(ExternalIdentity, identity_id, with_for_update=for_update or None)


def list_identities(session: Session, person_id: uuid.UUID) -> list[ExternalIdentity]:
    """Return the live bonds of a person, the oldest first."""
    statement = (
        select(ExternalIdentity)
        .where(ExternalIdentity.person_id == person_id, col(ExternalIdentity.ended_at).is_(None))
        .order_by(col(ExternalIdentity.created_at), col(ExternalIdentity.id))
        .limit(100)
    )
    return list(session.exec(statement).all())


def list_wishes(session: Session, organisation_id: uuid.UUID) -> list[ExternalIdentity]:
    """Return who asks to join a company, with the people, the oldest first."""
    statement = (
        select(ExternalIdentity)
        .where(
            ExternalIdentity.asked_organisation_id == organisation_id,
            col(ExternalIdentity.ended_at).is_(None),
        )
        .options(joinedload(ExternalIdentity.person))  # type: ignore[arg-type]
        .order_by(col(ExternalIdentity.created_at), col(ExternalIdentity.id))
        .limit(100)
    )
    return list(session.exec(statement).all())
