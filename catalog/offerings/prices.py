"""From stored price components to the pure price plan that catalog.pricing computes with."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from catalog.offerings.listed import Listed, ListedPrice
from catalog.offerings.models import ListingVersion, PriceComponentRow
from catalog.price_plan import Currency, PartMonth, PriceComponent, PricePlan, Tier
from catalog.terms import SizeClass
from core.clock import today_jst

PriceRow = PriceComponentRow | ListedPrice
R = TypeVar("R", bound=PriceRow)


def plan_of(version: ListingVersion | Listed, day: date | None = None) -> PricePlan:
    """Return the price plan of a listing version as everyone may read it on a day, by default today.

    Its components must be loaded; amounts are in yen without tax. Prices that count only later are
    not public yet: they are left out, and what has no other price needs a quote. Raises ValueError
    for a draft without components; a submitted version always has some.
    """
    today = day or today_jst()
    known = version.plans.get(today) if isinstance(version, Listed) else None
    if known is not None:
        return known
    plan = plan_of_rows(version.components, today, version.minimum_term_months, version.part_month)
    if isinstance(version, Listed):
        version.plans[today] = plan
    return plan


def plan_of_rows(
    components: Sequence[PriceRow],
    day: date,
    minimum_term_months: int = 0,
    part_month: PartMonth = PartMonth.WHOLE,
) -> PricePlan:
    """Return the price plan that rows of a listing version make up, as everyone may read it on a day."""
    shown = list_public(components, day)
    if components and not shown:
        hidden = make_component(components[0])
        plain = replace(
            hidden, name="", tiers=(), minimum=None, maximum=None, valid_from=None, valid_to=None
        )
        return PricePlan((plain,), minimum_term_months, as_of=day, part_month=part_month)
    return make_plan(shown, minimum_term_months, day, part_month)


def list_public(components: Iterable[R], day: date) -> Sequence[R]:
    """Return the components that everyone may see on a day: none that begins later."""
    return [each for each in components if each.valid_from is None or each.valid_from <= day]


def list_turns(components: Iterable[PriceComponentRow], day: date) -> list[date]:
    """Return the days after a day on which a price begins or no longer counts, each once."""
    begins = {each.valid_from for each in components if each.valid_from}
    ends = {date.fromordinal(e.valid_to.toordinal() + 1) for e in components if e.valid_to}
    return sorted(turn for turn in begins | ends if turn > day)


def make_plan(
    components: Iterable[PriceRow],
    minimum_term_months: int,
    as_of: date | None = None,
    part_month: PartMonth = PartMonth.WHOLE,
) -> PricePlan:
    """Return a price plan from rows, stored or not; ValueError when it contradicts itself."""
    return PricePlan(
        components=tuple(make_component(row) for row in components),
        minimum_term_months=minimum_term_months,
        as_of=as_of,
        part_month=part_month,
    )


def make_component(row: PriceRow) -> PriceComponent:
    """Return one component; no tiers mean that no price is published."""
    return PriceComponent(
        name=row.name,
        kind=row.kind,
        unit=row.unit,
        interval=row.interval,
        tiers=tuple([Tier(lower, price) for lower, price in row.tiers]),
        tier_mode=row.tier_mode,
        minimum=row.minimum,
        maximum=row.maximum,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        sizes=frozenset(map(SizeClass, row.size_classes or ())),
        currency=row.currency or Currency.JPY,
    )
