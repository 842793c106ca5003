"""What counts for a body on a day, as values: its own rules, or the decree where it has none."""

import uuid
from dataclasses import dataclass, field
from datetime import date

from catalog.price_plan import TaxRounding
from procurement.bodies.models import (
    NUMBER_PATTERN,
    ApprovalStep,
    BodyRuleSet,
    ContractCategory,
    StepKind,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One seal box of a route."""

    kind: StepKind
    title: str


@dataclass(frozen=True, slots=True)
class Band:
    """The route of amounts up to a limit, yen with tax; None is without limit."""

    upto_amount: int | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes a paper of the body."""

    title: str = ""
    name: str = ""
    department: str = ""
    address: str = ""
    phone: str = ""

    @property
    def sender(self) -> str:
        """Title and name as a paper's sender has them."""
        return "　".join(part for part in (self.title, self.name) if part)


DEFAULT_ROUTE = (Band(None, (Step(StepKind.PREPARE, "担当者"), Step(StepKind.DECIDE, "決裁者"))),)


@dataclass(frozen=True, slots=True)
class BodyRules:
    """The rules of a body on a day; `is_default` tells that it has confirmed none of its own."""

    saas_category: ContractCategory = ContractCategory.SERVICES
    rounding: TaxRounding = TaxRounding.WHOLE
    long_term_allowed: bool = False
    long_term_max_months: int | None = None
    long_term_source: str = ""
    quotes_at_least: int = 2
    designated_at_least: int = 3
    single_quote_up_to: int | None = None
    sheet_omitted_up_to: int | None = None
    number_pattern: str = NUMBER_PATTERN
    letterhead: Letterhead = field(default_factory=Letterhead)
    route: tuple[Band, ...] = DEFAULT_ROUTE
    source: str = "地方自治法施行令"
    valid_from: date | None = None
    rules_id: uuid.UUID | None = None

    @property
    def is_default(self) -> bool:
        """Tell whether the body has no rules of its own on the day."""
        return self.rules_id is None

    @property
    def own_rounding(self) -> TaxRounding | None:
        """The body's rounding, which goes before the price list's; None where it has no rules."""
        return None if self.is_default else self.rounding


DECREE = BodyRules()


def describe_rules(kept: BodyRuleSet, steps: list[ApprovalStep]) -> BodyRules:
    """Return stored rules as values."""
    return BodyRules(
        saas_category=kept.saas_category,
        rounding=kept.rounding,
        long_term_allowed=kept.long_term_allowed,
        long_term_max_months=kept.long_term_max_months,
        long_term_source=kept.long_term_source,
        quotes_at_least=kept.quotes_at_least,
        designated_at_least=kept.designated_at_least,
        single_quote_up_to=kept.single_quote_up_to,
        sheet_omitted_up_to=kept.sheet_omitted_up_to,
        number_pattern=kept.number_pattern,
        letterhead=Letterhead(
            kept.head_title, kept.head_name, kept.department, kept.address, kept.phone
        ),
        route=_bands_of(steps) or DEFAULT_ROUTE,
        source=kept.source,
        valid_from=kept.valid_from,
        rules_id=kept.id,
    )


def _bands_of(steps: list[ApprovalStep]) -> tuple[Band, ...]:
    bands: dict[int, list[ApprovalStep]] = {}
    for step in sorted(steps, key=lambda each: (each.band, each.position)):
        bands.setdefault(step.band, []).append(step)
    return tuple(
        Band(of[0].upto_amount, tuple(Step(step.kind, step.title) for step in of))
        for of in bands.values()
    )


def route_for(rules: BodyRules, amount: int | None) -> tuple[Step, ...]:
    """Return the seal boxes for an amount, yen with tax; an unknown amount goes the longest way."""
    for band in rules.route:
        if band.upto_amount is None or (amount is not None and amount <= band.upto_amount):
            return band.steps
    return rules.route[-1].steps
