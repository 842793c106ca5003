"""What can be asked about the bodies that vendors name as users of their services."""

import uuid
from typing import Any

from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from catalog.offerings.models import Listing, Offering
from catalog.offerings.reference_models import LIVE_STATES, AdoptionReference, ReferenceState

_MOST = 500


def get_reference(session: Session, reference_id: uuid.UUID) -> AdoptionReference | None:
    """Return a reference with its body, listing, seller and maker."""
    statement = (
        select(AdoptionReference).where(AdoptionReference.id == reference_id).options(*_whole())
    )
    return session.exec(statement).first()


def list_references(session: Session, listing_id: uuid.UUID) -> list[AdoptionReference]:
    """Return all references of a listing, the newest first."""
    statement = (
        select(AdoptionReference)
        .where(AdoptionReference.listing_id == listing_id)
        .options(*_whole())
        .order_by(col(AdoptionReference.asked_at).desc(), col(AdoptionReference.id))
        .limit(_MOST)
    )
    return list(session.exec(statement))


def list_confirmed(session: Session, listing_id: uuid.UUID) -> list[AdoptionReference]:
    """Return the confirmed references of a listing in the order of the bodies' codes."""
    found = list_references(session, listing_id)
    confirmed = [each for each in found if each.state is ReferenceState.CONFIRMED]
    return sorted(confirmed, key=lambda each: each.body.code or "")


def list_asked_of(session: Session, body_id: uuid.UUID) -> list[AdoptionReference]:
    """Return everything that vendors asked of a body, the newest first."""
    statement = (
        select(AdoptionReference)
        .where(AdoptionReference.body_id == body_id)
        .options(*_whole())
        .order_by(col(AdoptionReference.asked_at).desc(), col(AdoptionReference.id))
        .limit(_MOST)
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
