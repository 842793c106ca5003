"""Naming a body as a user: the vendor asks, the body confirms, refuses, or takes it back later."""

from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Organisation, OrganisationKind
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.models import Listing
from catalog.offerings.queries import references
from catalog.offerings.reference_models import AdoptionReference, ReferenceAction
from catalog.price_plan import Term
from core import audit, changes
from core.clock import day_in_japan
from core.db import now
from core.errors import Conflict, GuardFailed, Invalid, NotFound
from core.japanese import format_date

_SILENT_MONTHS = 12
_MOST_PRESSED = 2  # a slip can be put right once; more would be pressing the body


def ask_reference(
    session: Session,
    actor: Actor,
    listing: Listing,
    body: Organisation,
    *,
    used_since: str,
    note: str,
) -> AdoptionReference:
    """Ask a body whether it may be named as a user; nobody else sees the name before it says yes.

    Raises GuardFailed for a listing that is not public, Conflict while the body is asked or named
    and for a year after it said no or after it was asked and dropped again and again.
    """
    actor = require(session, actor, Permission.REFERENCE_ASK, listing)
    session.get(Listing, listing.id, with_for_update=True)
    published = queries.published_version_of(session, listing.id)
    if published is None:
        raise GuardFailed([("main", "公開中のサービスだけ、導入団体を載せられます。")])
    if body.kind is not OrganisationKind.BODY:
        raise Invalid({"body": "団体を一覧の名前か団体コードで入力してください。"})
    if references.find_live(session, listing.id, body.id) is not None:
        raise Conflict(f"{body.label}には、もう確認を頼んでいるか、掲載しています。")
    _check_asked_anew(session, listing, body)
    _check_not_pressed(session, listing, body)
    if actor.person_id is None:
        raise NotFound
    made = AdoptionReference(
        listing_id=listing.id,
        owner_id=listing.owner_id,
        body_id=body.id,
        used_since=used_since,
        note=note,
        asked_by_id=actor.person_id,
        asked_at=now(session),
    )
    session.add(made)
    session.flush()
    _record(session, actor, "reference.ask", made)
    name = published.offering_version.name
    title = f"{listing.seller.label}が、「{name}」の導入団体として名前を載せてよいか尋ねています"
    tell_organisation(session, body.id, "reference", title, f"/references/{made.id}")
    return made


def _check_asked_anew(session: Session, listing: Listing, body: Organisation) -> None:
    """Raise Conflict for a year after a body refused or took its name back: no is an answer."""
    refusal = references.find_last_refusal(session, listing.id, body.id)
    if refusal is None or refusal.answered_at is None:
        return
    refused_on = day_in_japan(refusal.answered_at)
    again_on = _silent_until(refused_on)
    if day_in_japan(now(session)) < again_on:
        raise Conflict(
            f"{body.label}は{format_date(refused_on)}に「{refusal.state.label}」と答えています。"
            f"もう一度頼めるのは{format_date(again_on)}からです。"
        )


def _check_not_pressed(session: Session, listing: Listing, body: Organisation) -> None:
    """Raise Conflict for a year after requests that were asked and dropped again and again."""
    dropped = references.list_pressed(session, listing.id, body.id)[:_MOST_PRESSED]
    if len(dropped) < _MOST_PRESSED:
        return
    again_on = _silent_until(day_in_japan(dropped[-1].asked_at))
    if day_in_japan(now(session)) < again_on:
        raise Conflict(
            f"{body.label}には、答えを待たずに{_MOST_PRESSED}回、取り下げています。"
            f"もう一度頼めるのは{format_date(again_on)}からです。"
        )


def _silent_until(day: date) -> date:
    return Term(day, _SILENT_MONTHS + 1).month_starts()[-1]


def answer_reference(
    session: Session,
    actor: Actor,
    row: AdoptionReference,
    action: ReferenceAction,
    *,
    reason: str = "",
    version: int | None = None,
) -> AdoptionReference:
    """Let a clerk or approver of the body confirm, refuse or withdraw; the name shows or goes at once.

    Raises WrongState when somebody else answered first.
    """
    actor = require(session, actor, Permission.REFERENCE_ANSWER, row)
    listing = _lock_listing(session, row)
    row.apply(
        action, version, answered_by_id=actor.person_id, answered_at=now(session), reason=reason
    )
    _record(session, actor, f"reference.{action.value}", row)
    _publish_names(session, listing)
    title = f"{row.body.label}が、導入団体としての掲載に答えました：{row.state.label}"
    path = f"/vendor/own-listings/{listing.id}/references"
    tell_organisation(session, row.owner_id, "reference", title, path)
    return row


def drop_reference(session: Session, actor: Actor, row: AdoptionReference) -> AdoptionReference:
    """Let the vendor take its request back, or stop naming the body."""
    actor = require(session, actor, Permission.REFERENCE_ASK, row)
    listing = _lock_listing(session, row)
    row.apply(ReferenceAction.DROP)
    _record(session, actor, "reference.drop", row)
    _publish_names(session, listing)
    return row


def _lock_listing(session: Session, row: AdoptionReference) -> Listing:
    listing = session.get(Listing, row.listing_id, with_for_update=True)
    if listing is None:
        raise NotFound
    return listing


def _publish_names(session: Session, listing: Listing) -> None:
    """Keep beside the listing exactly the bodies that say yes now."""
    names: list[dict[str, Any]] = [
        {
            "code": each.body.code,
            "name": each.body.label,
            "used_since": each.used_since,
            "note": each.note,
        }
        for each in references.list_confirmed(session, listing.id)
    ]
    if names == listing.references:
        return
    listing.revise(references=names)
    if queries.find_listed(session, [listing.id]):
        changes.append(session, "listing", listing.id)


def _record(session: Session, actor: Actor, action: str, row: AdoptionReference) -> None:
    audit.record(
        session,
        actor,
        action,
        "AdoptionReference",
        row.id,
        owner_id=row.owner_id,
        body_id=str(row.body_id),
        listing_id=str(row.listing_id),
    )
