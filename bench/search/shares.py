"""What filters, facets and a sort cost beside a plain search, in the same engine and run."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bench.measures import measure
from bench.search import raw
from bench.search.requests import SIX, Request, Requests
from bench.search.speed import percentile
from bench.search.world import large
from search.analysis import plan_query
from search.embedded_counts import count_facets
from search.embedded_query import build_strict

_ASKED, _WARM_UP = 120, 10


@lru_cache
def _requests() -> list[Request]:
    searcher = large().searcher()
    drawn = Requests("shares").draw(2 * (_ASKED + _WARM_UP))
    found = [each for each in drawn if each.text and raw.count_text(searcher, each)]
    return found[: _ASKED + _WARM_UP]


def _time(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


@measure("search_filters_facets_sort", goal="<= 2", unit="×", base="plain top 20, p50, 100k")
def compare_with_plain() -> float:
    """Return how much longer a search with filters, six facets and sort takes than its text alone."""
    engine = large().engine
    whole: list[float] = []
    plain: list[float] = []
    for number, request in enumerate(_requests()):
        query = request.query
        bare = replace(query, filters={}, sort="relevance", counted=())
        acts = [(whole, query), (plain, bare)]
        for times, each in acts if number % 2 else reversed(acts):
            times.append(_time(lambda each=each: engine.search(each)))  # type: ignore[misc]
    return percentile(whole[_WARM_UP:], 0.5) / percentile(plain[_WARM_UP:], 0.5)


@measure("search_disjunctive", goal="<= 1", unit="×", base="1 + active facets passes, p50, 100k")
def compare_disjunctive() -> float:
    """Return what exact counts of each facet under the others cost, in passes over one count of all."""
    return percentile(list(_shares()), 0.5)


def _shares() -> Iterator[float]:
    searcher = large().searcher()
    for number, request in enumerate(_requests()):
        query, prepared = request.query, raw.prepare(searcher, request)
        text = build_strict(plan_query(query.text))
        terms = {
            name: {"terms": {"field": name, "size": 10_000, "segment_size": 10_000}} for name in SIX
        }
        acts = [
            lambda text=text, query=query: count_facets(searcher, text, query),
            lambda rows=prepared.rows, terms=terms: searcher.aggregate(rows, terms),
        ]
        order = (0, 1) if number % 2 else (1, 0)
        taken = {each: _time(acts[each]) for each in order}
        if number >= _WARM_UP:
            yield taken[0] / taken[1] / (1 + len(query.active_filters))
