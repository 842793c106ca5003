"""Totals and facet counts from records that the database confirmed, where the index held more. Pure."""

from collections import Counter
from collections.abc import Iterable

from search.engine import SearchQuery, SearchRecord
from search.facets import keeps

Counts = dict[str, dict[str, int]]


def recount(query: SearchQuery, records: Iterable[SearchRecord]) -> tuple[int, Counts]:
    """Count software under all filters, and each facet under all filters but its own.

    The records meet the text of the query; one seller has to meet the filters and the cap together.
    """
    cap, filters = query.price_cap, query.active_filters
    held = [
        each for each in records if cap is None or cap.allows(each.listing_id, each.yearly_costs)
    ]
    total = len({each.offering_id for each in held if keeps(filters, each.facets)})
    return total, {name: _count(name, query, held) for name in query.counted}


def _count(name: str, query: SearchQuery, held: list[SearchRecord]) -> dict[str, int]:
    others = {key: value for key, value in query.active_filters.items() if key != name}
    found = {
        (each.offering_id, value)
        for each in held
        if keeps(others, each.facets)
        for value in each.facets.get(name, ())
    }
    counts = Counter(value for _, value in found)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
