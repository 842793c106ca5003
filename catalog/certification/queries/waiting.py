"""What waits for a vendor around its reviews and certificates, and which appeals wait for a lead."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from catalog.certification.after_models import Appeal, AppealState, ConditionReport, ReportState
from catalog.certification.models import (
    OPEN_STATES,
    Certification,
    Finding,
    FindingState,
    ReviewState,
)
from catalog.certification.queries.proceedings import IN_FORCE
from catalog.certification.queries.reviews import load_whole
from core.db import now

MAXIMUM_ROWS = 200


def list_to_answer(session: Session, owner_id: uuid.UUID) -> list[tuple[Certification, int]]:
    """Return a vendor's open reviews that wait for it, each with the number of open findings."""
    count = (
        select(func.count(col(Finding.id)))
        .where(
            col(Finding.certification_id) == Certification.id,
            col(Finding.state) == FindingState.OPEN,
        )
        .scalar_subquery()
    )
    statement = (
        select_columns(Certification, count)
        .where(
            col(Certification.owner_id) == owner_id,
            col(Certification.state).in_(OPEN_STATES),
            or_(count > 0, col(Certification.state) == ReviewState.INFO_REQUESTED),
        )
        .options(*load_whole())
        .order_by(col(Certification.submitted_at), col(Certification.id))
        .limit(MAXIMUM_ROWS)
    )
    return [(review, found) for review, found in session.execute(statement)]


def list_in_force(session: Session, owner_id: uuid.UUID) -> list[Certification]:
    """Return a vendor's certificates whose term runs, the next to end first; a condition may be overdue."""
    statement = (
        select(Certification)
        .where(
            Certification.owner_id == owner_id,
            col(Certification.state).in_(IN_FORCE),
            col(Certification.valid_until) > now(session),
        )
        .options(*load_whole())
        .order_by(col(Certification.valid_until), col(Certification.id))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def list_reported(
    session: Session, certification_ids: Collection[uuid.UUID]
) -> set[tuple[uuid.UUID, str]]:
    """Return (certification, requirement) of the conditions with a report that was not handed back."""
    statement = select(ConditionReport.certification_id, ConditionReport.requirement_id).where(
        col(ConditionReport.certification_id).in_(certification_ids),
        ConditionReport.state != ReportState.RETURNED,
    )
    return set(session.exec(statement))


def list_open_appeals(
    session: Session, certification_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Appeal]:
    """Return the appeal on each certification that waits for its decision."""
    statement = select(Appeal).where(
        col(Appeal.certification_id).in_(certification_ids), Appeal.state == AppealState.FILED
    )
    return {each.certification_id: each for each in session.exec(statement)}
