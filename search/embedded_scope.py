"""What a text and filters leave of the embedded index: as listings, or once for each software."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tantivy import DocAddress, Occur, Query, Searcher

from search.analysis import plan_query
from search.embedded_query import (
    PROFILES,
    build_cap,
    build_filter,
    build_schema,
    may_be_own,
    of_kind,
)
from search.engine import PART, SOLO, TERMS_FACETS, WHOLE, Filters, PriceCap
from search.facets import keeps

BY_SELLER = frozenset(TERMS_FACETS)
MANY = 100_000
_KNOWN_PROFILES = 50_000
_PROFILES: dict[int, list[Filters]] = {}


class Scope:
    """What a text and filters leave: as listings, or as one document for each software.

    The document of the whole software tells what any of its sellers offers, and each different set of
    terms that one of them offers together. Only a text that finds one seller and not another
    (`apart`), or a cost beside other terms, makes it necessary to read seller by seller.
    """

    def __init__(
        self,
        searcher: Searcher,
        text: Query,
        filters: Filters,
        cap: PriceCap | None,
        *,
        apart: bool,
    ) -> None:
        self._searcher = searcher
        self._terms = {name: values for name, values in filters.items() if name in BY_SELLER}
        self._listings = narrow(text, filters, cap)
        self.reads_parts = apart or bool(cap and (self._terms or cap.judged))

    @property
    def depends_on_seller(self) -> bool:
        """Tell whether of one software some sellers are in it and others may not be."""
        return self.reads_parts or bool(self._terms)

    def listings(self) -> Query:
        """Narrow to documents of single listings."""
        return self._of(SOLO, PART)

    def one_each(self, cost_population: int | None = None) -> Query:
        """Narrow to one document for each software; where sellers are read, its cheapest or first."""
        if self.reads_parts:
            return self._one_part_each(cost_population)
        found = self._of(SOLO, WHOLE)
        # What a whole software has of one facet, one of its sellers has; of two, perhaps two sellers.
        return both(found, self.held(self._terms)) if len(self._terms) > 1 else found

    def count_parts(self, facets: Sequence[str]) -> dict[str, Counter[str]]:
        """Count the software for each value of these facets, seller by seller."""
        terms = [name for name in facets if name in BY_SELLER]
        own = [name for name in facets if name not in BY_SELLER]
        counts = self._aggregate(self.one_each(), own) if own else {}
        return counts | self._count_terms(terms) if terms else counts

    def _of(self, *kinds: str) -> Query:
        return both(self._listings, of_kind(*kinds))

    # --- by the terms that a whole software holds --------------------------------------------------

    def held(self, terms: Filters) -> tuple[Occur, Query]:
        """Narrow to what one seller offers together."""
        wanted = [key for key, held in _terms_held(self._searcher) if keeps(terms, held)]
        held = Query.term_set_query(build_schema(), PROFILES, wanted)
        alone = Query.boolean_query([of_kind(SOLO)])
        either = Query.boolean_query([(Occur.Should, alone), (Occur.Should, held)])
        return (Occur.Must, Query.const_score_query(either, 0))

    def read_wholes(self, counted: Mapping[str, Any]) -> list[tuple[list[Filters], int]]:
        """Read what the sellers of each software offer, and how many have the same, of counted keys."""
        rows = ((int(row["key"]), row["doc_count"]) for row in counted["buckets"])
        return [(self._profile(key), number) for key, number in rows]

    # --- seller by seller --------------------------------------------------------------------------

    def _one_part_each(self, cost_population: int | None) -> Query:
        addresses, groups = self._read(self._of(PART), "group")
        costs = groups
        if cost_population:
            costs = self._numbers(f"cost_{cost_population}", addresses)
        best: dict[int, tuple[int, DocAddress]] = {}
        for address, group, cost in zip(addresses, groups, costs, strict=True):
            known = best.get(group)
            if known is None or cost < known[0]:
                best[group] = (cost, address)
        if not best:
            return self._of(SOLO)
        rows = self._numbers("row", [address for _, address in best.values()])
        chosen = Query.term_set_query(build_schema(), "row", rows)
        parts = Query.boolean_query([(Occur.Must, self._of(PART)), (Occur.Must, chosen)])
        return Query.boolean_query([(Occur.Should, self._of(SOLO)), (Occur.Should, parts)])

    def _count_terms(self, facets: list[str]) -> dict[str, Counter[str]]:
        counts = self._aggregate(self._of(SOLO), facets)
        addresses, groups = self._read(self._of(PART), "group")
        keys = self._numbers("profile_key", addresses)
        offered: dict[int, set[int]] = {}
        for group, key in zip(groups, keys, strict=True):
            offered.setdefault(group, set()).add(key)
        for found, number in Counter(map(frozenset, offered.values())).items():
            terms = [each for key in found for each in self._profile(key)]
            for facet in facets:
                for value in {value for each in terms for value in each[facet]}:
                    counts[facet][value] += number
        return counts

    def _profile(self, key: int) -> list[Filters]:
        """Give the terms of a seller, or of all sellers of a software; what a key means never changes."""
        known = _PROFILES.get(key)
        if known is None:
            # Another thread may clear meanwhile: what is returned is never read back.
            if len(_PROFILES) > _KNOWN_PROFILES:
                _PROFILES.clear()
            same = Query.term_query(build_schema(), "profile_key", key, index_option="basic")
            (_, address), *_ = self._searcher.search(same, limit=1, count=False).hits
            stored = json.loads(str(self._searcher.doc(address).get_first("profile")))
            known = _PROFILES[key] = [_read_terms(each) for each in stored]
        return known

    def _read(self, query: Query, number: str) -> tuple[list[DocAddress], list[int]]:
        """Read where all documents of a query stand, and a number of each."""
        found = self._searcher.search(query, limit=max(1, self._searcher.num_docs), count=False)
        addresses = [address for _, address in found.hits]
        return addresses, self._numbers(number, addresses)

    def _numbers(self, field: str, addresses: list[DocAddress]) -> list[int]:
        values: Any = self._searcher.fast_field_values(field, addresses) if addresses else []
        return list(values)

    def _aggregate(self, query: Query, facets: list[str]) -> dict[str, Counter[str]]:
        asked = {facet: count_by(facet) for facet in facets}
        found = self._searcher.aggregate(query, asked) if asked else {}
        return {facet: read_counts(found[facet]) for facet in facets}


def count_by(field: str) -> dict[str, Any]:
    """Ask how many documents have each value of a field, of however many values."""
    return {"terms": {"field": field, "size": MANY, "segment_size": MANY}}


def read_counts(counted: Mapping[str, Any]) -> Counter[str]:
    """Read the answer to that."""
    return Counter({row["key"]: row["doc_count"] for row in counted["buckets"]})


# The rows and the counts of one search ask for the same; a few may be asked at once.
@lru_cache(maxsize=16)
def is_apart(searcher: Searcher, text: Query, words: str, *, relaxed: bool = False) -> bool:
    """Tell whether a text finds a software by some of its sellers only."""
    if not words or not (relaxed or may_be_own(plan_query(words), searcher)):
        return False
    # A listing counts one, and the whole software takes away as many as it has listings.
    found = searcher.aggregate(
        both(text, of_kind(PART, WHOLE)), {"missing": {"sum": {"field": "sellers"}}}
    )
    return bool(found["missing"]["value"])


@lru_cache(maxsize=4)
def _terms_held(searcher: Searcher) -> tuple[tuple[str, Filters], ...]:
    """Read the different terms that sellers beside others have, as they are indexed."""
    found = searcher.terms_with_prefix(PROFILES, "")
    return tuple((key, _read_terms(json.loads(key))) for key, _ in found)


def _read_terms(stored: Mapping[str, list[str]]) -> Filters:
    return {name: frozenset(values) for name, values in stored.items()}


def narrow(text: Query, filters: Filters, cap: PriceCap | None = None) -> Query:
    """Narrow a text by filters and a cap."""
    if not filters and cap is None:
        return text
    return Query.boolean_query([(Occur.Must, text), *build_filter(filters), *build_cap(cap)])


def both(query: Query, narrowing: tuple[Occur, Query]) -> Query:
    """Narrow a query by another."""
    return Query.boolean_query([(Occur.Must, query), narrowing])


def count(searcher: Searcher, query: Query) -> int:
    """Count the documents of a query."""
    # Asked for in the order of a field, no document is scored.
    found: Any = searcher.search(query, limit=1, order_by_field="group")
    return int(found.count)
