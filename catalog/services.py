"""What happens in the feed on a day that was known before: a price begins, an accreditation ends."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from catalog.offerings.queries import published_version_of
from catalog.offerings.services import (
    ACCREDITATION_EXPIRED,
    ENDING_NEAR,
    PRICES_TURNED,
    remind,
)
from core import changes, outbox


def announce_offering(session: Session, payload: Mapping[str, Any]) -> None:
    """Tell mirrors of an offering whose record says less since today: an accreditation has expired."""
    changes.append(session, "offering", uuid.UUID(payload["offering_id"]))


def announce_listing(session: Session, payload: Mapping[str, Any]) -> None:
    """Tell mirrors and the index of a listing of which a price begins or ends today."""
    listing_id = uuid.UUID(payload["listing_id"])
    if published_version_of(session, listing_id) is not None:
        changes.append(session, "listing", listing_id)
        outbox.publish(session, "search.listing_changed", {"listing_id": listing_id})


HANDLERS: Mapping[str, outbox.Handler] = {
    ACCREDITATION_EXPIRED: announce_offering,
    PRICES_TURNED: announce_listing,
    ENDING_NEAR: remind,
}
