"""Prices: the worked example, dates, tiers, what needs a quote, and the bands."""

from dataclasses import replace
from datetime import date

import pytest

from catalog.charges import price_quantity
from catalog.price_bands import PRICE_BANDS, band_for, first_year_reference, price_band
from catalog.price_plan import (
    ComponentKind,
    Interval,
    PricePlan,
    QuoteReason,
    TaxRounding,
    Term,
    Tier,
    TierMode,
    Unit,
    Volumes,
)
from tests.catalog.price_samples import (
    BASE,
    EXAMPLE,
    INITIAL,
    PER_PERSON,
    START,
    TOWN,
    component,
    compute,
)

# --- the worked example --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rounding", "by_year", "total"),
    [
        (TaxRounding.PER_YEAR, [3_084_529, *[2_869_059] * 4, 1_434_529], 15_995_294),
        (TaxRounding.WHOLE, None, 15_995_298),
        (TaxRounding.PER_MONTH, None, 15_995_280),
    ],
)
def test_worked_example_has_its_three_totals(rounding, by_year, total):
    statement = compute(EXAMPLE, TOWN, Term(START, 60), rounding)

    assert [line.fiscal_year for line in statement.lines] == list(range(2026, 2032))
    assert [line.months for line in statement.lines] == [6, 12, 12, 12, 12, 6]
    assert [line.subtotal for line in statement.lines] == [
        2_804_118,
        *[2_608_236] * 4,
        1_304_118,
    ]
    assert statement.total == total
    assert sum(line.total or 0 for line in statement.lines) == total
    assert (statement.monthly, statement.monthly_with_tax) == (217_353, 239_088)
    assert statement.yearly == 12 * 217_353
    assert by_year is None or [line.total for line in statement.lines] == by_year


def test_amounts_are_shown_by_kind():
    statement = compute(EXAMPLE, TOWN, Term(START, 60), TaxRounding.PER_YEAR)

    assert statement.kinds == (ComponentKind.INITIAL, ComponentKind.BASE, ComponentKind.USAGE)
    assert statement.lines[0].amounts == {
        ComponentKind.INITIAL: 1_500_000,
        ComponentKind.BASE: 720_000,
        ComponentKind.USAGE: 584_118,
    }
    assert statement.lines[1].amounts[ComponentKind.INITIAL] == 0
    assert statement.amounts[ComponentKind.BASE] == 7_200_000
    assert statement.subtotal == 14_541_180


# --- dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "year"),
    [(date(2026, 3, 31), 2025), (date(2026, 4, 1), 2026), (date(2027, 1, 1), 2026)],
)
def test_january_to_march_belong_to_the_previous_fiscal_year(day, year):
    statement = compute(EXAMPLE, TOWN, Term(day, 1), TaxRounding.WHOLE)

    assert [line.fiscal_year for line in statement.lines] == [year]


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 10, 1), 60, date(2031, 9, 30)),
        (date(2026, 10, 15), 1, date(2026, 11, 14)),
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2027, 1, 31), 2, date(2027, 3, 30)),
        (date(2028, 1, 30), 1, date(2028, 2, 29)),
    ],
)
def test_term_ends_on_the_eve_of_the_corresponding_day(start, months, end):
    assert Term(start, months).end == end


@pytest.mark.parametrize("day", [1, 15, 31])
def test_contract_month_counts_in_the_fiscal_year_of_its_first_day(day):
    statement = compute(EXAMPLE, TOWN, Term(date(2027, 3, day), 2), TaxRounding.PER_YEAR)

    assert [line.fiscal_year for line in statement.lines] == [2026, 2027]
    assert [line.months for line in statement.lines] == [1, 1]


@pytest.mark.parametrize("months", [0, -1, 601])
def test_impossible_terms_are_refused(months):
    with pytest.raises(ValueError, match="600"):
        Term(START, months)


# --- when a component is charged -----------------------------------------------------------------


def test_yearly_charge_falls_in_the_first_month_of_each_contract_year_begun():
    plan = PricePlan((component(ComponentKind.BASE, interval=Interval.YEAR, price=90_000),))

    statement = compute(plan, TOWN, Term(date(2026, 3, 1), 25), TaxRounding.PER_YEAR)

    assert {line.fiscal_year: line.subtotal for line in statement.lines} == {
        2025: 90_000,
        2026: 90_000,
        2027: 90_000,
    }
    assert (statement.monthly, statement.yearly) == (0, 90_000)


def test_exit_charge_stands_apart_unless_it_is_asked_for():
    leaving = component(ComponentKind.EXIT, interval=Interval.ONCE, price=300_000)
    plan = PricePlan((BASE, leaving))

    apart = compute(plan, TOWN, Term(START, 12), TaxRounding.PER_YEAR)
    included = compute(plan, TOWN, Term(START, 12), TaxRounding.PER_YEAR, include_exit=True)

    assert (apart.subtotal, apart.exit_charge, apart.exit_included) == (1_440_000, 300_000, False)
    assert ComponentKind.EXIT not in apart.kinds
    assert (included.subtotal, included.exit_charge) == (1_740_000, 300_000)
    assert [line.amounts[ComponentKind.EXIT] for line in included.lines] == [0, 300_000]


def test_option_counts_only_if_chosen():
    options = [component(ComponentKind.OPTION, price=5_000, name=name) for name in ("夜間", "印刷")]
    plan = PricePlan((BASE, *options))
    term = Term(START, 10)

    without = compute(plan, TOWN, term, TaxRounding.WHOLE)
    chosen = compute(plan, TOWN, term, TaxRounding.WHOLE, options={"印刷"})

    assert (without.subtotal, without.options_left_out) == (1_200_000, ("夜間", "印刷"))
    assert (chosen.subtotal, chosen.options_left_out) == (1_250_000, ("夜間",))


def test_option_that_the_list_lacks_is_told_and_nothing_is_charged_for_it():
    plan = PricePlan((BASE, component(ComponentKind.OPTION, price=5_000, name="印刷")))

    asked = frozenset({"押印", "印刷", "代筆"})
    statement = compute(plan, TOWN, Term(START, 1), TaxRounding.WHOLE, options=asked)

    assert (statement.subtotal, statement.options_absent) == (125_000, ("代筆", "押印"))


def test_component_named_like_an_option_left_out_is_still_charged():
    option = component(ComponentKind.OPTION, price=5_000, name="印刷")
    plan = PricePlan((component(price=700, name="印刷"), option))

    assert compute(plan, TOWN, Term(START, 1), TaxRounding.WHOLE).subtotal == 700


# --- what needs a quote --------------------------------------------------------------------------


def test_unknown_volume_is_named_and_never_guessed():
    households = component(ComponentKind.USAGE, Unit.HOUSEHOLD, price=10, name="世帯割")

    statement = compute(PricePlan((BASE, households)), TOWN, Term(START, 12), TaxRounding.PER_YEAR)

    assert [(each.name, each.reason) for each in statement.needs_quote] == [
        ("世帯割", QuoteReason.UNKNOWN_VOLUME)
    ]
    assert (statement.subtotal, statement.tax, statement.total) == (None, None, None)
    assert (statement.monthly, statement.monthly_with_tax, statement.yearly) == (None, None, None)
    assert statement.lines[0].amounts == {ComponentKind.BASE: 720_000, ComponentKind.USAGE: None}
    assert statement.lines[0].total is None


def test_known_part_of_a_kind_is_not_shown_as_its_amount():
    known = component(ComponentKind.USAGE, Unit.PERSON, price=1)
    unknown = component(ComponentKind.USAGE, Unit.ID, price=1)

    for parts in ((known, unknown), (unknown, known)):
        statement = compute(PricePlan(parts), TOWN, Term(START, 1), TaxRounding.WHOLE)
        assert statement.amounts == {ComponentKind.USAGE: None}


@pytest.mark.parametrize(
    ("rounding", "later_tax"),
    [
        (TaxRounding.PER_YEAR, 72_000),
        (TaxRounding.PER_MONTH, 72_000),
        (TaxRounding.WHOLE, None),
    ],
)
def test_unpriced_migration_leaves_later_years_known(rounding, later_tax):
    migration = component(ComponentKind.MIGRATION, interval=Interval.ONCE, tiers=())

    statement = compute(PricePlan((BASE, migration)), TOWN, Term(START, 12), rounding)

    assert [each.reason for each in statement.needs_quote] == [QuoteReason.NO_PRICE]
    assert [line.subtotal for line in statement.lines] == [None, 720_000]
    assert [line.tax for line in statement.lines] == [None, later_tax]
    assert (statement.total, statement.monthly) == (None, 120_000)


def test_unpriced_exit_leaves_the_total_known():
    leaving = component(ComponentKind.EXIT, interval=Interval.ONCE, tiers=())

    statement = compute(PricePlan((BASE, leaving)), TOWN, Term(START, 12), TaxRounding.PER_YEAR)

    assert (statement.subtotal, statement.exit_charge) == (1_440_000, None)
    assert [each.kind for each in statement.exit_needs_quote] == [ComponentKind.EXIT]
    assert statement.needs_quote == ()


@pytest.mark.parametrize("interval", [Interval.ONCE, Interval.YEAR])
def test_monthly_cases_do_not_price_a_charge_that_is_not_monthly(interval):
    volumes = Volumes(population=1, cases_per_month=10)
    plan = PricePlan((component(ComponentKind.MIGRATION, Unit.CASE, interval, price=5),))

    assert compute(plan, volumes, Term(START, 12), TaxRounding.WHOLE).total is None


@pytest.mark.parametrize(
    ("volumes", "months", "reasons"),
    [
        (Volumes(population=50_000), 36, [QuoteReason.OUTSIDE_SIZE]),
        (Volumes(), 36, [QuoteReason.OUTSIDE_SIZE]),
        (Volumes(population=10_000), 35, [QuoteReason.BELOW_MINIMUM_TERM]),
        (
            Volumes(population=9_999),
            1,
            [QuoteReason.OUTSIDE_SIZE, QuoteReason.BELOW_MINIMUM_TERM],
        ),
    ],
)
def test_plan_that_the_body_cannot_use_has_no_amounts(volumes, months, reasons):
    plan = PricePlan((BASE,), 36, population_from=10_000, population_to=50_000)

    statement = compute(plan, volumes, Term(START, months), TaxRounding.WHOLE)

    assert [each.reason for each in statement.needs_quote] == reasons
    assert (statement.lines, statement.amounts) == ((), {})
    assert (statement.total, statement.monthly, statement.exit_charge) == (None, None, None)


@pytest.mark.parametrize("population", [10_000, 49_999])
def test_plan_bounds_include_the_lower_and_exclude_the_upper(population):
    plan = PricePlan((BASE,), 36, population_from=10_000, population_to=50_000)

    statement = compute(plan, Volumes(population=population), Term(START, 36), TaxRounding.WHOLE)

    assert statement.subtotal == 36 * 120_000


# --- tiers ---------------------------------------------------------------------------------------

TIERS = (Tier(0, 5), Tier(100, 3), Tier(1_000, 2))


@pytest.mark.parametrize(
    ("quantity", "volume", "graduated"),
    [
        (0, 0, 0),
        (1, 5, 5),
        (99, 495, 495),
        (100, 300, 500),
        (101, 303, 503),
        (999, 2_997, 3_197),
        (1_000, 2_000, 3_200),
        (1_001, 2_002, 3_202),
        (10**15, 2 * 10**15, 3_200 + 2 * (10**15 - 1_000)),
    ],
)
def test_tier_bounds_are_inclusive_below(quantity, volume, graduated):
    by_volume = component(unit=Unit.PERSON, tiers=TIERS, tier_mode=TierMode.VOLUME)
    by_part = component(unit=Unit.PERSON, tiers=TIERS, tier_mode=TierMode.GRADUATED)

    assert price_quantity(by_volume, quantity) == volume
    assert price_quantity(by_part, quantity) == graduated


@pytest.mark.parametrize(("quantity", "amount"), [(0, 700), (6, 700), (8, 800), (20, 1_500)])
def test_minimum_and_maximum_bound_each_charge(quantity, amount):
    bounded = component(unit=Unit.ID, price=100, minimum=700, maximum=1_500)

    assert price_quantity(bounded, quantity) == amount


@pytest.mark.parametrize(
    "fault",
    [
        {"tiers": (Tier(1, 5),)},
        {"tiers": (Tier(0, 5), Tier(0, 4))},
        {"tiers": (Tier(0, 5), Tier(10, 4), Tier(5, 3))},
        {"tiers": (Tier(0, -1),)},
        {"minimum": -1},
        {"minimum": 2, "maximum": 1},
        {"kind": ComponentKind.INITIAL, "interval": Interval.MONTH},
        {"kind": ComponentKind.EXIT, "interval": Interval.YEAR},
        {"kind": ComponentKind.BASE, "interval": Interval.ONCE},
    ],
)
def test_contradictory_component_is_refused(fault):
    with pytest.raises(ValueError, match=r"tier|lower|negative|minimum|charged"):
        component(**fault)


@pytest.mark.parametrize(
    "fault",
    [
        {"components": ()},
        {"components": (component(ComponentKind.OPTION), component(ComponentKind.OPTION))},
        {"components": (BASE,), "minimum_term_months": -1},
        {"components": (BASE,), "population_from": 5, "population_to": 5},
        {"components": (BASE,), "population_to": 0},
    ],
)
def test_contradictory_plan_is_refused(fault):
    with pytest.raises(ValueError, match=r"component|options|minimum|range"):
        PricePlan(**fault)


def test_negative_volume_is_refused():
    with pytest.raises(ValueError, match="negative"):
        Volumes(ids=-1)


# --- reference price and bands -------------------------------------------------------------------


def test_reference_is_twelve_months_for_ten_thousand_with_initial_apart():
    migration = component(ComponentKind.MIGRATION, interval=Interval.ONCE, price=200_000)
    yearly = component(ComponentKind.CLOUD, interval=Interval.YEAR, price=60_000)
    option = component(ComponentKind.OPTION, price=9_999)
    leaving = component(ComponentKind.EXIT, interval=Interval.ONCE, price=9_999)
    plan = PricePlan((INITIAL, BASE, PER_PERSON, migration, yearly, option, leaving), 60)

    reference = first_year_reference(plan)

    assert reference.running == 12 * (120_000 + 30_000) + 60_000
    assert reference.initial == 1_700_000
    assert price_band(plan).label == "100万円以上300万円未満"


def test_reference_names_a_quote_where_a_price_is_missing():
    unpriced = component(ComponentKind.MIGRATION, interval=Interval.ONCE, tiers=())
    by_household = component(ComponentKind.USAGE, Unit.HOUSEHOLD)

    assert first_year_reference(PricePlan((BASE, unpriced))).initial is None
    assert first_year_reference(PricePlan((BASE, unpriced))).running == 1_440_000
    assert price_band(PricePlan((BASE, by_household))).label == "見積が必要"
    assert price_band(PricePlan((BASE,), population_from=10_001)).code == "quote"
    assert price_band(PricePlan((BASE,), population_from=10_000)).code == "1m"


def test_a_plan_is_in_the_band_of_its_price_with_tax():
    below = component(ComponentKind.BASE, interval=Interval.YEAR, tiers=(Tier(0, 909_090),))
    above = replace(below, tiers=(Tier(0, 909_091),))
    assert price_band(PricePlan((below,))).code == "500k"
    assert price_band(PricePlan((above,))).code == "1m"


@pytest.mark.parametrize(
    ("running", "label"),
    [
        (0, "50万円未満"),
        (499_999, "50万円未満"),
        (500_000, "50万円以上100万円未満"),
        (999_999, "50万円以上100万円未満"),
        (1_000_000, "100万円以上300万円未満"),
        (3_000_000, "300万円以上1,000万円未満"),
        (10_000_000, "1,000万円以上"),
        (10**12, "1,000万円以上"),
        (None, "見積が必要"),
    ],
)
def test_band_bounds_are_inclusive_below(running, label):
    assert band_for(running).label == label


def test_bands_have_unique_codes_and_refuse_negative_amounts():
    assert len({band.code for band in PRICE_BANDS}) == len(PRICE_BANDS)
    with pytest.raises(ValueError, match="-1"):
        band_for(-1)
