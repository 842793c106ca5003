"""From when to when certificates counted, for the development of a market."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from catalog.certification.models import Certification, ReviewState
from catalog.certification.queries.standing import CERTIFICATE_STATES
from catalog.market_history import HeldSpan
from catalog.offerings.models import Offering, OfferingVersion
from catalog.specifications.models import SpecificationVersion
from core.clock import start_of_day


def list_held_spans(session: Session, specification_id: uuid.UUID) -> list[HeldSpan]:
    """Return when each public certificate for any version of a specification counted (1 statement).

    It begins when it is valid and its software is public; a pause that was lifted is not in its row.
    """
    review: Any = Certification
    version: Any = OfferingVersion
    columns: list[Any] = [
        version.offering_id,
        Offering.maker_id,
        review.specification_version_id,
        review.state,
        review.valid_from,
        version.published_at,
        review.valid_until,
        review.lapses_at,
        version.withdrawn_at,
        review.suspended_at,
        review.revoked_at,
        review.ended_on,
    ]
    statement = (
        sa_select(*columns)
        .join(OfferingVersion, version.id == review.offering_version_id)
        .join(Offering, col(Offering.id) == version.offering_id)
        .join(SpecificationVersion, col(SpecificationVersion.id) == review.specification_version_id)
        .where(
            col(SpecificationVersion.specification_id) == specification_id,
            review.state.in_(CERTIFICATE_STATES),
            review.valid_from.is_not(None),
            version.published_at.is_not(None),
        )
        .order_by(review.valid_from, review.id)
    )
    return [_span(row) for row in session.execute(statement)]


def _span(row: Sequence[Any]) -> HeldSpan:
    offering_id, maker_id, version_id, state, valid_from, published_at, *rest = row
    valid_until, lapses_at, withdrawn_at, suspended_at, revoked_at, ended_on = rest
    ends: list[datetime | None] = [valid_until, lapses_at, withdrawn_at]
    if state is ReviewState.SUSPENDED:
        ends.append(suspended_at or (ended_on and start_of_day(ended_on)))
    if state is ReviewState.REVOKED:
        ends.append(revoked_at or (ended_on and start_of_day(ended_on)))
    return HeldSpan(
        offering_id=offering_id,
        maker_id=maker_id,
        specification_version_id=version_id,
        starts=max(valid_from, published_at),
        ends=min((each for each in ends if each), default=None),
        is_replaced=state is ReviewState.SUPERSEDED,
    )
