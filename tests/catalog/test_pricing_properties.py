"""Prices: properties, and an oracle that counts unit by unit and day by day."""

import random
from datetime import date, timedelta
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.charges import price_quantity
from catalog.cost_rules import compute_tax
from catalog.price_plan import (
    ALLOWED_INTERVALS,
    ComponentKind,
    Interval,
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
    return date(year, month + 1, 1)


@given(monthly_plans(), QUANTITIES, DAYS, st.integers(1, 80), st.integers(1, 80))
def test_splitting_a_term_adds_up_without_tax(plan, people, day, first, second):
    start = day.replace(day=1)
    volumes = Volumes(population=people)

    def by_year(at: date, months: int) -> dict[int, int]:
        statement = cost(plan, volumes, Term(at, months), TaxRounding.WHOLE)
        return {line.fiscal_year: line.subtotal or 0 for line in statement.lines}

    parts = [by_year(start, first), by_year(split_at(start, first), second)]
    added = {year: sum(part.get(year, 0) for part in parts) for year in parts[0] | parts[1]}
    assert by_year(start, first + second) == added


@given(monthly_plans(), QUANTITIES, DAYS, st.integers(1, 80), st.sampled_from(TaxRounding))
def test_lines_add_up_to_the_totals(plan, people, day, months, rounding):
    statement = cost(plan, Volumes(population=people), Term(day, months), rounding)

    assert statement.subtotal == sum(line.subtotal or 0 for line in statement.lines)
    assert statement.total == sum(line.total or 0 for line in statement.lines)
    assert statement.subtotal == sum(amount or 0 for amount in statement.amounts.values())
    assert sum(line.months for line in statement.lines) == months
    assert all((line.tax or 0) >= 0 for line in statement.lines)


@given(monthly_plans(), QUANTITIES, DAYS, st.integers(1, 80))
def test_dropping_fractions_more_often_never_costs_more(plan, people, day, months):
    def total(rounding: TaxRounding) -> int:
        statement = cost(plan, Volumes(population=people), Term(day, months), rounding)
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


# --- an independent oracle -----------------------------------------------------------------------


def expected_charge(each: PriceComponent, quantity: int) -> int:
    """Price unit by unit: the last bound at or below the unit's index (or the sum) decides."""
    amount = 0
    for index in range(quantity):
        reached = index if each.tier_mode is TierMode.GRADUATED else quantity
        price = 0
        for tier in each.tiers:
            if tier.lower <= reached:
                price = tier.unit_price
        amount += price
    low = each.minimum if each.minimum is not None else amount
    high = each.maximum if each.maximum is not None else max(amount, low)
    return min(max(amount, low), high)


def expected_months(start: date, months: int) -> list[int]:
    """Give the fiscal year of each contract month, walking the calendar a day at a time."""
    day = start
    years: list[int] = []
    while len(years) < months:
        if day == start or day.day == 1:
            years.append(day.year - 1 if day.month in (1, 2, 3) else day.year)
        day += timedelta(days=1)
    return years


def expected_totals(plan, volumes, start, months, rounding):
    years = expected_months(start, months)
    ledger: list[tuple[int, int, int]] = []
    for each in plan.components:
        charge = expected_charge(each, volumes.get(each.unit))
        for month, year in enumerate(years):
            is_due = {
                Interval.ONCE: month == (months - 1 if each.kind is ComponentKind.EXIT else 0),
                Interval.YEAR: month % 12 == 0,
            }.get(each.interval, True)
            if is_due:
                ledger.append((year, month, charge))
    groups: dict[object, int] = {}
    for year, month, charge in ledger:
        key = {TaxRounding.PER_MONTH: month, TaxRounding.PER_YEAR: year}.get(rounding, "whole")
        groups[key] = groups.get(key, 0) + charge
    by_year = dict.fromkeys(years, 0)
    for year, _, charge in ledger:
        by_year[year] += charge
    return by_year, sum(floor(Fraction(amount, 10)) for amount in groups.values())


def random_component(source: random.Random, number: int) -> PriceComponent:
    kind = source.choice(list(ComponentKind))
    bounds = sorted(source.sample(range(1, 200), source.randint(0, 3)))
    minimum = source.choice([None, source.randint(0, 5_000)])
    return PriceComponent(
        name=f"{kind.label}{number}",
        kind=kind,
        unit=source.choice([Unit.LUMP, Unit.PERSON, Unit.HOUSEHOLD, Unit.ID, Unit.COUNTER]),
        interval=source.choice(ALLOWED_INTERVALS[kind]),
        tiers=tuple(Tier(bound, source.randint(0, 9_999)) for bound in [0, *bounds]),
        tier_mode=source.choice(list(TierMode)),
        minimum=minimum,
        maximum=source.choice([None, (minimum or 0) + source.randint(0, 500_000)]),
    )


@pytest.mark.parametrize("seed", range(240))
def test_random_plans_agree_with_the_oracle(seed):
    source = random.Random(seed)
    parts = tuple(random_component(source, each) for each in range(source.randint(1, 6)))
    plan = PricePlan(parts)
    volumes = Volumes(*(source.choice([0, source.randint(1, 300)]) for _ in range(4)))
    start = date(source.randint(2024, 2030), source.randint(1, 12), 1)
    months, rounding = source.randint(1, 40), source.choice(list(TaxRounding))

    statement = cost(
        plan,
        volumes,
        Term(start, months),
        rounding,
        chosen_options=frozenset(each.name for each in parts if each.is_option),
        include_exit=True,
    )

    by_year, tax = expected_totals(plan, volumes, start, months, rounding)
    assert {line.fiscal_year: line.subtotal for line in statement.lines} == by_year
    assert (statement.subtotal, statement.tax) == (sum(by_year.values()), tax)


@given(st.integers(0, 10**15), st.integers(0, 3_000))
def test_tax_drops_fractions_of_a_yen(amount, basis_points):
    assert compute_tax(amount, basis_points) == floor(Fraction(amount * basis_points, 10_000))
