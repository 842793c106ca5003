"""For whom a search counts costs, and what an address asks for that reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.auth import actor
from accounts.models import Organisation
from catalog.bodies import acting_body, find_body
from catalog.condition_words import kept_words, work_words
from catalog.conditions import Conditions
from catalog.kept.remembering import KeptWork, list_works, own_conditions
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid, NotFound
from core.forms import Form
from search.asking import query_of
from search.choices import list_facet_choices
from search.costing import Costing, WorkCosting, for_population
from search.engine import SearchQuery
from search.facets import OWN_SIZE, Choices
from search.results import DEFAULT_POPULATION

_NAMED = 2


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom costs are computed: a body that the address names, what the reader keeps, or a round population.

    `kept` is what the reader keeps, or None where the address says for whom; `works` are the works
    for whose services quantities or options are kept.
    """

    body: Organisation | None
    chosen: int | None
    is_named: bool
    kept: Conditions | None = None
    works: tuple[KeptWork, ...] = ()

    @property
    def population(self) -> int:
        """The population for which costs are computed."""
        known = (self.chosen, self._own_population, DEFAULT_POPULATION)
        return next(each for each in known if each is not None)

    @property
    def _own_population(self) -> int | None:
        if self.kept is not None:
            return self.kept.population
        return self.body.population if self.body else None

    @property
    def own(self) -> tuple[str, int] | None:
        """The name and population of the body."""
        population = self._own_population
        if self.body is None or population is None:
            return None
        return self.body.name, population

    @property
    def population_on(self) -> date | None:
        """The day of which the body's population is."""
        if self.kept is not None:
            return self.kept.population_on
        return self.body.population_date if self.body else None

    @property
    def costing(self) -> Costing:
        """All that costs are computed by."""
        kept, population = self.kept, self.population
        if kept is None or kept.population is None:
            return for_population(population)  # nobody's own quantities beside a round population
        return Costing(
            population,
            replace(kept.volumes, population=population),
            tuple(kept.rates.values()),
            tuple(
                WorkCosting(each.code, each.conditions.volumes, each.conditions.options)
                for each in self.works
            ),
            "、".join(filter(None, (kept_words(kept), _works_words(self.works)))),
        )

    @property
    def is_for_body(self) -> bool:
        """Tell whether costs are those of the body."""
        return self.own is not None and self.chosen is None


def read_reader(session: Session, form: Form | None, values: Mapping[str, Any]) -> Reader:
    """Return the reader of an address; an unknown body is refused in the form, or NotFound without one."""
    if not values["body"]:
        if values["population"]:
            return Reader(acting_body(session, actor()), values["population"], is_named=False)
        kept = own_conditions(session)
        works = tuple(each for each in list_works() if work_words(each.conditions))
        return Reader(kept.body, None, is_named=False, kept=kept, works=works)
    try:
        body = find_body(session, values["body"])
    except Invalid as error:
        if form is None:
            raise NotFound(error.message) from error
        form.refuse(error)
        return Reader(None, values["population"], is_named=False)
    if form is not None and body is not None:
        form.show("body", body.label)
    return Reader(body, values["population"], is_named=True)


def _works_words(works: Sequence[KeptWork]) -> str:
    """Say for which works quantities and options count: 「施設予約」は窓口4か所."""
    named = [f"「{each.name}」は{work_words(each.conditions)}" for each in works[:_NAMED]]
    more = len(works) - len(named)
    return "、".join([*named, f"ほか{more}業務の数量とオプション"] if more else named)


def drop_unknown_size(form: Form, reader: Reader, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without the size of the reader's body where that is unknown; said at its field."""
    if reader.own is not None or OWN_SIZE not in values["size_class"]:
        return dict(values)
    if not form.error("body"):
        form.refuse(
            Invalid(
                {
                    "body": "団体の人口が分からないため、その人口では絞り込めません。"
                    "団体を入力するか、対応する人口を一覧から選んでください。"
                }
            )
        )
    sizes = [each for each in values["size_class"] if each != OWN_SIZE]
    return {**values, "size_class": sizes}


def ask(session: Session, reader: Reader, values: Mapping[str, Any]) -> tuple[SearchQuery, Choices]:
    """Return the query of read parameters, and the values that may be asked for; BadRequest for others."""
    choices = list_facet_choices(session, values)
    query = query_of(
        values,
        choices,
        day_in_japan(now(session)),
        population=reader.population,
        own_population=reader.own[1] if reader.own else None,
    )
    return query, choices


def kept_body(reader: Reader, values: Mapping[str, Any]) -> dict[str, str]:
    """Name the body in addresses as soon as what they find depends on it.

    Where more than a population is kept, no address of the search could bring it back: it stays away.
    """
    if reader.own is None or reader.body is None or not reader.costing.is_plain:
        return {}
    depends = values["size_class"] or values["cost_max"] is not None or values["sort"] == "cost"
    return {"body": reader.body.code or ""} if reader.is_named or depends else {}
