"""What can be asked about the versions of an offering and of its listings over time."""

import uuid

from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from catalog.offerings.models import Listing, ListingVersion, OfferingVersion, OfferState
from catalog.offerings.queries import (
    MAXIMUM_VERSIONS,
    OPEN_STATES,
    SHOWN_STATES,
    list_offering_versions,
    whole_listing_version,
)


def find_published_before(session: Session, row: OfferingVersion) -> OfferingVersion | None:
    """Return the version of the same offering that was last made public before this one."""
    versions = list_offering_versions(session, row.offering_id)
    return next((e for e in versions if e.number < row.number and e.published_at), None)


def find_terms_before(session: Session, row: ListingVersion) -> ListingVersion | None:
    """Return the version of the same listing that was last made public before this one, whole."""
    statement = (
        select(ListingVersion)
        .where(
            ListingVersion.listing_id == row.listing_id,
            ListingVersion.number < row.number,
            col(ListingVersion.published_at).is_not(None),
        )
        .options(*whole_listing_version())
        .order_by(col(ListingVersion.number).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def list_versions_beside(session: Session, offering_id: uuid.UUID) -> list[ListingVersion]:
    """Return every seller's versions of an offering's terms with their offering version, newest first."""
    statement = (
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(Listing.offering_id == offering_id)
        .options(joinedload(ListingVersion.offering_version))  # type: ignore[arg-type]
        .order_by(col(ListingVersion.number).desc(), col(ListingVersion.id))
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def list_live_listings(session: Session, offering_id: uuid.UUID) -> list[Listing]:
    """Return the listings of an offering with terms that are public or on their way, in a fixed order."""
    live = select(ListingVersion.listing_id).where(
        col(ListingVersion.state).in_((*OPEN_STATES, OfferState.PUBLISHED))
    )
    statement = (
        select(Listing)
        .where(Listing.offering_id == offering_id, col(Listing.id).in_(live))
        .order_by(col(Listing.id))
    )
    return list(session.exec(statement))


def list_public_history(session: Session, listing_id: uuid.UUID) -> list[ListingVersion]:
    """Return whole every version of a listing that was ever public, newest first (2 statements)."""
    statement = (
        select(ListingVersion)
        .where(
            ListingVersion.listing_id == listing_id,
            col(ListingVersion.state).in_(SHOWN_STATES),
            col(ListingVersion.published_at).is_not(None),
        )
        .options(*whole_listing_version())
        .order_by(col(ListingVersion.number).desc())
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def list_merged_into(session: Session, listing_id: uuid.UUID) -> list[Listing]:
    """Return the ended listings that a listing goes on for."""
    statement = (
        select(Listing).where(Listing.merged_into_id == listing_id).order_by(col(Listing.id))
    )
    return list(session.exec(statement))
