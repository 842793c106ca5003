"""What a price plan costs three typical bodies, for the vendor who is typing it. Pure."""

from dataclasses import dataclass, replace
from datetime import date

from catalog.cost_rules import CostRules
from catalog.cost_words import explain_need
from catalog.price_plan import PricePlan, TaxRounding, Term, Volumes
from catalog.pricing import cost

TYPICAL_BODIES: tuple[tuple[str, int], ...] = (
    ("人口8千人", 8_000),
    ("人口5万人", 50_000),
    ("人口30万人", 300_000),
)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One body's cost in yen: a year of use without tax, and the first twelve months with tax."""

    label: str
    yearly: int | None
    first_year_with_tax: int | None
    needs_quote: tuple[str, ...]


def preview_costs(plan: PricePlan, today: date, rounding: TaxRounding) -> list[PreviewRow]:
    """Return the cost for the typical bodies; only their population is known, options are left out.

    The year begins today, or when the first price counts. The minimum term is left out of account,
    because a year is shown for comparison.
    """
    unbound = replace(plan, minimum_term_months=0)
    start = _find_start(plan, today)
    rows = []
    for label, population in TYPICAL_BODIES:
        statement = cost(
            unbound, Volumes(population=population), Term(start, 12), CostRules(rounding)
        )
        needs = tuple(dict.fromkeys(explain_need(need) for need in statement.needs_quote))
        rows.append(PreviewRow(label, statement.yearly, statement.total, needs))
    return rows


def _find_start(plan: PricePlan, today: date) -> date:
    begins = [each.valid_from for each in plan.components if each.valid_from is not None]
    counts = any(each.is_valid_on(today) for each in plan.components)
    return today if counts or not begins else min(begins)
