"""The names of what buyers see now, for completion while a reader types."""

import uuid
from collections.abc import Sequence

from sqlalchemy import exists
from sqlmodel import Session, col, select

from catalog.offerings.models import ListingVersion, Offering, OfferingVersion
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
