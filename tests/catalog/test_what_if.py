"""What changes if: volumes, rounding, adopting bodies, today's contract, State support."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.cost_rules import CostRules
from catalog.price_plan import (
    ComponentKind,
    Interval,
    PartMonth,
    PricePlan,
    TaxRounding,
    Term,
    Tier,
    TierMode,
    Unit,
    Volumes,
)
from catalog.pricing import cost
from catalog.terms import SizeClass
from catalog.what_if import (
    Baseline,
    StateSupport,
    against_baseline,
    all_roundings,
    apply_support,
    discounted_years,
    pick_discount,
    scale_volumes,
    vary,
)
from tests.catalog.price_samples import BASE, EXAMPLE, START, TOWN, component

YEARLY = CostRules(TaxRounding.PER_YEAR)
FIVE_YEARS = Term(START, 60)


def test_three_roundings_give_the_three_totals_of_the_worked_example():
    rules = CostRules(TaxRounding.WHOLE)

    assert all_roundings(EXAMPLE, TOWN, FIVE_YEARS, rules) == {
        TaxRounding.PER_MONTH: 15_995_280,
        TaxRounding.PER_YEAR: 15_995_294,
        TaxRounding.WHOLE: 15_995_298,
    }


def test_sensitivity_changes_quantities_and_not_who_the_body_is():
    small = component(price=1_000, name="小", sizes=frozenset({SizeClass.FROM_10K}))
    large = component(price=9_000, name="大", sizes=frozenset({SizeClass.FROM_50K}))
    people = component(ComponentKind.USAGE, Unit.PERSON, price=1)
    plan = PricePlan((small, large, people), population_to=50_000)
    town = Volumes(population=49_999, households=3, ids=0)

    less, same, more = vary(plan, town, Term(START, 1), YEARLY)

    assert [each.statement.subtotal for each in (less, same, more)] == [40_999, 50_999, 60_999]
    assert (less.volumes.households, more.volumes.households) == (2, 4)
    assert (less.volumes.ids, less.volumes.counters, more.volumes.sized_by) == (0, None, 49_999)
    assert same.statement == cost(plan, town, Term(START, 1), YEARLY)


def test_more_volume_may_cost_less_where_one_price_counts_for_all():
    tiers = (Tier(0, 10), Tier(50_000, 8))
    usage = component(ComponentKind.USAGE, Unit.PERSON, tiers=tiers, tier_mode=TierMode.VOLUME)

    _, same, more = vary(PricePlan((usage,)), Volumes(population=49_999), Term(START, 12), YEARLY)

    assert (same.statement.subtotal, more.statement.subtotal) == (5_999_880, 5_759_904)


@given(st.integers(0, 10**12), st.integers(0, 30_000))
def test_scaled_quantities_are_whole_and_half_up(quantity, points):
    scaled = scale_volumes(Volumes(gigabytes=quantity), points).gigabytes

    assert scaled is not None
    assert -5_000 < scaled * 10_000 - quantity * points <= 5_000
    assert scale_volumes(Volumes(gigabytes=quantity), 10_000).gigabytes == quantity


@pytest.mark.parametrize(("bodies", "points"), [(1, 0), (4, 0), (5, 300), (9, 300), (10, 700)])
def test_discount_is_that_of_the_highest_number_reached(bodies, points):
    assert pick_discount([[10, 700], [5, 300]], bodies) == points


def test_discount_as_what_if_runs_through_the_whole_term():
    rules = replace(YEARLY, discount_basis_points=pick_discount([[5, 500]], 6))

    statement = cost(EXAMPLE, TOWN, FIVE_YEARS, rules)

    years = discounted_years(EXAMPLE, TOWN, FIVE_YEARS, YEARLY, [[5, 500], [9, 10_000]])
    assert years == [statement.yearly, 0] == [12 * (114_000 + 92_485), 0]
    assert statement.amounts == {
        ComponentKind.INITIAL: 1_500_000,
        ComponentKind.BASE: 60 * 114_000,
        ComponentKind.USAGE: 60 * (97_353 * 95 // 100),
    }


def test_baseline_is_compared_by_year_and_runs_beside_the_new_contract():
    plan = PricePlan((component(price=100_000),))
    baseline = Baseline(1_000_001, ends_on=date(2026, 11, 15))

    found = against_baseline(cost(plan, TOWN, Term(START, 18), YEARLY), baseline)

    assert [(each.fiscal_year, each.today, each.new, each.difference) for each in found.years] == [
        (2026, 500_000, 660_000, 160_000),
        (2027, 1_000_001, 1_320_000, 319_999),
    ]
    assert (found.today, found.difference) == (1_500_001, 479_999)
    # October and half of November: 1.5 of 12 months.
    assert (found.parallel_days, found.parallel, found.gap_days) == (46, 125_000, 0)


def test_baseline_tells_days_that_no_contract_covers_and_follows_parts_of_months():
    plan = PricePlan((component(price=31_000),), part_month=PartMonth.DAYS)
    baseline = Baseline(372_000, ends_on=date(2026, 3, 10))

    found = against_baseline(cost(plan, TOWN, Term(date(2026, 3, 16), 1), YEARLY), baseline)

    assert [(each.fiscal_year, each.today) for each in found.years] == [
        (2025, 16_000),
        (2026, 15_500),
    ]
    assert (found.parallel_days, found.parallel, found.gap_days) == (0, 0, 5)


def test_baseline_beside_a_plan_that_needs_a_quote_has_no_difference():
    unpriced = component(ComponentKind.MIGRATION, interval=Interval.ONCE, tiers=())
    statement = cost(PricePlan((BASE, unpriced)), TOWN, Term(START, 12), YEARLY)

    found = against_baseline(statement, Baseline(1_200_000, date(2099, 3, 31)))

    assert [each.difference for each in found.years] == [None, 792_000 - 600_000]
    assert (found.difference, found.parallel, found.parallel_days) == (None, 1_200_000, 365)
    with pytest.raises(ValueError, match="negative"):
        Baseline(-1, START)


@pytest.mark.parametrize(
    ("amount", "day", "granted", "left", "is_open"),
    [
        (900_000, date(2026, 9, 30), 900_000, 600_000, True),
        (9_000_000, date(2026, 9, 30), 1_500_000, 0, True),
        (900_000, date(2026, 10, 1), 0, 1_500_000, False),
    ],
)
def test_support_stands_apart_and_ends_with_its_last_day(amount, day, granted, left, is_open):
    statement = cost(EXAMPLE, TOWN, FIVE_YEARS, YEARLY)

    found = apply_support(statement, StateSupport(amount, date(2026, 9, 30)), day)

    assert (found.initial, found.granted, found.left) == (1_500_000, granted, left)
    assert (found.is_open, statement.total) == (is_open, 15_995_294)
    unpriced = component(ComponentKind.INITIAL, interval=Interval.ONCE, tiers=())
    for plan in (PricePlan((unpriced,)), PricePlan((BASE,))):
        unknown = apply_support(cost(plan, TOWN, FIVE_YEARS, YEARLY), StateSupport(1, day), day)
        assert (unknown.initial, unknown.granted, unknown.left) == (None, None, None)
