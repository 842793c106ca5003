"""Reminders before something public runs out: delayed messages, judged anew when they are due."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from accounts.models import Role
from accounts.notices import tell_once
from catalog.offerings import endings, queries
from catalog.offerings.endings import DAYS_BEFORE, Ending, EndingKind, Origin
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.offerings.queries.endings import find_teller, list_endings
from core import outbox
from core.clock import day_in_japan, start_of_day
from core.db import now
from vendors.models import VendorState
from vendors.queries import lock_vendor

ENDING_NEAR = "offering.ending_near"
_PATH = "/vendor/offerings#endings-title"
_PEOPLE = (Role.VENDOR_ADMIN, Role.VENDOR_MEMBER)


def schedule_version(session: Session, row: OfferingVersion) -> None:
    """Leave a message for each reminder of the accreditations of a version that becomes public."""
    origin = Origin(row.name, row.id)
    _schedule(session, row.offering_id, endings.of_accreditations(row.accreditations, origin))


def schedule_terms(session: Session, terms: ListingVersion) -> None:
    """Leave a message for each reminder of prices and support of terms that become public."""
    origin = Origin("", terms.offering_version_id, terms.id)
    components = queries.list_components(session, terms.id)
    found = endings.of_prices(components, origin)
    found += endings.of_support(terms.state_support_until, origin)
    _schedule(session, terms.listing_id, found)


def _schedule(session: Session, subject_id: uuid.UUID, found: Iterable[Ending]) -> None:
    for kind, on in sorted({(each.kind, each.on) for each in found}):
        for days in DAYS_BEFORE:
            due_at = start_of_day(on - timedelta(days=days))
            if due_at > now(session):
                told = {"subject_id": subject_id, "kind": kind, "on": on.isoformat(), "days": days}
                outbox.publish(session, ENDING_NEAR, told, due_at=due_at)


def remind(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `offering.ending_near`: tell the seller once of all that still ends on that day."""
    kind, on = EndingKind(payload["kind"]), date.fromisoformat(payload["on"])
    days = int(payload["days"])
    found = find_teller(session, kind, uuid.UUID(payload["subject_id"]))
    if found is None or on < day_in_japan(now(session)):
        return
    vendor = lock_vendor(session, found[0])
    if vendor is None or vendor.state is not VendorState.ACTIVE:
        return
    mine = [e for e in list_endings(session, found[1]) if (e.kind, e.on) == (kind, on)]
    if not mine:
        return  # it was renewed, or is sold no more
    services = endings.name_services(mine)
    title = f"{kind.label}まで、あと{days}日です：{services}"
    code = f"{ENDING_NEAR}.{kind.value}.{days}"
    tell_once(session, found[1], code, title, _PATH, due_on=on, roles=_PEOPLE)
