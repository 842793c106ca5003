"""Pages on which a vendor leaves the market, by itself or by the agency; they stand beside its file."""

import uuid
from typing import Any

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from procurement.market import leaving, queries
from vendors.models import Vendor, VendorAction
from vendors.review_views import change_standing
from vendors.schemas import LeavingSchema, TerminationSchema
from vendors.views import blueprint


def _promise(session: Session, vendor: Vendor) -> dict[str, Any]:
    """Return what the vendor promised: the months of notice, and the first day that keeps them."""
    months = queries.find_promised_months(session, vendor.id)
    return {"notice_months": months, "earliest": leaving.earliest_day(session, vendor)}


@blueprint.route("/vendors/<uuid:vendor_id>/withdraw", methods=["GET", "POST"])
@access(Permission.VENDOR_WITHDRAW, write=Permission.VENDOR_WITHDRAW)
def withdraw(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Take the own registration back, with a reason, the last day of service and a recent sign-in."""
    return change_standing(
        vendor_id,
        VendorAction.WITHDRAW,
        leaving.withdraw,
        "登録を取り下げました",
        Permission.VENDOR_WITHDRAW,
        schema=LeavingSchema,
        context=_promise,
    )


@blueprint.route("/vendors/<uuid:vendor_id>/terminate", methods=["GET", "POST"])
@access(Permission.VENDOR_DECIDE, write=Permission.VENDOR_DECIDE)
def terminate(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """End a registration for good, with a reason, the last day of service and a recent sign-in."""
    return change_standing(
        vendor_id,
        VendorAction.TERMINATE,
        leaving.terminate,
        "登録を終わらせました",
        schema=TerminationSchema,
        context=_promise,
    )
