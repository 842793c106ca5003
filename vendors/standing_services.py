"""Acts on the standing of a vendor: suspended, resumed, withdrawn, terminated, kept out for a time."""

import uuid
from datetime import date
from typing import Any

from sqlmodel import Session

import accounts.services
from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from core import audit, changes
from core.config import Settings
from core.db import now
from core.errors import Forbidden, GuardFailed, NotFound
from vendors import queries
from vendors.models import HANDED_IN_STATES, ExclusionPeriod, Vendor, VendorAction
from vendors.services import announce, record, require_first


def suspend(
    session: Session, actor: Actor, settings: Settings, vendor: Vendor, *, reason: str, version: int
) -> None:
    """Stop an active vendor for a reason: its listings vanish at once, contracts stay readable.

    Needs a recent sign-in.
    """
    actor = _enter(session, actor, settings, vendor, version)
    vendor.apply(VendorAction.SUSPEND, version, suspended_at=now(session), suspension_reason=reason)
    record(session, actor, vendor, "vendor.suspend", reason=reason)
    announce(session, vendor)


def resume(
    session: Session, actor: Actor, settings: Settings, vendor: Vendor, *, reason: str, version: int
) -> None:
    """End a suspension for a reason: the listings come back. Needs a recent sign-in."""
    actor = _enter(session, actor, settings, vendor, version)
    vendor.apply(VendorAction.RESUME, version, suspended_at=None, suspension_reason="")
    record(session, actor, vendor, "vendor.resume", reason=reason)
    announce(session, vendor)


def _enter(
    session: Session, actor: Actor, settings: Settings, vendor: Vendor, version: int
) -> Actor:
    """Let a lead who signed in a short time ago act on the standing that the page showed."""
    actor = require(session, actor, Permission.VENDOR_DECIDE, vendor)
    accounts.services.require_recent_sign_in(session, settings, actor)
    require_first(session, vendor, version)
    return actor


def withdraw(
    session: Session,
    actor: Actor,
    settings: Settings,
    vendor: Vendor,
    *,
    reason: str,
    version: int,
    ends_on: date | None = None,
) -> None:
    """Take the registration back: listings vanish at once, contracts stay. Needs a recent sign-in.

    `ends_on` is the last day of service of a vendor that was public. The vendor must have been
    locked by the caller, who ends its services too (procurement.market.leaving).
    """
    actor = require(session, actor, Permission.VENDOR_WITHDRAW, vendor)
    accounts.services.require_recent_sign_in(session, settings, actor)
    _end(session, actor, vendor, VendorAction.WITHDRAW, version, reason=reason, ends_on=ends_on)


def terminate(
    session: Session,
    actor: Actor,
    settings: Settings,
    vendor: Vendor,
    *,
    reason: str,
    version: int,
    ends_on: date | None = None,
) -> None:
    """End a registration for a reason, for good: listings vanish at once, contracts stay.

    Needs a recent sign-in. The vendor must have been locked by the caller, who ends its services too.
    """
    actor = _enter(session, actor, settings, vendor, version)
    _end(session, actor, vendor, VendorAction.TERMINATE, version, reason=reason, ends_on=ends_on)
    title = "デジタル庁が登録を終わらせました"
    tell_organisation(session, vendor.owner_id, "vendor.ended", title, f"/vendors/{vendor.id}/file")


def _end(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    action: VendorAction,
    version: int,
    *,
    reason: str,
    ends_on: date | None,
) -> None:
    was_public = vendor.is_public
    vendor.apply(
        action,
        version,
        end_reason=reason,
        left_market_at=now(session) if was_public else None,
        service_ends_on=ends_on if was_public else None,
    )
    record(session, actor, vendor, f"vendor.{action.value}", reason=reason, ends_on=ends_on)
    if was_public:
        changes.append(session, "vendor", vendor.id, changes.Operation.DELETE)
        announce(session, vendor)


def exclude(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    *,
    starts_on: date,
    ends_on: date,
    authority: str,
    reason: str,
    reference: str,
) -> ExclusionPeriod:
    """Record that a public body keeps the vendor out for a time; everyone sees it while it lasts.

    From the submission of the registration on: before it is decided, only its vendor and the agency see it.
    """
    require(session, actor, Permission.VENDOR_EXCLUDE, vendor)
    if vendor.state not in HANDED_IN_STATES:
        raise GuardFailed([("main", "記録できるのは、登録を提出した事業者だけです。")])
    if actor.person_id is None:
        raise Forbidden("記録できるのは、主任審査員だけです。")
    period = ExclusionPeriod(
        vendor_id=vendor.id,
        starts_on=starts_on,
        ends_on=ends_on,
        authority=authority,
        reason=reason,
        reference=reference,
        recorded_by_id=actor.person_id,
    )
    session.add(period)
    session.flush()
    _tell_exclusion(session, actor, vendor, "vendor.exclude", period)
    return period


def strike_exclusion(
    session: Session, actor: Actor, vendor: Vendor, exclusion_id: uuid.UUID, *, reason: str
) -> None:
    """Strike a mistaken exclusion period out for a reason; the record stays."""
    require(session, actor, Permission.VENDOR_EXCLUDE, vendor)
    period = queries.get_exclusion(session, exclusion_id)
    if period is None or period.vendor_id != vendor.id:
        raise NotFound
    if period.struck_at is not None:
        raise GuardFailed([("main", "この記録は、すでに取り消されています。")])
    period.revise(struck_at=now(session), struck_by_id=actor.person_id, strike_reason=reason)
    _tell_exclusion(session, actor, vendor, "vendor.strike_exclusion", period)


def _tell_exclusion(
    session: Session, actor: Actor, vendor: Vendor, action: str, period: ExclusionPeriod
) -> None:
    details: dict[str, Any] = {
        "exclusion_id": period.id,
        "authority": period.authority,
        "starts_on": period.starts_on.isoformat(),
        "ends_on": period.ends_on.isoformat(),
        "reason": period.strike_reason or period.reason,
        "reference": period.reference,
    }
    audit.record(session, actor, action, "Vendor", vendor.id, owner_id=vendor.owner_id, **details)
    if vendor.is_public:
        changes.append(session, "vendor", vendor.id)
    title = "指名停止等の記録が変わりました"
    path = f"/vendors/{vendor.id}" + ("" if vendor.is_public else "/file")
    tell_organisation(session, vendor.owner_id, action, title, path)
