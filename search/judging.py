"""Costs for exactly one body: few hits are filtered and sorted by them, many by a reference's."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from catalog.offerings.listed import ListedPrice
from catalog.offerings.prices import plan_of_rows
from search.costing import Costing
from search.engine import (
    Hit,
    PriceCap,
    SearchQuery,
    SearchResult,
    shuffle_rank,
)
from search.results import MOST_EXACT, next_reference

_REMEMBERED = 20_000

Search = Callable[[SearchQuery], SearchResult]
Load = Callable[[Sequence[uuid.UUID]], Iterable[tuple[uuid.UUID, str, Sequence[ListedPrice]]]]
"""Gives id, work and prices of listing versions."""


class Costs:
    """Remembers what listing versions cost somebody on a day; a version's prices never change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, Costing, date], int | None] = OrderedDict()

    def find(
        self, hits: Sequence[Hit], costing: Costing, day: date, load: Load
    ) -> dict[str, int | None]:
        """Return the yearly cost without tax by listing id; None where only a quote can tell."""
        with self._lock:
            known = {
                hit.listing_version_id: self._known[key]
                for hit in hits
                if (key := (hit.listing_version_id, costing, day)) in self._known
            }
        missing = [each.listing_version_id for each in hits if each.listing_version_id not in known]
        if missing:
            for found, work, rows in load([uuid.UUID(each) for each in missing]):
                price = costing.first_year(plan_of_rows(rows, day), work)
                known[str(found)] = price.running
        with self._lock:
            for version_id, cost in known.items():
                self._known[version_id, costing, day] = cost
                self._known.move_to_end((version_id, costing, day))
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return {hit.listing_id: known.get(hit.listing_version_id) for hit in hits}


COSTS = Costs()


def depends_on_costs(query: SearchQuery, costing: Costing) -> bool:
    """Tell whether rows or their order follow from a cost that the index has only for another body."""
    asked = {query.cost_population, query.price_cap.population if query.price_cap else None}
    return not costing.is_indexed and asked - {None} == {next_reference(costing.population)}


def judge(
    query: SearchQuery,
    search: Search,
    search_all: Search,
    cost_of: Callable[[Sequence[Hit]], dict[str, int | None]],
) -> tuple[SearchQuery, dict[str, int | None] | None]:
    """Return the query with exactly judged listings, and their costs; None for too many hits.

    What each facet counts without its own filter is judged as well, as far as that is not too much.
    """
    bare = replace(query, price_cap=None, page=1, per_page=1)
    if search(bare).total > MOST_EXACT:
        return query, None
    scopes, cap = [bare], query.price_cap
    if cap is not None:
        wider = (
            replace(bare, filters={**query.filters, name: frozenset()})
            for name in query.active_filters
        )
        scopes += [each for each in wider if search(each).total <= MOST_EXACT]
    hits = list(dict.fromkeys(hit for scope in scopes for hit in search_all(scope).hits))
    costs = cost_of(hits)
    judged = query if cap is None else replace(query, price_cap=judge_cap(cap, costs))
    return judged, costs


def judge_cap(cap: PriceCap, costs: Mapping[str, int | None]) -> PriceCap:
    """Return a cap that decides by exact costs where they are known."""
    within = frozenset(key for key, cost in costs.items() if cost is not None and cost <= cap.yen)
    return replace(cap, judged=frozenset(costs), within=within)


def order_by_cost(hits: Iterable[Hit], costs: Mapping[str, int | None], seed: int) -> list[Hit]:
    """Return listings by exact cost, equal ones as drawn, those that need a quote last."""
    return sorted(hits, key=lambda each: _cost_key(each, costs, seed))


def one_each(hits: Iterable[Hit]) -> list[Hit]:
    """Return the first listing of each software."""
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.offering_id, hit)
    return list(first.values())


def _cost_key(hit: Hit, costs: Mapping[str, int | None], seed: int) -> tuple[float, float]:
    cost = costs.get(hit.listing_id)
    rank = shuffle_rank(hit.offering_id, hit.listing_id, seed)
    return (float("inf") if cost is None else float(cost), rank)
