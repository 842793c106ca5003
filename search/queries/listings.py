"""Which listings there are: by state, by vendor, by software; what feeds the index asks here."""

import uuid
from collections.abc import Iterator, Sequence

from sqlmodel import Session, col, func, or_, select

from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.queries import narrow_to_listed
from search.projection import current_rules

CHUNK = 500


def chunks(ids: Sequence[uuid.UUID]) -> Iterator[Sequence[uuid.UUID]]:
    """Cut ids into pieces that one statement takes."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def list_offering_ids(
    session: Session, listing_ids: Sequence[uuid.UUID] | None = None
) -> list[uuid.UUID]:
    """Return the software of some listings, or of all published ones, each once."""
    statement = select(Listing.offering_id).distinct().order_by(col(Listing.offering_id))
    if listing_ids is not None:
        return list(session.exec(statement.where(col(Listing.id).in_(listing_ids))))
    published = select(ListingVersion.listing_id).where(
        ListingVersion.state == OfferState.PUBLISHED
    )
    return list(session.exec(statement.where(col(Listing.id).in_(published))))


def list_listing_ids(session: Session, offering_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return all listings of some software, also those that nobody sees."""
    statement = (
        select(Listing.id)
        .where(col(Listing.offering_id).in_(offering_ids))
        .order_by(col(Listing.id))
    )
    return list(session.exec(statement))


def count_listed(session: Session) -> int:
    """Count what buyers see now."""
    counted = narrow_to_listed(select(func.count()).select_from(ListingVersion))
    return int(session.exec(counted).one())


def list_published_listing_ids(session: Session) -> list[uuid.UUID]:
    """Return the listings that have a published version, by id."""
    statement = (
        select(ListingVersion.listing_id)
        .where(ListingVersion.state == OfferState.PUBLISHED)
        .order_by(col(ListingVersion.listing_id))
    )
    return list(session.exec(statement))


def list_stale_listing_ids(session: Session) -> list[uuid.UUID]:
    """Return what buyers see now of which the stored text is missing or of other rules."""
    stale = or_(
        ListingVersion.search_text_version != current_rules(), ListingVersion.search_text == ""
    )
    statement = narrow_to_listed(select(ListingVersion.listing_id).where(stale))
    return list(session.exec(statement.order_by(col(ListingVersion.listing_id))))


def list_listing_ids_of_vendor(session: Session, vendor_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the listings that a vendor sells or whose software it makes."""
    statement = (
        select(Listing.id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(or_(Listing.seller_id == vendor_id, Offering.maker_id == vendor_id))
        .order_by(col(Listing.id))
    )
    return list(session.exec(statement))


def list_listing_ids_of_version(
    session: Session, offering_version_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return the listings of the offering to which an offering version belongs."""
    statement = (
        select(Listing.id)
        .join(OfferingVersion, col(OfferingVersion.offering_id) == Listing.offering_id)
        .where(OfferingVersion.id == offering_version_id)
        .order_by(col(Listing.id))
    )
    return list(session.exec(statement))


def list_listing_ids_of_offering(session: Session, offering_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the listings of an offering."""
    statement = (
        select(Listing.id).where(Listing.offering_id == offering_id).order_by(col(Listing.id))
    )
    return list(session.exec(statement))
