"""What waits for a vendor around its reviews and certificates, and which appeals wait for a lead."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, func, or_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
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
from catalog.offerings.models import OfferingVersion, OfferState
from core.db import now

MAXIMUM_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class OwnReview:
    """A review of one's own software: what it asks for, or what its certificate still needs.

    `reported`: the conditions with a report that was not handed back; `is_followed`: a version for
    another version of the specification is under way or public.
    """

    review: Certification
    findings: int
    reported: frozenset[str]
    is_followed: bool

    @property
    def is_asked(self) -> bool:
        """Tell whether the review waits for the vendor."""
        return self.review.state in OPEN_STATES


def list_own(session: Session, owner_id: uuid.UUID) -> list[OwnReview]:
    """Return a vendor's reviews that wait for it, and its certificates whose term runs (1 statement)."""
    findings = _count_open_findings()
    asks = and_(
        col(Certification.state).in_(OPEN_STATES),
        or_(findings > 0, col(Certification.state) == ReviewState.INFO_REQUESTED),
    )
    runs = and_(
        col(Certification.state).in_(IN_FORCE), col(Certification.valid_until) > now(session)
    )
    statement = (
        select_columns(Certification, findings, col(ConditionReport.requirement_id), _is_followed())
        .outerjoin(
            ConditionReport,
            and_(
                col(ConditionReport.certification_id) == Certification.id,
                col(ConditionReport.state) != ReportState.RETURNED,
            ),
        )
        .where(col(Certification.owner_id) == owner_id, or_(asks, runs))
        .options(*load_whole())
        .order_by(
            col(Certification.valid_until), col(Certification.submitted_at), col(Certification.id)
        )
        .limit(MAXIMUM_ROWS)
    )
    found: dict[uuid.UUID, OwnReview] = {}
    for review, count, reported, is_followed in session.execute(statement):
        known = found[review.id].reported if review.id in found else frozenset()
        told = known | {reported} if reported else known
        found[review.id] = OwnReview(review, count, told, bool(is_followed))
    return list(found.values())


def _count_open_findings() -> Any:
    return (
        select(func.count(col(Finding.id)))
        .where(
            col(Finding.certification_id) == Certification.id,
            col(Finding.state) == FindingState.OPEN,
        )
        .correlate(Certification)
        .scalar_subquery()
    )


def _is_followed() -> Any:
    own, newer = aliased(OfferingVersion), aliased(OfferingVersion)
    return (
        exists()
        .where(
            col(own.id) == Certification.offering_version_id,
            col(newer.offering_id) == own.offering_id,
            col(newer.number) > own.number,
            col(newer.specification_version_id) != own.specification_version_id,
            col(newer.state) != OfferState.WITHDRAWN,
        )
        .correlate(Certification)
    )


def list_open_appeals(
    session: Session, certification_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Appeal]:
    """Return the appeal on each certification that waits for its decision."""
    statement = select(Appeal).where(
        col(Appeal.certification_id).in_(certification_ids), Appeal.state == AppealState.FILED
    )
    return {each.certification_id: each for each in session.exec(statement)}
