"""Preparing an offering: drafts of its version, its prices and its terms."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from catalog.offerings import queries
from catalog.offerings.content import COMPONENT_FIELDS, LISTING_FIELDS, OFFERING_FIELDS
from catalog.offerings.models import (
    EDITABLE_STATES,
    LISTING_MACHINE,
    OFFERING_MACHINE,
    AnswerEvidence,
    ConformanceAnswer,
    Listing,
    ListingVersion,
    OfferAction,
    Offering,
    OfferingVersion,
    OfferState,
    PriceComponentRow,
)
from catalog.offerings.queries.answers import list_answers
from catalog.offerings.rules import explain_refusal
from catalog.specifications.models import SpecificationVersion, StandardSpecification
from catalog.specifications.queries import get_version
from core import audit
from core.db import now
from core.errors import Conflict, GuardFailed, Invalid, NotFound, WrongState
from vendors.models import Vendor, VendorState
from vendors.queries import find_vendor_of

_PRICES = frozenset(
    {
        "tax_rounding",
        "part_month",
        "export_charge_yen",
        "discounts",
        "state_support_yen",
        "state_support_until",
        "state_support_note",
    }
)
_MAY_PREPARE = frozenset(
    {
        VendorState.DRAFT,
        VendorState.SUBMITTED,
        VendorState.CHECKING,
        VendorState.RETURNED,
        VendorState.ACTIVE,
    }
)


def create_offering(
    session: Session, actor: Actor, *, specification_version_id: uuid.UUID, **values: Any
) -> ListingVersion:
    """Start an offering of the actor's company with its own listing, both as drafts.

    Raises GuardFailed when the company is not registered or the standard takes no offerings.
    """
    actor = require(session, actor, Permission.OFFERING_CREATE)
    maker = find_preparing_vendor(session, actor)
    specification = lock_open_specification(session, specification_version_id)
    offering = Offering(owner_id=maker.owner_id, maker_id=maker.id)
    session.add(offering)
    session.flush()
    version = OfferingVersion(
        offering_id=offering.id,
        owner_id=maker.owner_id,
        specification_version_id=specification.id,
        **values,
    )
    listing = Listing(
        offering_id=offering.id,
        owner_id=maker.owner_id,
        seller_id=maker.id,
        confirmed_by_id=actor.person_id,
        confirmed_at=now(session),
    )
    session.add_all([version, listing])
    session.flush()
    made = ListingVersion(
        listing_id=listing.id, owner_id=maker.owner_id, offering_version_id=version.id
    )
    session.add(made)
    session.flush()
    record(session, actor, "offering.create", version, name=version.name)
    return made


def lock_open_specification(session: Session, version_id: uuid.UUID) -> SpecificationVersion:
    """Return a specification version that takes offerings and stays so until the commit.

    Raises GuardFailed with the reason when it takes none.
    """
    row = session.get(SpecificationVersion, version_id, with_for_update={"read": True})
    if row is not None:
        session.get(StandardSpecification, row.specification_id, with_for_update={"read": True})
    found = get_version(session, version_id)
    if found is None:
        raise Invalid({"specification_version_id": "標準仕様書は一覧から選択してください。"})
    refusal = explain_refusal(found)
    if refusal:
        raise GuardFailed([("main", refusal)])
    return found


def find_preparing_vendor(session: Session, actor: Actor) -> Vendor:
    """Return the actor's company; raises GuardFailed unless it may prepare offerings."""
    home = actor.organisation_id
    vendor = find_vendor_of(session, home) if home else None
    if vendor is None or vendor.state not in _MAY_PREPARE:
        sentence = (
            "先に事業者の登録をしてください。登録が停止や終了のときは、サービスを登録できません。"
        )
        raise GuardFailed([("main", sentence)])
    return vendor


def create_listing(session: Session, actor: Actor, offering: Offering) -> ListingVersion:
    """Start another seller's listing of a published offering; the maker is told, and confirms it first."""
    actor = require(session, actor, Permission.OFFERING_CREATE)
    seller = find_preparing_vendor(session, actor)
    if seller.state is not VendorState.ACTIVE:
        sentence = (
            f"会社の登録が「{seller.state.label}」です。登録済みになってから、ほかの会社のサービスの"
            "販売を頼んでください。"
        )
        raise GuardFailed([("main", sentence)])
    published = queries.published_offering_version(session, offering.id)
    if published is None:
        raise NotFound
    if offering.maker_id == seller.id:
        raise Conflict("自社のサービスです。販売条件は「自社のサービス」から変更してください。")
    listing, number = _find_or_add_listing(session, offering, seller)
    made = ListingVersion(
        listing_id=listing.id,
        owner_id=seller.owner_id,
        offering_version_id=published.id,
        number=number,
    )
    session.add(made)
    session.flush()
    record(session, actor, "listing.create", made, offering_id=str(offering.id))
    if listing.confirmed_at is None:
        title = f"{seller.label}が、「{published.name}」を販売したいと頼んでいます"
        tell_organisation(session, offering.owner_id, "listing", title, "/vendor/offerings")
    return made


def find_begun_listing(session: Session, actor: Actor, offering: Offering) -> ListingVersion | None:
    """Return the terms that the actor's company has on their way for another maker's offering.

    The offering is locked until the commit, so that of two clicks only one begins.
    """
    actor = require(session, actor, Permission.OFFERING_CREATE)
    session.get(Offering, offering.id, with_for_update=True)
    seller = find_preparing_vendor(session, actor)
    listing = queries.find_listing_of(session, offering.id, seller.id)
    if listing is None or offering.maker_id == seller.id:
        return None
    versions = queries.list_listing_versions(session, listing.id)
    return next((each for each in versions if each.state in queries.OPEN_STATES), None)


def _find_or_add_listing(
    session: Session, offering: Offering, seller: Vendor
) -> tuple[Listing, int]:
    """Return the seller's listing of an offering and the number of its next version.

    Raises Conflict while one is public or on its way; what was dropped or declined may begin anew.
    """
    found = queries.find_listing_of(session, offering.id, seller.id)
    if found is None:
        found = Listing(offering_id=offering.id, owner_id=seller.owner_id, seller_id=seller.id)
        session.add(found)
        session.flush()
        return found, 1
    versions = queries.list_listing_versions(session, found.id)
    check_none_open(versions)
    if any(each.state is OfferState.PUBLISHED for each in versions):
        raise Conflict("もう販売しています。販売条件は「自社のサービス」から変更してください。")
    return found, max((each.number for each in versions), default=0) + 1


def edit_offering_version(
    session: Session, actor: Actor, row: OfferingVersion, *, version: int, **values: Any
) -> OfferingVersion:
    """Change what a draft says of the software; the row version is the one that was read.

    Raises WrongState once submitted, StaleVersion when somebody else saved first.
    """
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    row.revise(version, **values)
    record(session, actor, "offering.edit", row, fields=sorted(values))
    return row


def edit_listing_version(
    session: Session, actor: Actor, row: ListingVersion, *, version: int, **values: Any
) -> ListingVersion:
    """Change a draft's terms: support, service level, exit; errors as for the offering version."""
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    row.revise(version, **values)
    record(session, actor, "listing.edit", row, fields=sorted(values))
    return row


def save_prices(
    session: Session,
    actor: Actor,
    row: ListingVersion,
    *,
    version: int,
    components: Sequence[Mapping[str, Any]],
    **values: Any,
) -> ListingVersion:
    """Replace a draft's price components (amounts in yen without tax) and the terms beside them."""
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    row.revise(version, **values)
    for old in queries.list_components(session, row.id):
        session.delete(old)
    session.flush()
    for position, component in enumerate(components, start=1):
        session.add(PriceComponentRow(listing_version_id=row.id, position=position, **component))
    session.flush()
    queries.reload_listing_version(session, row.id)
    record(session, actor, "listing.edit", row, fields=[*sorted(values), "components"])
    return row


def start_new_version(session: Session, actor: Actor, offering: Offering) -> OfferingVersion:
    """Copy an offering's newest public version, its answers and terms into drafts with the next number.

    Buyers keep the old version until the new one is published. Raises Conflict while another
    version is on its way.
    """
    actor = require(session, actor, Permission.OFFERING_EDIT, offering)
    session.refresh(offering, ["version"], with_for_update=True)
    versions = queries.list_offering_versions(session, offering.id)
    base = next((each for each in versions if each.published_at is not None), None)
    terms = queries.find_own_listing_version(session, base) if base else None
    if base is None or terms is None:
        raise Conflict("まだ公開していないので、新しい版は作れません。今の下書きを直してください。")
    if base.state is OfferState.WITHDRAWN:
        raise Conflict(
            "提供を終了したサービスの新しい版は作れません。"
            "もう一度提供するときは、新しいサービスとして登録してください。"
        )
    check_none_open(versions)
    made = OfferingVersion(
        offering_id=offering.id,
        owner_id=offering.owner_id,
        number=versions[0].number + 1,
        specification_version_id=base.specification_version_id,
        **{name: getattr(base, name) for name in OFFERING_FIELDS},
    )
    session.add(made)
    session.flush()
    for answer in list_answers(session, [base.id])[base.id].values():
        copy_answer(session, answer, made.id, answer.requirement_id)
    copy_listing_version(session, terms, made.id)
    record(session, actor, "offering.start_version", made, number=made.number)
    return made


def start_listing_change(session: Session, actor: Actor, listing: Listing) -> ListingVersion:
    """Copy the published version of a listing into a draft, for a change of price or terms."""
    actor = require(session, actor, Permission.OFFERING_EDIT, listing)
    session.refresh(listing, ["version"], with_for_update=True)
    base = queries.published_version_of(session, listing.id)
    if base is None:
        raise Conflict("公開中の販売条件がないので、変更の下書きは作れません。")
    # What is prepared with a new version of the offering takes weeks: it holds no price back.
    versions = queries.list_listing_versions(session, listing.id)
    check_none_open([e for e in versions if e.offering_version.state not in queries.OPEN_STATES])
    made = copy_listing_version(session, base, base.offering_version_id)
    record(session, actor, "listing.start_version", made, number=made.number)
    return made


def discard_version(session: Session, actor: Actor, row: OfferingVersion) -> None:
    """Drop a draft of an offering with the maker's terms for it; submitted ones stay."""
    actor = require(session, actor, Permission.OFFERING_WITHDRAW, row)
    check_editable(row)
    terms = queries.find_own_listing_version(session, row)
    row.apply(OfferAction.WITHDRAW)
    if terms is not None and terms.state in EDITABLE_STATES:
        terms.apply(OfferAction.WITHDRAW)
    record(session, actor, "offering.discard", row, number=row.number)


def discard_listing_version(session: Session, actor: Actor, row: ListingVersion) -> None:
    """Drop a change of price or terms that is not published yet."""
    actor = require(session, actor, Permission.OFFERING_WITHDRAW, row)
    if row.state not in queries.OPEN_STATES:
        raise WrongState(LISTING_MACHINE.wrong_state_sentence(row.state), state=row.state.value)
    if row.offering_version.state in queries.OPEN_STATES:
        raise Conflict(
            "サービスの版と一緒に準備している販売条件です。サービスの版のほうを取り下げてください。"
        )
    row.apply(OfferAction.WITHDRAW)
    record(session, actor, "listing.discard", row, number=row.number)


def copy_answer(
    session: Session,
    answer: ConformanceAnswer,
    offering_version_id: uuid.UUID,
    requirement_id: uuid.UUID,
) -> None:
    """Give another version the same answer with the same evidence."""
    kept = answer.model_dump(include={"answer", "note", "due_on", "evidence_url"})
    made = ConformanceAnswer(
        offering_version_id=offering_version_id, requirement_id=requirement_id, **kept
    )
    session.add(made)
    for each in answer.evidence:
        session.add(AnswerEvidence(answer_id=made.id, file_id=each.file_id, name=each.name))


def copy_listing_version(
    session: Session, base: ListingVersion, offering_version_id: uuid.UUID, *, priced: bool = True
) -> ListingVersion:
    """Add a draft with the terms of another version of the same listing, and its prices if wanted."""
    newest = queries.list_listing_versions(session, base.listing_id)[0]
    made = ListingVersion(
        listing_id=base.listing_id,
        owner_id=base.owner_id,
        offering_version_id=offering_version_id,
        number=newest.number + 1,
        **{name: getattr(base, name) for name in LISTING_FIELDS if priced or name not in _PRICES},
    )
    session.add(made)
    session.flush()
    for row in base.components if priced else ():
        values = {name: getattr(row, name) for name in COMPONENT_FIELDS}
        session.add(PriceComponentRow(listing_version_id=made.id, position=row.position, **values))
    session.flush()
    return made


def check_editable(row: OfferingVersion | ListingVersion) -> None:
    """Raise WrongState unless the content may still change: it is fixed from submission on."""
    if row.state not in EDITABLE_STATES:
        machine = OFFERING_MACHINE if isinstance(row, OfferingVersion) else LISTING_MACHINE
        raise WrongState(machine.wrong_state_sentence(row.state), state=row.state.value)


def check_none_open(rows: Sequence[OfferingVersion | ListingVersion]) -> None:
    """Raise Conflict while a version is being prepared or reviewed."""
    for row in rows:
        if row.state in queries.OPEN_STATES:
            raise Conflict(
                f"第{row.number}版が「{row.state.label}」です。"
                "その版を公開するか取り下げてから、次の版を作ってください。"
            )


def record(
    session: Session,
    actor: Actor,
    action: str,
    row: OfferingVersion | ListingVersion,
    **detail: Any,
) -> None:
    """Write an act on a version to the trail of its owner."""
    audit.record(
        session, actor, action, type(row).__name__, row.id, owner_id=row.owner_id, **detail
    )
