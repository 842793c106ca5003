"""Reading the embedded index: which pass, which rows in which order, how many of each facet."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tantivy import DocAddress, FieldType, Occur, Order, Query, Searcher

from search.analysis import plan_query
from search.embedded_query import (
    FINGERPRINT,
    MAKER_ID,
    build_cap,
    build_completion,
    build_filter,
    build_relaxed,
    build_schema,
    build_strict,
    of_kind,
)
from search.engine import (
    PART,
    SOLO,
    TERMS_FACETS,
    WHOLE,
    Completions,
    Filters,
    Hit,
    PriceCap,
    SearchQuery,
    shuffle_makers,
)
from search.prefixes import beginning, inside

Facets = Mapping[str, Mapping[str, int]]

_BY_SELLER = frozenset(TERMS_FACETS)
_FACET_VALUES = 100_000
_KNOWN_PROFILES = 50_000
_PROFILES: dict[int, Mapping[str, list[str]]] = {}
# Rows whose weighted scores collide in the engine's single precision are put right within this.
_PAD = 32


class Page:
    """Reads one stretch of the ordered documents of one narrowed query."""

    def __init__(self, searcher: Searcher, query: SearchQuery, narrowed: Query) -> None:
        self._searcher = searcher
        self._shuffle = f"shuffle_{query.seed}"
        self._field = query.sort_field
        self._scored = bool(plan_query(query.text).terms)
        self._query = narrowed

    def read(self, offset: int, limit: int) -> tuple[list[Hit], int]:
        """Give the hits from an offset on, and how many there are in all."""
        if self._field:
            addresses, total = self._by_field(offset, limit)
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

    def _by_field(self, offset: int, limit: int) -> tuple[list[DocAddress], int]:
        """Order by a number; equal ones by the shuffle, also where they reach over the page's edge."""
        # One row more on either side tells whether equals are cut apart there, which is seldom.
        lead = min(offset, 1)
        found = self._searcher.search(
            self._query,
            limit=lead + limit + 1,
            offset=offset - lead,
            order_by_field=self._field,
            order=Order.Asc,
        )
        rows = found.hits[lead : lead + limit]
        if not rows:
            return [], _count(found)
        first, last = rows[0][0], rows[-1][0]
        cut_before = bool(lead) and found.hits[0][0] == first
        cut_after = any(row[0] == last for row in found.hits[lead + limit :])
        cut = {number for number, is_cut in ((first, cut_before), (last, cut_after)) if is_cut}
        inner = [row for row in rows if row[0] not in cut]
        ranks = self._searcher.fast_field_values(self._shuffle, [row[1] for row in inner])
        whole = sorted(
            zip(inner, ranks, strict=True), key=lambda row: (row[0][0], -(row[1] or 0.0))
        )
        ordered = self._equals(first, offset, limit) if cut_before else []
        ordered += [address for (_, address), _ in whole]
        if cut_after and not (cut_before and first == last):
            ordered += self._equals(last, offset, limit)
        return ordered, _count(found)

    def _equals(self, number: int, offset: int, limit: int) -> list[DocAddress]:
        """Give the part of the page that has exactly this number, in shuffled order."""
        schema = build_schema()
        below = Query.range_query(
            schema, self._field, FieldType.Unsigned, upper_bound=number, include_upper=False
        )
        same = Query.term_query(schema, self._field, number, index_option="basic")
        before = _count(self._searcher.search(_both(self._query, below), limit=1))
        skip = max(0, offset - before)
        room = limit - max(0, before - offset)
        return self._by_shuffle(_both(self._query, same), skip, room)[0]


def read_page(
    searcher: Searcher, query: SearchQuery, offset: int, limit: int, *, grouped: bool
) -> tuple[list[Hit], int, Query, bool]:
    """Read hits by the text as written or, if nothing at all matches it, by one wider reading.

    Gives the hits, their total, the text query that found them and whether it was the wider one.
    """
    plan = plan_query(query.text)
    strict = build_strict(plan)
    hits, total = _read(searcher, query, strict, offset, limit, grouped=grouped)
    if total or not plan.terms or _count(searcher.search(strict, limit=1)):
        return hits, total, strict, False
    for enough, relaxed in build_relaxed(plan, searcher):
        if _count(searcher.search(_both(relaxed, _of_kinds(SOLO, WHOLE)), limit=1)) >= enough:
            found = _read(searcher, query, relaxed, offset, limit, grouped=grouped)
            return *found, relaxed, True
    return hits, total, strict, False


def complete(searcher: Searcher, key: str, *, seed: int, limit: int) -> Completions:
    """Find names and makers by a folded key: first what begins with it, then what holds it."""
    names: dict[Hit, None] = {}
    makers: dict[str, None] = {}
    for tokens in (beginning(key), inside(key)) if key else ():
        if tokens and len(names) < limit:
            one_each = _both(build_completion("name", tokens), _of_kinds(SOLO, WHOLE))
            every = Page(searcher, SearchQuery(seed=seed), one_each)
            names.update(dict.fromkeys(every.read(0, limit)[0]))
        if tokens and len(makers) < limit:
            text = build_completion("maker", tokens)
            makers.update(dict.fromkeys(_makers(searcher, text, seed)))
    return Completions(tuple(names)[:limit], tuple(makers)[:limit])


def read_fingerprints(searcher: Searcher) -> dict[str, str]:
    """Read the fingerprint of every listing by its id."""
    if not searcher.num_docs:
        return {}
    found = searcher.search(_of_kinds(SOLO, PART), limit=searcher.num_docs, count=False)
    rows = (searcher.doc(address) for _, address in found.hits)
    return {str(row.get_first("listing_id")): str(row.get_first(FINGERPRINT)) for row in rows}


def _makers(searcher: Searcher, text: Query, seed: int) -> list[str]:
    """Give each maker once, so that none comes first for the number of its offerings."""
    terms = {"field": MAKER_ID, "size": _FACET_VALUES, "segment_size": _FACET_VALUES}
    found = searcher.aggregate(text, {"maker": {"terms": terms}})
    return shuffle_makers((row["key"] for row in found["maker"]["buckets"]), seed)


def _read(
    searcher: Searcher, query: SearchQuery, text: Query, offset: int, limit: int, *, grouped: bool
) -> tuple[list[Hit], int]:
    apart = grouped and is_apart(searcher, text, query.text)
    scope = _Scope(searcher, text, query.active_filters, query.price_cap, by_seller=apart)
    narrowed = scope.one_each(query.cost_population) if grouped else scope.listings()
    return Page(searcher, query, narrowed).read(offset, limit)


class _Scope:
    """What a text and filters leave: as listings, or as one document for each software.

    Without conditions on the sellers' terms, the document of the whole software tells all. With such
    conditions, or a text that finds one seller and not another, one seller must meet them together,
    so software that several sell is read seller by seller.
    """

    def __init__(
        self,
        searcher: Searcher,
        text: Query,
        filters: Filters,
        cap: PriceCap | None,
        *,
        by_seller: bool,
    ) -> None:
        self._searcher = searcher
        self._narrowed = _narrow(text, filters, cap)
        self._by_seller = by_seller or cap is not None or not _BY_SELLER.isdisjoint(filters)

    def listings(self) -> Query:
        """Narrow to documents of single listings."""
        return self._of(SOLO, PART)

    def one_each(self, cost_population: int | None = None) -> Query:
        """Narrow to one document for each software, under a cost its cheapest listing."""
        if not self._by_seller:
            return self._of(SOLO, WHOLE)
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

    def count(self, facets: list[str]) -> dict[str, Counter[str]]:
        """Count the software for each value of these facets."""
        own = [name for name in facets if name not in _BY_SELLER]
        terms = [name for name in facets if name in _BY_SELLER]
        if not self._by_seller:
            return self._aggregate(self._of(SOLO, WHOLE), facets)
        counts = self._aggregate(self.one_each(), own) if own else {}
        if terms:
            counts |= self._count_terms(terms)
        return counts

    def _count_terms(self, facets: list[str]) -> dict[str, Counter[str]]:
        counts = self._aggregate(self._of(SOLO), facets)
        profiles: dict[int, set[int]] = {}
        samples: dict[int, DocAddress] = {}
        for address, group, profile in self._read_parts("profile_key"):
            profiles.setdefault(group, set()).add(profile)
            samples.setdefault(profile, address)
        terms = {key: self._terms(key, address) for key, address in samples.items()}
        for found, number in Counter(map(frozenset, profiles.values())).items():
            for facet in facets:
                for value in {each for key in found for each in terms[key][facet]}:
                    counts[facet][value] += number
        return counts

    def _terms(self, key: int, address: DocAddress) -> Mapping[str, list[str]]:
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
        size = {"size": _FACET_VALUES, "segment_size": _FACET_VALUES}
        asked = {facet: {"terms": {"field": facet, **size}} for facet in facets}
        found = self._searcher.aggregate(query, asked) if asked else {}
        return {
            facet: Counter({row["key"]: row["doc_count"] for row in found[facet]["buckets"]})
            for facet in facets
        }

    def _of(self, *kinds: str) -> Query:
        return Query.boolean_query([(Occur.Must, self._narrowed), of_kind(*kinds)])


# The rows and the counts of one search ask for the same; a few may be asked at once.
@lru_cache(maxsize=16)
def is_apart(searcher: Searcher, text: Query, words: str) -> bool:
    """Tell whether a text finds a software by some of its sellers only."""
    if not words:
        return False
    found = searcher.aggregate(
        _both(text, _of_kinds(WHOLE)), {"sellers": {"sum": {"field": "sellers"}}}
    )
    parts = _count(searcher.search(_both(text, _of_kinds(PART)), limit=1))
    return int(found["sellers"]["value"] or 0) != parts


def count_listings(searcher: Searcher) -> int:
    """Count the listings in the index; the documents of whole software are not more of them."""
    return _count(searcher.search(_of_kinds(SOLO, PART), limit=1))


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
        counts |= _Scope(searcher, text, others, cap, by_seller=apart).count(facets)
    return {
        facet: dict(sorted(counts[facet].items(), key=lambda row: (-row[1], row[0])))
        for facet in query.counted
    }


def _narrow(text: Query, filters: Filters, cap: PriceCap | None) -> Query:
    if not filters and cap is None:
        return text
    return Query.boolean_query([(Occur.Must, text), *build_filter(filters), *build_cap(cap)])


def _of_kinds(*kinds: str) -> Query:
    return Query.boolean_query([of_kind(*kinds)])


def _both(one: Query, other: Query) -> Query:
    return Query.boolean_query([(Occur.Must, one), (Occur.Must, other)])


def _count(found: Any) -> int:
    return int(found.count)
