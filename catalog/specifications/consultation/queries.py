"""What can be asked about consultations, their comments and dispositions."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, case, func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from catalog.specifications.consultation.models import (
    CommentState,
    Consultation,
    ConsultationComment,
)
from catalog.specifications.models import (
    SpecificationState,
    SpecificationVersion,
    SpecificationVersionEnd,
)

MAXIMUM_COMMENTS = 5_000
_WITH_VERSION = joinedload(Consultation.specification_version).joinedload(  # type: ignore[arg-type]
    SpecificationVersion.specification  # type: ignore[arg-type]
)


def get_consultation(session: Session, consultation_id: uuid.UUID) -> Consultation | None:
    """Return a consultation with its version and specification."""
    statement = select(Consultation).where(Consultation.id == consultation_id)
    return session.exec(statement.options(_WITH_VERSION)).first()


def find_consultation(session: Session, version_id: uuid.UUID) -> Consultation | None:
    """Return the consultation on a version, with the version and its specification."""
    statement = select(Consultation).where(Consultation.specification_version_id == version_id)
    return session.exec(statement.options(_WITH_VERSION)).first()


def lock_consultation(session: Session, consultation_id: uuid.UUID) -> Consultation | None:
    """Return a consultation whose version keeps its state, and whose comments keep still, till commit.

    The version is locked first and shared, as its approval locks it first and alone.
    """
    version_id = session.exec(
        select(Consultation.specification_version_id).where(Consultation.id == consultation_id)
    ).first()
    if version_id is None:
        return None
    session.exec(
        select(SpecificationVersion.id)
        .where(SpecificationVersion.id == version_id)
        .with_for_update(read=True)
    ).one()
    statement = (
        select(Consultation)
        .where(Consultation.id == consultation_id)
        .options(_WITH_VERSION)
        .with_for_update(of=Consultation)
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).one()


def lock_for_approval(session: Session, version_id: uuid.UUID) -> None:
    """Keep comments and dispositions from coming until the version is approved, or not."""
    session.exec(
        select(SpecificationVersion.id)
        .where(SpecificationVersion.id == version_id)
        .with_for_update()
    ).one()


def list_consultations(session: Session) -> list[Consultation]:
    """Return all consultations, the last to close first."""
    statement = (
        select(Consultation)
        .options(_WITH_VERSION)
        .order_by(col(Consultation.closes_on).desc(), col(Consultation.id))
        .limit(1_000)
    )
    return list(session.exec(statement).all())


def list_running(session: Session, today: date) -> list[Consultation]:
    """Return the consultations that have begun and whose results are not public, next to close first."""
    statement = (
        select(Consultation)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == Consultation.specification_version_id,
        )
        .where(
            SpecificationVersion.state == SpecificationState.CONSULTATION,
            Consultation.opens_on <= today,
            col(Consultation.dispositions_published_at).is_(None),
        )
        .options(_WITH_VERSION)
        .order_by(col(Consultation.closes_on), col(Consultation.id))
        .limit(200)
    )
    return list(session.exec(statement).all())


def list_consultations_of(
    session: Session, version_ids: Collection[uuid.UUID]
) -> list[Consultation]:
    """Return the consultations on these versions."""
    statement = (
        select(Consultation)
        .where(col(Consultation.specification_version_id).in_(version_ids))
        .options(_WITH_VERSION)
        .order_by(col(Consultation.id))
    )
    return list(session.exec(statement).all())


def list_comments(session: Session, consultation_id: uuid.UUID) -> list[ConsultationComment]:
    """Return all comments with their dispositions, those still to be disposed of first."""
    undisposed_first = case((col(ConsultationComment.state) == CommentState.OPEN, 0), else_=1)
    statement = (
        select(ConsultationComment)
        .where(ConsultationComment.consultation_id == consultation_id)
        .options(joinedload(ConsultationComment.disposition))  # type: ignore[arg-type]
        .order_by(undisposed_first, col(ConsultationComment.number))
        .limit(MAXIMUM_COMMENTS)
    )
    return list(session.exec(statement).all())


def find_waiting(
    session: Session, version_id: uuid.UUID
) -> tuple[Consultation | None, list[ConsultationComment]]:
    """Return the consultation on a version and its comments without a disposition."""
    statement = (
        select(Consultation, ConsultationComment)
        .outerjoin(
            ConsultationComment,
            and_(
                col(ConsultationComment.consultation_id) == col(Consultation.id),
                col(ConsultationComment.state) == CommentState.OPEN,
            ),
        )
        .where(Consultation.specification_version_id == version_id)
        .order_by(col(ConsultationComment.number))
        .limit(MAXIMUM_COMMENTS)
    )
    rows = session.exec(statement).all()
    return (rows[0][0] if rows else None), list(filter(None, (row[1] for row in rows)))


def list_comments_by_number(
    session: Session, consultation_id: uuid.UUID, numbers: Sequence[int]
) -> list[ConsultationComment]:
    """Return the comments with these numbers, with their dispositions, as the database has them now."""
    possible = [each for each in numbers if each <= MAXIMUM_COMMENTS]
    statement = (
        select(ConsultationComment)
        .where(
            ConsultationComment.consultation_id == consultation_id,
            col(ConsultationComment.number).in_(possible),
        )
        .options(joinedload(ConsultationComment.disposition))  # type: ignore[arg-type]
        .order_by(col(ConsultationComment.number))
        .execution_options(populate_existing=True)
    )
    return list(session.exec(statement).all())


def find_comment(
    session: Session, consultation_id: uuid.UUID, number: int
) -> ConsultationComment | None:
    """Return one comment by its number."""
    return next(iter(list_comments_by_number(session, consultation_id, [number])), None)


def last_number(session: Session, consultation_id: uuid.UUID) -> int:
    """Return the highest number given so far."""
    statement = select(func.max(ConsultationComment.number)).where(
        ConsultationComment.consultation_id == consultation_id
    )
    return session.exec(statement).one() or 0


def find_same_comment(session: Session, said: ConsultationComment) -> ConsultationComment | None:
    """Return a standing comment of the same organisation with the same words on the same subject."""
    statement = select(ConsultationComment).where(
        ConsultationComment.consultation_id == said.consultation_id,
        ConsultationComment.organisation_id == said.organisation_id,
        ConsultationComment.requirement_id == said.requirement_id,
        ConsultationComment.text == said.text,
        ConsultationComment.suggestion == said.suggestion,
        ConsultationComment.state != CommentState.WITHDRAWN,
        ConsultationComment.id != said.id,
    )
    return session.exec(statement).first()


def list_comments_of(
    session: Session, organisation_id: uuid.UUID, consultation_id: uuid.UUID | None = None
) -> list[ConsultationComment]:
    """Return what an organisation said, the newest consultation first."""
    statement = (
        select(ConsultationComment)
        .join(Consultation)
        .where(ConsultationComment.organisation_id == organisation_id)
        .options(
            joinedload(ConsultationComment.disposition),  # type: ignore[arg-type]
            joinedload(ConsultationComment.consultation)  # type: ignore[arg-type]
            .joinedload(Consultation.specification_version)  # type: ignore[arg-type]
            .joinedload(SpecificationVersion.specification),  # type: ignore[arg-type]
        )
        .order_by(
            col(Consultation.closes_on).desc(),
            col(Consultation.id),
            col(ConsultationComment.number),
        )
        .limit(MAXIMUM_COMMENTS)
    )
    if consultation_id is not None:
        statement = statement.where(ConsultationComment.consultation_id == consultation_id)
    return list(session.exec(statement).all())


def list_commenters(session: Session, consultation_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the organisations whose comments stand."""
    statement = (
        select(ConsultationComment.organisation_id)
        .where(
            ConsultationComment.consultation_id == consultation_id,
            ConsultationComment.state != CommentState.WITHDRAWN,
        )
        .distinct()
        .order_by(col(ConsultationComment.organisation_id))
    )
    return list(session.exec(statement).all())


@dataclass(frozen=True, slots=True)
class Progress:
    """How many comments stand, and how many of them have a disposition."""

    standing: int = 0
    disposed: int = 0

    @property
    def undisposed(self) -> int:
        """How many still wait."""
        return self.standing - self.disposed


def list_ends(
    session: Session, version_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, SpecificationVersionEnd]:
    """Return when and why versions were withdrawn or retired."""
    statement = select(SpecificationVersionEnd).where(
        col(SpecificationVersionEnd.specification_version_id).in_(version_ids)
    )
    return {each.specification_version_id: each for each in session.exec(statement)}


def count_progress(
    session: Session, consultation_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Progress]:
    """Return the progress of each consultation."""
    statement = (
        select(ConsultationComment.consultation_id, ConsultationComment.state, func.count())
        .where(col(ConsultationComment.consultation_id).in_(consultation_ids))
        .group_by(col(ConsultationComment.consultation_id), col(ConsultationComment.state))
    )
    found = {(row[0], row[1]): row[2] for row in session.exec(statement)}
    progress = {}
    for each in consultation_ids:
        disposed = found.get((each, CommentState.DISPOSED), 0)
        standing = disposed + found.get((each, CommentState.OPEN), 0)
        progress[each] = Progress(standing, disposed)
    return progress
