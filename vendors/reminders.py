"""Reminders before the qualification of a vendor runs out: delayed messages, judged anew when due."""

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from accounts import notices
from accounts.queries import has_notice
from core import mail, outbox
from core.clock import start_of_day
from core.config import Settings
from core.db import now
from core.japanese import format_date
from vendors import contacts, queries
from vendors.filing_models import QualificationRenewal
from vendors.models import VendorState

QUALIFICATION_ENDING = "vendor.qualification_ending"
DAYS_BEFORE = (60, 30, 7)
_LETTER = """{vendor} 御中

全省庁統一資格の有効期限は{expires}です。あと{days}日です。
資格を更新したら、次のページで新しい内容を届け出てください。デジタル庁が確かめて、今の内容と替えます。
{address}
"""


def schedule(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `vendor.state_changed`: leave a message for each reminder that is still to come."""
    vendor = queries.get_vendor(session, uuid.UUID(payload["vendor_id"]))
    if vendor is None or vendor.state is not VendorState.ACTIVE:
        return
    expires = vendor.qualification_expires_on
    if expires is None:
        return
    for days in DAYS_BEFORE:
        due = start_of_day(expires - timedelta(days=days))
        if due > now(session):
            details = {"vendor_id": vendor.id, "expires_on": expires.isoformat(), "days": days}
            outbox.publish(session, QUALIFICATION_ENDING, details, due_at=due)


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handlers that leave reminders and send those that still hold."""

    def remind(session: Session, payload: Mapping[str, Any]) -> None:
        vendor = queries.lock_vendor(session, uuid.UUID(payload["vendor_id"]))
        expires = date.fromisoformat(payload["expires_on"])
        days = int(payload["days"])
        if vendor is None or vendor.state is not VendorState.ACTIVE:
            return
        if vendor.qualification_expires_on != expires:
            return  # it was renewed
        kind = f"{QUALIFICATION_ENDING}.{days}"
        if has_notice(session, vendor.owner_id, kind, expires):
            return  # it was told by another message
        path = QualificationRenewal.KIND.address(vendor.id)
        told = {
            "organisation_id": str(vendor.owner_id),
            "kind": kind,
            "title": f"全省庁統一資格の有効期限まで、あと{days}日です",
            "path": path,
            "due_on": expires.isoformat(),
        }
        notices.keep_notice(session, told)
        body = _LETTER.format(
            vendor=vendor.label,
            expires=format_date(expires),
            days=days,
            address=mail.link(settings, path),
        )
        key = f"{vendor.id}:{kind}:{expires}"
        contacts.send(settings, session, vendor, told["title"], body=body, key=key)

    return {"vendor.state_changed": schedule, QUALIFICATION_ENDING: remind}
