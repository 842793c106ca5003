"""Acts on successions: propose, confirm by a second lead, drop."""

import uuid
from typing import Any

from sqlmodel import Session

import accounts.services
import vendors.queries
from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from core import audit, changes, outbox
from core.config import Settings
from core.db import now
from core.errors import Forbidden, GuardFailed, Invalid, NotFound
from procurement.succession import moving, queries
from vendors.models import Vendor, VendorAction, VendorState
from vendors.queries.agreements import list_bars
from vendors.succession_models import Succession, SuccessionAction

_LONGEST_REASON = 2_000
_MAY_GIVE = frozenset({VendorState.ACTIVE, VendorState.SUSPENDED})


def propose(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    *,
    corporate_number: str,
    offering_id: uuid.UUID | None,
    reason: str,
) -> Succession:
    """Propose that another vendor takes over the company, or one offering of it."""
    require(session, actor, Permission.VENDOR_SUCCEED, vendor)
    heir = vendors.queries.find_live_by_number(session, corporate_number)
    if heir is None or heir.id == vendor.id:
        sentence = "この法人番号の、ほかの登録はありません。番号を確かめてください。"
        raise Invalid({"corporate_number": sentence})
    actor = require(session, actor, Permission.VENDOR_SUCCEED, heir)
    if actor.person_id is None:
        raise Forbidden("提案できるのは、主任審査員だけです。")
    names = dict(queries.list_offering_names(session, vendor.id))
    if offering_id is not None and offering_id not in names:
        raise Invalid({"offering_id": "引き継ぐサービスは一覧から選択してください。"})
    if queries.find_proposed(session, vendor.id) is not None:
        raise GuardFailed([("main", "この事業者の承継が、すでに確認を待っています。")])
    succession = Succession(
        from_vendor_id=vendor.id,
        to_vendor_id=heir.id,
        offering_id=offering_id,
        offering_name=names[offering_id] if offering_id else "",
        reason=reason,
        proposed_by_id=actor.person_id,
    )
    _require_possible(session, vendor, heir)
    session.add(succession)
    session.flush()
    _record(session, actor, succession, (vendor, heir), "vendor.propose_succession")
    return succession


def confirm(
    session: Session, actor: Actor, settings: Settings, succession_id: uuid.UUID, *, version: int
) -> Succession:
    """Carry a succession out as the second lead; needs a recent sign-in.

    Ids, certificates, requests, contracts and the trail stay; of what both sold one listing goes on
    and the other ends; whoever belonged to a company that went over as a whole has no access from
    the next request on.
    """
    succession, giver, heir = _locked(session, succession_id)
    actor = require(session, actor, Permission.VENDOR_SUCCEED, giver)
    require(session, actor, Permission.VENDOR_SUCCEED, heir)
    accounts.services.require_recent_sign_in(session, settings, actor)
    if actor.person_id == succession.proposed_by_id:
        raise Forbidden("提案した人は確認できません。別の主任審査員に頼んでください。")
    _require_possible(session, giver, heir)
    done = {"confirmed_by_id": actor.person_id, "confirmed_at": now(session)}
    succession.apply(SuccessionAction.CONFIRM, version, **done)
    offerings = queries.list_offerings_to_move(session, succession)
    listings = queries.list_listings_to_move(session, succession)
    affected = queries.list_affected_listings(session, offerings, listings)
    doubles = queries.list_doubles(session, succession)
    moving.end_doubles(session, actor, doubles)
    moving.move_offerings(session, offerings, heir)
    moving.move_listings(session, listings, heir)
    session.expire_all()
    if succession.offering_id is None:
        _end_giver(session, giver, succession, heir)
    counts = {"offerings": len(offerings), "listings": len(listings), "merged": len(doubles)}
    _record(session, actor, succession, (giver, heir), "vendor.confirm_succession", **counts)
    _announce(session, giver, heir, offerings, affected)
    concerned = {*listings, *(each.ends.id for each in doubles)}
    _tell_customers(session, giver, heir, list(concerned))
    title = f"販売しているサービスの登録開発者が、{giver.name}から{heir.name}に変わりました"
    for seller_id in queries.list_resellers(session, offerings, (giver.id, heir.id)):
        tell_organisation(session, seller_id, "vendor.succession", title, f"/vendors/{heir.id}")
    return succession


def drop(session: Session, actor: Actor, succession_id: uuid.UUID, *, version: int) -> None:
    """Give a proposed succession up."""
    succession, giver, heir = _locked(session, succession_id)
    require(session, actor, Permission.VENDOR_SUCCEED, giver)
    succession.apply(SuccessionAction.DROP, version)
    _record(session, actor, succession, (giver, heir), "vendor.drop_succession")


def _locked(session: Session, succession_id: uuid.UUID) -> tuple[Succession, Vendor, Vendor]:
    seen = queries.get_succession(session, succession_id)
    if seen is None:
        raise NotFound
    both = queries.lock_vendors(session, seen.from_vendor_id, seen.to_vendor_id)
    fresh = queries.get_succession(session, succession_id)
    if fresh is None:
        raise NotFound
    return fresh, both[fresh.from_vendor_id], both[fresh.to_vendor_id]


def _require_possible(session: Session, giver: Vendor, heir: Vendor) -> None:
    reasons = []
    if giver.state not in _MAY_GIVE:
        reasons.append(f"{giver.name}の登録が「{giver.state.label}」のため、引き継げません。")
    if heir.state is not VendorState.ACTIVE:
        reasons.append(f"{heir.name}の登録が「{heir.state.label}」のため、引き継げません。")
    reasons += [f"{heir.name}：{bar.sentence}" for bar in list_bars(session, [heir])[heir.id]]
    if reasons:
        raise GuardFailed([("main", sentence) for sentence in reasons])


def _end_giver(session: Session, giver: Vendor, succession: Succession, heir: Vendor) -> None:
    reason = f"{heir.name}への承継。{succession.reason}"[:_LONGEST_REASON]
    giver.apply(VendorAction.TERMINATE, left_market_at=now(session), end_reason=reason)
    for membership in queries.list_live_memberships_at(session, giver.owner_id):
        membership.revise(ended_at=now(session))


def _announce(
    session: Session,
    giver: Vendor,
    heir: Vendor,
    offering_ids: list[uuid.UUID],
    listing_ids: list[uuid.UUID],
) -> None:
    for vendor in (giver, heir):
        changes.append(session, "vendor", vendor.id)
        title = f"{giver.name}から{heir.name}への承継が終わりました"
        path = f"/vendors/{heir.id}"
        tell_organisation(session, vendor.owner_id, "vendor.succession", title, path)
    for offering_id in offering_ids:
        changes.append(session, "offering", offering_id)
    for listing_id in listing_ids:
        changes.append(session, "listing", listing_id)
        outbox.publish(session, "search.listing_changed", {"listing_id": listing_id})


def _tell_customers(
    session: Session, giver: Vendor, heir: Vendor, listing_ids: list[uuid.UUID]
) -> None:
    """Tell each body with a running contract or a sent request on what went over or ended once."""
    versions = queries.list_listing_version_ids(session, listing_ids)
    title = (
        f"契約中か依頼中のサービスについて、{giver.name}から{heir.name}への承継が終わりました。"
        "契約と依頼の記録と条件は、そのまま残っています"
    )
    for body_id in queries.list_customers(session, versions):
        tell_organisation(session, body_id, "vendor.succession", title, f"/vendors/{heir.id}")


def _record(
    session: Session,
    actor: Actor,
    succession: Succession,
    both: tuple[Vendor, Vendor],
    action: str,
    **details: Any,
) -> None:
    for vendor in both:
        audit.record(
            session,
            actor,
            action,
            "Vendor",
            vendor.id,
            owner_id=vendor.owner_id,
            succession_id=succession.id,
            from_vendor_id=succession.from_vendor_id,
            to_vendor_id=succession.to_vendor_id,
            offering_id=succession.offering_id,
            reason=succession.reason,
            **details,
        )
