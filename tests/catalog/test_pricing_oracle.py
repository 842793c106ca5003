"""Prices: 500 random plans cost the same yen by the product and by an independent oracle."""

import random
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from catalog.cost_rules import CostRules, ExchangeRate
from catalog.price_plan import (
    ALLOWED_INTERVALS,
    ComponentKind,
    Currency,
    PartMonth,
    PriceComponent,
    PricePlan,
    QuoteReason,
    TaxRounding,
    Term,
    Tier,
    TierMode,
    Unit,
    Volumes,
)
from catalog.pricing import CostStatement, cost
from catalog.terms import SizeClass
from tests.catalog.price_oracle import Case, work_out

CHUNKS, CASES = 10, 50
OBSTACLES = {"size": QuoteReason.OUTSIDE_SIZE, "term": QuoteReason.BELOW_MINIMUM_TERM}
EDGES = (0, 1, 9_999, 10_000, 49_999, 50_000)


def draw_tiers(source: random.Random) -> tuple[Tier, ...]:
    if source.random() < 0.05:
        return ()
    bounds = sorted(source.sample(range(1, 200), source.randint(0, 3)))
    return tuple(Tier(bound, source.randint(0, 9_999)) for bound in [0, *bounds])


def draw_component(source: random.Random, number: int) -> PriceComponent:
    kind = source.choice(list(ComponentKind))
    minimum = source.choice([None, source.randint(0, 5_000)])
    dollars = kind is ComponentKind.CLOUD and source.random() < 0.6
    return PriceComponent(
        name=f"{kind.label}{number}",
        kind=kind,
        unit=source.choice(list(Unit)),
        interval=source.choice(ALLOWED_INTERVALS[kind]),
        tiers=draw_tiers(source),
        tier_mode=source.choice(list(TierMode)),
        minimum=minimum,
        maximum=source.choice([None, (minimum or 0) + source.randint(0, 500_000)]),
        currency=Currency.USD if dollars else Currency.JPY,
    )


def draw_family(source: random.Random, number: int, start: date) -> list[PriceComponent]:
    """Give one component, or several that share out sizes or time: now and then with a gap."""
    plain = draw_component(source, number)
    shape = source.random()
    if shape < 0.5:
        return [plain]
    if shape < 0.75:
        turn = start + timedelta(days=source.randint(-40, 500))
        again = turn + timedelta(days=source.choice([1, 1, 1, 20]))
        return [replace(plain, valid_to=turn), vary(source, plain, valid_from=again)]
    cut = source.randint(1, len(SizeClass) - 1)
    sizes = list(SizeClass)
    small, large = frozenset(sizes[:cut]), frozenset(sizes[cut : source.choice([cut + 1, 5])])
    name = source.choice([plain.name, f"{plain.name}乙"])
    return [replace(plain, sizes=small), vary(source, plain, sizes=large, name=name)]


def vary(source: random.Random, plain: PriceComponent, **values) -> PriceComponent:
    return replace(plain, tiers=draw_tiers(source), minimum=None, maximum=None, **values)


def draw_quantity(source: random.Random) -> int | None:
    return source.choice([0, *[source.randint(1, 300)] * 8, None])


def draw_case(source: random.Random) -> Case:
    start = date(2024, 1, 1) + timedelta(days=source.randint(0, 2_500))
    if source.random() < 0.3:
        start = start.replace(day=source.choice([1, 1, 28]))
    families = [draw_family(source, each, start) for each in range(source.randint(1, 5))]
    parts = tuple(each for family in families for each in family)
    names = sorted({each.name for each in parts if each.is_option})
    volumes = Volumes(*(draw_quantity(source) for _ in range(7)))
    sized = source.choice([volumes.population, source.choice(EDGES)])
    return Case(
        plan=PricePlan(
            parts,
            source.choice([0, 0, 0, 12]),
            population_from=source.choice([None] * 6 + [10_000]),
            population_to=source.choice([None] * 6 + [50_000]),
            part_month=source.choice(list(PartMonth)),
        ),
        volumes=replace(volumes, population=sized),
        start=start,
        months=source.randint(1, 40),
        rounding=source.choice(list(TaxRounding)),
        options=frozenset(name for name in names if source.random() < 0.7),
        include_exit=source.random() < 0.5,
        discount=source.choice([0, 0, 333, 1_000, 10_000]),
        yen_per_dollar=source.choice([None, *[Fraction(source.randint(9_000, 20_000), 100)] * 3]),
    )


def compute(case: Case) -> CostStatement:
    rates = {}
    if case.yen_per_dollar is not None:
        yen = int(case.yen_per_dollar * 100)
        rates = {Currency.USD: ExchangeRate(Currency.USD, yen, case.start, "見本")}
    rules = CostRules(case.rounding, case.options, case.include_exit, case.discount, rates=rates)
    return cost(case.plan, case.volumes, Term(case.start, case.months), rules)


def add(amounts) -> int | None:
    found = list(amounts)
    return None if None in found else sum(found)


def assert_feet_agree(statement: CostStatement) -> None:
    """The ledger and the months add up to the years, and with their tax to the total."""
    for line in statement.lines:
        year = line.fiscal_year
        mine = [month for month in statement.months if month.fiscal_year == year]
        assert add(item.by_year[year] for item in statement.items) == line.subtotal
        assert add(month.subtotal for month in mine) == line.subtotal
        assert add(month.total for month in mine) == line.total
    for item in statement.items:
        parts = add(part.amount for part in item.parts)
        whole = None if item.charge is None else item.charge * item.times
        assert item.amount == add([whole, parts]) or item.need is not None
    if not statement.needs_quote:
        assert add(month.total for month in statement.months) == statement.total


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_plans_agree_with_the_oracle(chunk):
    priced = 0
    for seed in range(chunk * CASES, (chunk + 1) * CASES):
        case = draw_case(random.Random(seed))
        statement, answer = compute(case), work_out(case)

        needs = {OBSTACLES[each] for each in answer.unpriced if isinstance(each, str)}
        unpriced = {each for each in answer.unpriced if not isinstance(each, str)}
        assert {n.reason for n in statement.needs_quote if n.name is None} == needs, seed
        told = {(n.kind, n.name) for n in statement.needs_quote if n.name is not None}
        assert told == unpriced, seed
        by_year = {line.fiscal_year: line.subtotal for line in statement.lines}
        assert by_year == answer.by_year, seed
        if not answer.unpriced:
            assert statement.tax == answer.tax, seed
            assert statement.total == add([*by_year.values(), answer.tax]), seed
        else:
            assert (statement.tax, statement.total) == (None, None), seed
        assert_feet_agree(statement)
        leaving = compute(replace(case, include_exit=True)).amounts
        if statement.lines:
            assert statement.exit_charge == leaving.get(ComponentKind.EXIT, 0), seed
        priced += not answer.unpriced
    # Enough of them have a price, and enough need a quote.
    assert 10 <= priced <= 40, priced
