"""What everybody is asked to quote for, and what a quote says, as JSON values: one way to compute for all."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import Organisation
from catalog.condition_words import quantities_words
from catalog.conditions import QUANTITIES, Conditions
from catalog.cost_rules import TAX_RATE_BASIS_POINTS, CostRules
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PriceComponent,
    PricePlan,
    TaxRounding,
    Term,
    Tier,
    TierMode,
    Unit,
    Volumes,
    list_owed,
)
from catalog.pricing import CostStatement, cost
from core.clock import day_in_japan
from core.state_machine import LabelledCode
from procurement.projects.costs import Estimate, conditions_of, describe_basis
from procurement.projects.evidence import content_of
from procurement.projects.models import ConditionKind, ContractTermBasis, EvidencePack, Project

CONDITIONS_FORMAT = "narabi-quote-conditions-1"
FORMAT = "narabi-quote-1"
VALID_DAYS = 30  # from the deadline: the body needs the time to decide
LONGEST_NAME = 120


class LineState(LabelledCode):
    """What a vendor says of a line; a blank is never taken for zero yen."""

    PRICED = "priced", "金額を入力する"
    INCLUDED = "included", "ほかの項目に含む"
    NONE = "none", "費用はかからない"


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line of a quote: the unit price is the vendor's, the quantity is the request's."""

    kind: ComponentKind
    name: str
    unit: Unit
    interval: Interval
    state: LineState = LineState.PRICED
    unit_price: int | None = None

    def as_json(self, volumes: Volumes) -> dict[str, Any]:
        """Return the line as JSON values, with the quantity."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "unit": self.unit.value,
            "interval": self.interval.value,
            "state": self.state.value,
            "unit_price": self.unit_price,
            "quantity": volumes.get(self.unit),
        }


def build_conditions(
    project: Project,
    pack: EvidencePack,
    rounding: TaxRounding,
) -> dict[str, Any]:
    """Return the conditions of a round, the same for everybody: the locked ones and their quantities.

    What was searched stays with the body: its words and the ceiling of costs would tell sellers what
    a quote may cost.
    """
    known = conditions_of(project, project.owner, day_in_japan(pack.locked_at))
    locked = content_of(pack)
    entered = {word: getattr(known.volumes, name) for word, name in QUANTITIES.items()}
    on = known.population_on
    return {
        "format": CONDITIONS_FORMAT,
        "project": {"number": project.number, "title": project.title, "need": project.need},
        "body": {"code": project.owner.code, "name": project.owner.label},
        "evidence": {"revision": pack.revision, "sha256": pack.sha256},
        "requirements": [
            {name: each[name] for name in ("key", "kind", "text")}
            for each in locked.get("conditions", ())
            if each["kind"] != ConditionKind.SEARCH
        ],
        "starts_on": known.term.start.isoformat(),
        "ends_on": known.term.end.isoformat(),
        "months": known.term.months,
        "term_basis": project.term_basis.value,
        "may_be_cut": project.term_basis is ContractTermBasis.LONG_TERM,
        "quantities": {word: number for word, number in entered.items() if number is not None},
        "quantities_words": quantities_words(known),
        "population_on": on.isoformat() if on else None,
        "population_from": known.population_from,
        "options": sorted(known.options),
        "rounding": (known.rounding or rounding).value,
        "tax_basis_points": TAX_RATE_BASIS_POINTS,
        "valid_days": VALID_DAYS,
    }


def read_json(text: str) -> dict[str, Any]:
    """Return canonical JSON that was kept as text."""
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def conditions_from(kept: Mapping[str, Any], body: Organisation) -> Conditions:
    """Return kept conditions of a round as the catalog computes with them."""
    on = kept["population_on"]
    return Conditions(
        body=body,
        term=Term(date.fromisoformat(kept["starts_on"]), kept["months"]),
        entered=Volumes(**{n: kept["quantities"].get(w) for w, n in QUANTITIES.items()}),
        entered_on=date.fromisoformat(on) if on else None,
        entered_from=kept["population_from"],
        rounding=TaxRounding(kept["rounding"]),
        options=frozenset(kept["options"]),
    )


def first_lines(plan: PricePlan, conditions: Conditions) -> list[QuoteLine]:
    """Return the lines that a vendor's published price list asks for, with its prices where they count.

    A line whose quantity the request does not tell, or whose price is stepped or bounded, is quoted as
    one amount for each charge.
    """
    found = []
    for group in list_owed(plan.components, conditions.population):
        fitting = [
            each
            for each in group
            if each.fits(conditions.population) and each.is_valid_on(conditions.term.start)
        ]
        component = (fitting or list(group))[0]
        if component.is_option and component.name not in conditions.options:
            continue
        found.append(_first_line(component, conditions, is_known=bool(fitting)))
    named = {each.name for each in found if each.kind is ComponentKind.OPTION}
    found += [
        QuoteLine(ComponentKind.OPTION, name, Unit.LUMP, Interval.MONTH)
        for name in sorted(conditions.options - named)
    ]
    return found


def _first_line(component: PriceComponent, conditions: Conditions, *, is_known: bool) -> QuoteLine:
    name = component.name or component.kind.label
    line = QuoteLine(component.kind, name, Unit.LUMP, component.interval)
    if not is_known or not component.tiers or component.currency is not Currency.JPY:
        return line
    quantity = conditions.volumes.get(component.unit)
    if quantity is None:
        return line
    is_plain = len(component.tiers) == 1 or component.tier_mode is TierMode.VOLUME
    if is_plain and component.minimum is None and component.maximum is None:
        price = next(t.unit_price for t in reversed(component.tiers) if t.lower <= quantity)
        return replace(line, unit=component.unit, unit_price=price)
    alone = replace(component, sizes=frozenset(), valid_from=None, valid_to=None)
    options = frozenset({component.name})
    rules = CostRules(TaxRounding.WHOLE, options=options, include_exit=True)
    (item,) = cost(PricePlan((alone,)), conditions.volumes, conditions.term, rules).items
    return replace(line, unit_price=item.charge)


def compute(lines: Sequence[QuoteLine], conditions: Conditions) -> Estimate:
    """Return what the lines cost over the whole term; ValueError where they contradict each other."""
    components = tuple(
        PriceComponent(
            name=each.name,
            kind=each.kind,
            unit=each.unit,
            interval=each.interval,
            tiers=(Tier(0, each.unit_price),),
        )
        for each in lines
        if each.state is LineState.PRICED and each.unit_price is not None
    )
    options = frozenset(each.name for each in components if each.is_option)
    meant = replace(conditions, options=options)
    rules = meant.rules_for(TaxRounding.WHOLE)
    statement: CostStatement = cost(PricePlan(components), meant.volumes, meant.term, rules)
    counted = tuple(each for each in components if each.kind is not ComponentKind.EXIT)
    return Estimate(statement, meant, counted)


@dataclass(frozen=True, slots=True)
class Written:
    """What a vendor writes; quantities, tax and total are computed, never typed."""

    lines: tuple[QuoteLine, ...]
    valid_until: date
    notes: str


@dataclass(frozen=True, slots=True)
class About:
    """To which request, for which listing version and when a quote is handed in."""

    round_id: uuid.UUID
    number: str
    conditions_sha256: str
    listing_version_id: uuid.UUID
    listing_sha256: str
    seller: str
    submitted_at: datetime


def build_quote(about: About, written: Written, conditions: Conditions) -> dict[str, Any]:
    """Return the content of a quote, computed; ValueError as in `compute`."""
    estimate = compute(written.lines, conditions)
    basis = describe_basis(estimate)
    return {
        "format": FORMAT,
        "round_id": str(about.round_id),
        "number": about.number,
        "conditions_sha256": about.conditions_sha256,
        "listing_version_id": str(about.listing_version_id),
        "listing_sha256": about.listing_sha256,
        "seller": about.seller,
        "submitted_at": about.submitted_at.isoformat(timespec="microseconds"),
        "lines": [each.as_json(conditions.volumes) for each in written.lines],
        "basis": basis,
        "exit_charge": estimate.statement.exit_charge,
        "subtotal": basis["subtotal"],
        "tax": basis["tax"],
        "total": basis["total"],
        "valid_until": written.valid_until.isoformat(),
        "notes": written.notes,
    }


def first_valid_day(deadline_at: datetime) -> date:
    """Return the first day until which a quote has to hold."""
    return day_in_japan(deadline_at) + timedelta(days=VALID_DAYS)


def lines_of(content: Mapping[str, Any]) -> list[QuoteLine]:
    """Return the lines of a quote as its vendor wrote them, for the form of the next revision."""
    return [
        QuoteLine(
            ComponentKind(each["kind"]),
            each["name"],
            Unit(each["unit"]),
            Interval(each["interval"]),
            LineState(each["state"]),
            each["unit_price"],
        )
        for each in content["lines"]
    ]
