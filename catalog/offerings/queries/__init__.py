"""What can be asked about offerings, listings and their versions; answers have their own module."""

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import exists
from sqlalchemy.orm import joinedload, selectinload
from sqlmodel import Session, col, select

from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
    PriceComponentRow,
)
from catalog.offerings.queries.answers import count_mandatory_answers as count_mandatory_answers
from catalog.offerings.queries.answers import list_answers as list_answers
from catalog.offerings.queries.listed import MAXIMUM_LISTED as MAXIMUM_LISTED
from catalog.offerings.queries.listed import CompetingTerms as CompetingTerms
from catalog.offerings.queries.listed import find_listed as find_listed
from catalog.offerings.queries.listed import is_listed as is_listed
from catalog.offerings.queries.listed import list_competing as list_competing
from catalog.offerings.queries.listed import list_option_names as list_option_names
from catalog.offerings.queries.listed import narrow_to_listed as narrow_to_listed
from catalog.offerings.queries.listed import read_prices as read_prices
from catalog.offerings.queries.listed import read_sellers as read_sellers
from catalog.specifications.models import SpecificationVersion

MAXIMUM_VERSIONS = 2_000
SHOWN_STATES = (OfferState.PUBLISHED, OfferState.SUPERSEDED, OfferState.WITHDRAWN)
OPEN_STATES = (
    OfferState.DRAFT,
    OfferState.SUBMITTED,
    OfferState.IN_REVIEW,
    OfferState.RETURNED,
    OfferState.APPROVED,
)


def load_listing_versions(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, ListingVersion]:
    """Return listing versions by id, in any state, whole for a page (2 statements)."""
    statement = (
        select(ListingVersion)
        .where(col(ListingVersion.id).in_(version_ids))
        .options(*whole_listing_version())
    )
    return {version.id: version for version in session.exec(statement)}


def load_compared_versions(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, ListingVersion]:
    """Return a few listing versions by id, whole as above, in one statement with their prices."""
    statement = (
        select(ListingVersion)
        .where(col(ListingVersion.id).in_(version_ids))
        .options(*_listing_version_links(), joinedload(ListingVersion.components))  # type: ignore[arg-type]
    )
    return {version.id: version for version in session.exec(statement).unique()}


def get_listing(session: Session, listing_id: uuid.UUID) -> Listing | None:
    """Return a listing with its seller, offering and maker."""
    statement = select(Listing).where(Listing.id == listing_id).options(*_listing_links())
    return session.exec(statement).first()


def find_listing_of(
    session: Session, offering_id: uuid.UUID, seller_id: uuid.UUID
) -> Listing | None:
    """Return a seller's listing of an offering, none that was merged into another."""
    statement = select(Listing).where(
        Listing.offering_id == offering_id,
        Listing.seller_id == seller_id,
        col(Listing.merged_into_id).is_(None),
    )
    return session.exec(statement).first()


def published_version_of(session: Session, listing_id: uuid.UUID) -> ListingVersion | None:
    """Return the published version of a listing with all that a page shows of it."""
    statement = (
        select(ListingVersion)
        .where(
            ListingVersion.listing_id == listing_id, ListingVersion.state == OfferState.PUBLISHED
        )
        .options(*whole_listing_version())
    )
    return session.exec(statement).first()


def get_listing_version(session: Session, version_id: uuid.UUID) -> ListingVersion | None:
    """Return one listing version, in any state, with all that a page shows of it."""
    return load_listing_versions(session, [version_id]).get(version_id)


def reload_listing_version(session: Session, version_id: uuid.UUID) -> None:
    """Read a listing version and its components again over what the session holds of them."""
    statement = (
        select(ListingVersion)
        .where(ListingVersion.id == version_id)
        .options(*whole_listing_version())
        .execution_options(populate_existing=True)
    )
    session.exec(statement).one()


def list_components(session: Session, version_id: uuid.UUID) -> list[PriceComponentRow]:
    """Return the price components of a listing version in their order."""
    statement = (
        select(PriceComponentRow)
        .where(PriceComponentRow.listing_version_id == version_id)
        .order_by(col(PriceComponentRow.position))
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def get_offering_version(session: Session, version_id: uuid.UUID) -> OfferingVersion | None:
    """Return an offering version, in any state, with its maker and specification."""
    statement = (
        select(OfferingVersion)
        .where(OfferingVersion.id == version_id)
        .options(*_whole_offering_version())
    )
    return session.exec(statement).first()


def published_offering_version(session: Session, offering_id: uuid.UUID) -> OfferingVersion | None:
    """Return the published version of an offering."""
    statement = (
        select(OfferingVersion)
        .where(
            OfferingVersion.offering_id == offering_id,
            OfferingVersion.state == OfferState.PUBLISHED,
        )
        .options(*_whole_offering_version())
    )
    return session.exec(statement).first()


def list_published_of(session: Session, offering_id: uuid.UUID) -> list[ListingVersion]:
    """Return every seller's published listing version of an offering, whole, in a fixed order."""
    statement = (
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(Listing.offering_id == offering_id, ListingVersion.state == OfferState.PUBLISHED)
        .options(*whole_listing_version())
        .order_by(col(ListingVersion.id))
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def list_made_by(session: Session, vendor_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the software that a vendor makes, in a fixed order."""
    statement = select(Offering.id).where(Offering.maker_id == vendor_id).order_by(col(Offering.id))
    return list(session.exec(statement))


def list_resold_by(session: Session, vendor_id: uuid.UUID) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return the listings, each with its software, of what a vendor sells and others make."""
    statement = (
        select(Listing.id, Listing.offering_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(Listing.seller_id == vendor_id, Offering.maker_id != vendor_id)
        .order_by(col(Listing.offering_id))
    )
    return list(session.exec(statement))


def find_own_listing_version(
    session: Session, offering_version: OfferingVersion
) -> ListingVersion | None:
    """Return the maker's newest terms for an offering version; discarded ones if nothing else is."""
    is_withdrawn = col(ListingVersion.state) == OfferState.WITHDRAWN
    is_dropped = is_withdrawn & col(ListingVersion.published_at).is_(None)
    statement = (
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            ListingVersion.offering_version_id == offering_version.id,
            Listing.seller_id == Offering.maker_id,
            col(Listing.merged_into_id).is_(None),
        )
        .options(*whole_listing_version())
        .order_by(is_dropped, col(ListingVersion.number).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def list_offering_versions(session: Session, offering_id: uuid.UUID) -> list[OfferingVersion]:
    """Return all versions of an offering, newest first."""
    statement = (
        select(OfferingVersion)
        .where(OfferingVersion.offering_id == offering_id)
        .options(*_whole_offering_version())
        .order_by(col(OfferingVersion.number).desc())
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def list_listing_versions(
    session: Session, listing_id: uuid.UUID, *, shown_only: bool = False
) -> list[ListingVersion]:
    """Return the versions of a listing, newest first, all or those ever published."""
    statement = (
        select(ListingVersion)
        .where(ListingVersion.listing_id == listing_id)
        .options(*_listing_version_links())
        .order_by(col(ListingVersion.number).desc())
        .limit(MAXIMUM_VERSIONS)
    )
    if shown_only:
        statement = statement.where(
            col(ListingVersion.state).in_(SHOWN_STATES),
            col(ListingVersion.published_at).is_not(None),
        )
    return list(session.exec(statement))


def list_versions_of(session: Session, owner_id: uuid.UUID) -> list[OfferingVersion]:
    """Return all offering versions of a maker's organisation, by offering, newest version first."""
    statement = (
        select(OfferingVersion)
        .where(OfferingVersion.owner_id == owner_id)
        .options(*_whole_offering_version())
        .order_by(col(OfferingVersion.offering_id), col(OfferingVersion.number).desc())
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def list_listings_for(session: Session, offering_id: uuid.UUID) -> list[Listing]:
    """Return every seller's listing of an offering, confirmed or not, by age."""
    statement = (
        select(Listing)
        .where(Listing.offering_id == offering_id)
        .options(*_listing_links())
        .order_by(col(Listing.created_at), col(Listing.id))
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def list_unconfirmed(session: Session, owner_id: uuid.UUID) -> list[Listing]:
    """Return other sellers' listings of a maker's software that wait for the maker's word.

    One whose terms were all dropped or declined waits for nothing.
    """
    statement = (
        select(Listing)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            Offering.owner_id == owner_id,
            col(Listing.confirmed_at).is_(None),
            exists()
            .where(
                col(ListingVersion.listing_id) == Listing.id,
                col(ListingVersion.state).in_(OPEN_STATES),
            )
            .correlate(Listing),
        )
        .options(*_listing_links())
        .order_by(col(Listing.created_at), col(Listing.id))
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


def list_price_changes(session: Session) -> list[ListingVersion]:
    """Return submitted terms of offerings that are already public, oldest first, for the lead."""
    statement = (
        select(ListingVersion)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .where(
            col(ListingVersion.state).in_([OfferState.SUBMITTED, OfferState.IN_REVIEW]),
            col(OfferingVersion.state).not_in(OPEN_STATES),
        )
        .options(*_listing_version_links())
        .order_by(col(ListingVersion.submitted_at), col(ListingVersion.id))
        .limit(MAXIMUM_VERSIONS)
    )
    return list(session.exec(statement))


@cache
def _listing_links() -> list[Any]:
    return [
        joinedload(Listing.seller),  # type: ignore[arg-type]
        joinedload(Listing.offering).joinedload(Offering.maker),  # type: ignore[arg-type]
    ]


@cache
def whole_listing_version() -> list[Any]:
    """Return what a listing version is loaded with for a page."""
    return [*_listing_version_links(), selectinload(ListingVersion.components)]  # type: ignore[arg-type]


@cache
def _listing_version_links() -> list[Any]:
    listing = joinedload(ListingVersion.listing)  # type: ignore[arg-type]
    return [
        listing.joinedload(Listing.seller),  # type: ignore[arg-type]
        listing.joinedload(Listing.offering).joinedload(Offering.maker),  # type: ignore[arg-type]
        joinedload(ListingVersion.offering_version)  # type: ignore[arg-type]
        .joinedload(OfferingVersion.specification_version)  # type: ignore[arg-type]
        .joinedload(SpecificationVersion.specification),  # type: ignore[arg-type]
    ]


@cache
def _whole_offering_version() -> list[Any]:
    return [
        joinedload(OfferingVersion.offering).joinedload(Offering.maker),  # type: ignore[arg-type]
        joinedload(OfferingVersion.specification_version).joinedload(  # type: ignore[arg-type]
            SpecificationVersion.specification  # type: ignore[arg-type]
        ),
    ]
