"""What a listing costs the body of a project over its whole term: one way to compute it for all steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Organisation
from catalog.cost_rules import CostRules
from catalog.cost_words import computation_words
from catalog.offerings.models import ListingVersion
from catalog.offerings.prices import plan_of
from catalog.price_plan import ComponentKind, PriceComponent, Term, Volumes
from catalog.pricing import CostStatement, cost
from procurement.projects.models import Project


@dataclass(frozen=True, slots=True)
class Estimate:
    """The computed cost, yen, and the quantities it was computed with."""

    statement: CostStatement
    volumes: Volumes
    components: tuple[PriceComponent, ...]

    @property
    def total(self) -> int | None:
        """Yen with tax over the whole term; None where a quote is needed."""
        return self.statement.total


def term_of(project: Project) -> Term:
    """Return first day and length of the wanted contract."""
    return Term(project.starts_on, project.term_months)


def estimate_cost(
    version: ListingVersion, project: Project, body: Organisation, day: date | None = None
) -> Estimate:
    """Return what a listing version costs the body, without options and exit charges.

    `day` is the day of the lock: prices that became public later change nothing that was locked.
    """
    plan, volumes = plan_of(version, day), Volumes(population=body.population)
    statement = cost(plan, volumes, term_of(project), CostRules(version.tax_rounding))
    counted = tuple(
        component
        for component in plan.components
        if not component.is_option
        and component.kind is not ComponentKind.EXIT
        and component.fits(volumes.population)
    )
    return Estimate(statement, volumes, counted)


def describe_basis(estimate: Estimate, body: Organisation) -> dict[str, Any]:
    """Return the computation as JSON values, kept with the selection and printed in the request."""
    statement = estimate.statement
    return {
        "population": body.population,
        "population_date": body.population_date.isoformat() if body.population_date else None,
        "population_source": body.population_source,
        "starts_on": statement.term.start.isoformat(),
        "ends_on": statement.term.end.isoformat(),
        "months": statement.term.months,
        "rounding": statement.rounding.value,
        "tax_basis_points": statement.tax_basis_points,
        "kinds": [kind.value for kind in statement.kinds],
        "years": [
            {
                "fiscal_year": line.fiscal_year,
                "amounts": _by_code(line.amounts),
                "subtotal": line.subtotal,
                "tax": line.tax,
                "total": line.total,
            }
            for line in statement.lines
        ],
        "amounts": _by_code(statement.amounts),
        "subtotal": statement.subtotal,
        "tax": statement.tax,
        "total": statement.total,
        "options_left_out": list(statement.options_left_out),
        "components": [
            [
                component.name or component.kind.label,
                computation_words(component, estimate.volumes),
            ]
            for component in estimate.components
        ],
    }


def _by_code(amounts: Mapping[ComponentKind, int | None]) -> dict[str, int | None]:
    return {kind.value: amount for kind, amount in amounts.items()}
