"""What a text and filters leave of the embedded index: as listings, or once for each software."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tantivy import DocAddress, Occur, Query, Searcher

from search.embedded_query import PROFILES, build_cap, build_filter, build_schema, of_kind
from search.engine import PART, SOLO, TERMS_FACETS, WHOLE, Filters, PriceCap, SearchQuery
from search.facets import keeps

Facets = Mapping[str, Mapping[str, int]]

_BY_SELLER = frozenset(TERMS_FACETS)
MANY = 100_000
_KNOWN_PROFILES = 50_000
_PROFILES: dict[int, Mapping[str, list[str]]] = {}


class Scope:
    """What a text and filters leave: as listings, or as one document for each software.

    Without conditions on the sellers' terms, the document of the whole software tells all. With such
    conditions one seller must meet them together: that document also holds its sellers' terms, each
    different set of them once. Only a text that finds one seller and not another (`apart`), or a
    cost beside other terms, makes it necessary to read software that several sell seller by seller.
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
        self._terms = {name: values for name, values in filters.items() if name in _BY_SELLER}
        own = {name: values for name, values in filters.items() if name not in _BY_SELLER}
        self._own = narrow(text, own, cap)
        self._listings = narrow(text, filters, cap)
        self._counts_parts = apart or cap is not None
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
        if not self._terms:
            return both(self._own, of_kind(SOLO, WHOLE))
        alone = [of_kind(SOLO), *build_filter(self._terms)]
        met = [(Occur.Should, Query.boolean_query(each)) for each in (alone, self._held_by())]
        return both(self._own, (Occur.Must, Query.boolean_query(met)))

    def count(self, facets: list[str]) -> dict[str, Counter[str]]:
        """Count the software for each value of these facets."""
        terms = [name for name in facets if name in _BY_SELLER]
        own = [name for name in facets if name not in _BY_SELLER]
        if terms and self._counts_parts:
            counts = self._aggregate(self.one_each(), own) if own else {}
            return counts | self._count_parts(terms)
        counts = self._aggregate(self.one_each(), facets)
        if terms and self._terms:
            # Of software that several sell, only what a matching seller has counts.
            said = self._aggregate(self._whole(), terms)
            for name in terms:
                counts[name].subtract(said[name])
                counts[name].update(self._count_whole(name, said[name]))
                counts[name] = +counts[name]
        return counts

    def _of(self, *kinds: str) -> Query:
        return both(self._listings, of_kind(*kinds))

    # --- by the sets of terms that a whole software holds ------------------------------------------

    def _held_by(self, name: str = "", value: str = "") -> list[tuple[Occur, Query]]:
        """Narrow to software of several sellers of whom one meets the terms, and has a value."""
        wanted = [
            key
            for key, terms in _profiles_of(self._searcher)
            if keeps(self._terms, terms) and (not name or value in terms[name])
        ]
        held = Query.term_set_query(build_schema(), PROFILES, wanted)
        return [of_kind(WHOLE), (Occur.Must, Query.const_score_query(held, 0))]

    def _whole(self, name: str = "", value: str = "") -> Query:
        return Query.boolean_query([(Occur.Must, self._own), *self._held_by(name, value)])

    def _count_whole(self, name: str, values: Mapping[str, int]) -> Counter[str]:
        return Counter({value: count(self._searcher, self._whole(name, value)) for value in values})

    # --- seller by seller --------------------------------------------------------------------------

    def _one_part_each(self, cost_population: int | None) -> Query:
        cost = f"cost_{cost_population}" if cost_population else "group"
        best: dict[int, tuple[int, DocAddress]] = {}
        for address, group, number in self._read_parts(cost):
            known = best.get(group)
            if known is None or number < known[0]:
                best[group] = (number, address)
        if not best:
            return self._of(SOLO)
        addresses = [address for _, address in best.values()]
        rows = self._searcher.fast_field_values("row", addresses)
        chosen = Query.term_set_query(build_schema(), "row", [int(row or 0) for row in rows])
        parts = Query.boolean_query([(Occur.Must, self._of(PART)), (Occur.Must, chosen)])
        return Query.boolean_query([(Occur.Should, self._of(SOLO)), (Occur.Should, parts)])

    def _count_parts(self, facets: list[str]) -> dict[str, Counter[str]]:
        counts = self._aggregate(self._of(SOLO), facets)
        profiles: dict[int, set[int]] = {}
        samples: dict[int, DocAddress] = {}
        for address, group, profile in self._read_parts("profile_key"):
            profiles.setdefault(group, set()).add(profile)
            samples.setdefault(profile, address)
        terms = {key: self._profile(key, address) for key, address in samples.items()}
        for found, number in Counter(map(frozenset, profiles.values())).items():
            for facet in facets:
                for value in {each for key in found for each in terms[key][facet]}:
                    counts[facet][value] += number
        return counts

    def _profile(self, key: int, address: DocAddress) -> Mapping[str, list[str]]:
        """Give the values of a seller's terms; what a key stands for never changes."""
        if key not in _PROFILES:
            if len(_PROFILES) > _KNOWN_PROFILES:
                _PROFILES.clear()
            stored = self._searcher.doc(address).get_first("profile")
            _PROFILES[key] = json.loads(str(stored))
        return _PROFILES[key]

    def _read_parts(self, number: str) -> list[tuple[DocAddress, int, int]]:
        """Read the listings of software that several sell: address, software, and one number of each."""
        found = self._searcher.search(
            self._of(PART), limit=max(1, self._searcher.num_docs), count=False
        )
        addresses = [address for _, address in found.hits]
        if not addresses:
            return []
        groups = map(int, self._searcher.fast_field_values("group", addresses))  # type: ignore[arg-type]
        numbers = map(int, self._searcher.fast_field_values(number, addresses))  # type: ignore[arg-type]
        return list(zip(addresses, groups, numbers, strict=True))

    def _aggregate(self, query: Query, facets: list[str]) -> dict[str, Counter[str]]:
        size = {"size": MANY, "segment_size": MANY}
        asked = {facet: {"terms": {"field": facet, **size}} for facet in facets}
        found = self._searcher.aggregate(query, asked) if asked else {}
        return {
            facet: Counter({row["key"]: row["doc_count"] for row in found[facet]["buckets"]})
            for facet in facets
        }


def count_facets(searcher: Searcher, text: Query, query: SearchQuery) -> Facets:
    """Count the values of each facet under all filters but its own."""
    filters, cap = query.active_filters, query.price_cap
    apart = is_apart(searcher, text, query.text)
    counts: dict[str, Counter[str]] = {}
    free = [facet for facet in query.counted if facet not in filters]
    groups = [(free, filters)] if free else []
    groups += [
        ([facet], {name: values for name, values in filters.items() if name != facet})
        for facet in filters
        if facet in query.counted
    ]
    for facets, others in groups:
        counts |= Scope(searcher, text, others, cap, apart=apart).count(facets)
    return {
        facet: dict(sorted(counts[facet].items(), key=lambda row: (-row[1], row[0])))
        for facet in query.counted
    }


# The rows and the counts of one search ask for the same; a few may be asked at once.
@lru_cache(maxsize=16)
def is_apart(searcher: Searcher, text: Query, words: str) -> bool:
    """Tell whether a text finds a software by some of its sellers only."""
    if not words:
        return False
    found = searcher.aggregate(
        both(text, of_kind(WHOLE)), {"sellers": {"sum": {"field": "sellers"}}}
    )
    return int(found["sellers"]["value"] or 0) != count(searcher, both(text, of_kind(PART)))


@lru_cache(maxsize=4)
def _profiles_of(searcher: Searcher) -> tuple[tuple[str, Filters], ...]:
    """Read the different sets of terms that sellers beside others have, as they are indexed."""
    return tuple(
        (key, {name: frozenset(values) for name, values in json.loads(key).items()})
        for key, _ in searcher.terms_with_prefix(PROFILES, "")
    )


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
    found: Any = searcher.search(query, limit=1)
    return int(found.count)
