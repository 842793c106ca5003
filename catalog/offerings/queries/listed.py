"""What buyers see now: the one rule of being listed, in SQL and for a loaded row."""

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import aliased, contains_eager, selectinload
from sqlmodel import Session, col, select

from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.specifications.models import SpecificationVersion
from core.db import unindexed
from vendors.models import Vendor, VendorState

MAXIMUM_LISTED = 20_000


def find_listed(
    session: Session,
    listing_ids: Sequence[uuid.UUID] | None = None,
    *,
    offering_id: uuid.UUID | None = None,
    offering_ids: Sequence[uuid.UUID] | None = None,
    beside_listing_id: uuid.UUID | None = None,
    specification_version_id: uuid.UUID | None = None,
) -> list[ListingVersion]:
    """Return the listing versions that buyers see now, by name (2 statements).

    `beside_listing_id` asks for all sellers of the software of that listing, itself included.
    Listed is: published, of a published offering version, of an active seller and maker, and
    confirmed by the maker when another sells it. `is_listed` is the same rule for a loaded row.
    """
    statement = (
        narrow_to_listed(select(ListingVersion))
        .options(*_joined_links())
        .order_by(col(OfferingVersion.name), col(ListingVersion.id))
        .limit(MAXIMUM_LISTED)
    )
    if beside_listing_id is not None:
        software = select(Listing.offering_id).where(Listing.id == beside_listing_id)
        statement = statement.where(col(Listing.offering_id).in_(software))
    for condition in _narrowed(listing_ids, offering_id, specification_version_id):
        statement = statement.where(condition)
    if offering_ids is not None:
        statement = statement.where(col(Listing.offering_id).in_(offering_ids))
    return list(session.exec(statement))


def narrow_to_listed(statement: Any) -> Any:
    """Keep of a select over listing versions what buyers see now; joins all that decides it."""
    maker, seller = _parties()
    return (
        statement.join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .join(maker, maker.id == Offering.maker_id)
        .join(seller, seller.id == Listing.seller_id)
        .where(
            unindexed(ListingVersion.state) == OfferState.PUBLISHED,
            unindexed(OfferingVersion.state) == OfferState.PUBLISHED,
            maker.state == VendorState.ACTIVE,
            seller.state == VendorState.ACTIVE,
            or_(
                col(Listing.seller_id) == Offering.maker_id,
                col(Listing.confirmed_at).is_not(None),
            ),
        )
    )


@cache
def _parties() -> tuple[Any, Any]:
    return aliased(Vendor), aliased(Vendor)


def _narrowed(
    listing_ids: Sequence[uuid.UUID] | None,
    offering_id: uuid.UUID | None,
    specification_version_id: uuid.UUID | None,
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if listing_ids is not None:
        conditions.append(col(ListingVersion.listing_id).in_(listing_ids))
    if offering_id is not None:
        conditions.append(col(Listing.offering_id) == offering_id)
    if specification_version_id is not None:
        conditions.append(col(OfferingVersion.specification_version_id) == specification_version_id)
    return conditions


@cache
def _joined_links() -> list[Any]:
    """Return what a listing version is loaded with where `narrow_to_listed` has joined it already."""
    maker, seller = _parties()
    listing = contains_eager(ListingVersion.listing)  # type: ignore[arg-type]
    return [
        listing.contains_eager(Listing.seller.of_type(seller)),  # type: ignore[attr-defined]
        listing.contains_eager(Listing.offering).contains_eager(  # type: ignore[arg-type]
            Offering.maker.of_type(maker)  # type: ignore[attr-defined]
        ),
        contains_eager(ListingVersion.offering_version)  # type: ignore[arg-type]
        .joinedload(OfferingVersion.specification_version)  # type: ignore[arg-type]
        .joinedload(SpecificationVersion.specification),  # type: ignore[arg-type]
        selectinload(ListingVersion.components),  # type: ignore[arg-type]
    ]


def is_listed(version: ListingVersion) -> bool:
    """Tell whether buyers see this listing version now; the row must come from a query above."""
    listing = version.listing
    offering = listing.offering
    return (
        version.state is OfferState.PUBLISHED
        and version.offering_version.state is OfferState.PUBLISHED
        and listing.seller.state is VendorState.ACTIVE
        and offering.maker.state is VendorState.ACTIVE
        and (listing.seller_id == offering.maker_id or listing.confirmed_at is not None)
    )
