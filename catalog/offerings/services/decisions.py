"""Submission, approval and publication of offering versions and of price changes."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.content import hash_content, listing_content, offering_content
from catalog.offerings.models import (
    LISTING_MACHINE,
    Listing,
    ListingVersion,
    OfferAction,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.prices import list_turns
from catalog.offerings.rows import list_expiries
from catalog.offerings.rules import list_missing_in_listing, list_missing_in_offering
from catalog.offerings.services.drafts import (
    check_editable,
    copy_listing_version,
    lock_open_specification,
    record,
)
from catalog.specifications.queries import list_requirements
from core import changes, outbox
from core.clock import day_in_japan, start_of_day
from core.db import now
from core.errors import GuardFailed, Invalid, NotFound, StaleVersion, WrongState
from vendors.models import Vendor
from vendors.queries.agreements import require_selling

PRICES_TURNED = "listing.prices_turned"
ACCREDITATION_EXPIRED = "offering.accreditation_expired"


def submit_version(session: Session, actor: Actor, row: OfferingVersion) -> OfferingVersion:
    """Submit an offering version with the maker's terms; from now on both contents are fixed.

    Raises GuardFailed with all that is missing, anchored at the page itself.
    """
    actor = require(session, actor, Permission.OFFERING_SUBMIT, row)
    check_editable(row)
    _lock_seller(session, row.offering.maker_id)
    lock_open_specification(session, row.specification_version_id)
    terms = _own_terms(session, row)
    answers = queries.list_answers(session, [row.id])[row.id]
    requirements = list_requirements(session, row.specification_version_id)
    missing = list_missing_in_offering(row, requirements, answers)
    missing += list_missing_in_listing(terms)
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
    _lock_seller(session, row.listing.seller_id)
    published = queries.published_offering_version(session, row.listing.offering_id)
    if published is None:
        raise GuardFailed(
            [("main", "サービスが公開されていないので、販売条件だけを提出できません。")]
        )
    missing = list_missing_in_listing(row)
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
    terms = _own_terms(session, row)
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
    terms = _own_terms(session, row)
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


def publish_version(session: Session, actor: Actor, row: OfferingVersion) -> OfferingVersion:
    """Publish an approved offering version with the maker's terms; older versions are superseded.

    Other sellers' published terms are carried over to the new version, unchanged.
    """
    actor = require(session, actor, Permission.OFFERING_PUBLISH, row)
    _lock_seller(session, row.offering.maker_id)
    session.get(Offering, row.offering_id, with_for_update=True)
    terms = _own_terms(session, row)
    older = queries.published_offering_version(session, row.offering_id)
    others = queries.list_published_of(session, row.offering_id)
    if older is not None:
        older.apply(OfferAction.SUPERSEDE)
    row.apply(OfferAction.PUBLISH, published_at=now(session))
    record(session, actor, "offering.publish", row, content_sha256=row.content_sha256)
    changes.append(session, "offering", row.offering_id)
    for other in others:
        other.apply(OfferAction.SUPERSEDE)
        if other.listing_id != terms.listing_id:
            _carry_over(session, actor, other, row)
    _publish_terms(session, actor, terms)
    outbox.publish(session, "offering.published", {"offering_version_id": row.id})
    for day in list_expiries(row.accreditations, day_in_japan(now(session))):
        due = start_of_day(day + timedelta(days=1))
        outbox.publish(session, ACCREDITATION_EXPIRED, {"offering_id": row.offering_id}, due_at=due)
    return row


def publish_listing_version(session: Session, actor: Actor, row: ListingVersion) -> ListingVersion:
    """Publish approved terms: a change of price, or another seller's confirmed listing."""
    actor = require(session, actor, Permission.OFFERING_PUBLISH, row)
    check_apart(row)
    _lock_seller(session, row.listing.seller_id)
    session.get(Offering, row.listing.offering_id, with_for_update={"read": True})
    session.refresh(row.listing, ["confirmed_at"], with_for_update=True)
    if row.listing.confirmed_at is None:
        raise GuardFailed([("main", "登録開発者が販売を確認するまで、公開できません。")])
    if row.offering_version.state is not OfferState.PUBLISHED:
        sentence = (
            "提出のあとにサービスの版が変わりました。この変更を取り下げて、作り直してください。"
        )
        raise GuardFailed([("main", sentence)])
    older = queries.published_version_of(session, row.listing_id)
    if older is not None and row.state is OfferState.APPROVED:
        older.apply(OfferAction.SUPERSEDE)
    _publish_terms(session, actor, row)
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


def _lock_seller(session: Session, vendor_id: Any) -> None:
    vendor = session.get(Vendor, vendor_id, with_for_update={"read": True})
    if vendor is None:
        raise NotFound
    require_selling(session, vendor)


def _own_terms(session: Session, row: OfferingVersion) -> ListingVersion:
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
    digest = hash_content(listing_content(terms))
    terms.apply(OfferAction.SUBMIT, content_sha256=digest, **_submission(session, actor))
    record(session, actor, "listing.submit", terms, content_sha256=digest)


def _begin(session: Session, row: OfferingVersion) -> None:
    if row.state is OfferState.SUBMITTED:
        row.apply(OfferAction.START_REVIEW)
        _begin_terms(_own_terms(session, row))


def _begin_terms(terms: ListingVersion) -> None:
    if terms.state is OfferState.SUBMITTED:
        terms.apply(OfferAction.START_REVIEW)


def _publish_terms(session: Session, actor: Actor, terms: ListingVersion) -> None:
    terms.apply(OfferAction.PUBLISH, published_at=now(session))
    record(session, actor, "listing.publish", terms, content_sha256=terms.content_sha256)
    announce_listing(session, terms.listing, changes.Operation.UPSERT)
    for day in list_turns(queries.list_components(session, terms.id), day_in_japan(now(session))):
        told = {"listing_id": terms.listing_id}
        outbox.publish(session, PRICES_TURNED, told, due_at=start_of_day(day))


def _carry_over(session: Session, actor: Actor, old: ListingVersion, row: OfferingVersion) -> None:
    made = copy_listing_version(session, old, row.id)
    made = queries.load_listing_versions(session, [made.id])[made.id]
    digest = hash_content(listing_content(made))
    made.apply(
        OfferAction.SUBMIT,
        content_sha256=digest,
        submitted_by_id=old.submitted_by_id,
        submitted_at=old.submitted_at,
    )
    made.apply(OfferAction.START_REVIEW)
    made.apply(OfferAction.APPROVE, approved_by_id=old.approved_by_id, approved_at=old.approved_at)
    _publish_terms(session, actor, made)
