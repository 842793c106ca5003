"""What vendors are told about a new version of the framework agreement: at once, and before it is due."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from accounts import notices
from accounts.queries import has_notice
from core import mail, outbox
from core.config import Settings
from core.japanese import format_date
from vendors import contacts, queries
from vendors.agreement import Edition
from vendors.agreement_services import AGREEMENT_ISSUED
from vendors.models import Vendor, VendorState
from vendors.queries import agreements

VENDOR_TOLD = "agreement.vendor_told"
_LETTER = """{vendor} 御中

基本契約の第{label}版が出ています。{applies}から効力が生じます。
変わるところ：{note}

{accept}までに、次のページで前の版との違いを読み、同意してください。
{address}

期限までに同意がないときは、サービスの公開と新しい依頼の承諾ができなくなります。
公開されているページと、結ばれている利用契約は、そのまま続きます。
"""


def spread(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `agreement.issued`: leave one message for each active vendor."""
    for vendor_id in queries.list_vendor_ids(session, VendorState.ACTIVE):
        outbox.publish(session, VENDOR_TOLD, {**payload, "vendor_id": vendor_id})


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handlers that tell vendors, unless they accepted or left meanwhile."""

    def tell(session: Session, payload: Mapping[str, Any]) -> None:
        vendor = queries.lock_vendor(session, uuid.UUID(payload["vendor_id"]))
        if vendor is None or vendor.state is not VendorState.ACTIVE:
            return
        newer = agreements.judge_agreement(session, vendor.id).newer
        edition = next((each for each in newer if each.label == payload["label"]), None)
        if edition is None or edition.accept_by is None:
            return  # it was accepted
        kind = f"{AGREEMENT_ISSUED}.{edition.label}.{payload['days'] or 'now'}"
        if has_notice(session, vendor.owner_id, kind, edition.accept_by):
            return  # it was told by another message
        title = _title(edition, payload["days"])
        told = {
            "organisation_id": str(vendor.owner_id),
            "kind": kind,
            "title": title,
            "path": f"/vendors/{vendor.id}/agreement",
            "due_on": edition.accept_by.isoformat(),
        }
        notices.keep_notice(session, told)
        body = _write(settings, vendor, edition, told["path"])
        contacts.send(settings, session, vendor, title, body=body, key=f"{vendor.id}:{kind}")

    return {AGREEMENT_ISSUED: spread, VENDOR_TOLD: tell}


def _title(edition: Edition, days: int | None) -> str:
    if days is None:
        return f"基本契約の第{edition.label}版が出ました。期限までに同意してください"
    return f"基本契約の第{edition.label}版への同意の期限まで、あと{days}日です"


def _write(settings: Settings, vendor: Vendor, edition: Edition, path: str) -> str:
    if edition.applies_from is None or edition.accept_by is None:
        raise ValueError("the first edition is announced to nobody")
    return _LETTER.format(
        vendor=vendor.label,
        label=edition.label,
        note=edition.note,
        applies=format_date(edition.applies_from),
        accept=format_date(edition.accept_by),
        address=mail.link(settings, path),
    )
