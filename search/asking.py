"""From what a reader gives, typed or chosen, to the query of the engines. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from catalog.cost_rules import compute_tax
from catalog.terms import size_class_for
from core.errors import BadRequest
from search.engine import FACETS, PriceCap, SearchQuery, choose_seed
from search.facets import FACET_LABELS, OWN_SIZE, Choices
from search.results import DEFAULT_POPULATION, next_reference


def make_query(
    text: str,
    filters: Mapping[str, Sequence[str]],
    *,
    day: date,
    sort: str = "relevance",
    seed: int | None = None,
    page: int = 1,
    price_cap: PriceCap | None = None,
) -> SearchQuery:
    """Return a query from plain values; without a seed, the day's; raises BadRequest."""
    return SearchQuery(
        text=text,
        filters={name: frozenset(values) for name, values in filters.items() if values},
        sort=sort,
        seed=choose_seed(day, text) if seed is None else seed,
        page=page,
        price_cap=price_cap,
    )


def query_of(
    values: Mapping[str, Any],
    choices: Choices,
    day: date,
    *,
    population: int | None = None,
    own_population: int | None = None,
) -> SearchQuery:
    """Return the query of read parameters; raises BadRequest for a facet value that is unknown.

    Costs are those for `population`; `own_population` is of the body whose size class "own" means.
    """
    filters = {name: list(values[name]) for name in FACETS}
    filters["size_class"] = own_size(filters["size_class"], own_population)
    refuse_unknown(filters, choices)
    population = population or DEFAULT_POPULATION
    most = values["cost_max"]
    return make_query(
        values["q"],
        filters,
        day=day,
        sort=engine_sort(values["sort"], population),
        seed=values["seed"],
        page=values["page"],
        price_cap=None if most is None else cap_for(most, population),
    )


def list_asked(query: SearchQuery) -> list[str]:
    """Return the conditions of a query: names of facets, "cost_max", "q"."""
    cap = ["cost_max"] if query.price_cap else []
    return [*query.active_filters, *cap, *(["q"] if query.text else [])]


def without(query: SearchQuery, names: Iterable[str]) -> SearchQuery:
    """Return a query without some of the conditions that `list_asked` names."""
    dropped = frozenset(names)
    kept = {name: values for name, values in query.filters.items() if name not in dropped}
    cap = None if "cost_max" in dropped else query.price_cap
    text = "" if "q" in dropped else query.text
    return replace(query, text=text, filters=kept, price_cap=cap)


def refuse_unknown(filters: Mapping[str, Sequence[str]], choices: Choices) -> None:
    """Raise BadRequest naming a facet value that the catalog does not hold."""
    for name, values in filters.items():
        known = {value for value, _ in choices[name]}
        if unknown := set(values) - known:
            raise BadRequest(
                f"{FACET_LABELS[name]}に「{min(unknown)}」はありません。"
                "絞り込みの一覧から選び直してください。"
            )


def own_size(values: Sequence[str], own_population: int | None) -> list[str]:
    """Return size classes with that of the reader's body in place of "own"."""
    if OWN_SIZE not in values:
        return list(values)
    if own_population is None:
        raise BadRequest(
            "団体の人口が分からないため、自分の団体の人口では絞り込めません。"
            "対応する人口を一覧から選んでください。"
        )
    own = size_class_for(own_population).value
    return list(dict.fromkeys(own if each == OWN_SIZE else each for each in values))


def engine_sort(sort: str, population: int) -> str:
    """Return the engine's order: "cost" is by the reference population of the reader's body."""
    return f"cost_{next_reference(population)}" if sort == "cost" else sort


def cap_for(yen_with_tax: int, population: int) -> PriceCap:
    """Return the most without tax that stays within an amount with tax, at the next reference."""
    without = yen_with_tax * 10 // 11
    while without + 1 + compute_tax(without + 1) <= yen_with_tax:
        without += 1
    while without and without + compute_tax(without) > yen_with_tax:
        without -= 1
    return PriceCap(next_reference(population), without)
