"""How long a search takes: the engine alone, our pipeline in process, and the API over HTTP."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bench.measures import measure
from bench.search import raw
from bench.search.requests import SIX, Request, Requests
from bench.search.world import Site, World, large, served, small
from core import db
from search.engine import SearchQuery, SearchResult
from search.queries import Page, find_listings
from search.results import DEFAULT_POPULATION

_WARM_UP, _TAKEN = 20, 200
_ORDERS = 3


@dataclass(slots=True)
class Durations:
    """Seconds of the same requests, each asked once, in turn by every way."""

    raw: list[float] = field(default_factory=list)
    engine: list[float] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)
    http: list[float] = field(default_factory=list)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the duration that this share of the requests did not exceed."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


class Ways:
    """The three ways in process over one catalog; none has answered anything yet."""

    def __init__(self, world: World) -> None:
        self.searcher = world.searcher()
        self.engine, self.engine_of_rows = world.engine, world.engine

    def ask_raw(self, prepared: raw.Prepared) -> raw.RawAnswer:
        """Ask the engine alone."""
        return raw.answer(self.searcher, prepared)

    def ask_engine(self, query: SearchQuery) -> SearchResult:
        """Analyse, search, order, count."""
        return self.engine.search(query)

    def ask_rows(self, query: SearchQuery) -> Page:
        """The same with its 20 rows, each held against the database."""
        population = query.cost_population or DEFAULT_POPULATION
        with db.reading() as session:
            return find_listings(session, self.engine_of_rows, query, population=population)


@lru_cache
def time_searches(world: World) -> Durations:
    """Time requests that differ from each other; every way must find the same."""
    world.use()
    taken = Durations()
    with served(world) as site:
        ways = Ways(world)
        drawn = _draw_findable(ways)
        for number, request in enumerate(drawn):
            one = _time_one(ways, site, request, number)
            if number >= _WARM_UP:
                for name, seconds in one.items():
                    getattr(taken, name).append(seconds)
    return taken


def _draw_findable(ways: Ways) -> list[Request]:
    """Draw requests whose text finds something as written: a second, wider search is another matter."""
    drawn = Requests("timed").draw(2 * (_WARM_UP + _TAKEN))
    found = [each for each in drawn if raw.count_text(ways.searcher, each)]
    return found[: _WARM_UP + _TAKEN]


def _time_one(ways: Ways, site: Site, request: Request, number: int) -> dict[str, float]:
    prepared, query = raw.prepare(ways.searcher, request), request.query
    acts: list[tuple[str, Callable[[], Any]]] = [
        ("raw", lambda: ways.ask_raw(prepared)),
        ("engine", lambda: ways.ask_engine(query)),
        ("rows", lambda: ways.ask_rows(query)),
        ("http", lambda: site.ask(request.address)),
    ]
    # Whoever comes first finds the processor's caches cold: everybody does in turn.
    acts = acts[number % 4 :] + acts[: number % 4]
    seconds, answers = {}, {}
    for name, act in acts:
        start = time.perf_counter()
        answers[name] = act()
        seconds[name] = time.perf_counter() - start
    seconds["http"] = answers["http"][0]
    _compare(request, ways, answers)
    return seconds


def _compare(request: Request, ways: Ways, answers: dict[str, Any]) -> None:
    """Fail unless all ways find, count and order the same."""
    alone, ours, rows, (_, told) = (answers[name] for name in ("raw", "engine", "rows", "http"))
    told_counts = {
        facet["name"]: {one["value"]: one["count"] for one in facet["values"] if one["count"]}
        for facet in told["facets"]
    }
    services = [hit.offering_id for hit in ours.hits]
    same = (
        ours.total == rows.total == told["total"]
        and all(dict(ours.facets[name]) == told_counts[name] for name in SIX)
        and [str(row.version.offering_id) for row in rows.rows] == services
        and [row["offering_id"] for row in told["items"]] == services
        and _is_like_raw(request, ways, alone, ours)
    )
    if not same:
        raise AssertionError(f"the ways differ: {request}")


def _is_like_raw(request: Request, ways: Ways, alone: raw.RawAnswer, ours: SearchResult) -> bool:
    """Hold our answer against the engine's; equal rows may have changed places."""
    if raw.is_by_seller(ways.searcher, request):
        # The engine knows listings only; ours are the services that they belong to.
        return ways.engine.search_all(request.query).total == alone.total >= ours.total
    prepared = raw.prepare(ways.searcher, request)
    return (
        alone.total == ours.total
        and all(alone.facets[name] == dict(ours.facets[name]) for name in SIX)
        and raw.sort_keys(ways.searcher, prepared, alone.ids)
        == raw.sort_keys(ways.searcher, prepared, ours.ids)
    )


# --- measures ------------------------------------------------------------------------------------


def _ratio(way: str, share: float) -> float:
    taken = time_searches(large())
    return percentile(getattr(taken, way), share) / percentile(taken.raw, share)


def _growth(way: str, share: float) -> float:
    after, before = time_searches(large()), time_searches(small())
    return percentile(getattr(after, way), share) / percentile(getattr(before, way), share)


_BASE = "raw engine call, 100k listings, filters, six facets, sort"


@measure("search_http_p50", goal="<= 2.5", unit="×", base=_BASE)
def compare_http_median() -> float:
    """Return how much longer the median search takes over HTTP."""
    return _ratio("http", 0.5)


@measure("search_http_p95", goal="<= 2", unit="×", base=_BASE)
def compare_http_slow() -> float:
    """Return how much longer the slow searches take over HTTP."""
    return _ratio("http", 0.95)


@measure("search_pipeline_p50", goal="<= 1.5", unit="×", base=f"{_BASE}; in process")
def compare_pipeline() -> float:
    """Return how much longer the median search takes with analysis, ties and its 20 rows.

    The rows are read from the database and held against the query, as for a page.
    """
    return _ratio("rows", 0.5)


@measure("search_growth_p50", goal="<= 4", unit="×", base="over HTTP, 10k listings")
def compare_growth() -> float:
    """Return how the median grows from 10,000 to 100,000 listings."""
    return _growth("http", 0.5)


@measure("search_growth_p95", goal="<= 8", unit="×", base="over HTTP, 10k listings")
def compare_slow_growth() -> float:
    """Return how the slow searches grow from 10,000 to 100,000 listings."""
    return _growth("http", 0.95)
