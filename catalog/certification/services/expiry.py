"""What the world is told when a certificate changes or its time runs out."""

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from catalog.certification import queries
from catalog.certification.models import Certification, ReviewState, has_lapsed
from catalog.certification.services.telling import (
    News,
    Task,
    tell,
    tell_leads,
    tell_users,
)
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import list_listings_for
from catalog.terms import CertificationState
from core import changes, outbox
from core.clock import day_in_japan, end_of_day, start_of_day
from core.db import now

CERTIFICATION_EXPIRED = "certification.expired"
CONDITION_DUE = "certification.condition_due"
CONDITION_NEAR = "certification.condition_near"
DAYS_BEFORE = (30, 7)


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
        _announce_day(session, certification, date.fromisoformat(due))


def _announce_day(session: Session, certification: Certification, due_on: date) -> None:
    details = {"certification_id": certification.id}
    outbox.publish(session, CONDITION_DUE, details, due_at=end_of_day(due_on))
    for days in DAYS_BEFORE:
        due_at = start_of_day(due_on - timedelta(days=days))
        if due_at > now(session):
            near = {**details, "due_on": due_on.isoformat()}
            outbox.publish(session, CONDITION_NEAR, near, due_at=due_at)


def announce_expiry(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.expired`: tell mirrors if the certificate's time has really run out.

    The index listens to the same topic.
    """
    found = queries.get_certification(session, uuid.UUID(payload["certification_id"]))
    if found is not None and found.public_state(now(session)) is CertificationState.EXPIRED:
        if found.is_public:
            changes.append(session, "certificate", found.id)
        tell(session, found, News.EXPIRED, name=found.offering_version.name)
        tell_users(session, found)


def announce_due(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.condition_due`: tell of conditions that were not met in time.

    The certificate has stopped to count, unless a report of theirs still waits for a reviewer.
    """
    found = queries.get_certification(session, uuid.UUID(payload["certification_id"]))
    if found is None or found.state is not ReviewState.CONDITIONAL:
        return
    moment = now(session)
    today = day_in_japan(moment).isoformat()
    open_days = [each["due_on"] for each in found.conditions if not each.get("fulfilled_on")]
    if has_lapsed(found, moment):
        announce(session, found, found.offering_version)
        tell_users(session, found)
    if any(each < today for each in open_days):
        tell(session, found, News.CONDITION_DUE, name=found.offering_version.name)
        tell_leads(session, found, Task.CONDITION_DUE)


def remind_of_condition(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.condition_near`: remind the vendor of a condition that is still open."""
    found = queries.get_certification(session, uuid.UUID(payload["certification_id"]))
    if found is None or found.state is not ReviewState.CONDITIONAL:
        return
    due, day = payload["due_on"], date.fromisoformat(payload["due_on"])
    is_open = any(
        each["due_on"] == due and not each.get("fulfilled_on") for each in found.conditions
    )
    if is_open and day >= day_in_japan(now(session)):
        tell(session, found, News.CONDITION_NEAR, name=found.offering_version.name, due_on=day)


HANDLERS = {
    CERTIFICATION_EXPIRED: announce_expiry,
    CONDITION_DUE: announce_due,
    CONDITION_NEAR: remind_of_condition,
}
