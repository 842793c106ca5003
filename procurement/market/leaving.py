"""A vendor leaves the market: its registration and its services end together, after the promised notice."""

from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings.rules import earliest_end
from catalog.offerings.services import end_services_of
from core.clock import day_in_japan
from core.config import Settings
from core.db import now
from core.errors import Invalid
from core.japanese import format_date
from procurement.market import queries
from vendors import standing_services
from vendors.models import Vendor


def withdraw(
    session: Session,
    actor: Actor,
    settings: Settings,
    vendor: Vendor,
    *,
    reason: str,
    ends_on: date | None,
    version: int,
) -> None:
    """Let a vendor take its registration back; all that it makes or sells ends on the day it names.

    The day keeps the longest notice that the vendor promised. The vendor must have been locked by
    the caller. Raises Invalid.
    """
    actor = require(session, actor, Permission.VENDOR_WITHDRAW, vendor)
    last = _last_day(session, vendor, ends_on)
    if last is not None and last < (earliest := earliest_day(session, vendor)):
        raise Invalid({"ends_on": _too_early(earliest)})
    standing_services.withdraw(
        session, actor, settings, vendor, reason=reason, version=version, ends_on=last
    )
    _end_services(session, actor, vendor, reason, last)


def terminate(
    session: Session,
    actor: Actor,
    settings: Settings,
    vendor: Vendor,
    *,
    reason: str,
    early_reason: str,
    ends_on: date | None,
    version: int,
) -> None:
    """End a registration as the agency; earlier than the promised notice only with a public reason."""
    actor = require(session, actor, Permission.VENDOR_DECIDE, vendor)
    last = _last_day(session, vendor, ends_on)
    if last is not None and last < (earliest := earliest_day(session, vendor)):
        if not early_reason:
            sentence = (
                f"{_too_early(earliest)}それより早く終えるときは、その理由を入力してください。"
            )
            raise Invalid({"early_reason": sentence})
        reason = f"{reason} 予告の期間より早く終える理由：{early_reason}"
    standing_services.terminate(
        session, actor, settings, vendor, reason=reason, version=version, ends_on=last
    )
    _end_services(session, actor, vendor, reason, last)


def earliest_day(session: Session, vendor: Vendor) -> date:
    """Return the first day on which a vendor may end its services when it says so today."""
    months = queries.find_promised_months(session, vendor.id)
    return earliest_end(day_in_japan(now(session)), months)


def _last_day(session: Session, vendor: Vendor, ends_on: date | None) -> date | None:
    if not vendor.is_public:
        return None
    if ends_on is None:
        raise Invalid({"ends_on": "サービスの提供を終える日を入力してください。"})
    if ends_on < day_in_japan(now(session)):
        sentence = "サービスの提供を終える日は、今日か今日より後の日付にしてください。"
        raise Invalid({"ends_on": sentence})
    return ends_on


def _too_early(earliest: date) -> str:
    return (
        f"サービスの提供を終える日は{format_date(earliest)}以後の日付にしてください。"
        "公開した販売条件と続いている契約で約束した予告の期間があります。"
    )


def _end_services(
    session: Session, actor: Actor, vendor: Vendor, reason: str, ends_on: date | None
) -> None:
    if ends_on is not None:
        end_services_of(session, actor, vendor.id, reason=reason, ends_on=ends_on)
