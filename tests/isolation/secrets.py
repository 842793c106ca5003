"""Everything that a company, a body and the agency hold privately, beside what everyone sees."""

import pytest

from core import db
from tests.isolation.account_secrets import plant_accounts
from tests.isolation.market_secrets import plant_company, plant_offers
from tests.isolation.purchase_secrets import buy, plant_purchases
from tests.isolation.review_secrets import plant_reviews, plant_specifications
from tests.isolation.world import World


def plant_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide something in every table that has private words."""
    buy(world, monkeypatch)
    with db.transaction() as session:
        plant_offers(world, session)
        plant_company(world, session)
        plant_reviews(world, session)
        plant_specifications(world, session)
        plant_purchases(world, session)
        plant_accounts(world, session)
