"""What buyers may see, asked of the tables."""

import pytest

from catalog.offerings import content, prices, queries
from catalog.offerings.models import OfferState
from core import db
from tests import factories
from tests.client import recorded_statements
from tests.databases import DatabaseUnderTest
from vendors.models import VendorState


def test_listed_version_comes_whole_in_two_statements(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        maker = factories.vendor(session)
        made = factories.offering(session, maker, factories.specification(session))
    with db.reading() as session, recorded_statements() as statements:
        (found,) = queries.find_listed(session)
        assert queries.is_listed(found)
        assert found.id == made.id
        assert found.listing.seller.name == found.listing.offering.maker.name == maker.name
        assert found.offering_version.specification_version.specification.is_sample
        assert len(prices.plan_of(found).components) == 3
    assert len(statements) == 2, statements


@pytest.mark.parametrize(
    ("state", "vendor_state", "listed"),
    [
        (OfferState.PUBLISHED, VendorState.ACTIVE, True),
        (OfferState.APPROVED, VendorState.ACTIVE, False),
        (OfferState.WITHDRAWN, VendorState.ACTIVE, False),
        (OfferState.PUBLISHED, VendorState.SUSPENDED, False),
        (OfferState.PUBLISHED, VendorState.TERMINATED, False),
    ],
)
def test_only_published_offerings_of_active_vendors_are_listed(
    database: DatabaseUnderTest, state: OfferState, vendor_state: VendorState, *, listed: bool
) -> None:
    with db.transaction() as session:
        maker = factories.vendor(session, vendor_state)
        made = factories.offering(session, maker, factories.specification(session), state)
    with db.reading() as session:
        assert [each.id for each in queries.find_listed(session)] == ([made.id] if listed else [])
        row = queries.load_listing_versions(session, [made.id])[made.id]
        assert queries.is_listed(row) is listed


def test_reseller_is_listed_only_after_the_makers_confirmation(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        maker, reseller = factories.vendor(session), factories.vendor(session)
        own = factories.offering(session, maker, factories.specification(session))
        own = queries.load_listing_versions(session, [own.id])[own.id]
        other = factories.listing(
            session, own.listing.offering, own.offering_version, reseller, OfferState.PUBLISHED, []
        )
        listing = queries.get_listing(session, other.listing_id)
        assert listing is not None
        listing.confirmed_at = None
        offering_id, other_id = own.listing.offering_id, other.id
    with db.reading() as session:
        assert len(queries.find_listed(session, offering_id=offering_id)) == 1
        row = queries.load_listing_versions(session, [other_id])[other_id]
        assert not queries.is_listed(row)


def test_content_hash_tells_every_change_of_a_price_or_an_answer(
    database: DatabaseUnderTest,
) -> None:
    with db.transaction() as session:
        made = factories.offering(
            session, factories.vendor(session), factories.specification(session)
        )
        row = queries.load_listing_versions(session, [made.id])[made.id]
        answers = queries.list_answers(session, [row.offering_version_id])
        mine = answers[row.offering_version_id]
        before = [
            content.hash_content(content.listing_content(row)),
            content.hash_content(content.offering_content(row.offering_version, mine)),
        ]
        row.components[0].tiers = [[0, 1]]
        next(iter(mine.values())).note = "変更"
        after = [
            content.hash_content(content.listing_content(row)),
            content.hash_content(content.offering_content(row.offering_version, mine)),
        ]
    assert before[0] != after[0]
    assert before[1] != after[1]
