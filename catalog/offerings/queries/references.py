"""What can be asked about the bodies that vendors name as users of their services."""

import uuid
from typing import Any

from sqlalchemy import case
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import Organisation
from catalog.offerings.models import Listing, Offering
from catalog.offerings.reference_models import LIVE_STATES, AdoptionReference, ReferenceState

MOST_LISTED = 500


def get_reference(session: Session, reference_id: uuid.UUID) -> AdoptionReference | None:
    """Return a reference with its body, listing, seller and maker."""
    statement = (
        select(AdoptionReference).where(AdoptionReference.id == reference_id).options(*_whole())
    )
    return session.exec(statement).first()


def list_references(session: Session, listing_id: uuid.UUID) -> list[AdoptionReference]:
    """Return the references of a listing: asked and confirmed ones first, then the newest; capped."""
    statement = (
        select(AdoptionReference)
        .where(AdoptionReference.listing_id == listing_id)
        .options(*_whole())
        .order_by(
            case((col(AdoptionReference.state).in_(LIVE_STATES), 0), else_=1),
            col(AdoptionReference.asked_at).desc(),
            col(AdoptionReference.id),
        )
        .limit(MOST_LISTED)
    )
    return list(session.exec(statement))


def list_confirmed(session: Session, listing_id: uuid.UUID) -> list[AdoptionReference]:
    """Return all confirmed references of a listing in the order of the bodies' codes.

    There is one a body at most, so their number is bounded by that of the bodies.
    """
    statement = (
        select(AdoptionReference)
        .join(Organisation, col(Organisation.id) == AdoptionReference.body_id)
        .where(
            AdoptionReference.listing_id == listing_id,
            AdoptionReference.state == ReferenceState.CONFIRMED,
        )
        .options(*_whole())
        .order_by(col(Organisation.code), col(AdoptionReference.id))
    )
    return list(session.exec(statement))


def find_last_refusal(
    session: Session, listing_id: uuid.UUID, body_id: uuid.UUID
) -> AdoptionReference | None:
    """Return how a body last refused to be named by a listing, or took its name back."""
    statement = (
        select(AdoptionReference)
        .where(
            AdoptionReference.listing_id == listing_id,
            AdoptionReference.body_id == body_id,
            col(AdoptionReference.state).in_((ReferenceState.REFUSED, ReferenceState.WITHDRAWN)),
        )
        .order_by(col(AdoptionReference.answered_at).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def list_pressed(
    session: Session, listing_id: uuid.UUID, body_id: uuid.UUID
) -> list[AdoptionReference]:
    """Return the requests of a listing that were taken back before the body answered, newest first."""
    statement = (
        select(AdoptionReference)
        .where(
            AdoptionReference.listing_id == listing_id,
            AdoptionReference.body_id == body_id,
            AdoptionReference.state == ReferenceState.DROPPED,
            col(AdoptionReference.answered_at).is_(None),
        )
        .order_by(col(AdoptionReference.asked_at).desc(), col(AdoptionReference.id))
        .limit(MOST_LISTED)
    )
    return list(session.exec(statement))


def list_asked_of(session: Session, body_id: uuid.UUID) -> list[AdoptionReference]:
    """Return everything that vendors asked of a body, the newest first."""
    statement = (
        select(AdoptionReference)
        .where(AdoptionReference.body_id == body_id)
        .options(*_whole())
        .order_by(col(AdoptionReference.asked_at).desc(), col(AdoptionReference.id))
        .limit(MOST_LISTED)
    )
    return list(session.exec(statement))


def find_live(
    session: Session, listing_id: uuid.UUID, body_id: uuid.UUID
) -> AdoptionReference | None:
    """Return the reference of a listing to a body that is asked or confirmed."""
    statement = select(AdoptionReference).where(
        AdoptionReference.listing_id == listing_id,
        AdoptionReference.body_id == body_id,
        col(AdoptionReference.state).in_(LIVE_STATES),
    )
    return session.exec(statement).first()


def _whole() -> tuple[Any, ...]:
    listing = joinedload(AdoptionReference.listing)  # type: ignore[arg-type]
    return (
        joinedload(AdoptionReference.body),  # type: ignore[arg-type]
        listing.joinedload(Listing.seller),  # type: ignore[arg-type]
        listing.joinedload(Listing.offering).joinedload(Offering.maker),  # type: ignore[arg-type]
    )
