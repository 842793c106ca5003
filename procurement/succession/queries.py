"""What can be asked about successions."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import aliased, joinedload
from sqlmodel import Session, col, select

from accounts.models import Membership
from accounts.queries import is_live
from catalog.certification.models import Certification
from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.queries import OPEN_STATES
from core.clock import day_in_japan
from core.db import now
from procurement.contracts.models import (
    BINDING_STATES,
    RUNNING_STATES,
    Contract,
    UsageContractRequest,
)
from procurement.selection.models import Selection
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


@dataclass(frozen=True, slots=True)
class Double:
    """Two listings of one software that come into one hand: one ends and points at the other."""

    name: str
    ends: Listing
    stays: Listing


def list_doubles(session: Session, succession: Succession) -> list[Double]:
    """Return what giver and heir both sell or sold, by name of the software.

    The maker's own listing stays, because the versions of the software go on with it; of two
    resellers' the public one, else the one on its way, else the heir's.
    """
    pairs = _list_pairs(session, succession)
    ids = {each.id for pair in pairs for each in pair}
    states: dict[uuid.UUID, set[str]] = {each: set() for each in ids}
    names = {pair[0].offering_id: "" for pair in pairs}
    statement = (
        select(ListingVersion.listing_id, ListingVersion.state, OfferingVersion)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .where(col(ListingVersion.listing_id).in_(ids))
        .order_by(col(ListingVersion.number), col(ListingVersion.id))
    )
    for listing_id, state, software in session.exec(statement):
        states[listing_id].add(state)
        names[software.offering_id] = software.name

    def weigh(listing: Listing) -> tuple[bool, ...]:
        found = states[listing.id]
        is_own = listing.seller_id == listing.offering.maker_id
        is_heirs = listing.seller_id == succession.to_vendor_id
        return is_own, OfferState.PUBLISHED in found, bool(found & set(OPEN_STATES)), is_heirs

    doubles = [Double(names[pair[0].offering_id], *sorted(pair, key=weigh)) for pair in pairs]
    return sorted(doubles, key=lambda each: (each.name, str(each.ends.id)))


def _list_pairs(session: Session, succession: Succession) -> list[tuple[Listing, Listing]]:
    mine, theirs = aliased(Listing), aliased(Listing)
    statement = (
        select(mine, theirs)
        .join(theirs, theirs.offering_id == mine.offering_id)  # type: ignore[arg-type]
        .where(
            mine.seller_id == succession.from_vendor_id,
            theirs.seller_id == succession.to_vendor_id,
            col(mine.merged_into_id).is_(None),
            col(theirs.merged_into_id).is_(None),
        )
        .options(
            *(joinedload(each.offering) for each in (mine, theirs)),  # type: ignore[arg-type]
            *(joinedload(each.seller) for each in (mine, theirs)),  # type: ignore[arg-type]
        )
        .order_by(col(mine.offering_id))
    )
    if succession.offering_id is not None:
        statement = statement.where(mine.offering_id == succession.offering_id)
    return [(first, second) for first, second in session.exec(statement)]


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


def list_customers(session: Session, version_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return the bodies with a contract of today, or a sent request, on these listing versions."""
    contracts = select(Contract.owner_id).where(
        col(Contract.listing_version_id).in_(version_ids),
        col(Contract.state).in_(RUNNING_STATES),
        Contract.ends_on >= day_in_japan(now(session)),
    )
    requests = (
        select(UsageContractRequest.owner_id)
        .join(Selection, col(Selection.id) == UsageContractRequest.selection_id)
        .where(
            col(Selection.listing_version_id).in_(version_ids),
            col(UsageContractRequest.state).in_(BINDING_STATES),
        )
    )
    return sorted({*session.exec(contracts), *session.exec(requests)})


def list_resellers(
    session: Session, offering_ids: list[uuid.UUID], but: Iterable[uuid.UUID]
) -> list[uuid.UUID]:
    """Return the organisations that sell these offerings, without the vendors of `but`."""
    statement = (
        select(Listing.owner_id)
        .where(
            col(Listing.offering_id).in_(offering_ids),
            col(Listing.seller_id).not_in(list(but)),
            col(Listing.merged_into_id).is_(None),
        )
        .distinct()
        .order_by(col(Listing.owner_id))
    )
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
