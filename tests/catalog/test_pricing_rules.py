"""Prices: parts of a month, the ledger, foreign currency, discount."""

from dataclasses import replace
from datetime import date

import pytest

from catalog.cost_rules import CostRules, ExchangeRate
from catalog.price_bands import first_year_reference
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    PricePlan,
    QuoteReason,
    TaxRounding,
    Term,
    Unit,
    Volumes,
)
from tests.catalog.price_samples import BASE, EXAMPLE, INITIAL, START, TOWN, component, compute

# --- parts of a month ----------------------------------------------------------------------------


def test_part_of_a_month_is_charged_by_days_where_the_list_says_so():
    yearly = component(ComponentKind.CLOUD, interval=Interval.YEAR, price=90_000)
    by_days = PricePlan((INITIAL, BASE, yearly), part_month=PartMonth.DAYS)
    term = Term(date(2026, 3, 16), 13)

    statement = compute(by_days, TOWN, term, TaxRounding.PER_MONTH)

    # 16 of 31 days are 61,935.48 yen; the last 15 days of March are what remains of a month.
    assert [(line.fiscal_year, line.months, line.days) for line in statement.lines] == [
        (2025, 0, 16),
        (2026, 12, 0),
        (2027, 0, 15),
    ]
    assert [line.amounts[ComponentKind.BASE] for line in statement.lines] == [
        61_935,
        1_440_000,
        60_000,
    ]
    assert [line.amounts[ComponentKind.CLOUD] for line in statement.lines] == [90_000, 90_000, 0]
    assert (statement.monthly, statement.yearly) == (120_000, 1_530_000)
    first, last = statement.months[0], statement.months[-1]
    assert (first.start, first.end, first.is_part) == (term.start, date(2026, 3, 31), True)
    assert (last.start, last.end, last.days) == (date(2027, 4, 1), date(2027, 4, 15), 15)
    assert first.tax == (61_935 + 1_500_000 + 90_000) // 10
    base = statement.items[1]
    assert (base.charge, base.times, [part.amount for part in base.parts]) == (
        120_000,
        12,
        [61_935, 60_000],
    )
    whole = compute(PricePlan((BASE,)), TOWN, term, TaxRounding.WHOLE)
    assert [line.subtotal for line in whole.lines] == [120_000, 1_440_000]


@pytest.mark.parametrize(
    ("part_month", "october"),
    [(PartMonth.DAYS, 14 * 31_000 // 31 + 17 * 62_000 // 31), (PartMonth.WHOLE, 31_000)],
)
def test_price_that_turns_inside_a_month_is_parted_only_by_days(part_month, october):
    old = component(price=31_000, valid_to=date(2026, 10, 14))
    new = component(price=62_000, valid_from=date(2026, 10, 15))
    plan = PricePlan((old, new), part_month=part_month)

    statement = compute(plan, TOWN, Term(date(2026, 9, 1), 3), TaxRounding.WHOLE)

    assert [month.subtotal for month in statement.months] == [31_000, october, 62_000]
    assert statement.monthly == 31_000
    ended = compute(replace(plan, components=(old,)), TOWN, Term(START, 1), TaxRounding.WHOLE)
    needs = [each.reason for each in ended.needs_quote]
    by_days = part_month is PartMonth.DAYS
    assert needs == ([QuoteReason.OUTSIDE_PERIOD] if by_days else [])
    assert ended.subtotal == (None if by_days else 31_000)


# --- the ledger, currency and discount -----------------------------------------------------------


def test_ledger_tells_quantity_charge_times_and_adds_up_to_each_year():
    households = component(ComponentKind.USAGE, Unit.HOUSEHOLD, price=10, name="世帯割")
    plan = PricePlan((*EXAMPLE.components, households))
    known = replace(TOWN, households=13_000)

    items = compute(plan, known, Term(START, 18), TaxRounding.PER_YEAR).items

    assert [(each.quantity, each.charge, each.times, each.amount) for each in items] == [
        (1, 1_500_000, 1, 1_500_000),
        (1, 120_000, 18, 2_160_000),
        (32_451, 97_353, 18, 1_752_354),
        (13_000, 130_000, 18, 2_340_000),
    ]
    assert items[1].by_year == {2026: 720_000, 2027: 1_440_000}
    assert ComponentKind.MIGRATION in plan.kinds_unlisted
    assert ComponentKind.BASE not in plan.kinds_unlisted
    unknown = compute(plan, TOWN, Term(START, 18), TaxRounding.PER_YEAR).items[-1]
    assert (unknown.charge, unknown.by_year, unknown.times) == (None, {2026: None, 2027: None}, 18)
    assert unknown.need is not None
    assert unknown.need.reason is QuoteReason.UNKNOWN_VOLUME


def test_foreign_price_needs_a_rate_and_drops_fractions_of_each_charge():
    cloud = component(ComponentKind.CLOUD, Unit.GIGABYTE, price=23, currency=Currency.USD)
    plan = PricePlan((BASE, cloud))
    volumes = Volumes(population=1, gigabytes=333)
    term = Term(START, 6)
    rate = ExchangeRate(Currency.USD, 15_234, date(2026, 9, 1), "見本の銀行の仲値")

    without = compute(plan, volumes, term, TaxRounding.WHOLE)
    known = compute(plan, volumes, term, TaxRounding.WHOLE, rates={Currency.USD: rate})

    assert [each.reason for each in without.needs_quote] == [QuoteReason.NO_EXCHANGE_RATE]
    assert (without.total, without.rates_used) == (None, ())
    # 76.59 dollars at 152.34 yen are 11,667.72 yen.
    assert known.amounts[ComponentKind.CLOUD] == 6 * 11_667
    assert known.rates_used == (rate,)
    assert first_year_reference(plan).running is None
    assert (
        compute(EXAMPLE, TOWN, term, TaxRounding.WHOLE, rates={Currency.USD: rate}).rates_used == ()
    )


def test_discount_is_off_each_charge_that_runs_and_off_nothing_else():
    once = component(ComponentKind.OPTION, price=999, name="初回", interval=Interval.ONCE)
    cloud = component(ComponentKind.CLOUD, price=1_001)
    odd = component(ComponentKind.OPTION, price=999, name="印刷")
    plan = PricePlan((INITIAL, component(price=1_999), cloud, once, odd))
    options = frozenset({"初回", "印刷"})

    statement = compute(
        plan, TOWN, Term(START, 2), TaxRounding.WHOLE, options=options, discount_basis_points=500
    )

    assert [each.charge for each in statement.items] == [1_500_000, 1_899, 1_001, 999, 949]


@pytest.mark.parametrize(
    "fault",
    [
        lambda: CostRules(TaxRounding.WHOLE, discount_basis_points=10_001),
        lambda: CostRules(TaxRounding.WHOLE, tax_basis_points=-1),
        lambda: ExchangeRate(Currency.USD, 0, START, "見本"),
        lambda: ExchangeRate(Currency.JPY, 100, START, "見本"),
        lambda: ExchangeRate(Currency.USD, 15_000, START, " "),
        lambda: component(currency=Currency.USD),
    ],
)
def test_impossible_rules_are_refused(fault):
    with pytest.raises(ValueError, match=r"discount|tax|rate|currency"):
        fault()
