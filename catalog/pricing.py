"""What a price plan costs a body per month and fiscal year: pure, integer yen, one code path for all.

An amount is never guessed: what the published prices and the known volumes do not cover is named,
and then there is no total. Fiscal years (会計年度) run from 1 April to 31 March.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.charges import Charge, Due, price_components, sum_known, sum_month, sum_year
from catalog.cost_rules import CostRules, ExchangeRate, compute_tax
from catalog.periods import Schedule, Span, make_schedule
from catalog.price_plan import (
    ComponentKind,
    Currency,
    PartMonth,
    PriceComponent,
    PricePlan,
    QuoteNeed,
    QuoteReason,
    TaxRounding,
    Term,
    Volumes,
)

Amounts = Mapping[ComponentKind, int | None]


@dataclass(frozen=True, slots=True)
class MonthCost:
    """One month of the contract in yen: amounts without tax per kind, their sum and its tax.

    It is a calendar month or some days of one where parts of a month are charged by days, else a
    contract month. With their tax the months add up to the total: under a rounding by year or on
    the whole, a month shows by how much the tax on everything so far has grown.
    """

    start: date
    end: date
    fiscal_year: int
    is_part: bool
    amounts: Amounts
    subtotal: int | None
    tax: int | None

    @property
    def days(self) -> int:
        """Give the number of days."""
        return Span(self.start, self.end).days

    @property
    def total(self) -> int | None:
        """Give the month's amount with tax in yen."""
        return sum_known([self.subtotal, self.tax])


@dataclass(frozen=True, slots=True)
class YearCost:
    """One fiscal year in yen: amounts without tax per kind, their sum and its tax.

    None means 見積が必要: an amount that only a quote can tell, and every sum that it is part of.
    `days` are those of the months that are charged by days, which `months` does not count.
    """

    fiscal_year: int
    months: int
    amounts: Amounts
    subtotal: int | None
    tax: int | None
    days: int = 0

    @property
    def total(self) -> int | None:
        """Give the year's amount with tax in yen."""
        return sum_known([self.subtotal, self.tax])


@dataclass(frozen=True, slots=True)
class CostItem:
    """One line of the ledger: quantity, one whole charge, how often, and what that makes by year.

    Yen without tax; None needs a quote, for the reason in `need`. `parts` are the charges for some
    days of a month, beside the `times` whole ones (`times_by_year` of each fiscal year). Over all
    items a year adds up to its line.
    """

    component: PriceComponent
    quantity: int | None
    charge: int | None
    times: int
    by_year: Mapping[int, int | None]
    need: QuoteNeed | None
    times_by_year: Mapping[int, int]
    parts: tuple[Due, ...] = ()

    @property
    def amount(self) -> int | None:
        """Give what the item costs over the whole term, without tax."""
        return sum_known(self.by_year.values())


@dataclass(frozen=True, slots=True)
class CostStatement:
    """What a plan costs over a term in yen; there are no totals while anything needs a quote.

    `monthly` is what the first month costs without tax (yearly and one-time charges apart), counted
    as a whole one; `yearly` is twelve such months and the yearly charges. `exit_charge` is without
    tax and is part of the lines only if `exit_included`. A plan that the body cannot use has no
    lines. `options_absent` were asked for and are not in the list: nothing here pays for them.
    """

    term: Term
    rules: CostRules
    part_month: PartMonth
    lines: tuple[YearCost, ...]
    months: tuple[MonthCost, ...]
    items: tuple[CostItem, ...]
    monthly: int | None
    yearly: int | None
    needs_quote: tuple[QuoteNeed, ...]
    exit_charge: int | None
    exit_items: tuple[CostItem, ...]
    exit_needs_quote: tuple[QuoteNeed, ...]
    options_left_out: tuple[str, ...]
    options_absent: tuple[str, ...]

    @property
    def rounding(self) -> TaxRounding:
        """Give how the tax was rounded."""
        return self.rules.rounding

    @property
    def tax_basis_points(self) -> int:
        """Give the rate of the tax."""
        return self.rules.tax_basis_points

    @property
    def exit_included(self) -> bool:
        """Tell whether the charges for leaving are part of the lines."""
        return self.rules.include_exit

    @property
    def rates_used(self) -> tuple[ExchangeRate, ...]:
        """Give the exchange rates that amounts were computed with, in the order of currencies."""
        found = {each.component.currency for each in (*self.items, *self.exit_items)}
        return tuple(
            self.rules.rates[each] for each in Currency if each in found & set(self.rules.rates)
        )

    @property
    def kinds(self) -> tuple[ComponentKind, ...]:
        """Give the kinds of component that occur, in their declared order."""
        return tuple(self.lines[0].amounts) if self.lines else ()

    @property
    def amounts(self) -> dict[ComponentKind, int | None]:
        """Give the amount of each kind over the whole term, without tax."""
        return _add_up([line.amounts for line in self.lines], self.kinds)

    @property
    def subtotal(self) -> int | None:
        """Give the amount over the whole term without tax."""
        return None if self.needs_quote else sum_known([line.subtotal for line in self.lines])

    @property
    def tax(self) -> int | None:
        """Give the tax over the whole term under the stated rounding."""
        return None if self.needs_quote else sum_known([line.tax for line in self.lines])

    @property
    def total(self) -> int | None:
        """Give the amount over the whole term with tax."""
        return sum_known([self.subtotal, self.tax])

    @property
    def monthly_with_tax(self) -> int | None:
        """Give what each month costs with its own tax, fractions of a yen dropped."""
        if self.monthly is None:
            return None
        return self.monthly + compute_tax(self.monthly, self.tax_basis_points)


def cost(plan: PricePlan, volumes: Volumes, term: Term, rules: CostRules) -> CostStatement:
    """Give what a plan costs a body by month and fiscal year.

    One-time charges fall in the first month, yearly ones in the first month of each contract year
    begun, exit charges in the last month. Options count only if chosen. Where the list charges
    parts of a month by days, the months are calendar months, and only what runs monthly is parted.
    """
    left_out, absent = _part_options(plan, rules.options)
    counted = [each for each in plan.components if not each.is_option or each.name not in left_out]
    ending = [each for each in counted if each.kind is ComponentKind.EXIT]
    if not rules.include_exit:
        counted = [each for each in counted if each.kind is not ComponentKind.EXIT]
    schedule = make_schedule(term, plan.part_month)

    def price(components: Sequence[PriceComponent]) -> tuple[Charge, ...]:
        return price_components(components, volumes, schedule, rules)

    charges, exit_charges = price(counted), price(ending)
    obstacles = _find_obstacles(plan, volumes, term)
    months = () if obstacles else _build_months(charges, schedule, rules)
    return CostStatement(
        term=term,
        rules=rules,
        part_month=plan.part_month,
        lines=_build_lines(months),
        months=months,
        items=() if obstacles else _build_items(charges, schedule.years),
        monthly=None if obstacles else sum_month(charges),
        yearly=None if obstacles else sum_year(charges),
        needs_quote=obstacles + _list_needs(charges),
        exit_charge=None if obstacles else sum_known([each.amount for each in exit_charges]),
        exit_items=() if obstacles else _build_items(exit_charges, schedule.years),
        exit_needs_quote=_list_needs(exit_charges),
        options_left_out=left_out,
        options_absent=absent,
    )


def _part_options(
    plan: PricePlan, chosen: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the options of the plan that were not chosen, and the chosen ones that it lacks."""
    names = list(dict.fromkeys(each.name for each in plan.components if each.is_option))
    left_out = tuple(name for name in names if name not in chosen)
    return left_out, tuple(sorted(chosen.difference(names)))


def _find_obstacles(plan: PricePlan, volumes: Volumes, term: Term) -> tuple[QuoteNeed, ...]:
    obstacles = []
    if not plan.covers(volumes.sized_by):
        obstacles.append(QuoteNeed(QuoteReason.OUTSIDE_SIZE))
    if term.months < plan.minimum_term_months:
        obstacles.append(QuoteNeed(QuoteReason.BELOW_MINIMUM_TERM))
    return tuple(obstacles)


def _list_needs(charges: Sequence[Charge]) -> tuple[QuoteNeed, ...]:
    return tuple(each.need for each in charges if each.need is not None)


def _build_items(charges: Sequence[Charge], years: Sequence[int]) -> tuple[CostItem, ...]:
    items = []
    for each in charges:
        by_year: dict[int, int | None] = dict.fromkeys(years, 0)
        times = dict.fromkeys(years, 0)
        for due in each.dues:
            year = years[due.period]
            by_year[year] = sum_known([by_year[year], due.amount])
            times[year] += not due.is_part
        parts = tuple(due for due in each.dues if due.is_part)
        items.append(
            CostItem(
                component=each.component,
                quantity=each.quantity,
                charge=each.amount,
                times=len(each.dues) - len(parts),
                by_year=by_year,
                need=each.need,
                times_by_year=times,
                parts=parts,
            )
        )
    return tuple(items)


def _build_months(
    charges: Sequence[Charge], schedule: Schedule, rules: CostRules
) -> tuple[MonthCost, ...]:
    present = {each.component.kind for each in charges}
    kinds = [kind for kind in ComponentKind if kind in present]
    amounts: list[dict[ComponentKind, int | None]] = [
        dict.fromkeys(kinds, 0) for _ in schedule.periods
    ]
    for each in charges:
        kind = each.component.kind
        for due in each.dues:
            mine = amounts[due.period]
            mine[kind] = sum_known([mine[kind], due.amount])
    years = schedule.years
    subtotals = [sum_known(mine.values()) for mine in amounts]
    taxes = _compute_taxes(years, subtotals, rules)
    return tuple(
        MonthCost(
            start=span.start,
            end=span.end,
            fiscal_year=year,
            is_part=schedule.part_month is PartMonth.DAYS and not span.is_calendar_month,
            amounts=mine,
            subtotal=subtotal,
            tax=tax,
        )
        for span, year, mine, subtotal, tax in zip(
            schedule.periods, years, amounts, subtotals, taxes, strict=True
        )
    )


def _build_lines(months: Sequence[MonthCost]) -> tuple[YearCost, ...]:
    by_year: dict[int, list[MonthCost]] = {}
    for month in months:
        by_year.setdefault(month.fiscal_year, []).append(month)
    return tuple(
        YearCost(
            fiscal_year=year,
            months=sum(not each.is_part for each in mine),
            amounts=_add_up([each.amounts for each in mine], tuple(mine[0].amounts)),
            subtotal=sum_known([each.subtotal for each in mine]),
            tax=sum_known([each.tax for each in mine]),
            days=sum(each.days for each in mine if each.is_part),
        )
        for year, mine in by_year.items()
    )


# What the tax is computed on as one sum: by the number of the month, and its fiscal year.
_TAXED_TOGETHER: Mapping[TaxRounding, Callable[[int, int], int]] = {
    TaxRounding.PER_MONTH: lambda month, _year: month,
    TaxRounding.PER_YEAR: lambda _month, year: year,
    TaxRounding.WHOLE: lambda _month, _year: 0,
}


def _compute_taxes(
    years: Sequence[int], subtotals: Sequence[int | None], rules: CostRules
) -> list[int | None]:
    """Give the tax of each month, so that the months of one sum add up to the tax on that sum."""
    key_of = _TAXED_TOGETHER[rules.rounding]
    so_far: dict[int, int | None] = {}
    taxes: list[int | None] = []
    for month, (year, subtotal) in enumerate(zip(years, subtotals, strict=True)):
        key = key_of(month, year)
        before = so_far.get(key, 0)
        after = so_far[key] = sum_known([before, subtotal])
        if before is None or after is None:
            taxes.append(None)
        else:
            grown = compute_tax(after, rules.tax_basis_points)
            taxes.append(grown - compute_tax(before, rules.tax_basis_points))
    return taxes


def _add_up(
    parts: Sequence[Amounts], kinds: tuple[ComponentKind, ...]
) -> dict[ComponentKind, int | None]:
    return {kind: sum_known([part[kind] for part in parts]) for kind in kinds}
