"""What a listing costs the body of a project over its whole term: one way to compute it for all steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Organisation
from catalog.condition_words import quantities_words, rate_words
from catalog.conditions import QUANTITIES, Conditions
from catalog.cost_rules import ExchangeRate
from catalog.cost_words import computation_words
from catalog.offerings.models import ListingVersion
from catalog.offerings.prices import plan_of
from catalog.price_plan import (
    ComponentKind,
    Currency,
    PriceComponent,
    TaxRounding,
    Term,
    Volumes,
)
from catalog.pricing import CostStatement, cost
from procurement.projects.models import Project

_LOCKED = "registered"  # what stood in the register at the lock, apart from what was typed
_REGISTER = "検索結果を確定した日の団体の登録"
_LONGEST_SOURCE = 100  # as in an address


@dataclass(frozen=True, slots=True)
class Estimate:
    """The computed cost, yen, and by what it was computed."""

    statement: CostStatement
    conditions: Conditions
    components: tuple[PriceComponent, ...]

    @property
    def total(self) -> int | None:
        """Yen with tax over the whole term; None where a quote is needed."""
        return self.statement.total


def term_of(project: Project) -> Term:
    """Return first day and length of the wanted contract."""
    return Term(project.starts_on, project.term_months)


def store_conditions(conditions: Conditions) -> dict[str, Any]:
    """Return what a project keeps of conditions, as JSON values; the body and the term are its own."""
    entered = {word: getattr(conditions.entered, name) for word, name in QUANTITIES.items()}
    rate = conditions.rates.get(Currency.USD)
    kept: dict[str, Any] = {
        **{word: number for word, number in entered.items() if number is not None},
        "population_on": conditions.entered_on and conditions.entered_on.isoformat(),
        "population_from": conditions.entered_from,
        "o": sorted(conditions.options),
        "rounding": conditions.rounding and conditions.rounding.value,
        "usd": rate and [rate.yen_per_100, rate.as_of.isoformat(), rate.source],
    }
    return {word: value for word, value in kept.items() if value not in (None, "", [])}


def lock_conditions(project: Project, day: date) -> dict[str, Any]:
    """Return what a project keeps, with the registered population of the day of the lock.

    A later figure in the register then changes no cost that was locked.
    """
    body = project.owner
    kept = {word: value for word, value in project.cost_conditions.items() if word != _LOCKED}
    if "population" in kept or body.population is None:
        return kept
    locked = {
        "population": body.population,
        "population_on": (body.population_date or day).isoformat(),
        "population_from": (body.population_source or _REGISTER)[:_LONGEST_SOURCE],
    }
    return {**kept, _LOCKED: locked}


def conditions_of(project: Project, body: Organisation, day: date | None = None) -> Conditions:
    """Return for whom and by what the costs of a project are computed, by the price lists of a day."""
    kept = project.cost_conditions
    if not project.has_open_costs:
        kept = {**kept.get(_LOCKED, {}), **kept}
    on, rate = kept.get("population_on"), kept.get("usd")
    rates = {}
    if rate:
        yen_per_100, as_of, source = rate
        as_of = date.fromisoformat(as_of)
        rates[Currency.USD] = ExchangeRate(Currency.USD, yen_per_100, as_of, source)
    return Conditions(
        body=body,
        term=term_of(project),
        entered=Volumes(**{name: kept.get(word) for word, name in QUANTITIES.items()}),
        entered_on=date.fromisoformat(on) if on else None,
        entered_from=kept.get("population_from", ""),
        rounding=TaxRounding(kept["rounding"]) if "rounding" in kept else None,
        options=frozenset(kept.get("o", ())),
        rates=rates,
        priced_on=day,
    )


def estimate_cost(
    version: ListingVersion, project: Project, body: Organisation, day: date | None = None
) -> Estimate:
    """Return what a listing version costs the body with the options in use, without exit charges.

    `day` is the day of the lock: prices that became public later change nothing that was locked.
    """
    conditions, plan = conditions_of(project, body, day), plan_of(version, day)
    rules = conditions.rules_for(version.tax_rounding)
    statement = cost(plan, conditions.volumes, conditions.term, rules)
    counted = tuple(
        component
        for component in plan.components
        if (not component.is_option or component.name in conditions.options)
        and component.kind is not ComponentKind.EXIT
        and component.fits(conditions.population)
    )
    return Estimate(statement, conditions, counted)


def describe_basis(estimate: Estimate) -> dict[str, Any]:
    """Return the computation as JSON values, kept with the selection and printed in the request."""
    statement, conditions = estimate.statement, estimate.conditions
    on = conditions.population_on
    return {
        "population": conditions.population,
        "population_date": on.isoformat() if on else None,
        "population_source": conditions.population_from,
        "quantities": quantities_words(conditions),
        "options": sorted(conditions.options),
        "options_absent": list(statement.options_absent),
        "exchange_rate": rate_words(conditions.rates[Currency.USD]) if conditions.rates else "",
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
                computation_words(component, conditions.volumes),
            ]
            for component in estimate.components
        ],
    }


def _by_code(amounts: Mapping[ComponentKind, int | None]) -> dict[str, int | None]:
    return {kind.value: amount for kind, amount in amounts.items()}
