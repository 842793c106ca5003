"""What can be asked about certifications: standings for readers, files for reviewers."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists
from sqlalchemy import select as sa_select
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import Membership, Organisation, Person, Recusal, Role
from accounts.queries import is_live
from catalog.certification.models import (
    DECIDED_STATES,
    OPEN_STATES,
    Certification,
    Recommendation,
    ReviewState,
    ReviewSubmission,
)
from catalog.certification.queries.standing import (
    CERTIFICATE_STATES,
    DecidedValues,
    Standing,
    standing_of,
)
from catalog.offerings.models import (
    ConformanceAnswer,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.specifications.models import SpecificationVersion
from catalog.undecoded import decode, decoders_of, undecoded
from core.audit import AuditDetail, AuditEvent, Outcome
from core.db import now, unindexed

MAXIMUM_QUEUE = 1_000
# The last one counts: a certificate before a refusal, the newest of them.
_NEWEST_LAST = (
    col(Certification.state) != ReviewState.REFUSED,
    col(Certification.decided_at),
    col(Certification.id),
)


def current_certifications(
    session: Session, offering_version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Certification]:
    """Return the newest certificate of each offering version, else the newest refusal.

    A review under way is never told.
    """
    statement = (
        select(Certification)
        .where(
            col(Certification.offering_version_id).in_(offering_version_ids),
            unindexed(Certification.state).in_(DECIDED_STATES),
        )
        .order_by(*_NEWEST_LAST)
    )
    return {row.offering_version_id: row for row in session.exec(statement)}


def standings(
    session: Session, offering_versions: Iterable[OfferingVersion]
) -> dict[uuid.UUID, Standing]:
    """Return the standing of each offering version now (1 statement)."""
    return read_standings(session, {version.id for version in offering_versions})


def read_standings(
    session: Session, offering_version_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Standing]:
    """Return the standing of each offering version now (1 statement)."""
    moment, connection = now(session), session.connection()
    found = connection.execute(_standings(), {"ids": list(offering_version_ids)})
    decoders = decoders_of(connection.dialect, _told())
    return {
        decode(row[-2], decoders[0]): standing_of(
            DecidedValues._make(map(decode, row, decoders)) if row[0] else None,
            moment,
            has_answers=bool(row[-1]),
        )
        for row in found
    }


@cache
def _standings() -> Any:
    """Return the statement that reads what standings are told from; built and compiled once."""
    own = col(Certification.offering_version_id) == col(OfferingVersion.id)
    answered = exists().where(col(ConformanceAnswer.offering_version_id) == OfferingVersion.id)
    return (
        sa_select(*undecoded([*_told(), OfferingVersion.id, answered]))
        .outerjoin(Certification, and_(own, unindexed(Certification.state).in_(DECIDED_STATES)))
        .where(col(OfferingVersion.id).in_(bindparam("ids", expanding=True)))
        .order_by(*_NEWEST_LAST)
    )


@cache
def _told() -> tuple[Any, ...]:
    return tuple(getattr(Certification, name) for name in DecidedValues._fields)


def get_certification(session: Session, certification_id: uuid.UUID) -> Certification | None:
    """Return a certification with its offering version, maker and specification version."""
    statement = (
        select(Certification).where(Certification.id == certification_id).options(*load_whole())
    )
    return session.exec(statement).first()


def find_certificate(session: Session, number: str) -> Certification | None:
    """Return the certification that carries this certificate number."""
    statement = (
        select(Certification)
        .where(Certification.number == number, col(Certification.state).in_(CERTIFICATE_STATES))
        .options(*load_whole())
    )
    return session.exec(statement).first()


def list_certificate_ids(session: Session, offering_version_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the certifications of an offering version that carry a certificate."""
    statement = (
        select(Certification.id)
        .where(
            Certification.offering_version_id == offering_version_id,
            col(Certification.state).in_(CERTIFICATE_STATES),
        )
        .order_by(col(Certification.id))
    )
    return list(session.exec(statement))


def hold_certificates(session: Session, offering_version_id: uuid.UUID) -> None:
    """Keep the certificates of an offering version as they are now until the commit.

    Whoever suspends, revokes or ends one locks the same row first, and waits or is waited for.
    """
    statement = (
        select(Certification)
        .where(
            Certification.offering_version_id == offering_version_id,
            col(Certification.state).in_(CERTIFICATE_STATES),
        )
        .order_by(col(Certification.id))
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    session.exec(statement).all()


def lock_certification(session: Session, certification_id: uuid.UUID) -> Certification | None:
    """Return a certification and what it covers as they are now; nobody else changes it meanwhile.

    Those of the other versions of the offering are locked with it, always in one order: an act on a
    certificate reaches those that rest on it, and the publication of a newer one the older ones.
    """
    version = select(Certification.offering_version_id).where(Certification.id == certification_id)
    found = _lock_family(session, version.scalar_subquery())
    is_this = col(Certification.id) == certification_id
    return _load_locked(session, is_this) if certification_id in found else None


def lock_open_certification(
    session: Session, offering_version_id: uuid.UUID
) -> Certification | None:
    """Return the review under way for an offering version, locked as above."""
    if not _lock_family(session, offering_version_id):
        return None
    is_under_way = and_(
        col(Certification.offering_version_id) == offering_version_id,
        col(Certification.state).in_(OPEN_STATES),
    )
    return _load_locked(session, is_under_way)


def _lock_family(session: Session, version_id: Any) -> Sequence[uuid.UUID]:
    offering_id = select(OfferingVersion.offering_id).where(OfferingVersion.id == version_id)
    statement = (
        select(Certification.id)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .where(OfferingVersion.offering_id == offering_id.scalar_subquery())
        .order_by(col(Certification.id))
        .with_for_update(of=Certification)
    )
    return session.exec(statement).all()


def _load_locked(session: Session, condition: ColumnElement[bool]) -> Certification | None:
    # After the lock: what was joined to a row that had to be waited for would be of before.
    statement = (
        select(Certification)
        .where(condition)
        .options(*load_whole())
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).first()


def find_latest_certification(
    session: Session, offering_version_id: uuid.UUID
) -> Certification | None:
    """Return the newest review of an offering version in any state."""
    statement = (
        select(Certification)
        .where(Certification.offering_version_id == offering_version_id)
        .options(*load_whole())
        .order_by(col(Certification.created_at).desc(), col(Certification.id))
        .limit(1)
    )
    return session.exec(statement).first()


def list_queue(session: Session, *, reviewer_id: uuid.UUID | None = None) -> list[Certification]:
    """Return open reviews, oldest first; with `reviewer_id` only those assigned to that person.

    A version that the vendor has taken back is not waiting for anybody.
    """
    statement = (
        select(Certification)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .where(
            col(Certification.state).in_(OPEN_STATES),
            OfferingVersion.state != OfferState.WITHDRAWN,
        )
        .options(*load_whole())
        .order_by(col(Certification.submitted_at), col(Certification.id))
        .limit(MAXIMUM_QUEUE)
    )
    if reviewer_id is not None:
        statement = statement.where(
            (col(Certification.first_reviewer_id) == reviewer_id)
            | (col(Certification.second_reviewer_id) == reviewer_id)
        )
    return list(session.exec(statement).all())


def list_recommendations(session: Session, certification_id: uuid.UUID) -> list[Recommendation]:
    """Return the filed opinions in the order of filing."""
    statement = (
        select(Recommendation)
        .where(Recommendation.certification_id == certification_id)
        .order_by(col(Recommendation.filed_at), col(Recommendation.id))
        .limit(2)
    )
    return list(session.exec(statement).all())


def list_filed_ids(session: Session, certification_id: uuid.UUID) -> set[uuid.UUID | None]:
    """Return who has ever filed an opinion on a certification, also one that no longer counts."""
    statement = select(AuditEvent.person_id).where(
        AuditEvent.subject_kind == Certification.__name__,
        AuditEvent.subject_id == certification_id,
        AuditEvent.action == "certification.recommend",
        AuditEvent.outcome == Outcome.DONE,
    )
    return set(session.exec(statement))


def list_eligible_reviewers(session: Session, certification: Certification) -> list[Person]:
    """Return reviewers of this moment without a bond to the vendor or the submission, by name.

    Whoever declared a conflict of interests on any version of the offering is not asked again, nor
    is who ever submitted this one, or approved it as claimed.
    """
    version = OfferingVersion.id == certification.offering_version_id
    offering_id = select(OfferingVersion.offering_id).where(version).scalar_subquery()
    approver_id = select(OfferingVersion.approved_by_id).where(version).scalar_subquery()
    recused = select(Recusal.person_id).where(Recusal.subject_id == offering_id)
    submitters = select(ReviewSubmission.submitted_by_id).where(
        ReviewSubmission.certification_id == certification.id,
        col(ReviewSubmission.submitted_by_id).is_not(None),
    )
    members = select(Membership.person_id).where(
        Membership.organisation_id == certification.owner_id, is_live(session)
    )
    statement = (
        select(Person)
        .join(Membership, col(Membership.person_id) == Person.id)
        .where(
            Membership.role == Role.REVIEWER,
            is_live(session),
            col(Person.id).not_in(members),
            col(Person.id).not_in(recused),
            col(Person.id).not_in(submitters),
            col(Person.id).is_distinct_from(certification.submitted_by_id),
            col(Person.id).is_distinct_from(approver_id),
        )
        .distinct()
        .order_by(Person.name, col(Person.id))
        .limit(MAXIMUM_QUEUE)
    )
    return list(session.exec(statement).all())


def agencies_of(session: Session, review: Certification) -> list[str]:
    """Return the names of the organisations that reviewed and decided, as they were at the decision.

    Decisions from before the names were kept with them show who belonged where on that day.
    """
    kept: list[str] = review.results.get("agencies", [])
    people = (*review.assigned_ids, review.decided_by_id)
    return kept or list_agencies(session, people, review.decided_at or now(session))


def list_agencies(
    session: Session, person_ids: Iterable[uuid.UUID | None], moment: datetime
) -> list[str]:
    """Return the names of the organisations for which these people reviewed or decided at a moment."""
    statement = (
        select(Organisation.name)
        .join(Membership, col(Membership.organisation_id) == Organisation.id)
        .where(
            col(Membership.person_id).in_([each for each in person_ids if each]),
            col(Membership.role).in_([Role.REVIEWER, Role.LEAD_REVIEWER]),
        )
        .distinct()
        .order_by(Organisation.name)
        .limit(MAXIMUM_QUEUE)
    )
    of_then = statement.where(
        col(Membership.created_at) <= moment,
        col(Membership.ended_at).is_(None) | (col(Membership.ended_at) > moment),
        col(Membership.ends_at).is_(None) | (col(Membership.ends_at) > moment),
    )
    return list(session.exec(of_then)) or list(session.exec(statement))


def list_events(
    session: Session, certification_id: uuid.UUID
) -> list[tuple[AuditEvent, AuditDetail | None, str | None]]:
    """Return what the trail holds about a certification with the person's name, newest first."""
    statement = (
        select(AuditEvent, AuditDetail, Person.name)
        .join(AuditDetail, col(AuditDetail.sequence) == AuditEvent.sequence, isouter=True)
        .join(Person, col(Person.id) == AuditEvent.person_id, isouter=True)
        .where(
            AuditEvent.subject_kind == Certification.__name__,
            AuditEvent.subject_id == certification_id,
        )
        .order_by(col(AuditEvent.sequence).desc())
        .limit(MAXIMUM_QUEUE)
    )
    return [(event, detail, name) for event, detail, name in session.exec(statement)]


@cache
def load_whole() -> tuple[Any, ...]:
    """Load what every page of a review names: versions, maker, specification."""
    return (
        joinedload(Certification.offering_version)  # type: ignore[arg-type]
        .joinedload(OfferingVersion.offering)  # type: ignore[arg-type]
        .joinedload(Offering.maker),  # type: ignore[arg-type]
        joinedload(Certification.specification_version).joinedload(  # type: ignore[arg-type]
            SpecificationVersion.specification  # type: ignore[arg-type]
        ),
    )
