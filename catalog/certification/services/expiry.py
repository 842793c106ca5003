"""What the world is told when a certificate changes or its time runs out."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from catalog.certification import queries
from catalog.certification.models import Certification, ReviewState
from catalog.certification.services.telling import News, tell
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import list_listings_for
from catalog.terms import CertificationState
from core import changes, outbox
from core.clock import day_in_japan, end_of_day
from core.db import now

CERTIFICATION_EXPIRED = "certification.expired"
CONDITION_DUE = "certification.condition_due"


def announce(session: Session, certification: Certification, version: OfferingVersion) -> None:
    """Tell mirrors of the certificate, and the index of every listing of the offering.

    What has not been published is announced with its publication.
    """
    if certification.is_public:
        changes.append(session, "certificate", certification.id)
    for listing in list_listings_for(session, version.offering_id):
        outbox.publish(session, "search.listing_changed", {"listing_id": listing.id})


def announce_end(session: Session, certification: Certification) -> None:
    """Send messages to be delivered when the last day, or the day of a condition, is over."""
    outbox.publish(
        session,
        CERTIFICATION_EXPIRED,
        {"certification_id": certification.id},
        due_at=certification.valid_until,
    )
    for due in sorted({each["due_on"] for each in certification.conditions}):
        outbox.publish(
            session,
            CONDITION_DUE,
            {"certification_id": certification.id},
            due_at=end_of_day(date.fromisoformat(due)),
        )


def announce_expiry(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.expired`: tell mirrors if the certificate's time has really run out.

    The index listens to the same topic.
    """
    found = queries.get_certification(session, uuid.UUID(payload["certification_id"]))
    if found is not None and found.public_state(now(session)) is CertificationState.EXPIRED:
        if found.is_public:
            changes.append(session, "certificate", found.id)
        tell(session, found, News.EXPIRED, name=found.offering_version.name)


def announce_due(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.condition_due`: tell the vendor of conditions that were not met in time."""
    found = queries.get_certification(session, uuid.UUID(payload["certification_id"]))
    if found is None or found.state is not ReviewState.CONDITIONAL:
        return
    today = day_in_japan(now(session)).isoformat()
    open_days = [each["due_on"] for each in found.conditions if not each.get("fulfilled_on")]
    if any(each < today for each in open_days):
        tell(session, found, News.CONDITION_DUE, name=found.offering_version.name)


HANDLERS = {CERTIFICATION_EXPIRED: announce_expiry, CONDITION_DUE: announce_due}
