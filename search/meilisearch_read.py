"""Reading the search server: one query in as many questions as it takes, put together again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from meilisearch import Client

from search.analysis import plan_query
from search.engine import FACETS, PART, SOLO, TERMS_FACETS, WHOLE, Filters, Hit, SearchQuery
from search.meilisearch_query import (
    COMPLETED,
    MAX_HITS,
    Reading,
    build_completion,
    build_search,
    group_facets,
    is_by_seller,
    read_strictly,
    read_value,
    read_widely,
)

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Group:
    """Facets that one question counts under the same filters; repeated ones count every seller."""

    facets: list[str]
    filters: Filters
    is_repeated: bool


class Question:
    """Asks the server one query, in as many readings as it takes, and puts the answers together."""

    def __init__(
        self,
        client: Client,
        index: str,
        query: SearchQuery,
        page: int,
        per_page: int,
        *,
        grouped: bool,
    ) -> None:
        self._client = client
        self._index = index
        self._query = query
        self._page = {"page": page, "hitsPerPage": per_page}
        self._grouped = grouped
        self._apart = False

    def read(self, readings: list[Reading], filters: Filters) -> tuple[list[Hit], int]:
        """Give the hits of one page and the exact total."""
        answer = self._ask(readings, filters, self._page, [])
        return _hits(answer), int(answer["totalHits"])

    def total(self, readings: list[Reading]) -> int:
        """Count what the text alone matches."""
        bare = replace(self._query, price_cap=None)
        asked = Question(self._client, self._index, bare, 1, 1, grouped=self._grouped)
        return asked.read(readings, {})[1]

    def count(self, readings: list[Reading], filters: Filters) -> Counts:
        """Count each facet under all filters but its own."""
        counts: Counts = {}
        groups = [
            each for facets, others in group_facets(filters) for each in self._split(facets, others)
        ]
        for group, found in zip(groups, self._distributions(readings, groups), strict=True):
            for facet in group.facets:
                rows = dict(found.get(facet, {}))
                if group.is_repeated:
                    rows = self._count_values(readings, group.filters, facet, rows)
                positive = [(value, number) for value, number in rows.items() if number]
                counts[facet] = dict(sorted(positive, key=lambda row: (-row[1], row[0])))
        return {facet: counts[facet] for facet in FACETS}

    def _split(self, facets: list[str], filters: Filters) -> list[_Group]:
        """Put apart the facets in which the sellers of one software may differ, if it matters."""
        if not self._by_seller(filters):
            return [_Group(facets, filters, is_repeated=False)] if facets else []
        terms = [facet for facet in facets if facet in TERMS_FACETS]
        own = [facet for facet in facets if facet not in TERMS_FACETS]
        parts = [_Group(own, filters, is_repeated=False), _Group(terms, filters, is_repeated=True)]
        return [part for part in parts if part.facets]

    def _count_values(
        self, readings: list[Reading], others: Filters, facet: str, values: Iterable[str]
    ) -> dict[str, int]:
        """Count software by a value of sellers' terms: the sellers of one may differ in it."""
        one = {"page": 1, "hitsPerPage": 1}
        narrowed = {value: {**others, facet: frozenset({value})} for value in values}
        if len(readings) > 1:
            asked = [self._ask(readings, each, one, []) for each in narrowed.values()]
        else:
            questions = [self._build(readings[0], each) | one for each in narrowed.values()]
            asked = self._client.multi_search(questions)["results"] if questions else []
        return {
            value: int(answer["totalHits"]) for value, answer in zip(narrowed, asked, strict=True)
        }

    def _distributions(
        self, readings: list[Reading], groups: list[_Group]
    ) -> list[dict[str, dict[str, int]]]:
        one = {"page": 1, "hitsPerPage": 1}
        asked = [
            [self._build(reading, group.filters, every=group.is_repeated) for reading in readings]
            for group in groups
        ]
        if len(readings) > 1:
            answers = [
                self._put(questions, one, group.facets)
                for questions, group in zip(asked, groups, strict=True)
            ]
        else:
            bodies = [
                questions[0] | one | {"facets": group.facets}
                for questions, group in zip(asked, groups, strict=True)
            ]
            answers = self._client.multi_search(bodies)["results"]
        return [_distribution(answer, self._index) for answer in answers]

    def note_apart(self, readings: list[Reading]) -> None:
        """Note whether a text finds a software by some of its sellers only: then it is read by seller."""
        if not self._grouped or not self._query.text:
            return
        bare = replace(self._query, price_cap=None)
        one = {"page": 1, "hitsPerPage": 1}
        asked = [
            [build_search(self._index, each, {}, bare, (kind,)) for each in readings]
            for kind in (WHOLE, PART)
        ]
        whole, parts = self._put(asked[0], one, ["sellers"]), self._put(asked[1], one, [])
        sellers = _distribution(whole, self._index).get("sellers", {})
        listings = sum(int(number) * count for number, count in sellers.items())
        self._apart = listings != int(parts["totalHits"])

    def _by_seller(self, filters: Filters) -> bool:
        return self._grouped and (self._apart or is_by_seller(filters, self._query.price_cap))

    def _build(self, reading: Reading, filters: Filters, *, every: bool = False) -> dict[str, Any]:
        """Build one question: one document for each software, or every listing."""
        by_seller = self._by_seller(filters)
        kinds = (SOLO, WHOLE) if self._grouped and not by_seller else (SOLO, PART)
        question = build_search(self._index, reading, filters, self._query, kinds)
        if by_seller and not every:
            question["distinct"] = "offering_id"
        return question

    def _ask(
        self, readings: list[Reading], filters: Filters, page: dict[str, int], facets: list[str]
    ) -> dict[str, Any]:
        return self._put([self._build(one, filters) for one in readings], page, facets)

    def _put(
        self, questions: list[dict[str, Any]], page: dict[str, int], facets: list[str]
    ) -> dict[str, Any]:
        """Ask one question, or several of which the server puts the answers together."""
        if len(questions) == 1:
            asked = questions[0] | page | ({"facets": facets} if facets else {})
            result: dict[str, Any] = self._client.multi_search([asked])["results"][0]
            return result
        federation: dict[str, Any] = dict(page)
        if distinct := [each.pop("distinct") for each in questions if "distinct" in each]:
            federation["distinct"] = distinct[0]
        if facets:
            federation["facetsByIndex"] = {self._index: facets}
        merged: dict[str, Any] = self._client.multi_search(questions, federation)
        return merged


def _distribution(answer: dict[str, Any], index: str) -> dict[str, dict[str, int]]:
    """Give the counts of an answer to one question or to several."""
    if "facetsByIndex" in answer:
        found = answer["facetsByIndex"][index]["distribution"]
    else:
        found = answer["facetDistribution"]
    return {
        facet: {read_value(value): number for value, number in values.items()}
        for facet, values in found.items()
    }


def read_page(asked: Question, query: SearchQuery) -> tuple[list[Hit], int, list[Reading], bool]:
    """Read by the text as written or, if nothing at all matches it, by one wider reading."""
    plan = plan_query(query.text)
    filters = query.active_filters
    strict = read_strictly(plan, query)
    asked.note_apart(strict)
    hits, total = asked.read(strict, filters)
    narrowed = filters or query.price_cap
    if total or not plan.terms or (narrowed and asked.total(strict)):
        return hits, total, strict, False
    for enough, wider in read_widely(plan):
        if asked.total(wider) >= enough:
            asked.note_apart(wider)
            return *asked.read(wider, filters), wider, True
    return hits, total, strict, False


def _hits(answer: dict[str, Any]) -> list[Hit]:
    return [
        Hit(row["listing_version_id"], row["listing_id"], row["offering_id"])
        for row in answer["hits"]
    ]


def read_completions(
    client: Client, index: str, tokens: list[str], seed: int, limit: int
) -> tuple[list[Hit], list[str]]:
    """Ask for names and makers in one request."""
    by_name, by_maker = (build_completion(index, each, tokens, seed) for each in COMPLETED)
    asked = [
        by_name | {"page": 1, "hitsPerPage": limit},
        by_maker | {"page": 1, "hitsPerPage": 1, "facets": ["maker_id"]},
    ]
    names, makers = client.multi_search(asked)["results"]
    return _hits(names), [
        key for key, count in makers["facetDistribution"]["maker_id"].items() if count
    ]


def read_fingerprints(client: Client, index: str) -> dict[str, str]:
    """Read the fingerprint of every listing by its id."""
    question = build_search(index, Reading("", ()), {}, SearchQuery(), (SOLO, PART))
    answer = client.multi_search([question | {"page": 1, "hitsPerPage": MAX_HITS}])
    rows: list[dict[str, str]] = answer["results"][0]["hits"]
    return {row["listing_id"]: row["fingerprint"] for row in rows}
