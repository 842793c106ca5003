"""A published offering with a second published version: its history is public, its files are not."""

from datetime import timedelta

from sqlmodel import Session

from catalog.certification.models import ReviewState
from catalog.offerings import models as offers
from catalog.offerings.content import LISTING_FIELDS, OFFERING_FIELDS
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.price_plan import ComponentKind, Interval, TierMode, Unit
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer
from core.db import now
from tests import factories
from tests.isolation.planting import Planter
from tests.procurement.conftest import Market

_PUBLIC_NOTE = "二つ目の版で説明を加えました。"


def publish_twice(session: Session, market: Market, planter: Planter) -> ListingVersion:
    """Add an offering published twice, the second time with files as evidence; returns its terms."""
    factories.thaw(session)
    seller = session.merge(market.seller)
    specification = factories.specification(session)
    first = factories.offering(
        session, seller, specification, OfferState.SUPERSEDED, answers=None, name="見本の二版"
    )
    old = session.get_one(OfferingVersion, first.offering_version_id)
    state = {"number": 2, "state": OfferState.PUBLISHED, "published_at": now(session)}
    new = OfferingVersion(
        offering_id=old.offering_id,
        owner_id=old.owner_id,
        specification_version_id=old.specification_version_id,
        content_sha256="2" * 64,
        **state,
        **{name: getattr(old, name) for name in OFFERING_FIELDS},
    )
    old.published_at = first.published_at = now(session) - timedelta(days=40)
    session.add(new)
    session.flush()
    terms = ListingVersion(
        listing_id=first.listing_id,
        owner_id=first.owner_id,
        offering_version_id=new.id,
        content_sha256="3" * 64,
        **state,
        **{name: getattr(first, name) for name in LISTING_FIELDS},
    )
    session.add(terms)
    session.flush()
    price = {"kind": ComponentKind.BASE, "name": "月額基本", "unit": Unit.LUMP}
    often = {"interval": Interval.MONTH, "tier_mode": TierMode.VOLUME, "tiers": [[0, 20_000]]}
    row = offers.PriceComponentRow(listing_version_id=terms.id, position=1, **price, **often)
    session.add(row)
    _answer(session, old)
    # Each file stands alone among its words: side by side with another, the difference would cut
    # its name to pieces.
    for answer in _answer(session, new, _PUBLIC_NOTE):
        by = {"uploaded_by_id": market.seller_admin.id, "owner_id": new.owner_id}
        file = planter.plant(session, offers.EvidenceFile, **by)
        planter.plant(session, offers.AnswerEvidence, answer_id=answer.id, file_id=file.id)
    factories.certification(session, new, ReviewState.CERTIFIED)
    return terms


def _answer(
    session: Session, version: OfferingVersion, note: str = ""
) -> list[offers.ConformanceAnswer]:
    requirements = list_requirements(session, version.specification_version_id)[:2]
    made = [
        offers.ConformanceAnswer(
            offering_version_id=version.id,
            requirement_id=each.id,
            answer=Answer.CONFORMS,
            note=note,
        )
        for each in requirements
    ]
    session.add_all(made)
    session.flush()
    return made
