"""The names of what buyers see now, for completion while a reader types."""

import uuid
from collections.abc import Sequence

from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion
from catalog.offerings.queries import narrow_to_listed
from vendors.models import Vendor


def list_listed_names(session: Session, listing_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of software by listing, those that are listed only (1 statement)."""
    if not listing_ids:
        return {}
    statement = narrow_to_listed(
        select(ListingVersion.listing_id, OfferingVersion.name).select_from(ListingVersion)
    ).where(col(ListingVersion.listing_id).in_(listing_ids))
    return dict(session.exec(statement).tuples().all())


def list_listed_makers(session: Session, maker_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of makers of whom something is listed (1 statement)."""
    if not maker_ids:
        return {}
    listed = narrow_to_listed(select(ListingVersion.id)).where(Offering.maker_id == Vendor.id)
    statement = select(Vendor.id, Vendor.name).where(
        col(Vendor.id).in_(maker_ids), exists(listed.correlate(Vendor))
    )
    return dict(session.exec(statement).all())


def list_names_by_maker(session: Session) -> list[tuple[str, uuid.UUID]]:
    """Return every name of listed software with its maker, each once (1 statement)."""
    statement = narrow_to_listed(
        select(OfferingVersion.name, Offering.maker_id).select_from(ListingVersion)
    )
    return list(session.exec(statement.distinct().order_by(OfferingVersion.name)).tuples().all())


def list_parties(session: Session) -> list[tuple[str, uuid.UUID]]:
    """Return the makers and sellers of what is listed, by name (1 statement)."""
    listed = narrow_to_listed(select(ListingVersion.id)).where(
        or_(col(Offering.maker_id) == Vendor.id, col(Listing.seller_id) == Vendor.id)
    )
    statement = select(Vendor.name, Vendor.id).where(exists(listed.correlate(Vendor)))
    return list(session.exec(statement.order_by(Vendor.name)).all())
