"""The first twelve months of a price plan, and the bands that results are filtered by. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.charges import Charge, price_now, sum_known, sum_year
from catalog.cost_rules import PLAIN_RULES, CostRules, compute_tax
from catalog.price_plan import QUOTE_LABEL, ComponentKind, Interval, PricePlan, Volumes

REFERENCE_VOLUMES = Volumes(population=10_000)


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """First twelve months for the reference body, yen without tax, initial apart; None: quote."""

    running: int | None
    initial: int | None


@dataclass(frozen=True, slots=True)
class PriceBand:
    """A band of yearly running cost, yen with tax; lower bound inclusive, None: quote."""

    code: str
    label: str
    lower: int | None


PRICE_BANDS: tuple[PriceBand, ...] = (
    PriceBand("under_500k", "50万円未満", 0),
    PriceBand("500k", "50万円以上100万円未満", 500_000),
    PriceBand("1m", "100万円以上300万円未満", 1_000_000),
    PriceBand("3m", "300万円以上1,000万円未満", 3_000_000),
    PriceBand("10m", "1,000万円以上", 10_000_000),
    PriceBand("quote", QUOTE_LABEL, None),
)


def first_year_reference(plan: PricePlan) -> ReferencePrice:
    """Give the first twelve months for 10,000 people, without options and exit charges.

    The minimum term does not matter here; a plan not open to 10,000 people has no such price.
    """
    return first_year_cost(plan, REFERENCE_VOLUMES)


def first_year_cost(
    plan: PricePlan, volumes: Volumes, rules: CostRules = PLAIN_RULES
) -> ReferencePrice:
    """Give the first twelve months for these volumes with the options in use, without exit and tax."""
    (price,) = first_year_costs(plan, (volumes,), rules)
    return price


def first_year_costs(
    plan: PricePlan, bodies: Iterable[Volumes], rules: CostRules = PLAIN_RULES
) -> list[ReferencePrice]:
    """Give the same for each of several bodies; what no body decides is read once."""
    counted = [
        each
        for each in plan.components
        if (not each.is_option or each.name in rules.options)
        and each.kind is not ComponentKind.EXIT
    ]
    asked = list(bodies)
    priced = price_now(counted, asked, plan.as_of, rules)
    return [
        _add_up(charges) if plan.covers(body.sized_by) else ReferencePrice(None, None)
        for body, charges in zip(asked, priced, strict=True)
    ]


def _add_up(charges: Sequence[Charge]) -> ReferencePrice:
    once = [each.amount for each in charges if each.component.interval is Interval.ONCE]
    return ReferencePrice(running=sum_year(charges), initial=sum_known(once))


def band_for(running: int | None) -> PriceBand:
    """Give the band of a running cost, yen with tax; None has its own; ValueError below 0."""
    if running is None:
        return PRICE_BANDS[-1]
    if running < 0:
        raise ValueError(f"a running cost must not be negative: {running}")
    priced = [band for band in PRICE_BANDS if band.lower is not None and band.lower <= running]
    return priced[-1]


def price_band(plan: PricePlan) -> PriceBand:
    """Give the band of a plan's reference price with tax, the facet value of a listing."""
    running = first_year_reference(plan).running
    return band_for(None if running is None else running + compute_tax(running))
