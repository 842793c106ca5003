"""What a vendor's own list shows: every software with its states, in few and narrow columns."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.queries import OPEN_STATES, _listing_version_links
from catalog.specifications.models import SpecificationVersion, StandardSpecification, title_of


@dataclass(frozen=True, slots=True)
class VersionOutline:
    """A version of one's own software, as a list shows it."""

    id: uuid.UUID
    offering_id: uuid.UUID
    number: int
    state: OfferState
    name: str
    published_at: datetime | None
    specification: str
    specification_code: str
    specification_label: str

    @property
    def specification_title(self) -> str:
        """The version of the standard specification as people say it."""
        return title_of(self.specification_label)


@dataclass(frozen=True, slots=True)
class TermsOutline:
    """New terms on their way of one's own software, as a list shows them."""

    id: uuid.UUID
    offering_version_id: uuid.UUID
    state: OfferState


def list_outlines(session: Session, owner_id: uuid.UUID) -> list[VersionOutline]:
    """Return every version of a maker's software, by offering, the newest first."""
    statement = (
        select_columns(
            col(OfferingVersion.id),
            col(OfferingVersion.offering_id),
            col(OfferingVersion.number),
            col(OfferingVersion.state),
            col(OfferingVersion.name),
            col(OfferingVersion.published_at),
            col(StandardSpecification.name),
            col(StandardSpecification.code),
            col(SpecificationVersion.label),
        )
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == OfferingVersion.specification_version_id,
        )
        .join(
            StandardSpecification,
            col(StandardSpecification.id) == SpecificationVersion.specification_id,
        )
        .where(col(OfferingVersion.owner_id) == owner_id)
        .order_by(col(OfferingVersion.offering_id), col(OfferingVersion.number).desc())
    )
    return [VersionOutline(*row) for row in session.execute(statement)]


def list_open_terms(session: Session, owner_id: uuid.UUID) -> list[TermsOutline]:
    """Return the terms on their way of a maker for its own software."""
    statement = (
        select(ListingVersion.id, ListingVersion.offering_version_id, ListingVersion.state)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            ListingVersion.owner_id == owner_id,
            Listing.seller_id == Offering.maker_id,
            col(ListingVersion.state).in_(OPEN_STATES),
        )
    )
    return [TermsOutline(*row) for row in session.execute(statement)]


def list_sold(session: Session, owner_id: uuid.UUID) -> Sequence[ListingVersion]:
    """Return the newest terms of each listing of other makers' software that a vendor sells."""
    later = aliased(ListingVersion)
    statement = (
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            ListingVersion.owner_id == owner_id,
            Listing.seller_id != Offering.maker_id,
            ~select(later.id)
            .where(
                later.listing_id == ListingVersion.listing_id, later.number > ListingVersion.number
            )
            .exists(),
        )
        .options(*_listing_version_links())
        .order_by(col(ListingVersion.listing_id))
    )
    return session.exec(statement).all()
