"""What each component of a price plan costs a body each time it is charged. Pure, integer yen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.price_plan import (
    ComponentKind,
    Interval,
    PriceComponent,
    QuoteNeed,
    QuoteReason,
    Term,
    TierMode,
    Unit,
    Volumes,
    list_owed,
)

MONTHS_PER_YEAR = 12

# Volumes count these per month, so a price once or per year has no known quantity to multiply.
_MONTHLY_FLOW_UNITS = (Unit.CASE, Unit.HOUR)


@dataclass(frozen=True, slots=True)
class Charge:
    """A component and what it costs each time it is charged, yen without tax; None: quote."""

    component: PriceComponent
    amount: int | None
    months: tuple[int, ...]


def price_quantity(component: PriceComponent, quantity: int) -> int:
    """Give one charge in yen without tax for a known quantity; ValueError without a price.

    Graduated tiers price the part of the quantity from their bound up to the next one: with tiers
    at 0 and 100, the first 100 units cost the first price.
    """
    if not component.tiers:
        raise ValueError(f"no price is published: {component.name}")
    if component.tier_mode is TierMode.VOLUME:
        tier = next(each for each in reversed(component.tiers) if quantity >= each.lower)
        amount = quantity * tier.unit_price
    else:
        uppers = [each.lower for each in component.tiers[1:]] + [quantity]
        amount = sum(
            max(0, min(quantity, upper) - tier.lower) * tier.unit_price
            for tier, upper in zip(component.tiers, uppers, strict=True)
        )
    if component.minimum is not None:
        amount = max(amount, component.minimum)
    return amount if component.maximum is None else min(amount, component.maximum)


def charge_amount(component: PriceComponent, volumes: Volumes) -> int | QuoteNeed:
    """Give one charge in yen without tax for a body, or why only a quote can tell it."""
    quantity = volumes.get(component.unit)
    is_flow = component.unit in _MONTHLY_FLOW_UNITS
    if is_flow and component.interval in (Interval.ONCE, Interval.YEAR):
        quantity = None
    if component.tiers and quantity is not None:
        return price_quantity(component, quantity)
    reason = QuoteReason.UNKNOWN_VOLUME if component.tiers else QuoteReason.NO_PRICE
    return QuoteNeed(reason, component.name, component.kind, component.unit, component.interval)


def price_components(
    components: Iterable[PriceComponent], volumes: Volumes, term: Term
) -> tuple[tuple[Charge, ...], tuple[QuoteNeed, ...]]:
    """Price every month of the term by what counts for the body then; what nothing covers needs a quote."""
    charges: list[Charge] = []
    needs: list[QuoteNeed] = []
    starts = term.month_starts()
    for group in list_owed(components, volumes.population):
        due = set(_list_charge_months(group[0], term.months))
        for each in group:
            months = [month for month in sorted(due) if each.is_valid_on(starts[month])]
            if not months or not each.fits(volumes.population):
                continue
            due.difference_update(months)
            priced = charge_amount(each, volumes)
            if isinstance(priced, QuoteNeed):
                needs.append(priced)
            amount = None if isinstance(priced, QuoteNeed) else priced
            charges.append(Charge(each, amount, tuple(months)))
        if due:
            needs.append(_explain_gap(group, volumes))
            charges.append(Charge(group[0], None, tuple(sorted(due))))
    return tuple(charges), tuple(needs)


def _explain_gap(group: Sequence[PriceComponent], volumes: Volumes) -> QuoteNeed:
    reason = QuoteReason.OUTSIDE_PERIOD
    if not any(each.fits(volumes.population) for each in group):
        known = volumes.population is not None
        reason = QuoteReason.OUTSIDE_SIZE if known else QuoteReason.UNKNOWN_VOLUME
    first = group[0]
    return QuoteNeed(reason, first.name, first.kind, first.unit, first.interval)


def price_now(
    components: Iterable[PriceComponent], volumes: Volumes, day: date | None
) -> list[Charge]:
    """Price each component as it counts on a day, for a first month that begins then."""
    charges = []
    for group in list_owed(components, volumes.population):
        found = [e for e in group if e.fits(volumes.population) and e.is_valid_on(day)]
        priced = charge_amount(found[0], volumes) if found else None
        amount = priced if isinstance(priced, int) else None
        charges.append(Charge(found[0] if found else group[0], amount, (0,)))
    return charges


def _list_charge_months(component: PriceComponent, months: int) -> range:
    """Give the months of the contract, counted from 0, in which a component is charged."""
    if component.kind is ComponentKind.EXIT:
        return range(months - 1, months)
    if component.interval is Interval.ONCE:
        return range(1)
    return range(0, months, MONTHS_PER_YEAR if component.interval is Interval.YEAR else 1)


def sum_month(charges: Iterable[Charge]) -> int | None:
    """Give what a month costs at the prices of the first one, yearly and one-time charges apart."""
    monthly = (Interval.MONTH, Interval.USAGE)
    return sum_known(
        each.amount for each in charges if each.component.interval in monthly and 0 in each.months
    )


def sum_year(charges: Sequence[Charge]) -> int | None:
    """Give a contract year's recurring charges at the first month's prices: twelve months, yearly ones."""
    month = sum_month(charges)
    yearly = [
        each.amount
        for each in charges
        if each.component.interval is Interval.YEAR and 0 in each.months
    ]
    return sum_known([*yearly, None if month is None else month * MONTHS_PER_YEAR])


def sum_known(amounts: Iterable[int | None]) -> int | None:
    """Give the sum, or None as soon as one part is unknown."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
