"""The price components and the plan of the worked example, for the tests of the reckoning."""

from datetime import date

from catalog.cost_rules import CostRules
from catalog.price_plan import (
    ComponentKind,
    Interval,
    PriceComponent,
    PricePlan,
    Tier,
    Unit,
    Volumes,
)
from catalog.pricing import cost

START = date(2026, 10, 1)
TOWN = Volumes(population=32_451)


def component(
    kind=ComponentKind.BASE, unit=Unit.LUMP, interval=Interval.MONTH, price=1_000, **more
):
    tiers = more.pop("tiers", (Tier(0, price),))
    return PriceComponent(more.pop("name", kind.label), kind, unit, interval, tiers, **more)


def compute(plan, volumes, term, rounding, **rules):
    return cost(plan, volumes, term, CostRules(rounding, **rules))


INITIAL = component(ComponentKind.INITIAL, interval=Interval.ONCE, price=1_500_000)
BASE = component(price=120_000)
PER_PERSON = component(ComponentKind.USAGE, Unit.PERSON, price=3)
EXAMPLE = PricePlan((INITIAL, BASE, PER_PERSON))
