"""Prices: properties that hold for every plan; test_pricing_oracle computes whole plans again."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from catalog.charges import price_quantity
from catalog.cost_rules import CostRules, compute_tax
from catalog.periods import Span, price_days
from catalog.price_plan import (
    ComponentKind,
    Interval,
    PartMonth,
    PriceComponent,
    PricePlan,
    TaxRounding,
    Term,
    Tier,
    TierMode,
    Unit,
    Volumes,
)
from catalog.pricing import cost


def component(tiers: tuple[Tier, ...], mode: TierMode) -> PriceComponent:
    return PriceComponent(
        "従量", ComponentKind.USAGE, Unit.PERSON, Interval.MONTH, tiers, tier_mode=mode
    )


DAYS = st.dates(min_value=date(2019, 5, 1), max_value=date(2060, 12, 31))
PRICES = st.integers(min_value=0, max_value=10**9)
QUANTITIES = st.integers(min_value=0, max_value=10**12)


@st.composite
def tier_lists(draw):
    bounds = sorted(draw(st.sets(st.integers(1, 10**6), max_size=4)))
    return tuple(Tier(bound, draw(PRICES)) for bound in [0, *bounds])


@st.composite
def monthly_plans(draw):
    modes = st.sampled_from(TierMode)
    lists = draw(st.lists(st.tuples(tier_lists(), modes), min_size=1, max_size=4))
    return PricePlan(tuple(component(tiers, mode) for tiers, mode in lists))


def split_at(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, start.day)


# No day after the 28th: such a contract ends with the month where the day is missing (民法143条).
@given(
    monthly_plans(),
    QUANTITIES,
    DAYS.filter(lambda day: day.day <= 28),
    st.integers(1, 80),
    st.integers(1, 80),
    st.sampled_from(PartMonth),
)
def test_splitting_a_term_adds_up_without_tax(plan, people, start, first, second, part_month):
    parted = replace(plan, part_month=part_month)
    volumes = Volumes(population=people)

    def by_year(at: date, months: int) -> dict[int, int]:
        statement = cost(parted, volumes, Term(at, months), CostRules(TaxRounding.WHOLE))
        assert statement.months[-1].end == Term(at, months).end
        return {line.fiscal_year: line.subtotal or 0 for line in statement.lines}

    parts = [by_year(start, first), by_year(split_at(start, first), second)]
    added = {year: sum(part.get(year, 0) for part in parts) for year in parts[0] | parts[1]}
    assert by_year(start, first + second) == added


@given(PRICES, DAYS, st.data())
def test_parts_of_a_month_add_up_to_the_month(amount, day, data):
    first, last = day.replace(day=1), split_at(day.replace(day=1), 1) - timedelta(days=1)
    cuts = sorted(data.draw(st.sets(st.integers(1, last.day - 1), max_size=4)))
    starts = [first, *(first.replace(day=cut + 1) for cut in cuts)]
    ends = [*(first.replace(day=cut) for cut in cuts), last]

    parts = [price_days(amount, Span(*each)) for each in zip(starts, ends, strict=True)]

    assert sum(parts) == amount
    exact = [
        Fraction(amount * Span(*each).days, last.day) for each in zip(starts, ends, strict=True)
    ]
    assert all(abs(part - each) < 1 for part, each in zip(parts, exact, strict=True))
    assert parts[-1] == floor(exact[-1])


@given(monthly_plans(), DAYS, st.integers(1, 80))
def test_days_cost_as_months_do_from_the_first_of_a_month(plan, day, months):
    def compute(part_month: PartMonth) -> object:
        term = Term(day.replace(day=1), months)
        parted = replace(plan, part_month=part_month)
        statement = cost(parted, Volumes(population=7), term, CostRules(TaxRounding.PER_MONTH))
        return statement.lines, statement.months, statement.items

    assert compute(PartMonth.DAYS) == compute(PartMonth.WHOLE)


@given(tier_lists(), st.sampled_from(TierMode), st.integers(10**6, 10**15))
def test_every_bound_of_the_tiers_is_inclusive_below(tiers, mode, huge):
    priced = component(tiers, mode)
    before = [tiers[0], *tiers[:-1]]

    assert price_quantity(priced, 0) == 0
    for tier, lower in list(zip(tiers, before, strict=True))[1:]:
        bound = tier.lower
        if mode is TierMode.VOLUME:
            assert price_quantity(priced, bound - 1) == (bound - 1) * lower.unit_price
            assert price_quantity(priced, bound) == bound * tier.unit_price
        else:
            at = price_quantity(priced, bound)
            assert at - price_quantity(priced, bound - 1) == lower.unit_price
            assert price_quantity(priced, bound + 1) - at == tier.unit_price
    last = tiers[-1]
    base = 0 if mode is TierMode.VOLUME else price_quantity(priced, last.lower)
    counted = huge if mode is TierMode.VOLUME else huge - last.lower
    assert price_quantity(priced, huge) == base + counted * last.unit_price


@given(monthly_plans(), QUANTITIES, DAYS, st.integers(1, 80), st.sampled_from(TaxRounding))
def test_lines_add_up_to_the_totals(plan, people, day, months, rounding):
    statement = cost(plan, Volumes(population=people), Term(day, months), CostRules(rounding))

    assert statement.subtotal == sum(line.subtotal or 0 for line in statement.lines)
    assert statement.total == sum(line.total or 0 for line in statement.lines)
    assert statement.subtotal == sum(amount or 0 for amount in statement.amounts.values())
    assert sum(line.months for line in statement.lines) == months
    assert all((line.tax or 0) >= 0 for line in statement.lines)


@given(monthly_plans(), QUANTITIES, DAYS, st.integers(1, 80))
def test_dropping_fractions_more_often_never_costs_more(plan, people, day, months):
    def total(rounding: TaxRounding) -> int:
        statement = cost(plan, Volumes(population=people), Term(day, months), CostRules(rounding))
        assert statement.total is not None
        return statement.total

    per_month, per_year = total(TaxRounding.PER_MONTH), total(TaxRounding.PER_YEAR)
    whole = total(TaxRounding.WHOLE)
    assert per_month <= per_year <= whole < per_month + months


@given(tier_lists(), QUANTITIES)
def test_graduated_price_never_falls_and_meets_its_tier_prices(tiers, quantity):
    graduated = component(tiers, TierMode.GRADUATED)

    step = price_quantity(graduated, quantity + 1) - price_quantity(graduated, quantity)
    assert step == [tier.unit_price for tier in tiers if tier.lower <= quantity][-1]
    assert price_quantity(graduated, 0) == 0


@given(st.integers(0, 10**15), st.integers(0, 3_000))
def test_tax_drops_fractions_of_a_yen(amount, basis_points):
    assert compute_tax(amount, basis_points) == floor(Fraction(amount * basis_points, 10_000))
