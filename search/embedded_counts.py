"""Counting facets in the embedded index: each under all filters but its own, in one pass where it can be."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tantivy import Query, Searcher

from search.embedded_query import of_kind
from search.embedded_scope import BY_SELLER, Scope, both, count_by, is_apart, read_counts
from search.engine import SOLO, WHOLE, Filters, SearchQuery
from search.facets import keeps

Facets = Mapping[str, Mapping[str, int]]

_FILTERED, _WHOLES = "filtered", "wholes"


@dataclass(frozen=True, slots=True)
class _Group:
    """Facets that are counted under the same filters."""

    facets: Sequence[str]
    filters: Filters

    @property
    def terms(self) -> dict[str, frozenset[str]]:
        """The filters in which sellers of one software may differ."""
        return {name: values for name, values in self.filters.items() if name in BY_SELLER}

    @property
    def told_by_sellers(self) -> list[str]:
        """The facets of which, under filters on terms, not all of a software's values count."""
        return [name for name in self.facets if name in BY_SELLER] if self.terms else []


def count_facets(
    searcher: Searcher, text: Query, query: SearchQuery, *, relaxed: bool = False
) -> Facets:
    """Count the values of each facet under all filters but its own."""
    filters, cap = query.active_filters, query.price_cap
    apart = is_apart(searcher, text, query.text, relaxed=relaxed)
    groups = _group(query.counted, filters)
    counts: dict[str, Counter[str]] = {}
    if apart or cap is not None:
        for each in groups:
            scope = Scope(searcher, text, each.filters, cap, apart=apart)
            counts |= scope.count_parts(each.facets)
    else:
        for together in _passes(groups):
            counts |= _count(searcher, text, together)
    return {
        facet: dict(sorted((+counts[facet]).items(), key=lambda row: (-row[1], row[0])))
        for facet in query.counted
    }


def _group(counted: Iterable[str], filters: Filters) -> list[_Group]:
    free = [facet for facet in counted if facet not in filters]
    groups = [_Group(free, filters)] if free else []
    for facet in filters:
        if facet in counted:
            others = {name: values for name, values in filters.items() if name != facet}
            groups.append(_Group([facet], others))
    return groups


def _passes(groups: Iterable[_Group]) -> Iterable[list[_Group]]:
    """Put together what one pass can count: what several terms leave, one seller has to hold together."""
    found: dict[tuple[str, ...], list[_Group]] = {}
    for each in groups:
        held = tuple(each.terms) if len(each.terms) > 1 else ()
        found.setdefault(held, []).append(each)
    return found.values()


def _count(searcher: Searcher, text: Query, groups: Sequence[_Group]) -> dict[str, Counter[str]]:
    scope = Scope(searcher, text, {}, None, apart=False)
    rows = both(text, of_kind(SOLO, WHOLE))
    if len(groups[0].terms) > 1:
        rows = both(rows, scope.held(groups[0].terms))
    asked: dict[str, Any] = {}
    for each in groups:
        _find(asked, each.filters).update(_ask(each))
    found = searcher.aggregate(rows, asked)
    counts: dict[str, Counter[str]] = {}
    for each in groups:
        place = found
        for name in each.filters:
            place = place[f"{name} {_FILTERED}"]
        counts |= {name: read_counts(place[name]) for name in each.facets}
        if each.told_by_sellers:
            wholes = scope.read_wholes(place[_WHOLES]["offered"])
            _leave_out_others(counts, each, wholes)
    return counts


def _find(asked: dict[str, Any], filters: Filters) -> dict[str, Any]:
    """Find the place under filters, each inside the one before: what begins alike is filtered once."""
    for name, values in filters.items():
        inner = asked.setdefault(
            f"{name} {_FILTERED}", {"filter": _write(name, values), "aggs": {}}
        )
        asked = inner["aggs"]
    return asked


def _ask(group: _Group) -> dict[str, Any]:
    """Ask for the counts of a group, and for what the sellers of whole software offer if need be."""
    asked: dict[str, Any] = {each: count_by(each) for each in group.facets}
    if group.told_by_sellers:
        wholes = {"filter": _write("kind", [WHOLE]), "aggs": {"offered": count_by("profile_key")}}
        asked[_WHOLES] = wholes
    return asked


def _leave_out_others(
    counts: dict[str, Counter[str]], group: _Group, wholes: Iterable[tuple[list[Filters], int]]
) -> None:
    """Take from the counts what only sellers have that do not meet the terms."""
    for offered, number in wholes:
        met = [each for each in offered if keeps(group.terms, each)]
        for facet in group.told_by_sellers if met else ():
            said = {value for each in offered for value in each[facet]}
            for value in said.difference(*(each[facet] for each in met)):
                counts[facet][value] -= number


def _write(field: str, values: Iterable[str]) -> str:
    """Write in the engine's language that a field has any of some values."""
    return " OR ".join(f"{field}:{_quote(each)}" for each in sorted(values))


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
