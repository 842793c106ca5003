"""What the sheets need to know of a vendor's own offerings."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import joinedload, selectinload
from sqlmodel import Session, col, select

from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingUpload,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.queries import OPEN_STATES
from catalog.specifications.models import SpecificationVersion

_MOST = 20_000


@dataclass(frozen=True, slots=True)
class OwnOffering:
    """A version of the vendor's software with the newest of its own terms for it."""

    version: OfferingVersion
    terms: ListingVersion


def list_own(session: Session, owner_id: uuid.UUID) -> list[OwnOffering]:
    """Return every version of a maker's software that has terms, newest number first (3 statements)."""
    versions = session.exec(
        select(OfferingVersion)
        .where(OfferingVersion.owner_id == owner_id)
        .options(
            joinedload(OfferingVersion.specification_version).joinedload(  # type: ignore[arg-type]
                SpecificationVersion.specification  # type: ignore[arg-type]
            )
        )
        .order_by(
            OfferingVersion.name,
            col(OfferingVersion.offering_id),
            col(OfferingVersion.number).desc(),
        )
        .limit(_MOST)
    )
    terms = session.exec(
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            ListingVersion.owner_id == owner_id,
            Listing.seller_id == Offering.maker_id,
            col(Listing.merged_into_id).is_(None),
        )
        .options(selectinload(ListingVersion.components))  # type: ignore[arg-type]
        .order_by(col(ListingVersion.number))
        .limit(_MOST)
    )
    newest = {each.offering_version_id: each for each in terms}
    return [OwnOffering(each, newest[each.id]) for each in versions if each.id in newest]


def choose_shown(rows: Sequence[OwnOffering]) -> list[OwnOffering]:
    """Return one version per software: the one on its way, else the public one; ended ones not."""
    chosen: dict[uuid.UUID, OwnOffering] = {}
    for row in rows:
        state = row.version.state
        if state in OPEN_STATES or (
            state is OfferState.PUBLISHED and row.version.offering_id not in chosen
        ):
            chosen[row.version.offering_id] = row
    return list(chosen.values())


def get_upload(session: Session, upload_id: uuid.UUID) -> OfferingUpload | None:
    """Return a file that waits for its import."""
    return session.get(OfferingUpload, upload_id)


def list_uploads_before(session: Session, moment: datetime) -> list[OfferingUpload]:
    """Return some of the files that nobody has touched since."""
    statement = select(OfferingUpload).where(OfferingUpload.updated_at < moment).limit(100)
    return list(session.exec(statement))
