"""What each component of a price plan costs a body each time it is charged. Pure, integer yen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from catalog.cost_rules import PLAIN_RULES, CostRules, discount
from catalog.periods import (
    MONTHS_PER_YEAR,
    Schedule,
    Slot,
    Span,
    cover,
    leave,
    list_slots,
    price_days,
)
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PriceComponent,
    QuoteNeed,
    QuoteReason,
    TierMode,
    Unit,
    Volumes,
    choose_owed,
    list_owed,
    list_variants,
)

# Volumes count these per month, so a price once or per year has no known quantity to multiply.
_MONTHLY_FLOW_UNITS = (Unit.CASE, Unit.HOUR)
_DISCOUNTED = (ComponentKind.BASE, ComponentKind.USAGE, ComponentKind.OPTION)


@dataclass(frozen=True, slots=True)
class Due:
    """One time that a component is charged, yen without tax; None: quote.

    A part is some days of a calendar month; else a whole charge falls due.
    """

    period: int
    span: Span
    amount: int | None
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """A component, one whole charge of it in yen without tax (None: quote), and when it falls due."""

    component: PriceComponent
    quantity: int | None
    amount: int | None
    dues: tuple[Due, ...] = ()
    need: QuoteNeed | None = None
    is_first: bool = False


def price_quantity(component: PriceComponent, quantity: int) -> int:
    """Give one charge without tax in the component's currency; ValueError without a price.

    Graduated tiers price the part of the quantity from their bound up to the next one: with tiers
    at 0 and 100, the first 100 units cost the first price.
    """
    if not component.tiers:
        raise ValueError(f"no price is published: {component.name}")
    if len(component.tiers) == 1:
        amount = quantity * component.tiers[0].unit_price
    elif component.tier_mode is TierMode.VOLUME:
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


def find_quantity(component: PriceComponent, volumes: Volumes) -> int | None:
    """Give the quantity that one charge multiplies, None where it is unknown."""
    is_flow = component.unit in _MONTHLY_FLOW_UNITS
    if is_flow and component.interval in (Interval.ONCE, Interval.YEAR):
        return None
    return volumes.get(component.unit)


def charge_amount(
    component: PriceComponent, volumes: Volumes, rules: CostRules = PLAIN_RULES
) -> int | QuoteNeed:
    """Give one charge in yen without tax for a body, or why only a quote can tell it.

    A foreign amount becomes yen first, then the discount is taken off; both drop fractions of a yen.
    """
    if not component.tiers:
        return _need(QuoteReason.NO_PRICE, component)
    quantity = find_quantity(component, volumes)
    if quantity is None:
        return _need(QuoteReason.UNKNOWN_VOLUME, component)
    amount = price_quantity(component, quantity)
    if component.currency is not Currency.JPY:
        rate = rules.rates.get(component.currency)
        if rate is None:
            return _need(QuoteReason.NO_EXCHANGE_RATE, component)
        amount = rate.to_yen(amount)
    if component.kind in _DISCOUNTED and component.interval is not Interval.ONCE:
        return discount(amount, rules.discount_basis_points)
    return amount


def price_components(
    components: Iterable[PriceComponent],
    volumes: Volumes,
    schedule: Schedule,
    rules: CostRules,
) -> tuple[Charge, ...]:
    """Price every period by what counts for the body then; what nothing covers needs a quote."""
    charges: list[Charge] = []
    for group in list_owed(components, volumes.sized_by):
        slots = list_slots(group[0], schedule)
        for each in group:
            if not each.fits(volumes.sized_by):
                continue
            dues, slots = _take(each, slots)
            if dues:
                charges.append(_charge(each, dues, volumes, rules, schedule.term.start))
        if slots:
            charges.append(_gap(group, slots, volumes, schedule.term.start))
    return tuple(charges)


def _take(component: PriceComponent, slots: Sequence[Slot]) -> tuple[list[Slot], list[Slot]]:
    """Give the slots for which a price counts, and what is left of all."""
    if component.valid_from is None and component.valid_to is None:
        return list(slots), []
    taken: list[Slot] = []
    left: list[Slot] = []
    for slot in slots:
        span = cover(slot, component)
        if span is None:
            left.append(slot)
        else:
            taken.append(Slot(slot.period, span, slot.by_days))
            left += leave(slot, span)
    return taken, left


def _charge(
    component: PriceComponent,
    slots: Sequence[Slot],
    volumes: Volumes,
    rules: CostRules,
    start: date,
) -> Charge:
    priced = charge_amount(component, volumes, rules)
    need = priced if isinstance(priced, QuoteNeed) else None
    amount = None if isinstance(priced, QuoteNeed) else priced
    return Charge(
        component=component,
        quantity=find_quantity(component, volumes),
        amount=amount,
        dues=tuple(_due(slot, amount) for slot in slots),
        need=need,
        is_first=slots[0].span.start == start,
    )


def _due(slot: Slot, amount: int | None) -> Due:
    is_part = slot.by_days and not slot.span.is_calendar_month
    if is_part and amount is not None:
        amount = price_days(amount, slot.span)
    return Due(slot.period, slot.span, amount, is_part)


def _gap(
    group: Sequence[PriceComponent], slots: Sequence[Slot], volumes: Volumes, start: date
) -> Charge:
    reason = QuoteReason.OUTSIDE_PERIOD
    if not any(each.fits(volumes.sized_by) for each in group):
        known = volumes.sized_by is not None
        reason = QuoteReason.OUTSIDE_SIZE if known else QuoteReason.UNKNOWN_VOLUME
    dues = tuple(_due(slot, None) for slot in slots)
    is_first = slots[0].span.start == start
    need = _need(reason, group[0])
    return Charge(_without_price(group[0]), None, None, dues, need, is_first)


def _without_price(component: PriceComponent) -> PriceComponent:
    """Give what is owed although no variant counts: its name, without the price and reach of one."""
    return replace(
        component,
        tiers=(),
        minimum=None,
        maximum=None,
        valid_from=None,
        valid_to=None,
        sizes=frozenset(),
    )


def _need(reason: QuoteReason, component: PriceComponent) -> QuoteNeed:
    return QuoteNeed(reason, component.name, component.kind, component.unit, component.interval)


def price_now(
    components: Iterable[PriceComponent],
    bodies: Iterable[Volumes],
    day: date | None,
    rules: CostRules = PLAIN_RULES,
) -> Iterator[list[Charge]]:
    """Price for each body each component as it counts on a day, for a first month that begins then."""
    variants = list_variants(components)
    for body in bodies:
        charges = []
        for group in choose_owed(variants, body.sized_by):
            found = [e for e in group if e.fits(body.sized_by) and e.is_valid_on(day)]
            priced = charge_amount(found[0], body, rules) if found else None
            amount = priced if isinstance(priced, int) else None
            charges.append(Charge(found[0] if found else group[0], None, amount, is_first=True))
        yield charges


def sum_month(charges: Iterable[Charge]) -> int | None:
    """Give what a month costs at the prices of the first one, yearly and one-time charges apart."""
    monthly = (Interval.MONTH, Interval.USAGE)
    return sum_known(
        each.amount for each in charges if each.component.interval in monthly and each.is_first
    )


def sum_year(charges: Sequence[Charge]) -> int | None:
    """Give a contract year's recurring charges at the first month's prices: twelve months, yearly ones."""
    month = sum_month(charges)
    yearly = [
        each.amount
        for each in charges
        if each.component.interval is Interval.YEAR and each.is_first
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
