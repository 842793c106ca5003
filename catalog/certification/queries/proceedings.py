"""What surrounds a review: declarations, findings, submissions, appeals, reports on conditions."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CompoundSelect, and_, exists, func, or_, union
from sqlalchemy import select as select_columns
from sqlalchemy.orm import joinedload, selectinload
from sqlmodel import Session, col, select

from catalog.certification.after_models import Appeal, AppealState, ConditionReport, ReportState
from catalog.certification.models import (
    SETTLED,
    Certification,
    ConflictDeclaration,
    Finding,
    FindingMessage,
    FindingState,
    Recommendation,
    ReviewState,
    ReviewSubmission,
)
from catalog.certification.queries import is_over, load_whole
from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from catalog.offerings.queries import narrow_to_listed
from core.db import now

MAXIMUM_ROWS = 1_000
MAXIMUM_PENDING = 10_000
IN_FORCE = (ReviewState.CERTIFIED, ReviewState.CONDITIONAL)
_REPLACEABLE = (*IN_FORCE, ReviewState.SUSPENDED)


def find_declaration(
    session: Session, certification_id: uuid.UUID, person_id: uuid.UUID | None
) -> ConflictDeclaration | None:
    """Return what a person declared on a review."""
    statement = select(ConflictDeclaration).where(
        ConflictDeclaration.certification_id == certification_id,
        ConflictDeclaration.person_id == person_id,
    )
    return session.exec(statement).first()


def list_declarations(session: Session, certification_id: uuid.UUID) -> list[ConflictDeclaration]:
    """Return all declarations on a review in their order."""
    statement = (
        select(ConflictDeclaration)
        .where(ConflictDeclaration.certification_id == certification_id)
        .order_by(col(ConflictDeclaration.declared_at), col(ConflictDeclaration.id))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def list_findings(session: Session, certification_id: uuid.UUID) -> list[Finding]:
    """Return the findings of a review with their conversations, by number."""
    statement = (
        select(Finding)
        .where(Finding.certification_id == certification_id)
        .options(selectinload(Finding.messages))  # type: ignore[arg-type]
        .order_by(col(Finding.number))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def count_unsettled(session: Session, certification_id: uuid.UUID, *states: FindingState) -> int:
    """Count findings in these states, by default all that are neither accepted nor withdrawn."""
    wanted = states or tuple(state for state in FindingState if state not in SETTLED)
    statement = select(func.count(col(Finding.id))).where(
        Finding.certification_id == certification_id, col(Finding.state).in_(wanted)
    )
    return session.exec(statement).one()


def lock_finding(
    session: Session, certification_id: uuid.UUID, finding_id: uuid.UUID
) -> Finding | None:
    """Return one finding of a review with its conversation, as it is now."""
    statement = (
        select(Finding)
        .where(Finding.id == finding_id, Finding.certification_id == certification_id)
        .options(selectinload(Finding.messages))  # type: ignore[arg-type]
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).first()


def count_messages(session: Session, finding_id: uuid.UUID) -> int:
    """Count the turns of the conversation about a finding."""
    statement = select(func.count(col(FindingMessage.id))).where(
        FindingMessage.finding_id == finding_id
    )
    return session.exec(statement).one()


def list_submissions(session: Session, certification_id: uuid.UUID) -> list[ReviewSubmission]:
    """Return what was submitted for a review, the first one first."""
    statement = (
        select(ReviewSubmission)
        .where(ReviewSubmission.certification_id == certification_id)
        .order_by(col(ReviewSubmission.number))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def find_submission(
    session: Session, certification_id: uuid.UUID, number: int
) -> ReviewSubmission | None:
    """Return what was submitted for a review at one time."""
    statement = select(ReviewSubmission).where(
        ReviewSubmission.certification_id == certification_id, ReviewSubmission.number == number
    )
    return session.exec(statement).first()


def count_submissions(session: Session, certification_id: uuid.UUID) -> int:
    """Count what was submitted for a review."""
    statement = select(func.count(col(ReviewSubmission.id))).where(
        ReviewSubmission.certification_id == certification_id
    )
    return session.exec(statement).one()


def list_involved_ids(session: Session, certification_id: uuid.UUID) -> set[uuid.UUID | None]:
    """Return everyone who ever submitted for a review, declared interests on it or filed an opinion."""
    statement: CompoundSelect[Any] = union(
        select_columns(col(ReviewSubmission.submitted_by_id)).where(
            col(ReviewSubmission.certification_id) == certification_id
        ),
        select_columns(col(ConflictDeclaration.person_id)).where(
            col(ConflictDeclaration.certification_id) == certification_id
        ),
        select_columns(col(Recommendation.reviewer_id)).where(
            col(Recommendation.certification_id) == certification_id
        ),
    )
    return set(session.execute(statement).scalars())


def list_appeals(session: Session, certification_id: uuid.UUID) -> list[Appeal]:
    """Return the appeals on a certification, newest first."""
    statement = (
        select(Appeal)
        .where(Appeal.certification_id == certification_id)
        .order_by(col(Appeal.filed_at).desc(), col(Appeal.id))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def list_upheld(session: Session, review: Certification) -> list[Appeal]:
    """Return the appeals on a review that were upheld."""
    statement = select(Appeal).where(
        Appeal.certification_id == review.id, Appeal.state == AppealState.UPHELD
    )
    return list(session.exec(statement.limit(MAXIMUM_ROWS)))


def find_open_appeal(session: Session, certification_id: uuid.UUID) -> Appeal | None:
    """Return the appeal that waits for a decision."""
    statement = select(Appeal).where(
        Appeal.certification_id == certification_id, Appeal.state == AppealState.FILED
    )
    return session.exec(statement).first()


def has_open_appeal(session: Session, offering_version_id: uuid.UUID) -> bool:
    """Tell whether an appeal on an offering version waits for its decision."""
    statement = (
        select(Appeal.id)
        .join(Certification, col(Certification.id) == Appeal.certification_id)
        .where(
            Certification.offering_version_id == offering_version_id,
            Appeal.state == AppealState.FILED,
        )
        .limit(1)
    )
    return session.exec(statement).first() is not None


def list_reports(session: Session, certification_id: uuid.UUID) -> list[ConditionReport]:
    """Return the reports on conditions, the first one first."""
    statement = (
        select(ConditionReport)
        .where(ConditionReport.certification_id == certification_id)
        .order_by(col(ConditionReport.reported_at), col(ConditionReport.id))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def list_pending(session: Session) -> list[tuple[Certification, bool, bool]]:
    """Return certificates on which the agency has to act, with: an appeal waits, a report waits.

    Those of which only a revocation waits for its confirmation have neither.
    """
    appealed = exists().where(
        col(Appeal.certification_id) == Certification.id, col(Appeal.state) == AppealState.FILED
    )
    reported = exists().where(
        col(ConditionReport.certification_id) == Certification.id,
        col(ConditionReport.state) == ReportState.REPORTED,
    )
    proposed = and_(
        col(Certification.revocation_proposed_by_id).is_not(None),
        col(Certification.state) != ReviewState.REVOKED,
    )
    statement = (
        select_columns(Certification, appealed, reported)
        .where(or_(proposed, appealed, reported))
        .options(*load_whole())
        .order_by(col(Certification.updated_at), col(Certification.id))
        .limit(MAXIMUM_PENDING)
    )
    return [(review, bool(one), bool(other)) for review, one, other in session.execute(statement)]


def list_findings_on(session: Session, offering_version_id: uuid.UUID) -> list[Finding]:
    """Return the findings of an offering version's reviews that are not settled, by number."""
    statement = (
        select(Finding)
        .join(Certification, col(Certification.id) == Finding.certification_id)
        .where(
            Certification.offering_version_id == offering_version_id,
            col(Finding.state).not_in(SETTLED),
        )
        .options(selectinload(Finding.messages))  # type: ignore[arg-type]
        .order_by(col(Finding.number))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def find_base(session: Session, review: Certification) -> Certification | None:
    """Return the certificate in force of another version of the same offering and specification version."""
    statement = (
        select(Certification)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .where(
            OfferingVersion.offering_id == review.offering_version.offering_id,
            col(OfferingVersion.id) != review.offering_version_id,
            Certification.specification_version_id == review.specification_version_id,
            col(Certification.state).in_(IN_FORCE),
            ~is_over(Certification, now(session)),
        )
        .options(joinedload(Certification.offering_version), *load_whole())  # type: ignore[arg-type]
        .order_by(col(Certification.decided_at).desc(), col(Certification.id))
        .limit(1)
    )
    return session.exec(statement).first()


def lock_derived(
    session: Session, review: Certification, *states: ReviewState
) -> Sequence[Certification]:
    """Return the certificates in these states that rest on this one, locked until the commit."""
    statement = (
        select(Certification)
        .where(Certification.based_on_id == review.id, col(Certification.state).in_(states))
        .order_by(col(Certification.id))
        .options(*load_whole())
        .with_for_update(of=Certification)
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).all()


def list_outdone(session: Session, review: Certification) -> Sequence[Certification]:
    """Return the certificates of older versions that a newer certified version takes the place of."""
    statement = (
        select(Certification)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .where(
            OfferingVersion.offering_id == review.offering_version.offering_id,
            OfferingVersion.number < review.offering_version.number,
            Certification.specification_version_id == review.specification_version_id,
            col(Certification.state).in_(_REPLACEABLE),
        )
        .order_by(col(Certification.id))
        .options(*load_whole())
        .with_for_update(of=Certification)
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).all()


def find_successor(session: Session, review: Certification) -> str | None:
    """Return the number of the newest public certificate of a newer version of the same pair."""
    statement = (
        select(Certification.number)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .where(
            OfferingVersion.offering_id == review.offering_version.offering_id,
            OfferingVersion.number > review.offering_version.number,
            Certification.specification_version_id == review.specification_version_id,
            col(Certification.number).is_not(None),
            col(OfferingVersion.published_at).is_not(None),
        )
        .order_by(col(OfferingVersion.number).desc(), col(Certification.decided_at).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def has_other_standing(session: Session, review: Certification) -> bool:
    """Tell whether another review or certificate stands for the same pair of versions."""
    closed = (ReviewState.REFUSED, ReviewState.REVOKED, ReviewState.SUPERSEDED)
    statement = (
        select(Certification.id)
        .where(
            Certification.offering_version_id == review.offering_version_id,
            Certification.specification_version_id == review.specification_version_id,
            col(Certification.id) != review.id,
            col(Certification.state).not_in(closed),
        )
        .limit(1)
    )
    return session.exec(statement).first() is not None


def find_shown_listing(session: Session, offering_id: uuid.UUID) -> uuid.UUID | None:
    """Return a listing of an offering that buyers see now."""
    statement = (
        narrow_to_listed(select(ListingVersion.listing_id))
        .where(col(Listing.offering_id) == offering_id)
        .order_by(col(ListingVersion.listing_id))
        .limit(1)
    )
    found: uuid.UUID | None = session.exec(statement).first()
    return found
