"""What offerings are made for, who makes what buyers see, and where it runs: the values of filters."""

import unicodedata
import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from catalog.offerings.models import Offering, OfferingVersion, OfferState
from catalog.specifications.models import (
    PUBLISHED_STATES,
    Pattern,
    SpecificationVersion,
    StandardSpecification,
)
from vendors.models import Vendor, VendorState


def list_specification_names(session: Session) -> list[tuple[str, str, str]]:
    """Return (code, label, name) of the published versions that take offerings, newest label last.

    Which take them is the rule of `StandardSpecification.accepts_offerings`.
    """
    pattern = col(StandardSpecification.pattern)
    opened = col(StandardSpecification.saas_opened_at).is_not(None)
    statement = (
        select(StandardSpecification.code, SpecificationVersion.label, StandardSpecification.name)
        .join(SpecificationVersion)
        .where(
            or_(pattern == Pattern.COMMON_B, and_(pattern == Pattern.STANDARDISED, opened)),
            col(SpecificationVersion.state).in_(PUBLISHED_STATES),
        )
        .order_by(
            StandardSpecification.code,
            col(SpecificationVersion.applies_from).nulls_last(),
            col(SpecificationVersion.published_at).nulls_last(),
            SpecificationVersion.label,
            col(SpecificationVersion.id),
        )
        .limit(1_000)
    )
    return [(code, label, name) for code, label, name in session.exec(statement)]


def region_value(text: str) -> str:
    """Return a region as it is filtered: one spelling of what vendors write."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def find_regions(session: Session, values: Iterable[str]) -> list[str]:
    """Return those of the regions that a published offering names."""
    wanted = frozenset(values)
    if not wanted:
        return []
    statement = (
        select(OfferingVersion.hosting_region)
        .where(OfferingVersion.state == OfferState.PUBLISHED)
        .distinct()
    )
    return sorted(wanted & {region_value(each) for each in session.exec(statement)})


def find_makers(session: Session, vendor_ids: Sequence[uuid.UUID]) -> list[Vendor]:
    """Return those of the vendors that make a published offering and are active, by name."""
    if not vendor_ids:
        return []
    # Asked maker by maker: from the published ones a database would read all of a large catalog.
    makes = (
        select(Offering.id)
        .join(OfferingVersion, col(OfferingVersion.offering_id) == Offering.id)
        .where(Offering.maker_id == Vendor.id, OfferingVersion.state == OfferState.PUBLISHED)
        .exists()
    )
    statement = (
        select(Vendor)
        .where(col(Vendor.id).in_(vendor_ids), Vendor.state == VendorState.ACTIVE, makes)
        .order_by(col(Vendor.name), col(Vendor.id))
    )
    return list(session.exec(statement))
