"""Race 10: the vendor sends a later price while a lead approves the earlier one; the later one waits."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from accounts.identity import Actor
from bench.measures import measure
from catalog.offerings import services
from catalog.offerings.models import ListingVersion, OfferState
from catalog.offerings.prices import plan_of
from catalog.offerings.queries import get_listing_version
from core import db
from core.config import Settings
from core.errors import DomainError, StaleVersion, WrongState
from tests import factories
from tests.catalog.offerings.conftest import (
    BASE_PRICE,
    Company,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, on_both

EARLIER, LATER = 30_000, 40_000


@dataclass(frozen=True, slots=True)
class Shop:
    """A vendor with one published listing, and who approves its prices."""

    company: Company
    lead: Actor
    listing_id: UUID
    published: UUID


@measure(
    "race 10, edited while approved: rounds with another outcome",
    goal="== 0",
    unit="rounds",
    base=RACES,
)
@on_both()
def count_wrong(_database: DatabaseUnderTest, _settings: Settings) -> Play:
    """Let a lead approve a price while the vendor replaces it by another."""
    with db.transaction() as session:
        company, lead = make_company(session), make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    shown = publish(company, lead, version_id)
    shop = Shop(company, lead, shown.listing_id, shown.id)

    def play(_number: int) -> bool:
        return is_later_one_waiting(shop)

    return play


def is_later_one_waiting(shop: Shop) -> bool:
    """Run one round; tells whether only what the lead read was approved, and the later price waits."""
    earlier = _change_price(shop, None, EARLIER)
    with db.reading() as session:
        seen = _load(session, earlier).version
    approved, sent = at_once(
        lambda: _approve(shop, earlier, seen), lambda: _change_price(shop, earlier, LATER)
    )
    if isinstance(approved, DomainError) and not isinstance(approved, StaleVersion | WrongState):
        return False
    if isinstance(sent, DomainError):
        if not isinstance(sent, StaleVersion | WrongState):
            return False
        sent = _change_price(shop, earlier, LATER)  # the vendor reads again, and sends again
    with db.reading() as session:
        later = _load(session, sent)
        prices = {each.tiers[0].unit_price for each in plan_of(later).components}
        kept = session.get_one(ListingVersion, earlier)
        waits = later.state is OfferState.SUBMITTED and later.approved_by_id is None
        judged = kept.approved_by_id is not None
        still = _published(session, shop) == [shop.published]
    _drop(shop, sent)
    told = isinstance(approved, DomainError)
    return waits and still and prices == {LATER} and judged is not told


def _change_price(shop: Shop, instead_of: UUID | None, amount: int) -> UUID:
    """Send a new price to the lead, in place of one that was sent before."""
    actor = shop.company.acts()
    with db.transaction() as session:
        if instead_of is not None:
            services.discard_listing_version(session, actor, _load(session, instead_of))
        listing = _load(session, shop.published).listing
        made_id = services.start_listing_change(session, actor, listing).id
        session.flush()
        session.expunge_all()
        made = _load(session, made_id)
        services.save_prices(
            session,
            actor,
            made,
            version=made.version,
            components=[{**BASE_PRICE, "tiers": [[0, amount]]}],
            minimum_term_months=12,
        )
        services.submit_listing_version(session, actor, made)
        return made_id


def _approve(shop: Shop, version_id: UUID, seen: int) -> UUID:
    with db.transaction() as session:
        row = _load(session, version_id)
        services.approve_listing_version(session, shop.lead, row, version=seen)
        return version_id


def _drop(shop: Shop, version_id: UUID) -> None:
    with db.transaction() as session:
        services.discard_listing_version(session, shop.company.acts(), _load(session, version_id))


def _load(session: Session, version_id: UUID) -> ListingVersion:
    found = get_listing_version(session, version_id)
    assert found is not None
    return found


def _published(session: Session, shop: Shop) -> list[UUID]:
    statement = select(ListingVersion.id).where(
        ListingVersion.listing_id == shop.listing_id,
        col(ListingVersion.state) == OfferState.PUBLISHED,
    )
    return list(session.exec(statement))
