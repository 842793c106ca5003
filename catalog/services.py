"""What happens in the feed when a vendor's state changes, or a version of a specification appears or goes."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from catalog.offerings.queries import published_offering_version, published_version_of
from catalog.offerings.services import (
    ACCREDITATION_EXPIRED,
    ENDING_NEAR,
    PRICES_TURNED,
    remind,
)
from catalog.queries import (
    list_certificate_ids_of,
    list_listing_ids_of,
    list_offering_ids_of,
)
from catalog.specifications.ending import VERSION_ENDED
from catalog.specifications.queries import get_version, list_versions_of
from catalog.specifications.services import PUBLISHED
from core import changes, outbox


def announce_vendor(session: Session, payload: Mapping[str, Any]) -> None:
    """Tell mirrors about everything that appears or vanishes with a vendor."""
    vendor_id = uuid.UUID(payload["vendor_id"])
    for offering_id in list_offering_ids_of(session, vendor_id):
        changes.append(session, "offering", offering_id)
    for listing_id in list_listing_ids_of(session, vendor_id):
        changes.append(session, "listing", listing_id)


def announce_rechecks(session: Session, payload: Mapping[str, Any]) -> None:
    """Tell mirrors of the certificates for the other versions of a specification: `recheck_by` moved."""
    version = get_version(session, uuid.UUID(payload["specification_version_id"]))
    if version is None:
        return
    others = list_versions_of(session, version.specification_id)
    for certificate_id in list_certificate_ids_of(session, [each.id for each in others]):
        changes.append(session, "certificate", certificate_id)


def announce_offering(session: Session, payload: Mapping[str, Any]) -> None:
    """Tell mirrors of an offering whose record says less since today: an accreditation has expired."""
    offering_id = uuid.UUID(payload["offering_id"])
    if published_offering_version(session, offering_id) is not None:
        changes.append(session, "offering", offering_id)


def announce_listing(session: Session, payload: Mapping[str, Any]) -> None:
    """Tell mirrors and the index of a listing of which a price begins or ends today."""
    listing_id = uuid.UUID(payload["listing_id"])
    if published_version_of(session, listing_id) is not None:
        changes.append(session, "listing", listing_id)
        outbox.publish(session, "search.listing_changed", {"listing_id": listing_id})


HANDLERS: Mapping[str, outbox.Handler] = {
    "vendor.state_changed": announce_vendor,
    PUBLISHED: announce_rechecks,
    VERSION_ENDED: announce_rechecks,
    ACCREDITATION_EXPIRED: announce_offering,
    PRICES_TURNED: announce_listing,
    ENDING_NEAR: remind,
}
