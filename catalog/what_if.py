"""What changes if: other volumes, another rounding, more bodies, today's contract, State support. Pure.

Nothing here alters a statement: each answer stands beside it, integer yen, and is None where only a
quote could tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from fractions import Fraction

from catalog.cost_rules import CostRules
from catalog.periods import MONTHS_PER_YEAR, Span, days_of_month
from catalog.price_plan import ComponentKind, PricePlan, TaxRounding, Term, Volumes
from catalog.pricing import CostStatement, cost

SENSITIVITY = (8_000, 10_000, 12_000)
_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Variation:
    """What a plan costs with every known quantity at some share (in basis points) of the body's."""

    basis_points: int
    volumes: Volumes
    statement: CostStatement


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a body pays today for a year, tax included, and the last day of that contract."""

    yearly_with_tax: int
    ends_on: date

    def __post_init__(self) -> None:
        """Refuse a negative payment."""
        if self.yearly_with_tax < 0:
            raise ValueError("a payment must not be negative")


@dataclass(frozen=True, slots=True)
class BaselineYear:
    """One fiscal year with tax: today's contract if it went on for the same time, and the new one."""

    fiscal_year: int
    today: int
    new: int | None
    difference: int | None


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The years beside today's contract, yen with tax.

    `parallel` is what today's contract costs while both run, on `parallel_days` days; it is owed on
    top of the new one. `gap_days` are days between the end of the one and the start of the other.
    """

    years: tuple[BaselineYear, ...]
    today: int
    difference: int | None
    parallel: int
    parallel_days: int
    gap_days: int


@dataclass(frozen=True, slots=True)
class StateSupport:
    """What the State pays of the initial cost, yen without tax, for contracts up to a last day."""

    amount: int
    until: date


@dataclass(frozen=True, slots=True)
class SupportedCost:
    """The support beside a cost: never more than the initial charge, and no part of any total.

    `granted` and `left` are None while the initial charge is unknown or not in the price list; after
    the last day nothing is granted.
    """

    initial: int | None
    granted: int | None
    left: int | None
    until: date
    is_open: bool


def scale_volumes(volumes: Volumes, basis_points: int) -> Volumes:
    """Give every known quantity at a share of itself, whole and half up; unknown stays unknown.

    Whose prices count stays as it is: the body does not grow into another size class.
    """
    if basis_points < 0:
        raise ValueError("a share must not be negative")
    counted = [each.name for each in fields(volumes) if each.name != "size_population"]
    scaled = {name: _scale(getattr(volumes, name), basis_points) for name in counted}
    return replace(volumes, **scaled, size_population=volumes.sized_by)


def vary(
    plan: PricePlan,
    volumes: Volumes,
    term: Term,
    rules: CostRules,
    points: Sequence[int] = SENSITIVITY,
) -> tuple[Variation, ...]:
    """Give what a plan costs with less, the same and more of everything that is counted."""
    found = []
    for each in points:
        scaled = scale_volumes(volumes, each)
        found.append(Variation(each, scaled, cost(plan, scaled, term, rules)))
    return tuple(found)


def all_roundings(
    plan: PricePlan, volumes: Volumes, term: Term, rules: CostRules
) -> dict[TaxRounding, int | None]:
    """Give the total with tax under each rule by which fractions of a yen are dropped."""
    return {
        each: cost(plan, volumes, term, replace(rules, rounding=each)).total for each in TaxRounding
    }


def pick_discount(discounts: Iterable[Sequence[int]], bodies: int) -> int:
    """Give the published discount in basis points for so many adopting bodies, 0 below the first.

    `discounts` are [from how many bodies on, basis points]; the highest bound that is reached counts.
    """
    reached = [(lower, points) for lower, points in discounts if bodies >= lower]
    return max(reached)[1] if reached else 0


def discounted_years(
    plan: PricePlan,
    volumes: Volumes,
    term: Term,
    rules: CostRules,
    discounts: Iterable[Sequence[int]],
) -> list[int | None]:
    """Give what a year of use costs under each published discount, yen without tax."""
    varied = (replace(rules, discount_basis_points=points) for _bodies, points in discounts)
    return [cost(plan, volumes, term, each).yearly for each in varied]


def against_baseline(statement: CostStatement, baseline: Baseline) -> BaselineComparison:
    """Give each fiscal year beside what today's contract would cost for the same time."""
    spent, years = Fraction(0), []
    for line in statement.lines:
        mine = [each for each in statement.months if each.fiscal_year == line.fiscal_year]
        before = spent
        for month in mine:
            share = _count_months(Span(month.start, month.end)) if month.is_part else Fraction(1)
            spent += share * baseline.yearly_with_tax / MONTHS_PER_YEAR
        today = int(spent) - int(before)
        difference = None if line.total is None else line.total - today
        years.append(BaselineYear(line.fiscal_year, today, line.total, difference))
    last = min(baseline.ends_on, statement.term.end)
    both = Span(statement.term.start, last)
    parallel_days = max(0, both.days)
    shared = _count_months(both) if parallel_days else Fraction(0)
    next_day = baseline.ends_on + timedelta(days=1)
    total, today = statement.total, sum(each.today for each in years)
    return BaselineComparison(
        years=tuple(years),
        today=today,
        difference=None if total is None else total - today,
        parallel=int(shared * baseline.yearly_with_tax / MONTHS_PER_YEAR),
        parallel_days=parallel_days,
        gap_days=max(0, (statement.term.start - next_day).days),
    )


def apply_support(
    statement: CostStatement, support: StateSupport, contract_day: date
) -> SupportedCost:
    """Give what the State would pay of the initial charge for a contract of that day."""
    initial = statement.amounts.get(ComponentKind.INITIAL)
    is_open = contract_day <= support.until
    granted = None if initial is None else min(support.amount, initial) if is_open else 0
    left = None if initial is None or granted is None else initial - granted
    return SupportedCost(initial, granted, left, support.until, is_open)


def _scale(quantity: int | None, basis_points: int) -> int | None:
    return None if quantity is None else (quantity * basis_points + _WHOLE // 2) // _WHOLE


def _count_months(span: Span) -> Fraction:
    """Give the calendar months of some days, of parts of months the days over the month's days."""
    day, months = span.start, Fraction(0)
    while day <= span.end:
        whole = days_of_month(day)
        last = min(span.end, day.replace(day=whole))
        months += Fraction(last.day - day.day + 1, whole)
        day = last + timedelta(days=1)
    return months
