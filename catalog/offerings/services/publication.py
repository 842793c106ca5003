"""Publication: of offering versions with all sellers' terms, and of changes of price."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.content import listing_content
from catalog.offerings.models import (
    EDITABLE_STATES,
    ListingVersion,
    OfferAction,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.prices import list_turns
from catalog.offerings.queries import history
from catalog.offerings.rows import list_expiries
from catalog.offerings.rules import TermsChoice, list_missing_in_listing
from catalog.offerings.services.decisions import (
    announce_listing,
    check_apart,
    fix_terms,
    lock_seller,
    own_terms,
)
from catalog.offerings.services.drafts import copy_listing_version, record
from catalog.offerings.services.reminders import schedule_terms, schedule_version
from core import changes, outbox
from core.clock import day_in_japan, start_of_day
from core.db import now
from core.errors import GuardFailed, Invalid

PRICES_TURNED = "listing.prices_turned"
ACCREDITATION_EXPIRED = "offering.accreditation_expired"
_REPLACED = "公開のときに、いま公開中の条件を引き継ぐことを選んだため。"
_RENEWED = "サービスの新しい版が公開され、同じ内容の下書きに移したため。"


def publish_version(
    session: Session, actor: Actor, row: OfferingVersion, *, choice: TermsChoice | None = None
) -> OfferingVersion:
    """Publish an approved offering version with the maker's terms; older versions are superseded.

    Other sellers' published terms are carried over to the new version, unchanged, and what they have
    on its way moves along. Raises Invalid without a choice when the maker published newer terms
    while this version was on its way: neither replaces the other by accident.
    """
    actor = require(session, actor, Permission.OFFERING_PUBLISH, row)
    lock_seller(session, row.offering.maker_id)
    session.get(Offering, row.offering_id, with_for_update=True)
    row.expect(OfferAction.PUBLISH)
    terms = own_terms(session, row)
    older = queries.published_offering_version(session, row.offering_id)
    others = queries.list_published_of(session, row.offering_id)
    newer = _newer_among(others, terms)
    if newer is not None and choice is None:
        sentence = (
            "この版の準備のあとに、料金か条件を変えています。どちらを公開するか選択してください。"
        )
        raise Invalid({"terms": sentence})
    keeps = newer is not None and choice is TermsChoice.CURRENT
    if older is not None:
        older.apply(OfferAction.SUPERSEDE)
    row.apply(OfferAction.PUBLISH, published_at=now(session))
    record(session, actor, "offering.publish", row, content_sha256=row.content_sha256)
    changes.append(session, "offering", row.offering_id)
    for other in others:
        other.apply(OfferAction.SUPERSEDE)
        if other.listing_id != terms.listing_id:
            _tell_carried(session, row, _carry_over(session, actor, other, row))
    if keeps and newer is not None:
        _keep_current(session, actor, newer, terms, row)
    else:
        _publish_terms(session, actor, terms)
    _renew_open(session, actor, row)
    outbox.publish(session, "offering.published", {"offering_version_id": row.id})
    for day in list_expiries(row.accreditations, day_in_japan(now(session))):
        due = start_of_day(day + timedelta(days=1))
        outbox.publish(session, ACCREDITATION_EXPIRED, {"offering_id": row.offering_id}, due_at=due)
    schedule_version(session, row)
    return row


def find_newer_terms(
    session: Session, row: OfferingVersion, published: Sequence[ListingVersion]
) -> tuple[ListingVersion, ListingVersion] | None:
    """Return the maker's terms among the published ones and those of a version, if they came later."""
    terms = own_terms(session, row)
    newer = _newer_among(published, terms)
    return (newer, terms) if newer is not None else None


def _newer_among(
    published: Sequence[ListingVersion], terms: ListingVersion
) -> ListingVersion | None:
    mine = next((each for each in published if each.listing_id == terms.listing_id), None)
    if mine is None or mine.published_at is None or mine.published_at <= terms.created_at:
        return None
    apart = ("number", "offering_version_id", "seller_corporate_number")
    said = [
        {name: value for name, value in listing_content(each).items() if name not in apart}
        for each in (mine, terms)
    ]
    return mine if said[0] != said[1] else None


def publish_listing_version(session: Session, actor: Actor, row: ListingVersion) -> ListingVersion:
    """Publish approved terms: a change of price, or another seller's confirmed listing."""
    actor = require(session, actor, Permission.OFFERING_PUBLISH, row)
    check_apart(row)
    lock_seller(session, row.listing.seller_id)
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


def _publish_terms(session: Session, actor: Actor, terms: ListingVersion) -> None:
    terms.apply(OfferAction.PUBLISH, published_at=now(session))
    record(session, actor, "listing.publish", terms, content_sha256=terms.content_sha256)
    announce_listing(session, terms.listing, changes.Operation.UPSERT)
    for day in list_turns(queries.list_components(session, terms.id), day_in_japan(now(session))):
        told = {"listing_id": terms.listing_id}
        outbox.publish(session, PRICES_TURNED, told, due_at=start_of_day(day))
    schedule_terms(session, terms)


def _carry_over(
    session: Session, actor: Actor, old: ListingVersion, row: OfferingVersion
) -> ListingVersion:
    made = copy_listing_version(session, old, row.id)
    made = queries.load_listing_versions(session, [made.id])[made.id]
    fix_terms(made, submitted_by_id=old.submitted_by_id, submitted_at=old.submitted_at)
    made.apply(OfferAction.START_REVIEW)
    made.apply(OfferAction.APPROVE, approved_by_id=old.approved_by_id, approved_at=old.approved_at)
    _publish_terms(session, actor, made)
    queries.reload_listing_version(session, made.id)
    return made


def _keep_current(
    session: Session,
    actor: Actor,
    newer: ListingVersion,
    terms: ListingVersion,
    row: OfferingVersion,
) -> None:
    """Carry the maker's newer terms over; those prepared with the version are dropped."""
    made = _carry_over(session, actor, newer, row)
    missing = list_missing_in_listing(made, day_in_japan(now(session)))
    if missing:
        raise GuardFailed([("main", each.sentence) for each in missing])
    terms.apply(OfferAction.WITHDRAW, withdrawal_reason=_REPLACED)
    record(session, actor, "listing.discard", terms, number=terms.number)


def _tell_carried(session: Session, row: OfferingVersion, made: ListingVersion) -> None:
    """Tell a seller what was published in its name, and which bodies its prices leave open now."""
    missing = list_missing_in_listing(made, day_in_japan(now(session)))
    lacking = f"足りないもの：{missing[0].sentence}" if missing else ""
    title = f"「{row.name}」の新しい版が公開され、いまの販売条件を第{made.number}版として引き継ぎました。"
    path = f"/vendor/listings/{made.id}"
    tell_organisation(session, made.owner_id, "listing", f"{title}{lacking}"[:300], path)


def _renew_open(session: Session, actor: Actor, row: OfferingVersion) -> None:
    """Move what sellers have on its way to the version now published; nothing typed is lost.

    A draft moves by itself. What was submitted had a fixed content for the older version: its copy is
    a draft to be submitted anew, and its seller is told.
    """
    for pending in history.list_versions_beside(session, row.offering_id):
        if (
            pending.state not in queries.OPEN_STATES
            or pending.offering_version_id == row.id
            or pending.offering_version.state in queries.OPEN_STATES
        ):
            continue
        if pending.state in EDITABLE_STATES:
            pending.revise(offering_version_id=row.id)
            continue
        queries.reload_listing_version(session, pending.id)
        made = copy_listing_version(session, pending, row.id)
        pending.apply(OfferAction.WITHDRAW, withdrawal_reason=_RENEWED)
        record(session, actor, "listing.renew", made, number=made.number)
        title = (
            f"「{row.name}」の新しい版が公開されました。提出していた販売条件は、同じ内容の下書きに"
            "しました。内容を確かめて、もう一度提出してください。"
        )
        tell_organisation(session, made.owner_id, "listing", title, f"/vendor/listings/{made.id}")
