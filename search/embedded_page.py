"""Reading the embedded index: which pass, which rows in which order, how many of each facet."""

from typing import Any

from tantivy import DocAddress, FieldType, Occur, Order, Query, Searcher

from search.analysis import plan_query
from search.embedded_query import (
    FINGERPRINT,
    MAKER_ID,
    build_completion,
    build_relaxed,
    build_schema,
    build_strict,
    of_kind,
)
from search.embedded_scope import MANY, Scope, both, count, is_apart
from search.engine import (
    PART,
    SOLO,
    WHOLE,
    Completions,
    Hit,
    SearchQuery,
    shuffle_makers,
)
from search.prefixes import beginning, inside

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

    def read_cheapest(self, offset: int, limit: int) -> list[Hit]:
        """Give listings in the order of their cost, of each software only the first."""
        wanted = offset + limit
        asked = wanted + wanted // 2 + _PAD
        while True:
            found: Any = self._searcher.search(
                self._query, limit=asked, order_by_field=self._field, order=Order.Asc, count=False
            )
            addresses = [address for _, address in found.hits]
            groups = self._searcher.fast_field_values("group", addresses)
            ranks = self._searcher.fast_field_values(self._shuffle, addresses)
            rows = zip((cost for cost, _ in found.hits), ranks, groups, addresses, strict=True)
            ordered = sorted(rows, key=lambda row: (row[0], -(row[1] or 0.0)))
            # Equals of the last one may follow that come before it.
            last = ordered[-1][0] if len(ordered) == asked else None
            first: dict[float | None, DocAddress] = {}
            for cost, _, group, address in ordered:
                if cost != last:
                    first.setdefault(group, address)
            if last is None or len(first) >= wanted:
                return [self._hit(each) for each in list(first.values())[offset:wanted]]
            asked *= 4

    def _hit(self, address: DocAddress) -> Hit:
        stored = self._searcher.doc(address)
        return Hit(
            str(stored.get_first("listing_version_id")),
            str(stored.get_first("listing_id")),
            str(stored.get_first("offering_id")),
        )

    def _by_shuffle(self, query: Query, offset: int, limit: int) -> tuple[list[DocAddress], int]:
        found: Any = self._searcher.search(
            query, limit=max(limit, 1), offset=offset, order_by_field=self._shuffle
        )
        return [address for _, address in found.hits][:limit], int(found.count)

    def _by_score(self, offset: int, limit: int) -> tuple[list[DocAddress], int]:
        start = max(0, offset - _PAD)
        found: Any = self._searcher.search(
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
        return rows[offset - start : offset - start + limit], int(found.count)

    def _by_field(self, offset: int, limit: int) -> tuple[list[DocAddress], int]:
        """Order by a number; equal ones by the shuffle, also where they reach over the page's edge."""
        # One row more on either side tells whether equals are cut apart there, which is seldom.
        lead = min(offset, 1)
        found: Any = self._searcher.search(
            self._query,
            limit=lead + limit + 1,
            offset=offset - lead,
            order_by_field=self._field,
            order=Order.Asc,
        )
        rows = found.hits[lead : lead + limit]
        if not rows:
            return [], int(found.count)
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
        return ordered, int(found.count)

    def _equals(self, number: int, offset: int, limit: int) -> list[DocAddress]:
        """Give the part of the page that has exactly this number, in shuffled order."""
        schema = build_schema()
        below = Query.range_query(
            schema, self._field, FieldType.Unsigned, upper_bound=number, include_upper=False
        )
        same = Query.term_query(schema, self._field, number, index_option="basic")
        before = count(self._searcher, both(self._query, (Occur.Must, below)))
        skip = max(0, offset - before)
        room = limit - max(0, before - offset)
        return self._by_shuffle(both(self._query, (Occur.Must, same)), skip, room)[0]


def read_page(
    searcher: Searcher, query: SearchQuery, offset: int, limit: int, *, grouped: bool
) -> tuple[list[Hit], int, Query, bool]:
    """Read hits by the text as written or, if nothing at all matches it, by one wider reading.

    Gives the hits, their total, the text query that found them and whether it was the wider one.
    """
    plan = plan_query(query.text)
    strict = build_strict(plan)
    hits, total = _read(searcher, query, strict, offset, limit, grouped=grouped)
    if total or not plan.terms or count(searcher, strict):
        return hits, total, strict, False
    for enough, relaxed in build_relaxed(plan, searcher):
        if count(searcher, both(relaxed, of_kind(SOLO, WHOLE))) >= enough:
            found = _read(searcher, query, relaxed, offset, limit, grouped=grouped, relaxed=True)
            return *found, relaxed, True
    return hits, total, strict, False


def complete(searcher: Searcher, key: str, *, seed: int, limit: int) -> Completions:
    """Find names and makers by a folded key: first what begins with it, then what holds it."""
    names: dict[Hit, None] = {}
    makers: dict[str, None] = {}
    for tokens in (beginning(key), inside(key)) if key else ():
        if tokens and len(names) < limit:
            one_each = both(build_completion("name", tokens), of_kind(SOLO, WHOLE))
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
    found = searcher.search(
        Query.boolean_query([of_kind(SOLO, PART)]), limit=searcher.num_docs, count=False
    )
    rows = (searcher.doc(address) for _, address in found.hits)
    return {str(row.get_first("listing_id")): str(row.get_first(FINGERPRINT)) for row in rows}


def _makers(searcher: Searcher, text: Query, seed: int) -> list[str]:
    """Give each maker once, so that none comes first for the number of its offerings."""
    terms = {"field": MAKER_ID, "size": MANY, "segment_size": MANY}
    found = searcher.aggregate(text, {"maker": {"terms": terms}})
    return shuffle_makers((row["key"] for row in found["maker"]["buckets"]), seed)


def _read(
    searcher: Searcher,
    query: SearchQuery,
    text: Query,
    offset: int,
    limit: int,
    *,
    grouped: bool,
    relaxed: bool = False,
) -> tuple[list[Hit], int]:
    apart = grouped and is_apart(searcher, text, query.text, relaxed=relaxed)
    scope = Scope(searcher, text, query.active_filters, query.price_cap, apart=apart)
    if not grouped:
        return Page(searcher, query, scope.listings()).read(offset, limit)
    if query.cost_population and scope.depends_on_seller and not scope.reads_parts:
        page = Page(searcher, query, scope.listings())
        return page.read_cheapest(offset, limit), count(searcher, scope.one_each())
    return Page(searcher, query, scope.one_each(query.cost_population)).read(offset, limit)


def count_listings(searcher: Searcher) -> int:
    """Count the listings in the index; the documents of whole software are not more of them."""
    return count(searcher, Query.boolean_query([of_kind(SOLO, PART)]))
