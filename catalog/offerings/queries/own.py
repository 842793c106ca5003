"""What a vendor's own list shows: every software with its states, in few and narrow columns."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.queries import (
    MAXIMUM_VERSIONS,
    OPEN_STATES,
    _listing_version_links,
    _whole_offering_version,
)
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
    """Return every version of a maker's software but discarded drafts, by offering, the newest first."""
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
        .where(col(OfferingVersion.owner_id) == owner_id, _is_kept(OfferingVersion))
        .order_by(col(OfferingVersion.offering_id), col(OfferingVersion.number).desc())
    )
    return [VersionOutline(*row) for row in session.execute(statement)]


@dataclass(frozen=True, slots=True)
class AtWork:
    """A version of one's own software on its way, as the front page shows it."""

    id: uuid.UUID
    number: int
    state: OfferState
    name: str
    updated_at: datetime
    specification: str


def list_at_work(session: Session, owner_id: uuid.UUID) -> list[AtWork]:
    """Return the versions of a maker's software that are on their way, the longest untouched first."""
    statement = (
        select_columns(
            col(OfferingVersion.id),
            col(OfferingVersion.number),
            col(OfferingVersion.state),
            col(OfferingVersion.name),
            col(OfferingVersion.updated_at),
            col(StandardSpecification.name),
        )
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == OfferingVersion.specification_version_id,
        )
        .join(
            StandardSpecification,
            col(StandardSpecification.id) == SpecificationVersion.specification_id,
        )
        .where(
            col(OfferingVersion.owner_id) == owner_id,
            col(OfferingVersion.state).in_(OPEN_STATES),
        )
        .order_by(col(OfferingVersion.updated_at), col(OfferingVersion.id))
        .limit(MAXIMUM_VERSIONS)
    )
    return [AtWork(*row) for row in session.execute(statement)]


def list_open_versions(
    session: Session, owner_id: uuid.UUID, *, after: uuid.UUID | None, limit: int
) -> list[OfferingVersion]:
    """Return versions of a maker's software that are on their way, by id, after one of them."""
    statement = (
        select(OfferingVersion)
        .where(
            OfferingVersion.owner_id == owner_id,
            col(OfferingVersion.state).in_(OPEN_STATES),
        )
        .options(*_whole_offering_version())
        .order_by(col(OfferingVersion.id))
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(col(OfferingVersion.id) > after)
    return list(session.exec(statement))


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


def count_sold(session: Session, owner_id: uuid.UUID) -> int:
    """Return how many listings of other makers' software a vendor sells or prepares."""
    return session.exec(
        select(func.count()).select_from(
            _sold(owner_id).with_only_columns(col(ListingVersion.id)).subquery()
        )
    ).one()


def list_sold(
    session: Session, owner_id: uuid.UUID, *, limit: int, offset: int
) -> Sequence[ListingVersion]:
    """Return the newest terms of each listing of other makers' software that a vendor sells."""
    statement = (
        _sold(owner_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .options(*_listing_version_links())
        .order_by(col(OfferingVersion.name), col(ListingVersion.listing_id))
    )
    return session.exec(statement.limit(limit).offset(offset)).all()


def _sold(owner_id: uuid.UUID) -> SelectOfScalar[ListingVersion]:
    """Select the newest terms of listings of others' software; discarded drafts do not count."""
    later = aliased(ListingVersion)
    return (
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            ListingVersion.owner_id == owner_id,
            Listing.seller_id != Offering.maker_id,
            col(Listing.merged_into_id).is_(None),
            _is_kept(ListingVersion),
            ~select(later.id)
            .where(
                later.listing_id == ListingVersion.listing_id,
                later.number > ListingVersion.number,
                _is_kept(later),
            )
            .exists(),
        )
    )


def _is_kept(version: Any) -> ColumnElement[bool]:
    """Tell apart what was or may be public from a draft that was discarded."""
    return or_(col(version.state) != OfferState.WITHDRAWN, col(version.published_at).is_not(None))
