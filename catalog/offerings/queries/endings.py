"""What runs out in what a company has published: found in narrow columns, for many offerings at once."""

import uuid
from typing import Any

from sqlalchemy import and_, exists
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from catalog.offerings import endings
from catalog.offerings.endings import Ending, EndingKind, Origin
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
    PriceComponentRow,
)


def list_endings(session: Session, owner_id: uuid.UUID) -> list[Ending]:
    """Return all that has a last day in what a company sells now, the first first (1 statement).

    The price rows come only of lists in which something ends; accreditations are the maker's.
    """
    bounded = aliased(PriceComponentRow)
    has_last_day = exists().where(
        col(bounded.listing_version_id) == ListingVersion.id, col(bounded.valid_to).is_not(None)
    )
    statement = (
        _terms_of(
            owner_id,
            col(ListingVersion.state_support_until),
            col(OfferingVersion.accreditations),
            PriceComponentRow,
        )
        .outerjoin(
            PriceComponentRow,
            and_(col(PriceComponentRow.listing_version_id) == ListingVersion.id, has_last_day),
        )
        .order_by(col(ListingVersion.id), col(PriceComponentRow.position))
    )
    found: list[Ending] = []
    rows_of: dict[Origin, list[PriceComponentRow]] = {}
    for *told, until, accreditations, row in session.execute(statement):
        origin = _origin(told)
        if origin not in rows_of:
            rows_of[origin] = []
            found += endings.of_support(until, origin)
            if not origin.is_resold:
                software = Origin(origin.name, origin.offering_version_id)
                found += endings.of_accreditations(accreditations or (), software)
        rows_of[origin] += [row] if row is not None else []
    for origin, components in rows_of.items():
        found += endings.of_prices(components, origin)
    return sorted(found, key=lambda each: (each.on, each.kind, each.origin.name, each.what))


def find_teller(
    session: Session, kind: EndingKind, subject_id: uuid.UUID
) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return (vendor, organisation) that sells a software or a listing now, None if nobody does."""
    statement: Any
    if kind is EndingKind.ACCREDITATION:
        statement = select(Offering.maker_id, Offering.owner_id).where(Offering.id == subject_id)
    else:
        statement = select(Listing.seller_id, Listing.owner_id).where(Listing.id == subject_id)
    found = session.exec(statement).first()
    return (found[0], found[1]) if found else None


def _terms_of(owner_id: uuid.UUID, *told: Any) -> Any:
    """Select from a company's published terms: name, version, terms, whether it is resold, and more."""
    return (
        select_columns(
            col(OfferingVersion.name),
            col(OfferingVersion.id),
            col(ListingVersion.id),
            col(OfferingVersion.owner_id) != col(ListingVersion.owner_id),
            *told,
        )
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .where(
            col(ListingVersion.owner_id) == owner_id,
            col(ListingVersion.state) == OfferState.PUBLISHED,
            col(OfferingVersion.state) == OfferState.PUBLISHED,
        )
    )


def _origin(told: list[Any]) -> Origin:
    name, version_id, terms_id, is_resold = told
    return Origin(name, version_id, terms_id, bool(is_resold))
