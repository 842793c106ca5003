"""What the front page counts and tells."""

import uuid
from datetime import datetime

from sqlalchemy import and_, func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from catalog.certification.models import Certification, Recommendation, ReviewState
from catalog.certification.queries import is_over
from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.queries import narrow_to_listed
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.queries import list_versions
from core.db import now
from procurement.home.desk import Notice, SpecificationRow


def count_services(session: Session) -> list[SpecificationRow]:
    """Count the listed and the certified software of each specification version that takes SaaS.

    Several sellers of one software count once.
    """
    statement = (
        narrow_to_listed(
            select(
                OfferingVersion.specification_version_id,
                func.count(func.distinct(Listing.offering_id)),
                func.count(func.distinct(Certification.offering_version_id)),
            ).select_from(ListingVersion)
        )
        .outerjoin(
            Certification,
            and_(
                col(Certification.offering_version_id) == OfferingVersion.id,
                col(Certification.state).in_((ReviewState.CERTIFIED, ReviewState.CONDITIONAL)),
                ~is_over(Certification, now(session)),
            ),
        )
        .group_by(OfferingVersion.specification_version_id)
    )
    counts = {key: (listed, certified) for key, listed, certified in session.exec(statement)}
    return [
        SpecificationRow(version, *counts.get(version.id, (0, 0)))
        for version in list_versions(session)
        if version.specification.accepts_offerings
    ]


def list_notices(session: Session, limit: int = 3) -> list[Notice]:
    """Return the latest public events: specifications published, services and certificates."""
    found = [
        *_published_specifications(session, limit),
        *_published_services(session, limit),
        *_ended_services(session, limit),
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def list_filed_reviews(session: Session, reviewer_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the reviews for which a reviewer has filed an opinion."""
    statement = select(Recommendation.certification_id).where(
        Recommendation.reviewer_id == reviewer_id
    )
    return set(session.exec(statement))


def _published_specifications(session: Session, limit: int) -> list[Notice]:
    statement = (
        select(SpecificationVersion)
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
        .where(col(SpecificationVersion.published_at).is_not(None))
        .order_by(col(SpecificationVersion.published_at).desc(), col(SpecificationVersion.id))
        .limit(limit)
    )
    return [
        Notice(
            _known(version.published_at),
            f"標準仕様書「{version.specification.name}」{version.title}が公表されました",
            "specifications.show_version",
            {"code": version.specification.code, "label": version.label},
        )
        for version in session.exec(statement)
    ]


def _published_services(session: Session, limit: int) -> list[Notice]:
    statement = (
        narrow_to_listed(
            select(
                ListingVersion.published_at, OfferingVersion.name, ListingVersion.listing_id
            ).select_from(ListingVersion)
        )
        .where(
            col(ListingVersion.published_at).is_not(None),
            col(Listing.seller_id) == Offering.maker_id,
        )
        .order_by(col(ListingVersion.published_at).desc(), col(ListingVersion.id))
        .limit(limit)
    )
    return [
        Notice(
            _known(at),
            f"「{name}」の内容か料金が公開されました",
            "offerings.show_listing",
            {"listing_id": listing_id},
        )
        for at, name, listing_id in session.exec(statement)
    ]


def _ended_services(session: Session, limit: int) -> list[Notice]:
    statement = (
        select(ListingVersion.withdrawn_at, OfferingVersion.name, ListingVersion.listing_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .where(
            ListingVersion.state == OfferState.WITHDRAWN,
            col(ListingVersion.withdrawn_at).is_not(None),
            col(ListingVersion.published_at).is_not(None),
        )
        .order_by(col(ListingVersion.withdrawn_at).desc(), col(ListingVersion.id))
        .limit(limit)
    )
    return [
        Notice(
            _known(at),
            f"「{name}」の新しい申込みの受付が終わりました",
            "offerings.show_listing",
            {"listing_id": listing_id},
        )
        for at, name, listing_id in session.exec(statement)
    ]


def _known(moment: datetime | None) -> datetime:
    if moment is None:
        raise ValueError("the query asked for rows with a time only")
    return moment
