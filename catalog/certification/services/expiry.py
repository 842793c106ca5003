"""What the world is told when a certificate changes or its time runs out."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from catalog.certification import queries
from catalog.certification.models import Certification
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import list_listings_for
from catalog.terms import CertificationState
from core import changes, outbox
from core.db import now

CERTIFICATION_EXPIRED = "certification.expired"


def announce(session: Session, certification: Certification, version: OfferingVersion) -> None:
    """Tell mirrors of the certificate, and the index of every listing of the offering."""
    changes.append(session, "certificate", certification.id)
    for listing in list_listings_for(session, version.offering_id):
        outbox.publish(session, "search.listing_changed", {"listing_id": listing.id})


def announce_end(session: Session, certification: Certification) -> None:
    """Send a message to be delivered when the certificate's last day is over."""
    outbox.publish(
        session,
        CERTIFICATION_EXPIRED,
        {"certification_id": certification.id},
        due_at=certification.valid_until,
    )


def announce_expiry(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.expired`: tell mirrors if the certificate's time has really run out.

    The index listens to the same topic.
    """
    found = queries.get_certification(session, uuid.UUID(payload["certification_id"]))
    if found is not None and found.public_state(now(session)) is CertificationState.EXPIRED:
        changes.append(session, "certificate", found.id)


HANDLERS = {CERTIFICATION_EXPIRED: announce_expiry}
