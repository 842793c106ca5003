"""What the front page counts and tells, in one statement each."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Row, Select, Uuid, and_, cast, func, literal, null, union_all
from sqlalchemy import select as select_columns
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import OrganisationNotice
from catalog.certification.models import Certification, Recommendation, ReviewState
from catalog.certification.queries import is_over
from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.queries import narrow_to_listed
from catalog.specifications.models import (
    PUBLISHED_STATES,
    SpecificationVersion,
    StandardSpecification,
    title_of,
)
from core.db import now
from procurement.home.desk import Letter, Notice, SpecificationRow
from procurement.quoting.models import QuoteInvitation, QuoteRound
from procurement.quoting.queries.desks import open_to

_MOST_VERSIONS = 1_000
_NEWS, _LETTERS = 3, 10
_TOLD, _ASKED = "told", "asked"


def list_published(session: Session) -> list[SpecificationRow]:
    """Return every published specification version with its listed and its certified software.

    Several sellers of one software count once.
    """
    counts = _count_software(session).subquery()
    statement = (
        select_columns(
            SpecificationVersion,
            func.coalesce(counts.c.listed, 0),
            func.coalesce(counts.c.certified, 0),
        )
        .join(SpecificationVersion.specification)  # type: ignore[arg-type]
        .outerjoin(counts, counts.c.specification_version_id == col(SpecificationVersion.id))
        .where(col(SpecificationVersion.state).in_(PUBLISHED_STATES))
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
        .order_by(
            col(StandardSpecification.code),
            col(SpecificationVersion.applies_from).nulls_last(),
            col(SpecificationVersion.published_at).nulls_last(),
            col(SpecificationVersion.label),
            col(SpecificationVersion.id),
        )
        .limit(_MOST_VERSIONS)
    )
    return [SpecificationRow(*row) for row in session.execute(statement)]


def _count_software(session: Session) -> Select[Any]:
    held = and_(
        col(Certification.offering_version_id) == OfferingVersion.id,
        col(Certification.state).in_((ReviewState.CERTIFIED, ReviewState.CONDITIONAL)),
        ~is_over(Certification, now(session)),
    )
    counted = select_columns(
        col(OfferingVersion.specification_version_id),
        func.count(func.distinct(Listing.offering_id)).label("listed"),
        func.count(func.distinct(Certification.offering_version_id)).label("certified"),
    ).select_from(ListingVersion)
    found: Select[Any] = narrow_to_listed(counted).outerjoin(Certification, held)
    return found.group_by(col(OfferingVersion.specification_version_id))


def recheck_days(
    rows: Sequence[SpecificationRow], version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, date]:
    """Return until when what rests on these versions has to be checked against the next one, if any.

    That is the end of the transition to the first later version, else its first day.
    """
    days: dict[uuid.UUID, date] = {}
    for own in (row.version for row in rows if row.version.id in version_ids):
        later = [
            row.version
            for row in rows
            if row.version.specification_id == own.specification_id
            and row.version.place > own.place
        ]
        if later:
            first = min(later, key=lambda each: each.place)
            day = first.transition_ends_on or first.applies_from
            days |= {own.id: day} if day else {}
    return days


def list_events(
    session: Session, organisation_id: uuid.UUID | None, since: datetime
) -> tuple[list[Letter], list[Notice], bool]:
    """Return what an organisation was told since a moment, the latest public events, and one fact.

    Those are specifications published, services that changed or ended; the fact is whether the
    organisation is asked for a quote that it has not handed in.
    """
    kinds = {
        "specification": _published_specifications().limit(_NEWS),
        "service": _published_services().limit(_NEWS),
        "end": _ended_services().limit(_NEWS),
    }
    if organisation_id is not None:
        kinds[_TOLD] = _told(organisation_id, since).limit(_LETTERS)
        kinds[_ASKED] = _asked(organisation_id, now(session)).limit(1)
    parts = [
        select_columns(literal(kind).label("kind"), *statement.subquery().c)
        for kind, statement in kinds.items()
    ]
    events = union_all(*parts).subquery()
    ordered = select_columns(*events.c).order_by(events.c.at.desc(), *events.c)
    rows = session.execute(ordered).all()
    told = [Letter(row.at, row.name, row.code, row.due_on) for row in rows if row.kind == _TOLD]
    news = [_tell(row) for row in rows if row.kind not in {_TOLD, _ASKED}]
    return told, news[:_NEWS], any(row.kind == _ASKED for row in rows)


def _asked(organisation_id: uuid.UUID, moment: datetime) -> Select[Any]:
    return (
        select_columns(
            col(QuoteRound.sent_at).label("at"),
            literal("").label("name"),
            literal("").label("code"),
            literal("").label("label"),
            cast(null(), Uuid).label("listing_id"),
            cast(null(), Date).label("due_on"),
        )
        .select_from(QuoteInvitation)
        .join(QuoteRound, col(QuoteRound.id) == QuoteInvitation.round_id)
        .where(*open_to(organisation_id, moment))
        .order_by(col(QuoteRound.sent_at), col(QuoteInvitation.id))
    )


def _told(organisation_id: uuid.UUID, since: datetime) -> Select[Any]:
    notice = OrganisationNotice
    return (
        select_columns(
            col(notice.told_at).label("at"),
            col(notice.title).label("name"),
            col(notice.path).label("code"),
            literal("").label("label"),
            col(notice.id).label("listing_id"),
            col(notice.due_on),
        )
        .where(col(notice.organisation_id) == organisation_id, col(notice.told_at) >= since)
        .order_by(col(notice.told_at).desc(), col(notice.id))
    )


def _tell(row: Row[Any]) -> Notice:
    kind, at, name, code, label, listing_id, _ = row
    if kind == "specification":
        text = f"標準仕様書「{name}」{title_of(label)}が公表されました"
        return Notice(at, text, "specifications.show_version", {"code": code, "label": label})
    said = (
        "の内容か料金が公開されました"
        if kind == "service"
        else "の新しい申込みの受付が終わりました"
    )
    return Notice(at, f"「{name}」{said}", "offerings.show_listing", {"listing_id": listing_id})


def list_filed_reviews(session: Session, reviewer_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the reviews for which a reviewer has filed an opinion."""
    statement = select(Recommendation.certification_id).where(
        Recommendation.reviewer_id == reviewer_id
    )
    return set(session.exec(statement))


def _published_specifications() -> Select[Any]:
    return (
        select_columns(
            col(SpecificationVersion.published_at).label("at"),
            col(StandardSpecification.name),
            col(StandardSpecification.code),
            col(SpecificationVersion.label),
            cast(null(), Uuid).label("listing_id"),
            cast(null(), Date).label("due_on"),
        )
        .join(
            StandardSpecification,
            col(StandardSpecification.id) == SpecificationVersion.specification_id,
        )
        .where(col(SpecificationVersion.published_at).is_not(None))
        .order_by(col(SpecificationVersion.published_at).desc(), col(SpecificationVersion.id))
    )


def _published_services() -> Select[Any]:
    listed: Select[Any] = narrow_to_listed(
        select_columns(*_about_listing(col(ListingVersion.published_at))).select_from(
            ListingVersion
        )
    )
    return listed.where(
        col(ListingVersion.published_at).is_not(None),
        col(Listing.seller_id) == Offering.maker_id,
    ).order_by(col(ListingVersion.published_at).desc(), col(ListingVersion.id))


def _ended_services() -> Select[Any]:
    return (
        select_columns(*_about_listing(col(ListingVersion.withdrawn_at)))
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(
            col(ListingVersion.state) == OfferState.WITHDRAWN,
            col(ListingVersion.withdrawn_at).is_not(None),
            col(ListingVersion.published_at).is_not(None),
            col(Listing.merged_into_id).is_(None),
        )
        .order_by(col(ListingVersion.withdrawn_at).desc(), col(ListingVersion.id))
    )


def _about_listing(at: Any) -> tuple[Any, ...]:
    empty = literal("")
    name = col(OfferingVersion.name)
    listing_id, never = col(ListingVersion.listing_id), cast(null(), Date)
    blanks = (empty.label("code"), empty.label("label"))
    return at.label("at"), name, *blanks, listing_id, never.label("due_on")
