"""What a vendor itself says of 指名停止等 in its registration, until the approval makes records of it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from core import audit
from core.errors import Invalid
from vendors import queries
from vendors.models import ExclusionPeriod, Vendor

MOST_DECLARED = 20
PERIOD_FIELDS = ("authority", "starts_on", "ends_on", "reason", "reference")


def declare(vendor: Vendor, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a saved page leaves: the periods but the removed, and the new one.

    Raises Invalid where 「ない」 contradicts them, or they are too many.
    """
    removed = {int(number) for number in typed["removed"]}
    kept = [each for number, each in enumerate(vendor.exclusions) if number not in removed]
    if typed["authority"]:
        period = {name: typed[name] for name in PERIOD_FIELDS}
        kept.append(period | {name: period[name].isoformat() for name in ("starts_on", "ends_on")})
    if kept and typed["has_exclusions"] is False:
        sentence = "「ない」にするときは、入力してある期間に「消す」のチェックを入れてください。"
        raise Invalid({"has_exclusions": sentence})
    if len(kept) > MOST_DECLARED:
        sentence = f"入力できる期間は{MOST_DECLARED}件までです。終わった期間を消してください。"
        raise Invalid({"authority": sentence})
    return {"has_exclusions": typed["has_exclusions"], "exclusions": kept}


def record_all(session: Session, vendor: Vendor) -> None:
    """Make a record of each declared period, unless the agency has recorded the same already."""
    known = {
        (each.authority, each.starts_on, each.ends_on)
        for each in queries.list_exclusions(session, vendor.id)
    }
    for each in vendor.exclusions:
        first, last = (date.fromisoformat(each[name]) for name in ("starts_on", "ends_on"))
        if (each["authority"], first, last) in known or vendor.submitted_by_id is None:
            continue
        period = ExclusionPeriod(
            vendor_id=vendor.id,
            starts_on=first,
            ends_on=last,
            authority=each["authority"],
            reason=each["reason"],
            reference=each["reference"],
            recorded_by_id=vendor.submitted_by_id,
        )
        session.add(period)
        session.flush()
        who = audit.System(person_id=vendor.submitted_by_id, organisation_id=vendor.owner_id)
        audit.record(
            session,
            who,
            "vendor.declare_exclusion",
            "Vendor",
            vendor.id,
            owner_id=vendor.owner_id,
            exclusion_id=period.id,
            period=each,
        )
