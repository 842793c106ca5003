"""The engine alone: ready-made queries to an open index, without analysis, database or page.

It orders by the same fields as the product, so that both answer the same; equals stay as they come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tantivy import Occur, Order, Query, Searcher

from bench.search.requests import SIX, Request
from search.analysis import plan_query
from search.embedded_query import build_filter, build_schema, build_strict, of_kind
from search.embedded_scope import is_apart
from search.engine import PART, SOLO, TERMS_FACETS, WHOLE

_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as the engine takes it: rows, and the aggregations with their queries."""

    rows: Any
    order: Mapping[str, Any]
    counts: tuple[tuple[Any, Mapping[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What the engine alone answers."""

    total: int
    ids: tuple[str, ...]
    facets: Mapping[str, Mapping[str, int]]


def prepare(searcher: Searcher, request: Request) -> Prepared:
    """Analyse a request and build its queries, before any time is taken.

    Where conditions are on the sellers' terms, the engine alone can only find and count listings.
    """
    query = request.query
    text = build_strict(plan_query(query.text))
    filters = query.active_filters
    by_seller = is_by_seller(searcher, request)
    free = [name for name in SIX if name not in filters]
    counts = [(_narrow(text, filters, by_seller), _terms(free))] if free else []
    for name in filters:
        others = {each: values for each, values in filters.items() if each != name}
        counts.append((_narrow(text, others, by_seller), _terms([name])))
    if query.cost_population:
        order: dict[str, Any] = {"order_by_field": query.sort, "order": Order.Asc}
    elif query.text:
        order = {"weight_by_field": f"shuffle_{query.seed}"}
    else:
        order = {"order_by_field": f"shuffle_{query.seed}"}
    return Prepared(_narrow(text, filters, by_seller), order, tuple(counts))


def is_by_seller(searcher: Searcher, request: Request) -> bool:
    """Tell whether a request distinguishes the sellers of one software."""
    if not set(TERMS_FACETS).isdisjoint(request.query.active_filters):
        return True
    return is_apart(searcher, build_strict(plan_query(request.text)), request.text)


def _narrow(text: Query, filters: Mapping[str, frozenset[str]], by_seller: bool) -> Query:  # noqa: FBT001 - one of two kinds of document
    kinds = of_kind(SOLO, PART if by_seller else WHOLE)
    return Query.boolean_query([(Occur.Must, text), *build_filter(filters), kinds])


def _terms(names: list[str]) -> dict[str, Any]:
    return {
        name: {"terms": {"field": name, "size": _MANY, "segment_size": _MANY}} for name in names
    }


def answer(searcher: Searcher, prepared: Prepared) -> RawAnswer:
    """Search, count one time for all free facets and one time for each active one, read 20 ids."""
    found: Any = searcher.search(prepared.rows, limit=20, **prepared.order)
    ids = tuple(
        str(searcher.doc(address).get_first("listing_version_id")) for _, address in found.hits
    )
    facets: dict[str, Mapping[str, int]] = {}
    for query, aggregations in prepared.counts:
        for name, counted in searcher.aggregate(query, dict(aggregations)).items():
            facets[name] = {row["key"]: row["doc_count"] for row in counted["buckets"]}
    return RawAnswer(int(found.count), ids, facets)


def count_text(searcher: Searcher, request: Request) -> int:
    """Count what the text of a request finds as written, without filters."""
    found: Any = searcher.search(build_strict(plan_query(request.text)), limit=1)
    return int(found.count)


def sort_keys(searcher: Searcher, prepared: Prepared, ids: tuple[str, ...]) -> list[float]:
    """Return what the engine alone orders these rows by: equal rows may change places."""
    wanted = Query.term_set_query(build_schema(), "listing_version_id", list(ids))
    rows = Query.boolean_query(
        [(Occur.Must, prepared.rows), (Occur.Must, Query.const_score_query(wanted, 0))]
    )
    found: Any = searcher.search(rows, limit=max(1, len(ids)), **prepared.order)
    return [key for key, _ in found.hits]
