"""What a price plan costs a body per fiscal year: pure, integer yen, one code path for all.

An amount is never guessed: what the published prices and the known volumes do not cover is named,
and then there is no total. Fiscal years (会計年度) run from 1 April to 31 March.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.charges import Charge, price_components, sum_known, sum_month, sum_year
from catalog.cost_rules import TAX_RATE_BASIS_POINTS, compute_tax
from catalog.price_plan import (
    ComponentKind,
    PricePlan,
    QuoteNeed,
    QuoteReason,
    TaxRounding,
    Term,
    Volumes,
)
from core.japanese import fiscal_year


@dataclass(frozen=True, slots=True)
class YearCost:
    """One fiscal year in yen: amounts without tax per kind, their sum and its tax.

    None means 見積が必要: an amount that only a quote can tell, and every sum that it is part of.
    """

    fiscal_year: int
    months: int
    amounts: Mapping[ComponentKind, int | None]
    subtotal: int | None
    tax: int | None

    @property
    def total(self) -> int | None:
        """Give the year's amount with tax in yen."""
        return sum_known([self.subtotal, self.tax])


@dataclass(frozen=True, slots=True)
class CostStatement:
    """What a plan costs over a term in yen; there are no totals while anything needs a quote.

    `monthly` is what the first month costs without tax (yearly and one-time charges apart); `yearly`
    is twelve such months and the yearly charges. `exit_charge` is without tax and is part of the
    lines only if `exit_included`. A plan that the body cannot use has no lines.
    """

    term: Term
    rounding: TaxRounding
    tax_basis_points: int
    lines: tuple[YearCost, ...]
    monthly: int | None
    yearly: int | None
    needs_quote: tuple[QuoteNeed, ...]
    exit_charge: int | None
    exit_included: bool
    exit_needs_quote: tuple[QuoteNeed, ...]
    options_left_out: tuple[str, ...]

    @property
    def kinds(self) -> tuple[ComponentKind, ...]:
        """Give the kinds of component that occur, in their declared order."""
        return tuple(self.lines[0].amounts) if self.lines else ()

    @property
    def amounts(self) -> dict[ComponentKind, int | None]:
        """Give the amount of each kind over the whole term, without tax."""
        return {kind: sum_known([line.amounts[kind] for line in self.lines]) for kind in self.kinds}

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


def cost(
    plan: PricePlan,
    volumes: Volumes,
    term: Term,
    rounding: TaxRounding,
    *,
    chosen_options: frozenset[str] = frozenset(),
    include_exit: bool = False,
    tax_basis_points: int = TAX_RATE_BASIS_POINTS,
) -> CostStatement:
    """Give what a plan costs a body by fiscal year; ValueError for an option the plan lacks.

    One-time charges fall in the first month, yearly ones in the first month of each contract year
    begun, exit charges in the last month. Options count only if chosen.
    """
    left_out = _list_options_left_out(plan, chosen_options)
    counted = [each for each in plan.components if not each.is_option or each.name not in left_out]
    ending = [each for each in counted if each.kind is ComponentKind.EXIT]
    if not include_exit:
        counted = [each for each in counted if each.kind is not ComponentKind.EXIT]
    charges, needs = price_components(counted, volumes, term)
    exit_charges, exit_needs = price_components(ending, volumes, term)
    obstacles = _find_obstacles(plan, volumes, term)
    lines = () if obstacles else _build_lines(charges, term, rounding, tax_basis_points)
    return CostStatement(
        term=term,
        rounding=rounding,
        tax_basis_points=tax_basis_points,
        lines=lines,
        monthly=None if obstacles else sum_month(charges),
        yearly=None if obstacles else sum_year(charges),
        needs_quote=obstacles + needs,
        exit_charge=None if obstacles else sum_known([each.amount for each in exit_charges]),
        exit_included=include_exit,
        exit_needs_quote=exit_needs,
        options_left_out=left_out,
    )


def _list_options_left_out(plan: PricePlan, chosen: frozenset[str]) -> tuple[str, ...]:
    names = list(dict.fromkeys(each.name for each in plan.components if each.is_option))
    unknown = chosen.difference(names)
    if unknown:
        raise ValueError(f"the plan has no such option: {', '.join(sorted(unknown))}")
    return tuple(name for name in names if name not in chosen)


def _find_obstacles(plan: PricePlan, volumes: Volumes, term: Term) -> tuple[QuoteNeed, ...]:
    obstacles = []
    if not plan.covers(volumes.population):
        obstacles.append(QuoteNeed(QuoteReason.OUTSIDE_SIZE))
    if term.months < plan.minimum_term_months:
        obstacles.append(QuoteNeed(QuoteReason.BELOW_MINIMUM_TERM))
    return tuple(obstacles)


def _build_lines(
    charges: Sequence[Charge], term: Term, rounding: TaxRounding, tax_basis_points: int
) -> tuple[YearCost, ...]:
    years = [fiscal_year(day) for day in term.month_starts()]
    present = {each.component.kind for each in charges}
    kinds = [kind for kind in ComponentKind if kind in present]
    by_kind: dict[int, dict[ComponentKind, int | None]]
    by_kind = {year: dict.fromkeys(kinds, 0) for year in years}
    by_month: list[int | None] = [0] * term.months
    for each in charges:
        for month in each.months:
            amounts = by_kind[years[month]]
            kind = each.component.kind
            amounts[kind] = sum_known([amounts[kind], each.amount])
            by_month[month] = sum_known([by_month[month], each.amount])
    taxes = _compute_year_taxes(years, by_month, rounding, tax_basis_points)
    return tuple(
        YearCost(
            fiscal_year=year,
            months=years.count(year),
            amounts=amounts,
            subtotal=sum_known(amounts.values()),
            tax=taxes[year],
        )
        for year, amounts in by_kind.items()
    )


def _compute_year_taxes(
    years: Sequence[int],
    by_month: Sequence[int | None],
    rounding: TaxRounding,
    tax_basis_points: int,
) -> dict[int, int | None]:
    """Give the tax of each fiscal year, in order.

    With tax on the whole, a year shows by how much the tax on everything so far has grown, so that
    the lines add up to the tax on the whole.
    """
    taxes: dict[int, int | None] = {}
    before: int | None = 0
    for year in dict.fromkeys(years):
        amounts = [amount for each, amount in zip(years, by_month, strict=True) if each == year]
        if rounding is TaxRounding.PER_MONTH:
            taxes[year] = sum_known([_tax_known(amount, tax_basis_points) for amount in amounts])
            continue
        subtotal = sum_known(amounts)
        if rounding is TaxRounding.PER_YEAR:
            taxes[year] = _tax_known(subtotal, tax_basis_points)
            continue
        after = sum_known([before, subtotal])
        if before is None or after is None:
            taxes[year] = None
        else:
            so_far = compute_tax(before, tax_basis_points)
            taxes[year] = compute_tax(after, tax_basis_points) - so_far
        before = after
    return taxes


def _tax_known(amount: int | None, tax_basis_points: int) -> int | None:
    return None if amount is None else compute_tax(amount, tax_basis_points)
