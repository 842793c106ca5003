"""Submission and approval of offering versions and of price changes."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.content import (
    hash_content,
    listing_content,
    number_of_seller,
    offering_content,
)
from catalog.offerings.models import (
    LISTING_MACHINE,
    Listing,
    ListingVersion,
    OfferAction,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.rules import list_missing_in_listing, list_missing_in_offering
from catalog.offerings.services.drafts import (
    check_editable,
    lock_open_specification,
    record,
)
from catalog.specifications.queries import list_requirements
from core import changes, outbox
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed, Invalid, NotFound, StaleVersion, WrongState
from vendors.models import Vendor
from vendors.queries.agreements import require_selling


def submit_version(session: Session, actor: Actor, row: OfferingVersion) -> OfferingVersion:
    """Submit an offering version with the maker's terms; from now on both contents are fixed.

    Raises GuardFailed with all that is missing, anchored at the page itself.
    """
    actor = require(session, actor, Permission.OFFERING_SUBMIT, row)
    check_editable(row)
    lock_seller(session, row.offering.maker_id)
    lock_open_specification(session, row.specification_version_id)
    terms = own_terms(session, row)
    answers = queries.list_answers(session, [row.id])[row.id]
    requirements = list_requirements(session, row.specification_version_id)
    missing = list_missing_in_offering(row, requirements, answers)
    missing += list_missing_in_listing(terms, day_in_japan(now(session)))
    if missing:
        raise GuardFailed([("main", each.sentence) for each in missing])
    digest = hash_content(offering_content(row, answers))
    row.apply(OfferAction.SUBMIT, content_sha256=digest, **_submission(session, actor))
    _submit_terms(session, actor, terms)
    record(session, actor, "offering.submit", row, content_sha256=digest)
    return row


def submit_listing_version(
    session: Session, actor: Actor, row: ListingVersion, *, version: int | None = None
) -> ListingVersion:
    """Submit a change of price or terms, or another seller's listing; its content is then fixed.

    `version` is the row version that the actor read; StaleVersion when it changed since.
    """
    actor = require(session, actor, Permission.OFFERING_SUBMIT, row)
    check_seen(row, version)
    check_editable(row)
    lock_seller(session, row.listing.seller_id)
    published = queries.published_offering_version(session, row.listing.offering_id)
    if published is None:
        raise GuardFailed(
            [("main", "サービスが公開されていないので、販売条件だけを提出できません。")]
        )
    missing = list_missing_in_listing(row, day_in_japan(now(session)))
    if missing:
        raise GuardFailed([("main", each.sentence) for each in missing])
    if row.offering_version_id != published.id:
        row.revise(offering_version_id=published.id)
    _submit_terms(session, actor, row)
    return row


def start_review(session: Session, actor: Actor, row: OfferingVersion) -> OfferingVersion:
    """Say that reading has begun, when the lead assigns reviewers; nothing if it has already."""
    actor = require(session, actor, Permission.CERTIFICATION_ASSIGN, row)
    _begin(session, row)
    record(session, actor, "offering.start_review", row)
    return row


def approve_version(
    session: Session, actor: Actor, row: OfferingVersion, *, version: int | None = None
) -> OfferingVersion:
    """Approve an offering version with the maker's terms, by a lead who did not submit it.

    `version` is the row version that the lead read. Raises GuardFailed when the content is no
    longer what was submitted, StaleVersion when the row changed since it was read.
    """
    actor = require(session, actor, Permission.OFFERING_DECIDE, row)
    check_seen(row, version)
    terms = own_terms(session, row)
    answers = queries.list_answers(session, [row.id])[row.id]
    check_unchanged(row.content_sha256, hash_content(offering_content(row, answers)))
    check_unchanged(terms.content_sha256, hash_content(listing_content(terms)))
    _begin(session, row)
    row.apply(OfferAction.APPROVE, **_approval(session, actor))
    terms.apply(OfferAction.APPROVE, **_approval(session, actor))
    record(session, actor, "offering.approve", row, content_sha256=row.content_sha256)
    return row


def return_version(
    session: Session, actor: Actor, row: OfferingVersion, *, reason: str
) -> OfferingVersion:
    """Hand a submitted offering version back to the vendor with a reason."""
    actor = require(session, actor, Permission.OFFERING_DECIDE, row)
    check_reason(reason)
    terms = own_terms(session, row)
    _begin(session, row)
    row.apply(OfferAction.RETURN, return_reason=reason)
    terms.apply(OfferAction.RETURN, return_reason=reason)
    record(session, actor, "offering.return", row, reason=reason)
    return row


def approve_listing_version(
    session: Session, actor: Actor, row: ListingVersion, *, version: int | None = None
) -> ListingVersion:
    """Approve a change of price or terms, by a lead who did not submit it; errors as above."""
    actor = require(session, actor, Permission.OFFERING_DECIDE, row)
    check_seen(row, version)
    check_apart(row)
    check_unchanged(row.content_sha256, hash_content(listing_content(row)))
    _begin_terms(row)
    row.apply(OfferAction.APPROVE, **_approval(session, actor))
    record(session, actor, "listing.approve", row, content_sha256=row.content_sha256)
    return row


def return_listing_version(
    session: Session, actor: Actor, row: ListingVersion, *, reason: str, version: int | None = None
) -> ListingVersion:
    """Hand a submitted change of price or terms back to the vendor with a reason; errors as above."""
    actor = require(session, actor, Permission.OFFERING_DECIDE, row)
    check_seen(row, version)
    check_apart(row)
    check_reason(reason)
    _begin_terms(row)
    row.apply(OfferAction.RETURN, return_reason=reason)
    record(session, actor, "listing.return", row, reason=reason)
    return row


def announce_listing(session: Session, listing: Listing, operation: changes.Operation) -> None:
    """Tell mirrors and the index that a listing shows something else now."""
    changes.append(session, "listing", listing.id, operation)
    outbox.publish(session, "search.listing_changed", {"listing_id": listing.id})


def check_seen(row: OfferingVersion | ListingVersion, version: int | None) -> None:
    """Raise StaleVersion when a row is no longer the one that was read."""
    if version is not None and row.version != version:
        raise StaleVersion(current={"version": row.version})


def check_reason(reason: str) -> None:
    """Raise Invalid without a reason."""
    if not reason.strip():
        raise Invalid({"reason": "理由を入力してください。"})


def check_unchanged(submitted: str, found: str) -> None:
    """Raise GuardFailed when a content is not the submitted one."""
    if submitted != found:
        raise GuardFailed([("main", "提出されたあとで内容が変わっています。差し戻してください。")])


def check_apart(row: ListingVersion) -> None:
    """Raise WrongState for the maker's terms that go with an offering version under review."""
    if row.offering_version.state in queries.OPEN_STATES:
        raise WrongState(LISTING_MACHINE.wrong_state_sentence(row.state), state=row.state.value)


def lock_seller(session: Session, vendor_id: Any) -> None:
    """Lock a vendor that may sell; raises GuardFailed for one that may not."""
    vendor = session.get(Vendor, vendor_id, with_for_update={"read": True})
    if vendor is None:
        raise NotFound
    require_selling(session, vendor)


def own_terms(session: Session, row: OfferingVersion) -> ListingVersion:
    """Return the maker's terms for an offering version."""
    terms = queries.find_own_listing_version(session, row)
    if terms is None:
        raise NotFound
    return terms


def _submission(session: Session, actor: Actor) -> dict[str, Any]:
    moment: datetime = now(session)
    return {
        "submitted_by_id": actor.person_id,
        "submitted_at": moment,
        "approved_by_id": None,
        "approved_at": None,
        "return_reason": "",
    }


def _approval(session: Session, actor: Actor) -> dict[str, Any]:
    return {"approved_by_id": actor.person_id, "approved_at": now(session)}


def _submit_terms(session: Session, actor: Actor, terms: ListingVersion) -> None:
    digest = fix_terms(terms, **_submission(session, actor))
    record(session, actor, "listing.submit", terms, content_sha256=digest)


def fix_terms(terms: ListingVersion, **submission: Any) -> str:
    """Submit terms whose content, with the number of who sells them now, is fixed by its hash."""
    terms.submitted_seller = number_of_seller(terms)
    digest = hash_content(listing_content(terms))
    terms.apply(OfferAction.SUBMIT, content_sha256=digest, **submission)
    return digest


def _begin(session: Session, row: OfferingVersion) -> None:
    if row.state is OfferState.SUBMITTED:
        row.apply(OfferAction.START_REVIEW)
        _begin_terms(own_terms(session, row))


def _begin_terms(terms: ListingVersion) -> None:
    if terms.state is OfferState.SUBMITTED:
        terms.apply(OfferAction.START_REVIEW)
