"""For whom, from when and how long a cost is computed, and which rows of a comparison are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import BodyKind, Organisation
from catalog.bodies import REFERENCE, acting_body, find_body
from catalog.cost_rules import CostRules, ExchangeRate
from catalog.price_bands import REFERENCE_VOLUMES
from catalog.price_plan import Currency, TaxRounding, Term, Volumes
from catalog.terms import BodyClass
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid

REFERENCE_LABEL = "人口10,000人の団体（目安）"
DEFAULT_MONTHS = 36
# The quantities that a body enters, by their word in the address.
QUANTITIES: Mapping[str, str] = {
    "population": "population",
    "households": "households",
    "ids": "ids",
    "counters": "counters",
    "gb": "gigabytes",
    "cases": "cases_per_month",
    "hours": "hours_per_month",
}
NOTHING_ENTERED = Volumes()
_BODY_CLASSES = {
    BodyKind.DESIGNATED_CITY: BodyClass.DESIGNATED_CITY,
    BodyKind.CORE_CITY: BodyClass.CORE_CITY,
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """For whom, from when and how long; without a body the reference of 10,000 people counts.

    `entered` are the quantities that the reader typed; a population among them, with its day and
    source, stands for the registered one. Without `rounding` each price list's own rule counts.
    `priced_on` is the day whose price lists are used; None: today's. `used` is the word of the
    address for the standard options that the body uses.
    """

    body: Organisation | None
    term: Term
    entered: Volumes = NOTHING_ENTERED
    entered_on: date | None = None
    entered_from: str = ""
    rounding: TaxRounding | None = None
    options: frozenset[str] = frozenset()
    include_exit: bool = False
    rates: Mapping[Currency, ExchangeRate] = field(default_factory=dict)
    priced_on: date | None = None
    used: str = ""
    only_differences: bool = False
    only_must: bool = False
    only_used: bool = False
    only_gaps: bool = False
    shown: tuple[int, ...] = ()

    @property
    def body_code(self) -> str:
        """The word in the address that brings the same body back."""
        return REFERENCE if self.body is None else str(self.body.code)

    @property
    def body_label(self) -> str:
        """The body with its prefecture."""
        if self.body is not None:
            return self.body.label
        if self.entered.population is not None:
            return f"人口{self.entered.population:,}人の団体（入力した人口）"
        return REFERENCE_LABEL

    @property
    def body_class(self) -> BodyClass:
        """The kind of body for which requirements are classed."""
        kind = self.body.body_kind if self.body else None
        return _BODY_CLASSES.get(kind, BodyClass.OTHER) if kind else BodyClass.OTHER

    @property
    def population(self) -> int | None:
        """The population to compute with: the entered one, else the registered one, else the reference's."""
        if self.entered.population is not None:
            return self.entered.population
        return self.body.population if self.body else REFERENCE_VOLUMES.population

    @property
    def population_on(self) -> date | None:
        """The day of which the population is."""
        if self.entered.population is not None:
            return self.entered_on
        return self.body.population_date if self.body else None

    @property
    def population_from(self) -> str:
        """Where the population was taken from."""
        if self.entered.population is not None:
            return self.entered_from
        return self.body.population_source if self.body else ""

    @property
    def names_registered(self) -> bool:
        """Tell whether the entered population is the registered one, as an address that pins it says."""
        body = self.body
        return body is not None and (
            self.entered.population,
            self.entered_on,
            self.entered_from,
        ) == (body.population, body.population_date, body.population_source)

    @property
    def volumes(self) -> Volumes:
        """The quantities to compute with; what is unknown stays unknown."""
        return replace(self.entered, population=self.population)

    def rules_for(self, rounding: TaxRounding) -> CostRules:
        """Return the rules to compute a price list with, whose own rounding is given."""
        return CostRules(
            self.rounding or rounding,
            options=self.options,
            include_exit=self.include_exit,
            rates=self.rates,
        )

    def parts(self) -> dict[str, Any]:
        """Return the words of an address that bring the same conditions back to anyone.

        What is not said is left out; the filters of a comparison's rows are not among them.
        """
        rate = self.rates.get(Currency.USD)
        entered = {word: getattr(self.entered, name) for word, name in QUANTITIES.items()}
        start = self.term.start
        found: dict[str, Any] = {
            "body": self.body_code,
            "start": f"{start:%Y-%m}" if start.day == 1 else start.isoformat(),
            "months": self.term.months,
            **entered,
            "population_on": self.entered_on and self.entered_on.isoformat(),
            "population_from": self.entered_from or None,
            "rounding": self.rounding and self.rounding.value,
            "o": sorted(self.options) or None,
            "exit": "1" if self.include_exit else None,
            "usd": rate and rate.per_unit,
            "usd_on": rate and rate.as_of.isoformat(),
            "usd_from": rate and rate.source,
            "on": self.priced_on and self.priced_on.isoformat(),
            "use": self.used or None,
        }
        return {word: value for word, value in found.items() if value is not None}

    def basis(self, today: date) -> dict[str, Any]:
        """Return what a cost depends on as JSON values, quantities and their origin included."""
        return {
            **self.parts(),
            "on": (self.priced_on or today).isoformat(),
            "population": self.population,
            "population_on": self.population_on.isoformat() if self.population_on else None,
            "population_from": self.population_from,
        }


def default_start(today: date) -> date:
    """Return the first day of the next fiscal year."""
    return date(today.year + (today.month >= 4), 4, 1)


def read_conditions(
    session: Session, actor: Actor, asked: dict[str, Any], *, names_body: bool
) -> Conditions:
    """Return the conditions of values read by `CostQuerySchema`; Invalid says what is missing in them.

    Who names no body gets the acting one, else the reference; a body named blank is the reference.
    """
    today = day_in_japan(now(session))
    body = find_body(session, asked["body"]) if names_body else acting_body(session, actor)
    return make_conditions(asked, body, today)


def make_conditions(asked: dict[str, Any], body: Organisation | None, today: date) -> Conditions:
    """Return the conditions of values read by `CostQuerySchema` for a body; Invalid as above."""
    priced_on = asked["on"]
    if priced_on and priced_on > today:
        raise Invalid(
            {"on": "料金表の日は今日までの日を入力してください。先の料金は公表されていません。"}
        )
    return Conditions(
        body=body,
        term=Term(asked["start"] or default_start(today), asked["months"] or DEFAULT_MONTHS),
        **_read_quantities(asked, body, today),
        rounding=asked["rounding"],
        options=frozenset(asked["o"]),
        include_exit=asked["exit"] == "1",
        rates=_read_rates(asked, today),
        priced_on=priced_on,
        used=asked["use"],
        only_differences=asked.get("diff") == "1",
        only_must=asked.get("must") == "1",
        only_used=asked.get("used") == "1",
        only_gaps=asked.get("gaps") == "1",
        shown=asked.get("show", ()),
    )


def _read_quantities(
    asked: dict[str, Any], body: Organisation | None, today: date
) -> dict[str, Any]:
    """Return the entered quantities; a body's own population needs its day and its source."""
    entered = Volumes(**{name: asked[word] for word, name in QUANTITIES.items()})
    if entered.population is None:
        return {"entered": entered}
    told, source = asked["population_on"], asked["population_from"]
    missing = {}
    if body is not None and told is None:
        missing["population_on"] = "人口がいつのものか、日付を入力してください。"
    if body is not None and not source:
        missing["population_from"] = "人口の出どころを入力してください。例：住民基本台帳"
    if told is not None and told > today:
        missing["population_on"] = "人口の日付は今日までの日を入力してください。"
    if missing:
        raise Invalid(missing)
    return {"entered": entered, "entered_on": told, "entered_from": source}


def _read_rates(asked: dict[str, Any], today: date) -> dict[Currency, ExchangeRate]:
    """Return the exchange rate with its day and source, if one was entered."""
    if asked["usd"] is None:
        return {}
    missing = {}
    if asked["usd_on"] is None:
        missing["usd_on"] = "換算する率がいつのものか、日付を入力してください。"
    elif asked["usd_on"] > today:
        missing["usd_on"] = "換算する率の日付は今日までの日を入力してください。"
    if not asked["usd_from"]:
        missing["usd_from"] = (
            "換算する率の出どころを入力してください。例：取引銀行の公表相場（TTS）"
        )
    if missing:
        raise Invalid(missing)
    rate = ExchangeRate(Currency.USD, asked["usd"], asked["usd_on"], asked["usd_from"])
    return {Currency.USD: rate}
