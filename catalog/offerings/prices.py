"""From stored price components to the pure price plan that catalog.pricing computes with."""

from collections.abc import Iterable

from catalog.offerings.models import ListingVersion, PriceComponentRow
from catalog.price_plan import PriceComponent, PricePlan, Tier


def plan_of(version: ListingVersion) -> PricePlan:
    """Return the price plan of a listing version whose components are loaded, yen without tax.

    Raises ValueError for a draft without components; a submitted version always has some.
    """
    return make_plan(version.components, version.minimum_term_months)


def make_plan(components: Iterable[PriceComponentRow], minimum_term_months: int) -> PricePlan:
    """Return a price plan from rows, stored or not; ValueError when it contradicts itself."""
    return PricePlan(
        components=tuple(make_component(row) for row in components),
        minimum_term_months=minimum_term_months,
    )


def make_component(row: PriceComponentRow) -> PriceComponent:
    """Return one component; no tiers mean that no price is published."""
    return PriceComponent(
        name=row.name,
        kind=row.kind,
        unit=row.unit,
        interval=row.interval,
        tiers=tuple(Tier(lower, price) for lower, price in row.tiers),
        tier_mode=row.tier_mode,
        minimum=row.minimum,
        maximum=row.maximum,
    )
