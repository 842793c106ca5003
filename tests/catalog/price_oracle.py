"""What a plan costs, worked out the slow way: day by day and unit by unit, in fractions.

It takes only the values of `catalog.price_plan` and shares no computation with the product: no
charge, no list of months, no fiscal year, no tier arithmetic. It is meant to be read beside the
rules, so it is plain rather than quick.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from math import floor

from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    PriceComponent,
    PricePlan,
    TaxRounding,
    TierMode,
    Unit,
    Volumes,
)

DAY = timedelta(days=1)
UNITS = {
    Unit.ID: "ids",
    Unit.PERSON: "population",
    Unit.HOUSEHOLD: "households",
    Unit.CASE: "cases_per_month",
    Unit.COUNTER: "counters",
    Unit.GIGABYTE: "gigabytes",
    Unit.HOUR: "hours_per_month",
}
SIZES = {
    "under_10k": (0, 10_000),
    "10k": (10_000, 50_000),
    "50k": (50_000, 200_000),
    "200k": (200_000, 500_000),
    "500k": (500_000, 10**30),
}


@dataclass
class Case:
    """All that is drawn for one computation."""

    plan: PricePlan
    volumes: Volumes
    start: date
    months: int
    rounding: TaxRounding
    options: frozenset[str]
    include_exit: bool
    discount: int
    yen_per_dollar: Fraction | None


@dataclass
class Answer:
    """Yen by fiscal year, the tax on everything, and what needs a quote: kind and name."""

    by_year: dict[int, int | None] = field(default_factory=dict)
    tax: int | None = 0
    unpriced: set[tuple[ComponentKind, str] | str] = field(default_factory=set)


@dataclass
class Month:
    """Days that are counted together, and what they cost so far; None as soon as one is unknown."""

    days: list[date]
    amount: int | None = 0

    def add(self, amount: int | None) -> None:
        self.amount = None if self.amount is None or amount is None else self.amount + amount

    @property
    def year(self) -> int:
        first = self.days[0]
        return first.year if first.month > 3 else first.year - 1


def days_in(day: date) -> int:
    first = day.replace(day=1)
    found = first
    while (found + DAY).month == first.month:
        found += DAY
    return found.day


def months_later(day: date, months: int) -> date:
    """Walk a month at a time; who began on the 31st begins on the last day of a shorter month."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    first = date(year, month, 1)
    return first.replace(day=min(day.day, days_in(first)))


def list_months(case: Case) -> list[Month]:
    begins = [months_later(case.start, number) for number in range(case.months)]
    last = months_later(case.start, case.months)
    # The last day is the eve of the corresponding day; without such a day it is the month's last.
    end = last - DAY if last.day == case.start.day else last
    by_days = case.plan.part_month is PartMonth.DAYS
    months: list[Month] = []
    day = case.start
    while day <= end:
        if day == case.start or (day.day == 1 if by_days else day in begins):
            months.append(Month([]))
        months[-1].days.append(day)
        day += DAY
    return months


def is_in_size(component: PriceComponent, population: int | None) -> bool:
    if not component.sizes:
        return True
    if population is None:
        return False
    return any(
        SIZES[size.value][0] <= population < SIZES[size.value][1] for size in component.sizes
    )


def is_in_time(component: PriceComponent, day: date) -> bool:
    if component.valid_from is not None and day < component.valid_from:
        return False
    return component.valid_to is None or day <= component.valid_to


@cache
def price_units(component: PriceComponent, quantity: int) -> int:
    """Add up the price of each unit: by its own number, or, under one price for all, by the sum."""
    amount = 0
    for number in range(quantity):
        reached = number if component.tier_mode is TierMode.GRADUATED else quantity
        price = 0
        for tier in component.tiers:
            if tier.lower <= reached:
                price = tier.unit_price
        amount += price
    return amount


def price_once(component: PriceComponent, case: Case) -> int | None:
    """Give one whole charge in yen; None where nobody can tell."""
    if not component.tiers:
        return None
    if component.unit is Unit.LUMP:
        quantity: int | None = 1
    else:
        quantity = getattr(case.volumes, UNITS[component.unit])
    monthly = component.interval in {Interval.MONTH, Interval.USAGE}
    if quantity is None or (component.unit in {Unit.CASE, Unit.HOUR} and not monthly):
        return None
    amount = price_units(component, quantity)
    if component.minimum is not None and amount < component.minimum:
        amount = component.minimum
    if component.maximum is not None and amount > component.maximum:
        amount = component.maximum
    if component.currency is Currency.USD:
        if case.yen_per_dollar is None:
            return None
        amount = floor(Fraction(amount, 100) * case.yen_per_dollar)
    runs = component.kind in {ComponentKind.BASE, ComponentKind.USAGE, ComponentKind.OPTION}
    if runs and component.interval is not Interval.ONCE:
        amount = floor(amount * (1 - Fraction(case.discount, 10_000)))
    return amount


def price_some_days(amount: int, days: list[date]) -> int:
    """Give what runs of days cost: to the end of the month rounded down, less what follows them."""
    whole = days_in(days[0])
    cost = 0
    for number, day in enumerate(days):
        if number == 0 or days[number - 1] != day - DAY:
            cost += floor(Fraction(amount * (whole - day.day + 1), whole))
        if number == len(days) - 1 or days[number + 1] != day + DAY:
            cost -= floor(Fraction(amount * (whole - day.day), whole))
    return cost


def is_due(component: PriceComponent, case: Case, months: list[Month], number: int) -> bool:
    if component.kind is ComponentKind.EXIT:
        return number == len(months) - 1
    if component.interval is Interval.ONCE:
        return number == 0
    if component.interval is Interval.YEAR:
        return find_anniversary(case, months[number]) is not None
    return True


def find_anniversary(case: Case, month: Month) -> date | None:
    for number in range(0, case.months, 12):
        day = months_later(case.start, number)
        if day in month.days:
            return day
    return None


def pick_groups(case: Case) -> list[list[PriceComponent]]:
    """Give what the body owes: prices for one another's cases together, others each for itself."""
    counted = []
    for each in case.plan.components:
        if each.kind is ComponentKind.OPTION and each.name not in case.options:
            continue
        if each.kind is ComponentKind.EXIT and not case.include_exit:
            continue
        counted.append(each)
    groups: list[list[PriceComponent]] = []
    for each in counted:
        same = [other for other in counted if (other.kind, other.name) == (each.kind, each.name)]
        bounded = any(other.sizes or other.valid_from or other.valid_to for other in same)
        if not bounded:
            groups.append([each])
        elif same not in groups:
            groups.append(same)
    return [each for each in groups if not is_for_others(each, groups, case.volumes.population)]


def is_for_others(
    group: list[PriceComponent], groups: list[list[PriceComponent]], population: int | None
) -> bool:
    """Tell whether it is another size's plan, in whose place the body owes one of its own size."""
    if population is None or any(is_in_size(each, population) for each in group):
        return False
    if group[0].kind is ComponentKind.OPTION:
        return False
    for mine in groups:
        if mine[0].kind is not group[0].kind:
            continue
        if not any(is_in_size(each, population) for each in mine):
            continue
        if all(
            one.sizes and other.sizes and not set(one.sizes) & set(other.sizes)
            for one in group
            for other in mine
        ):
            return True
    return False


def work_out(case: Case) -> Answer:
    """Give what a case costs."""
    answer = Answer()
    months = list_months(case)
    population = case.volumes.population
    low, high = case.plan.population_from, case.plan.population_to
    if population is None:
        is_open = low is None and high is None
    else:
        is_open = (low is None or low <= population) and (high is None or population < high)
    if not is_open:
        answer.unpriced.add("size")
    if case.months < case.plan.minimum_term_months:
        answer.unpriced.add("term")
    for group in pick_groups(case):
        for number, month in enumerate(months):
            if is_due(group[0], case, months, number):
                charge_month(case, group, month, answer)
    for month in months:
        before = answer.by_year.setdefault(month.year, 0)
        both = None if before is None or month.amount is None else before + month.amount
        answer.by_year[month.year] = both
    answer.tax = sum_tax(case, months)
    if "size" in answer.unpriced or "term" in answer.unpriced:
        answer.by_year = {}
    return answer


def charge_month(case: Case, group: list[PriceComponent], month: Month, answer: Answer) -> None:
    """Charge what one group asks for a month, by the day where the list does."""
    population = case.volumes.population
    runs = group[0].interval in {Interval.MONTH, Interval.USAGE}
    runs = runs and group[0].kind is not ComponentKind.EXIT
    by_days = case.plan.part_month is PartMonth.DAYS and runs
    asked = month.days if by_days else [month.days[0]]
    if group[0].interval is Interval.YEAR and group[0].kind is not ComponentKind.EXIT:
        asked = [find_anniversary(case, month) or month.days[0]]
    covered: list[date] = []
    for component in group:
        if not is_in_size(component, population):
            continue
        mine = [day for day in asked if is_in_time(component, day)]
        if not mine:
            continue
        covered += mine
        amount = price_once(component, case)
        if amount is None:
            answer.unpriced.add((component.kind, component.name))
        elif by_days and len(mine) < days_in(mine[0]):
            amount = price_some_days(amount, mine)
        month.add(amount)
    if len(covered) < len(asked):
        answer.unpriced.add((group[0].kind, group[0].name))
        month.add(None)


def sum_tax(case: Case, months: list[Month]) -> int | None:
    """Give a tenth, rounded down as often as the rule says."""
    groups: dict[object, list[Month]] = {}
    for number, month in enumerate(months):
        key = {TaxRounding.PER_MONTH: number, TaxRounding.PER_YEAR: month.year}.get(case.rounding)
        groups.setdefault(key, []).append(month)
    tax = 0
    for group in groups.values():
        amount = 0
        for month in group:
            if month.amount is None:
                return None
            amount += month.amount
        tax += floor(Fraction(amount, 10))
    return tax
