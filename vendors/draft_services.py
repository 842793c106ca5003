"""How a registration that was never handed in ends: it gives way to the company itself, or lies untouched.

Nobody has shown that a draft begun with a password is the company's. Whoever locks the draft here
locks it as a submission does, so that only one of the two happens.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

import accounts.queries
from accounts import address_services
from accounts.models import Person, Role
from core import audit, outbox
from core.db import now
from vendors import queries
from vendors.models import Vendor, VendorAction, VendorState

DRAFT_WATCHED = "vendor.draft_watched"
DRAFT_ENDING = "vendor.draft_ending"
ADDRESS_DUE = "vendor.address_due"
DRAFT_REPLACED = "vendor.draft_replaced"
KEPT_DAYS = 90
WARNED_DAYS = 14
_REPLACED = (
    "同じ法人番号のGビズIDプライムの方が、登録を始めました。"
    "GビズIDを使わずに始められ、提出されていなかったこの下書きは、終わりました。"
)
_UNTOUCHED = f"{KEPT_DAYS}日のあいだ何も変更されなかったため、下書きを終えました。"
_UNCONFIRMED = (
    f"{address_services.CONFIRM_DAYS}日のうちにメールアドレスが確かめられなかったため、"
    "下書きを終えました。"
)


def gives_way(session: Session, vendor: Vendor) -> bool:
    """Tell whether the holder of the company's GビズIDプライム may begin anew in its place."""
    return vendor.state is VendorState.DRAFT and not queries.is_proven(session, vendor)


def give_way(session: Session, who: audit.Acting, vendor: Vendor) -> None:
    """End a draft in favour of the company itself: its people lose their roles and are told why.

    The vendor must have been locked by the caller.
    """
    _end(session, who, vendor, "vendor.give_way", _REPLACED)
    told = set()
    for membership in accounts.queries.list_members(session, vendor.owner_id):
        membership.revise(ended_at=now(session))
        details = {"member_id": membership.person_id, "role": membership.role.value}
        _record(session, who, vendor, "vendor.end_membership", **details)
        told.add(membership.person_id)
    for person_id in sorted(told, key=str):
        outbox.publish(session, DRAFT_REPLACED, {"vendor_id": vendor.id, "person_id": person_id})


def watch(session: Session, vendor: Vendor, person: Person) -> None:
    """Leave the messages that look after a draft: is the address confirmed, does anybody go on?"""
    if person.awaits_confirmation:
        due = now(session) + timedelta(days=address_services.CONFIRM_DAYS)
        details = {"vendor_id": vendor.id, "person_id": person.id}
        outbox.publish(session, ADDRESS_DUE, details, due_at=due)
    _watch_from(session, vendor, now(session))


def _watch_from(session: Session, vendor: Vendor, touched_at: datetime) -> None:
    due = touched_at + timedelta(days=KEPT_DAYS - WARNED_DAYS)
    outbox.publish(session, DRAFT_WATCHED, {"vendor_id": vendor.id}, due_at=due)


def look_after(session: Session, vendor_id: uuid.UUID) -> Vendor | None:
    """Return a draft that nobody has touched for long, about to be warned; else look again in time."""
    vendor = queries.lock_vendor(session, vendor_id)
    if vendor is None or vendor.state is not VendorState.DRAFT:
        return None
    if vendor.updated_at + timedelta(days=KEPT_DAYS - WARNED_DAYS) > now(session):
        _watch_from(session, vendor, vendor.updated_at)
        return None
    due = now(session) + timedelta(days=WARNED_DAYS)
    details = {"vendor_id": vendor.id, "version": vendor.version}
    outbox.publish(session, DRAFT_ENDING, details, due_at=due)
    return vendor


def end_untouched(session: Session, vendor_id: uuid.UUID, version: int) -> Vendor | None:
    """End a draft that was warned and still is as it was; returns it when it ended."""
    vendor = queries.lock_vendor(session, vendor_id)
    if vendor is None or vendor.state is not VendorState.DRAFT:
        return None
    if vendor.version != version:
        _watch_from(session, vendor, vendor.updated_at)
        return None
    _end(session, audit.SYSTEM, vendor, "vendor.expire", _UNTOUCHED)
    return vendor


def end_unconfirmed(session: Session, vendor_id: uuid.UUID, person_id: uuid.UUID) -> None:
    """Forget an account whose address nobody has confirmed, and the draft that only it stood behind."""
    vendor = queries.lock_vendor(session, vendor_id)
    person = accounts.queries.lock_person(session, person_id)
    if vendor is None or person is None or not person.awaits_confirmation:
        return
    admins = accounts.queries.list_members(session, vendor.owner_id, Role.VENDOR_ADMIN)
    is_orphan = all(admin.person.awaits_confirmation for admin in admins)
    if gives_way(session, vendor) and is_orphan:
        _end(session, audit.SYSTEM, vendor, "vendor.expire", _UNCONFIRMED)
    address_services.release(session, person.email)


def _end(session: Session, who: audit.Acting, vendor: Vendor, act: str, reason: str) -> None:
    vendor.apply(VendorAction.TERMINATE, end_reason=reason)
    session.flush()  # before another registration takes the number
    _record(session, who, vendor, act, reason=reason)


def _record(
    session: Session, who: audit.Acting, vendor: Vendor, action: str, **details: Any
) -> None:
    audit.record(session, who, action, "Vendor", vendor.id, owner_id=vendor.owner_id, **details)
