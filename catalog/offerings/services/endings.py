"""The maker's word on other sellers, and the end of a listing."""

import uuid
from collections.abc import Callable, Sequence
from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    OfferAction,
    Offering,
    OfferingVersion,
)
from catalog.offerings.queries import history
from catalog.offerings.rules import earliest_end
from catalog.offerings.services.decisions import announce_listing, check_reason
from catalog.offerings.services.drafts import record
from core import audit, changes, outbox
from core.clock import day_in_japan
from core.db import now
from core.errors import Conflict, GuardFailed, Invalid, WrongState
from core.japanese import format_date
from vendors.models import Vendor, VendorState

LISTING_WITHDRAWN = "listing.withdrawn"
# The terms of an offering that running contracts were made on; contracts are another area's.
ContractedTerms = Callable[[Session, uuid.UUID], Sequence[ListingVersion]]
_contracted: list[ContractedTerms] = []


def use_contracts(find: ContractedTerms) -> None:
    """Ask this for the terms of running contracts before a service ends; the application sets it once."""
    _contracted[:] = [find]


def confirm_listing(session: Session, actor: Actor, listing: Listing) -> Listing:
    """Let the maker confirm that another vendor sells the maker's software."""
    actor = require(session, actor, Permission.LISTING_CONFIRM, listing.offering)
    if listing.confirmed_at is not None:
        raise Conflict("この販売者はすでに確認されています。")
    seller = session.get_one(Vendor, listing.seller_id, with_for_update={"read": True})
    if seller.state is not VendorState.ACTIVE:
        sentence = f"{seller.label}の登録は「{seller.state.label}」です。登録済みになってから確認してください。"
        raise GuardFailed([("main", sentence)])
    listing.revise(confirmed_by_id=actor.person_id, confirmed_at=now(session))
    audit.record(
        session, actor, "listing.confirm", "Listing", listing.id, owner_id=listing.owner_id
    )
    _tell_seller(session, listing, "の販売を、登録開発者が確認しました")
    return listing


def decline_listing(session: Session, actor: Actor, listing: Listing, *, reason: str) -> None:
    """Let the maker refuse that another vendor sells the software; the vendor reads the reason.

    Raises Conflict for a seller that the maker has confirmed.
    """
    actor = require(session, actor, Permission.LISTING_CONFIRM, listing.offering)
    check_reason(reason)
    session.refresh(listing, ["confirmed_at"], with_for_update=True)
    if listing.confirmed_at is not None:
        raise Conflict("この販売者はもう確認しています。販売の終了は、販売者が手続きします。")
    for terms in queries.list_listing_versions(session, listing.id):
        if terms.state in queries.OPEN_STATES:
            terms.apply(OfferAction.WITHDRAW, withdrawal_reason=reason)
            record(session, actor, "listing.decline", terms, reason=reason)
    _tell_seller(session, listing, f"の販売を、登録開発者が断りました。理由：{reason[:150]}")


def _tell_seller(session: Session, listing: Listing, what: str) -> None:
    published = queries.published_offering_version(session, listing.offering_id)
    name = f"「{published.name}」" if published else "サービス"
    tell_organisation(session, listing.owner_id, "listing", f"{name}{what}", "/vendor/offerings")


def _tell_others(
    session: Session, offering_id: uuid.UUID, own_id: uuid.UUID | None, what: str
) -> None:
    """Tell every seller but the maker that has terms of a software, public or on their way."""
    for listing in history.list_live_listings(session, offering_id):
        if listing.id != own_id:
            _tell_seller(session, listing, what)


def withdraw_listing(
    session: Session, actor: Actor, listing: Listing, *, reason: str, ends_on: date
) -> None:
    """End new use of a listing; when the maker's own listing ends, the software ends for all sellers.

    The last day of service must respect the notice promised in the published terms. Raises
    WrongState when nothing is published.
    """
    actor = require(session, actor, Permission.OFFERING_WITHDRAW, listing)
    check_reason(reason)
    session.get(Offering, listing.offering_id, with_for_update=True)
    published = queries.list_published_of(session, listing.offering_id)
    mine = next((each for each in published if each.listing_id == listing.id), None)
    if mine is None:
        raise WrongState(
            "公開中の販売条件がないので、提供を終了する操作はできません。", state="none"
        )
    is_software = listing.seller_id == listing.offering.maker_id
    ending = published if is_software else [mine]
    _check_notice(session, _longest_notice(session, listing, published), ends_on)
    if is_software:
        what = f"は、登録開発者が{format_date(ends_on)}に提供を終えます。理由：{reason[:150]}"
        _tell_others(session, listing.offering_id, listing.id, what)
    for version in ending:
        _withdraw_terms(session, actor, version, reason, ends_on)
    _drop_open(session, actor, listing.offering_id, None if is_software else listing.id)
    if is_software:
        _withdraw_software(session, actor, mine.offering_version, reason, ends_on)


def end_services_of(
    session: Session, actor: Actor, vendor_id: uuid.UUID, *, reason: str, ends_on: date
) -> None:
    """End all that a vendor makes, for every seller of it, and all that it sells, as it leaves the market.

    The caller has asked whether the actor may, and checked the notice; it holds the vendor locked.
    """
    for offering_id in queries.list_made_by(session, vendor_id):
        session.get(Offering, offering_id, with_for_update=True)
        what = f"は、登録開発者が市場を離れるため、{format_date(ends_on)}に提供を終えます"
        own = queries.find_listing_of(session, offering_id, vendor_id)
        _tell_others(session, offering_id, own.id if own else None, what)
        for version in queries.list_published_of(session, offering_id):
            _withdraw_terms(session, actor, version, reason, ends_on)
        _drop_open(session, actor, offering_id, None)
        if software := queries.published_offering_version(session, offering_id):
            _withdraw_software(session, actor, software, reason, ends_on)
    for listing_id, offering_id in queries.list_resold_by(session, vendor_id):
        session.get(Offering, offering_id, with_for_update=True)
        if mine := queries.published_version_of(session, listing_id):
            _withdraw_terms(session, actor, mine, reason, ends_on)
        _drop_open(session, actor, offering_id, listing_id)


def end_merged(
    session: Session, actor: Actor, listing: Listing, into_id: uuid.UUID, *, reason: str
) -> None:
    """End a listing whose seller now has another of the same software; its contracts go on as they are.

    No service ends, so nobody is told of a last day. The caller has asked whether the actor may.
    """
    session.get(Offering, listing.offering_id, with_for_update=True)
    for each in (listing, *history.list_merged_into(session, listing.id)):
        each.revise(merged_into_id=into_id)
    published = queries.published_version_of(session, listing.id)
    if published is not None:
        published.apply(OfferAction.WITHDRAW, withdrawn_at=now(session), withdrawal_reason=reason)
        announce_listing(session, listing, changes.Operation.DELETE)
    _drop_open(session, actor, listing.offering_id, listing.id)
    audit.record(
        session,
        actor,
        "listing.merge",
        "Listing",
        listing.id,
        owner_id=listing.owner_id,
        reason=reason,
        merged_into_id=str(into_id),
    )


def _withdraw_terms(
    session: Session, actor: Actor, version: ListingVersion, reason: str, ends_on: date
) -> None:
    version.apply(
        OfferAction.WITHDRAW,
        withdrawn_at=now(session),
        withdrawal_reason=reason,
        service_ends_on=ends_on,
    )
    record(session, actor, "listing.withdraw", version, reason=reason, ends_on=str(ends_on))
    announce_listing(session, version.listing, changes.Operation.DELETE)
    told = {"listing_version_id": version.id, "ends_on": ends_on.isoformat()}
    outbox.publish(session, LISTING_WITHDRAWN, told)


def _drop_open(
    session: Session, actor: Actor, offering_id: uuid.UUID, listing_id: uuid.UUID | None
) -> None:
    """Withdraw what is on its way, so that nothing that ended comes back by a later publication.

    Of one listing, or, when none is named, of the whole software.
    """
    for terms in history.list_versions_beside(session, offering_id):
        ends = listing_id is None or terms.listing_id == listing_id
        if ends and terms.state in queries.OPEN_STATES:
            terms.apply(OfferAction.WITHDRAW)
            record(session, actor, "listing.discard", terms, number=terms.number)
    for row in queries.list_offering_versions(session, offering_id) if listing_id is None else ():
        if row.state in queries.OPEN_STATES:
            row.apply(OfferAction.WITHDRAW)
            record(session, actor, "offering.discard", row, number=row.number)


def find_notice(session: Session, listing: Listing) -> int:
    """Return the longest notice in months that anybody was promised for what ends with a listing.

    That are today's published terms and those of running contracts; the maker's listing ends with
    the listings of all sellers.
    """
    published = queries.list_published_of(session, listing.offering_id)
    return _longest_notice(session, listing, published)


def _longest_notice(session: Session, listing: Listing, published: Sequence[ListingVersion]) -> int:
    terms = [*published]
    for find in _contracted:
        terms += find(session, listing.offering_id)
    is_software = listing.seller_id == listing.offering.maker_id
    mine = {listing.id, *(each.id for each in history.list_merged_into(session, listing.id))}
    ending = (each for each in terms if is_software or each.listing_id in mine)
    return max((each.notice_months or 0 for each in ending), default=0)


def _check_notice(session: Session, months: int, ends_on: date) -> None:
    earliest = earliest_end(day_in_japan(now(session)), months)
    if ends_on < earliest:
        sentence = (
            f"提供を終える日は{format_date(earliest)}以後の日付にしてください。公開中の販売条件か、"
            f"続いている契約の販売条件で、{months}か月前までの予告を約束しています。"
        )
        raise Invalid({"ends_on": sentence})


def _withdraw_software(
    session: Session, actor: Actor, version: OfferingVersion, reason: str, ends_on: date
) -> None:
    version.apply(
        OfferAction.WITHDRAW,
        withdrawn_at=now(session),
        withdrawal_reason=reason,
        service_ends_on=ends_on,
    )
    record(session, actor, "offering.withdraw", version, reason=reason, ends_on=str(ends_on))
    changes.append(session, "offering", version.offering_id, changes.Operation.DELETE)
