"""Reading the embedded index: which pass, which rows in which order, how many of each facet."""

from collections.abc import Mapping
from typing import Any

from tantivy import DocAddress, FieldType, Occur, Order, Query, Searcher

from search.analysis import plan_query
from search.embedded_query import (
    MAKER_ID,
    build_completion,
    build_filter,
    build_relaxed,
    build_schema,
    build_strict,
)
from search.engine import FACETS, Completions, Filters, Hit, SearchQuery, shuffle_makers
from search.prefixes import beginning, inside

Facets = Mapping[str, Mapping[str, int]]

_FACET_VALUES = 10_000
# Rows whose weighted scores collide in the engine's single precision are put right within this.
_PAD = 32


class Page:
    """Reads one stretch of the ordered hits of one query."""

    def __init__(self, searcher: Searcher, query: SearchQuery, text: Query) -> None:
        self._searcher = searcher
        self._shuffle = f"shuffle_{query.seed}"
        self._cost = query.sort if query.cost_population else ""
        self._scored = bool(plan_query(query.text).terms)
        self._query = _narrow(text, query.active_filters)

    def read(self, offset: int, limit: int) -> tuple[list[Hit], int]:
        """Give the hits from an offset on, and how many there are in all."""
        if self._cost:
            addresses, total = self._by_cost(offset, limit)
        elif self._scored:
            addresses, total = self._by_score(offset, limit)
        else:
            addresses, total = self._by_shuffle(self._query, offset, limit)
        return [self._hit(address) for address in addresses], total

    def _hit(self, address: DocAddress) -> Hit:
        stored = self._searcher.doc(address)
        return Hit(
            str(stored.get_first("listing_version_id")),
            str(stored.get_first("listing_id")),
            str(stored.get_first("offering_id")),
        )

    def _by_shuffle(self, query: Query, offset: int, limit: int) -> tuple[list[DocAddress], int]:
        found = self._searcher.search(
            query, limit=max(limit, 1), offset=offset, order_by_field=self._shuffle
        )
        return [address for _, address in found.hits][:limit], _count(found)

    def _by_score(self, offset: int, limit: int) -> tuple[list[DocAddress], int]:
        start = max(0, offset - _PAD)
        found = self._searcher.search(
            self._query,
            limit=offset - start + limit + _PAD,
            offset=start,
            weight_by_field=self._shuffle,
        )
        addresses = [address for _, address in found.hits]
        ranks = self._searcher.fast_field_values(self._shuffle, addresses)
        ordered = sorted(
            zip(found.hits, ranks, strict=True), key=lambda row: (-row[0][0], -(row[1] or 0.0))
        )
        rows = [address for (_, address), _ in ordered]
        return rows[offset - start : offset - start + limit], _count(found)

    def _by_cost(self, offset: int, limit: int) -> tuple[list[DocAddress], int]:
        """Order by cost; equal costs by the shuffle, also where they reach over the page's edge."""
        found = self._searcher.search(
            self._query,
            limit=max(limit, 1),
            offset=offset,
            order_by_field=self._cost,
            order=Order.Asc,
        )
        rows = found.hits[:limit]
        if not rows:
            return [], _count(found)
        first, last = rows[0][0], rows[-1][0]
        ordered = self._equals(first, offset, limit)
        if first != last:
            inner = [row for row in rows if row[0] not in {first, last}]
            ranks = self._searcher.fast_field_values(self._shuffle, [row[1] for row in inner])
            inner_ordered = sorted(
                zip(inner, ranks, strict=True), key=lambda row: (row[0][0], -(row[1] or 0.0))
            )
            ordered += [address for (_, address), _ in inner_ordered]
            ordered += self._equals(last, offset, limit)
        return ordered, _count(found)

    def _equals(self, cost: int, offset: int, limit: int) -> list[DocAddress]:
        """Give the part of the page that costs exactly this, in shuffled order."""
        schema = build_schema()
        below = Query.range_query(
            schema, self._cost, FieldType.Unsigned, upper_bound=cost, include_upper=False
        )
        same = Query.term_query(schema, self._cost, cost, index_option="basic")
        before = _count(self._searcher.search(_both(self._query, below), limit=1))
        skip = max(0, offset - before)
        room = limit - max(0, before - offset)
        return self._by_shuffle(_both(self._query, same), skip, room)[0]


def read_page(
    searcher: Searcher, query: SearchQuery, offset: int, limit: int
) -> tuple[list[Hit], int, Query, bool]:
    """Read hits by the text as written or, if nothing at all matches it, by one wider reading.

    Gives the hits, their total, the text query that found them and whether it was the wider one.
    """
    plan = plan_query(query.text)
    strict = build_strict(plan)
    hits, total = Page(searcher, query, strict).read(offset, limit)
    if total or not plan.terms or _count(searcher.search(strict, limit=1)):
        return hits, total, strict, False
    for enough, relaxed in build_relaxed(plan, searcher):
        if _count(searcher.search(relaxed, limit=1)) >= enough:
            return *Page(searcher, query, relaxed).read(offset, limit), relaxed, True
    return hits, total, strict, False


def complete(searcher: Searcher, key: str, *, seed: int, limit: int) -> Completions:
    """Find names and makers by a folded key: first what begins with it, then what holds it."""
    names: dict[Hit, None] = {}
    makers: dict[str, None] = {}
    for tokens in (beginning(key), inside(key)) if key else ():
        if tokens and len(names) < limit:
            every = Page(searcher, SearchQuery(seed=seed), build_completion("name", tokens))
            names.update(dict.fromkeys(every.read(0, limit)[0]))
        if tokens and len(makers) < limit:
            text = build_completion("maker", tokens)
            makers.update(dict.fromkeys(_makers(searcher, text, seed)))
    return Completions(tuple(names)[:limit], tuple(makers)[:limit])


def _makers(searcher: Searcher, text: Query, seed: int) -> list[str]:
    """Give each maker once, so that none comes first for the number of its offerings."""
    terms = {"field": MAKER_ID, "size": _FACET_VALUES, "segment_size": _FACET_VALUES}
    found = searcher.aggregate(text, {"maker": {"terms": terms}})
    return shuffle_makers((row["key"] for row in found["maker"]["buckets"]), seed)


def count_facets(searcher: Searcher, text: Query, filters: Filters) -> Facets:
    """Count the values of each facet under all filters but its own."""
    counts: dict[str, Mapping[str, int]] = {}
    free = [facet for facet in FACETS if facet not in filters]
    groups = [(free, filters)] if free else []
    groups += [
        ([facet], {name: values for name, values in filters.items() if name != facet})
        for facet in filters
    ]
    for facets, others in groups:
        found = searcher.aggregate(
            _narrow(text, others),
            {
                facet: {
                    "terms": {"field": facet, "size": _FACET_VALUES, "segment_size": _FACET_VALUES}
                }
                for facet in facets
            },
        )
        for facet in facets:
            rows = [(row["key"], row["doc_count"]) for row in found[facet]["buckets"]]
            counts[facet] = dict(sorted(rows, key=lambda row: (-row[1], row[0])))
    return {facet: counts[facet] for facet in FACETS}


def _narrow(text: Query, filters: Filters) -> Query:
    if not filters:
        return text
    return Query.boolean_query([(Occur.Must, text), *build_filter(filters)])


def _both(one: Query, other: Query) -> Query:
    return Query.boolean_query([(Occur.Must, one), (Occur.Must, other)])


def _count(found: Any) -> int:
    return int(found.count)
