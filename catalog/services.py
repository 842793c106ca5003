"""What happens in the feed when a vendor's state changes."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from catalog.queries import list_listing_ids_of, list_offering_ids_of
from core import changes, outbox


def announce_vendor(session: Session, payload: Mapping[str, Any]) -> None:
    """Tell mirrors about everything that appears or vanishes with a vendor."""
    vendor_id = uuid.UUID(payload["vendor_id"])
    for offering_id in list_offering_ids_of(session, vendor_id):
        changes.append(session, "offering", offering_id)
    for listing_id in list_listing_ids_of(session, vendor_id):
        changes.append(session, "listing", listing_id)


HANDLERS: Mapping[str, outbox.Handler] = {"vendor.state_changed": announce_vendor}
