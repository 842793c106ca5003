"""What a price plan costs a body per fiscal year: pure, integer yen, one code path for all.

An amount is never guessed: what the published prices and the known volumes do not cover is named,
and then there is no total. Fiscal years (会計年度) run from 1 April to 31 March.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.price_plan import (
    QUOTE_LABEL,
    ComponentKind,
    Interval,
    PriceComponent,
    PricePlan,
    QuoteNeed,
    QuoteReason,
    TaxRounding,
    Term,
    Volumes,
    charge_amount,
    list_owed,
)
from core.japanese import fiscal_year

TAX_RATE_BASIS_POINTS = 1000
MONTHS_PER_YEAR = 12
REFERENCE_VOLUMES = Volumes(population=10_000)


def compute_tax(amount: int, tax_basis_points: int = TAX_RATE_BASIS_POINTS) -> int:
    """Give the consumption tax on an amount in yen, fractions of a yen dropped."""
    return amount * tax_basis_points // 10_000


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
        return _sum_known([self.subtotal, self.tax])


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
        return {
            kind: _sum_known([line.amounts[kind] for line in self.lines]) for kind in self.kinds
        }

    @property
    def subtotal(self) -> int | None:
        """Give the amount over the whole term without tax."""
        return None if self.needs_quote else _sum_known([line.subtotal for line in self.lines])

    @property
    def tax(self) -> int | None:
        """Give the tax over the whole term under the stated rounding."""
        return None if self.needs_quote else _sum_known([line.tax for line in self.lines])

    @property
    def total(self) -> int | None:
        """Give the amount over the whole term with tax."""
        return _sum_known([self.subtotal, self.tax])

    @property
    def monthly_with_tax(self) -> int | None:
        """Give what each month costs with its own tax, fractions of a yen dropped."""
        if self.monthly is None:
            return None
        return self.monthly + compute_tax(self.monthly, self.tax_basis_points)


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """First twelve months for the reference body, yen without tax, initial apart; None: quote."""

    running: int | None
    initial: int | None


@dataclass(frozen=True, slots=True)
class PriceBand:
    """A band of yearly running cost, yen without tax; lower bound inclusive, None: quote."""

    code: str
    label: str
    lower: int | None


PRICE_BANDS: tuple[PriceBand, ...] = (
    PriceBand("under_500k", "50万円未満", 0),
    PriceBand("500k", "50万円以上100万円未満", 500_000),
    PriceBand("1m", "100万円以上300万円未満", 1_000_000),
    PriceBand("3m", "300万円以上1,000万円未満", 3_000_000),
    PriceBand("10m", "1,000万円以上", 10_000_000),
    PriceBand("quote", QUOTE_LABEL, None),
)


@dataclass(frozen=True, slots=True)
class _Charge:
    """A component and what it costs each time it is charged, yen without tax; None: quote."""

    component: PriceComponent
    amount: int | None
    months: tuple[int, ...]


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
    charges, needs = _price_components(counted, volumes, term)
    exit_charges, exit_needs = _price_components(ending, volumes, term)
    obstacles = _find_obstacles(plan, volumes, term)
    lines = () if obstacles else _build_lines(charges, term, rounding, tax_basis_points)
    return CostStatement(
        term=term,
        rounding=rounding,
        tax_basis_points=tax_basis_points,
        lines=lines,
        monthly=None if obstacles else _sum_month(charges),
        yearly=None if obstacles else _sum_year(charges),
        needs_quote=obstacles + needs,
        exit_charge=None if obstacles else _sum_known([each.amount for each in exit_charges]),
        exit_included=include_exit,
        exit_needs_quote=exit_needs,
        options_left_out=left_out,
    )


def first_year_reference(plan: PricePlan) -> ReferencePrice:
    """Give the first twelve months for 10,000 people, without options and exit charges.

    The minimum term does not matter here; a plan not open to 10,000 people has no such price.
    """
    return first_year_cost(plan, REFERENCE_VOLUMES)


def first_year_cost(plan: PricePlan, volumes: Volumes) -> ReferencePrice:
    """Give the first twelve months for these volumes, without options, exit charges and tax."""
    if not plan.covers(volumes.population):
        return ReferencePrice(running=None, initial=None)
    counted = [
        each
        for each in plan.components
        if not each.is_option and each.kind is not ComponentKind.EXIT
    ]
    charges = _price_now(counted, volumes, plan.as_of)
    once = [each.amount for each in charges if each.component.interval is Interval.ONCE]
    return ReferencePrice(running=_sum_year(charges), initial=_sum_known(once))


def discount(amount: int, basis_points: int) -> int:
    """Give an amount in yen less a discount in basis points, fractions of a yen dropped."""
    return amount * (10_000 - basis_points) // 10_000


def band_for(running: int | None) -> PriceBand:
    """Give the band of a running cost, yen without tax; None has its own; ValueError below 0."""
    if running is None:
        return PRICE_BANDS[-1]
    if running < 0:
        raise ValueError(f"a running cost must not be negative: {running}")
    priced = [band for band in PRICE_BANDS if band.lower is not None and band.lower <= running]
    return priced[-1]


def price_band(plan: PricePlan) -> PriceBand:
    """Give the band of a plan's reference price, the facet value of a listing."""
    return band_for(first_year_reference(plan).running)


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


def _price_components(
    components: Iterable[PriceComponent], volumes: Volumes, term: Term
) -> tuple[tuple[_Charge, ...], tuple[QuoteNeed, ...]]:
    """Price every month of the term by what counts for the body then; what nothing covers needs a quote."""
    charges: list[_Charge] = []
    needs: list[QuoteNeed] = []
    starts = term.month_starts()
    for group in list_owed(components, volumes.population):
        due = set(_list_charge_months(group[0], term.months))
        for each in group:
            months = [month for month in sorted(due) if each.is_valid_on(starts[month])]
            if not months or not each.fits(volumes.population):
                continue
            due.difference_update(months)
            priced = charge_amount(each, volumes)
            if isinstance(priced, QuoteNeed):
                needs.append(priced)
            amount = None if isinstance(priced, QuoteNeed) else priced
            charges.append(_Charge(each, amount, tuple(months)))
        if due:
            needs.append(_explain_gap(group, volumes))
            charges.append(_Charge(group[0], None, tuple(sorted(due))))
    return tuple(charges), tuple(needs)


def _explain_gap(group: Sequence[PriceComponent], volumes: Volumes) -> QuoteNeed:
    reason = QuoteReason.OUTSIDE_PERIOD
    if not any(each.fits(volumes.population) for each in group):
        known = volumes.population is not None
        reason = QuoteReason.OUTSIDE_SIZE if known else QuoteReason.UNKNOWN_VOLUME
    first = group[0]
    return QuoteNeed(reason, first.name, first.kind, first.unit, first.interval)


def _price_now(
    components: Iterable[PriceComponent], volumes: Volumes, day: date | None
) -> list[_Charge]:
    """Price each component as it counts on a day, for a first month that begins then."""
    charges = []
    for group in list_owed(components, volumes.population):
        found = [e for e in group if e.fits(volumes.population) and e.is_valid_on(day)]
        priced = charge_amount(found[0], volumes) if found else None
        amount = priced if isinstance(priced, int) else None
        charges.append(_Charge(found[0] if found else group[0], amount, (0,)))
    return charges


def _list_charge_months(component: PriceComponent, months: int) -> range:
    """Give the months of the contract, counted from 0, in which a component is charged."""
    if component.kind is ComponentKind.EXIT:
        return range(months - 1, months)
    if component.interval is Interval.ONCE:
        return range(1)
    return range(0, months, MONTHS_PER_YEAR if component.interval is Interval.YEAR else 1)


def _build_lines(
    charges: Sequence[_Charge], term: Term, rounding: TaxRounding, tax_basis_points: int
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
            amounts[kind] = _sum_known([amounts[kind], each.amount])
            by_month[month] = _sum_known([by_month[month], each.amount])
    taxes = _compute_year_taxes(years, by_month, rounding, tax_basis_points)
    return tuple(
        YearCost(
            fiscal_year=year,
            months=years.count(year),
            amounts=amounts,
            subtotal=_sum_known(amounts.values()),
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
            taxes[year] = _sum_known([_tax_known(amount, tax_basis_points) for amount in amounts])
            continue
        subtotal = _sum_known(amounts)
        if rounding is TaxRounding.PER_YEAR:
            taxes[year] = _tax_known(subtotal, tax_basis_points)
            continue
        after = _sum_known([before, subtotal])
        if before is None or after is None:
            taxes[year] = None
        else:
            so_far = compute_tax(before, tax_basis_points)
            taxes[year] = compute_tax(after, tax_basis_points) - so_far
        before = after
    return taxes


def _sum_month(charges: Iterable[_Charge]) -> int | None:
    monthly = (Interval.MONTH, Interval.USAGE)
    return _sum_known(
        each.amount for each in charges if each.component.interval in monthly and 0 in each.months
    )


def _sum_year(charges: Sequence[_Charge]) -> int | None:
    """Give a contract year's recurring charges at the first month's prices: twelve months, yearly ones."""
    month = _sum_month(charges)
    yearly = [
        each.amount
        for each in charges
        if each.component.interval is Interval.YEAR and 0 in each.months
    ]
    return _sum_known([*yearly, None if month is None else month * MONTHS_PER_YEAR])


def _tax_known(amount: int | None, tax_basis_points: int) -> int | None:
    return None if amount is None else compute_tax(amount, tax_basis_points)


def _sum_known(amounts: Iterable[int | None]) -> int | None:
    """Give the sum, or None as soon as one part is unknown."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
