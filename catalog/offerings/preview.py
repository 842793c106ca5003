"""What a price plan costs three typical bodies, for the vendor who is typing it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from catalog.cost_rules import CostRules
from catalog.cost_words import explain_need
from catalog.price_plan import PricePlan, TaxRounding, Term, Volumes
from catalog.pricing import cost
from catalog.what_if import discounted_years

TYPICAL_BODIES: tuple[tuple[str, int], ...] = (
    ("人口8千人", 8_000),
    ("人口5万人", 50_000),
    ("人口30万人", 300_000),
)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One body's cost in yen: a year of use without tax, and the first twelve months with tax.

    `discounted` are [from how many adopting bodies on, the year's cost under that discount].
    """

    label: str
    yearly: int | None
    first_year_with_tax: int | None
    needs_quote: tuple[str, ...]
    discounted: tuple[tuple[int, int | None], ...]


def preview_costs(
    plan: PricePlan, today: date, rounding: TaxRounding, discounts: Sequence[Sequence[int]] = ()
) -> list[PreviewRow]:
    """Return the cost for the typical bodies; only their population is known, options are left out.

    The year begins today, or when the first price counts. The minimum term is left out of account,
    because a year is shown for comparison.
    """
    unbound = replace(plan, minimum_term_months=0)
    start = _find_start(plan, today)
    rules, term = CostRules(rounding), Term(start, 12)
    rows = []
    for label, population in TYPICAL_BODIES:
        volumes = Volumes(population=population)
        statement = cost(unbound, volumes, term, rules)
        needs = tuple(dict.fromkeys(explain_need(need) for need in statement.needs_quote))
        years = discounted_years(unbound, volumes, term, rules, discounts)
        told = tuple((row[0], year) for row, year in zip(discounts, years, strict=True))
        rows.append(PreviewRow(label, statement.yearly, statement.total, needs, told))
    return rows


def _find_start(plan: PricePlan, today: date) -> date:
    begins = [each.valid_from for each in plan.components if each.valid_from is not None]
    counts = any(each.is_valid_on(today) for each in plan.components)
    return today if counts or not begins else min(begins)
