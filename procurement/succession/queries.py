"""What can be asked about successions."""

import uuid
from typing import Any

from sqlalchemy import exists
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import Membership
from accounts.queries import is_live
from catalog.certification.models import Certification
from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.queries import OPEN_STATES
from procurement.projects.models import Selection
from vendors.models import Vendor
from vendors.succession_models import Succession, SuccessionState


def get_succession(session: Session, succession_id: uuid.UUID) -> Succession | None:
    """Return a succession with both vendors."""
    statement = (
        select(Succession)
        .where(Succession.id == succession_id)
        .options(joinedload(Succession.giver), joinedload(Succession.heir))  # type: ignore[arg-type]
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).first()


def find_proposed(session: Session, vendor_id: uuid.UUID) -> Succession | None:
    """Return the succession of a vendor that waits for a second lead."""
    statement = select(Succession.id).where(
        Succession.from_vendor_id == vendor_id, Succession.state == SuccessionState.PROPOSED
    )
    found = session.exec(statement).first()
    return get_succession(session, found) if found else None


def lock_vendors(session: Session, *vendor_ids: uuid.UUID) -> dict[uuid.UUID, Vendor]:
    """Return vendors locked in one fixed order, whoever asks."""
    statement = (
        select(Vendor)
        .where(col(Vendor.id).in_(vendor_ids))
        .order_by(col(Vendor.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {vendor.id: vendor for vendor in session.exec(statement)}


def list_offering_names(session: Session, maker_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Return the offerings of a maker with the name of their newest version."""
    statement = (
        select(OfferingVersion.offering_id, OfferingVersion.name)
        .join(Offering, col(Offering.id) == OfferingVersion.offering_id)
        .where(Offering.maker_id == maker_id)
        .order_by(col(OfferingVersion.number))
    )
    newest = dict(session.exec(statement).all())
    return sorted(newest.items(), key=lambda pair: pair[1])


def list_offerings_to_move(session: Session, succession: Succession) -> list[uuid.UUID]:
    """Return the offerings that change their maker."""
    statement = select(Offering.id).where(Offering.maker_id == succession.from_vendor_id)
    if succession.offering_id is not None:
        statement = statement.where(Offering.id == succession.offering_id)
    return list(session.exec(statement.order_by(col(Offering.id))))


def list_listings_to_move(session: Session, succession: Succession) -> list[uuid.UUID]:
    """Return the listings that change their seller."""
    statement = select(Listing.id).where(Listing.seller_id == succession.from_vendor_id)
    if succession.offering_id is not None:
        statement = statement.where(Listing.offering_id == succession.offering_id)
    return list(session.exec(statement.order_by(col(Listing.id))))


def list_doubled(session: Session, succession: Succession) -> list[uuid.UUID]:
    """Return what would be two running listings of one seller: the giver sells it, the heir does or did.

    What the giver has ended is no double: its record stays under its name.
    """
    return list(session.exec(_beside_the_heir(succession, Listing.offering_id).where(_is_live())))


def list_staying(session: Session, succession: Succession) -> list[uuid.UUID]:
    """Return the giver's ended listings of what the heir sells or sold: they keep their seller."""
    return list(session.exec(_beside_the_heir(succession, Listing.id).where(~_is_live())))


def _beside_the_heir(succession: Succession, column: Any) -> Any:
    theirs = select(Listing.offering_id).where(Listing.seller_id == succession.to_vendor_id)
    statement = select(column).where(
        Listing.seller_id == succession.from_vendor_id, col(Listing.offering_id).in_(theirs)
    )
    if succession.offering_id is not None:
        statement = statement.where(Listing.offering_id == succession.offering_id)
    return statement


def _is_live() -> Any:
    return exists().where(
        col(ListingVersion.listing_id) == Listing.id,
        col(ListingVersion.state).in_((*OPEN_STATES, OfferState.PUBLISHED)),
    )


def list_affected_listings(
    session: Session, offering_ids: list[uuid.UUID], listing_ids: list[uuid.UUID]
) -> list[uuid.UUID]:
    """Return every listing that shows another maker or seller afterwards."""
    statement = select(Listing.id).where(
        col(Listing.offering_id).in_(offering_ids) | col(Listing.id).in_(listing_ids)
    )
    return list(session.exec(statement.order_by(col(Listing.id))))


def list_offering_version_ids(session: Session, offering_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return all versions of offerings."""
    statement = select(OfferingVersion.id).where(col(OfferingVersion.offering_id).in_(offering_ids))
    return list(session.exec(statement))


def list_listing_version_ids(session: Session, listing_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return all versions of listings."""
    statement = select(ListingVersion.id).where(col(ListingVersion.listing_id).in_(listing_ids))
    return list(session.exec(statement))


def list_selection_ids(session: Session, version_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return the selections of these listing versions."""
    statement = select(Selection.id).where(col(Selection.listing_version_id).in_(version_ids))
    return list(session.exec(statement))


def list_live_memberships_at(session: Session, organisation_id: uuid.UUID) -> list[Membership]:
    """Return the memberships of an organisation that count at this moment."""
    statement = select(Membership).where(
        Membership.organisation_id == organisation_id, is_live(session)
    )
    return list(session.exec(statement))


def list_certification_ids(session: Session, version_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return the certifications of these offering versions."""
    statement = select(Certification.id).where(
        col(Certification.offering_version_id).in_(version_ids)
    )
    return list(session.exec(statement))
