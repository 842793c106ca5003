"""What can be asked about the reviewers' queue: one page of it, narrowed and ordered."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlmodel import Session, col, select

from accounts.models import Recusal
from catalog.certification.checks import CheckOutcome
from catalog.certification.models import OPEN_STATES, Certification, ReviewState
from catalog.certification.queries.reviews import load_whole
from catalog.certification.queue import Order, Place, QueueFilter
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.specifications.models import SpecificationVersion, StandardSpecification

_BEGUN = (ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW, ReviewState.INFO_REQUESTED)


def count_queue(
    session: Session,
    chosen: QueueFilter,
    person_id: uuid.UUID | None,
    reviewer_id: uuid.UUID | None,
) -> int:
    """Count the open reviews that a filter leaves; with `reviewer_id` those of that person alone."""
    statement = _join_whole(select(func.count(col(Certification.id))))
    return int(session.exec(statement.where(*_conditions(chosen, person_id, reviewer_id))).one())


def list_queue_page(
    session: Session,
    chosen: QueueFilter,
    person_id: uuid.UUID | None,
    reviewer_id: uuid.UUID | None,
    *,
    limit: int,
    offset: int,
) -> list[Certification]:
    """Return a page of the open reviews that a filter leaves, in its order, then by age."""
    ranks = {each.value: rank for rank, each in enumerate(CheckOutcome)}
    rank = case(ranks, value=col(Certification.check_outcome), else_=ranks[CheckOutcome.PERSON])
    first = [rank] if chosen.order is Order.CHECK else []
    statement = (
        _join_whole(select(Certification))
        .where(*_conditions(chosen, person_id, reviewer_id))
        .options(*load_whole())
        .order_by(*first, col(Certification.submitted_at), col(Certification.id))
        .limit(limit)
        .offset(offset)
    )
    return list(session.exec(statement))


def list_queue_specifications(
    session: Session, reviewer_id: uuid.UUID | None
) -> list[tuple[str, str]]:
    """Return code and name of the specifications that have an open review."""
    statement = (
        _join_whole(select(StandardSpecification.code, StandardSpecification.name))
        .where(*_conditions(QueueFilter(), None, reviewer_id))
        .distinct()
        .order_by(StandardSpecification.code)
    )
    return [(code, name) for code, name in session.exec(statement)]


def _join_whole(statement: Any) -> Any:
    return (
        statement.select_from(Certification)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == Certification.specification_version_id,
        )
        .join(
            StandardSpecification,
            col(StandardSpecification.id) == SpecificationVersion.specification_id,
        )
    )


def _conditions(
    chosen: QueueFilter, person_id: uuid.UUID | None, reviewer_id: uuid.UUID | None
) -> list[ColumnElement[bool]]:
    """Return the conditions; a version that the vendor has taken back waits for nobody.

    What this person keeps out of, after a conflict of interests, is not shown to them.
    """
    found = [
        col(Certification.state).in_(OPEN_STATES),
        col(OfferingVersion.state) != OfferState.WITHDRAWN,
    ]
    if person_id is not None:
        recused = select(Recusal.subject_id).where(Recusal.person_id == person_id)
        found.append(col(OfferingVersion.offering_id).not_in(recused))
    if reviewer_id is not None:
        found.append(_is_of(reviewer_id))
    if chosen.check is not None:
        found.append(col(Certification.check_outcome) == chosen.check)
    if chosen.state is not None:
        found.append(col(Certification.state) == chosen.state)
    if chosen.specification is not None:
        found.append(col(StandardSpecification.code) == chosen.specification)
    if chosen.place is not None:
        found.append(_stands_at(chosen.place, person_id))
    return found


def _is_of(person_id: uuid.UUID | None) -> ColumnElement[bool]:
    return or_(
        col(Certification.first_reviewer_id) == person_id,
        col(Certification.second_reviewer_id) == person_id,
    )


def _stands_at(place: Place, person_id: uuid.UUID | None) -> ColumnElement[bool]:
    first, second = col(Certification.first_reviewer_id), col(Certification.second_reviewer_id)
    incomplete = and_(col(Certification.state).in_(_BEGUN), or_(first.is_(None), second.is_(None)))
    if place is Place.MINE:
        return _is_of(person_id)
    if place is Place.UNASSIGNED:
        return or_(incomplete, col(Certification.state) == ReviewState.SUBMITTED)
    return and_(or_(first.is_not(None), second.is_not(None)), ~incomplete)
