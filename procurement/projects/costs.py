"""What a listing costs the body of a project over its whole term: one way to compute it for all steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import Organisation
from catalog.offerings.models import ListingVersion
from catalog.offerings.prices import plan_of
from catalog.price_plan import ComponentKind, PriceComponent, Term, TierMode, Unit, Volumes
from catalog.pricing import CostStatement, cost
from core.japanese import format_amount
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


def estimate_cost(version: ListingVersion, project: Project, body: Organisation) -> Estimate:
    """Return what a locked listing version costs the body, without options and exit charges."""
    plan, volumes = plan_of(version), Volumes(population=body.population)
    statement = cost(plan, volumes, term_of(project), version.tax_rounding)
    counted = tuple(
        component
        for component in plan.components
        if not component.is_option and component.kind is not ComponentKind.EXIT
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
                describe_component(component, estimate.volumes),
            ]
            for component in estimate.components
        ],
    }


def _by_code(amounts: Mapping[ComponentKind, int | None]) -> dict[str, int | None]:
    return {kind.value: amount for kind, amount in amounts.items()}


def describe_component(component: PriceComponent, volumes: Volumes) -> str:
    """Return how one charge is computed, yen without tax: 3円／人口1人（毎月）× 8,421."""
    per = f"（{component.interval.label}）"
    if component.unit is not Unit.LUMP:
        per = f"／{component.unit.label}{per}"
    if len(component.tiers) == 1:
        words = f"{format_amount(component.tiers[0].unit_price)}円{per}"
    else:
        mode = "超えた部分ごと" if component.tier_mode is TierMode.GRADUATED else "全体に一つの単価"
        steps = "、".join(
            f"{format_amount(tier.lower)}以上{format_amount(tier.unit_price)}円"
            for tier in component.tiers
        )
        words = f"{steps}{per}、{mode}"
    quantity = volumes.get(component.unit)
    if component.unit is not Unit.LUMP and quantity is not None:
        words += f" × {format_amount(quantity)}"
    for bound, word in ((component.minimum, "下限"), (component.maximum, "上限")):
        if bound is not None:
            words += f"、{word}{format_amount(bound)}円"
    return words
