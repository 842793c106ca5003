"""A project's search as plain values: what is kept of the form, and what the pages say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from flask import url_for
from sqlmodel import Session

from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid
from core.japanese import format_yen
from procurement.projects.models import Project
from search import queries as search_queries

Choices = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Search:
    """One page of what the kept query finds, with what the pagination needs."""

    FACETS: ClassVar[Mapping[str, str]] = search_queries.LABELS

    page: search_queries.Page
    query: search_queries.Query
    project: Project

    @property
    def number(self) -> int:
        """The page shown."""
        return self.query.page

    @property
    def page_count(self) -> int:
        """How many pages the answer has."""
        return self.page.page_count

    def href(self, number: int) -> str:
        """Return the address of one page."""
        return url_for("projects.search", project_id=self.project.id, page=number)


SORTS: Mapping[str, str] = MappingProxyType(
    {"relevance": "関連度の順", "cost": "費用の安い順", "newest": "新しく認証された順"}
)


def make_kept_query(
    session: Session, data: Mapping[str, Any], choices: Choices, population: int | None
) -> dict[str, Any]:
    """Return what a project keeps of a search form; the day's seed is fixed with it.

    Costs are those for the population of the body. Raises Invalid for a value that the catalog does
    not offer.
    """
    refuse_unknown(data, choices)
    people = population or search_queries.DEFAULT_POPULATION
    filters = {name: sorted(data[name]) for name in Search.FACETS if data[name]}
    sort = search_queries.engine_sort(data["sort"], people)
    query = search_queries.make_query(data["q"], filters, day=day_in_japan(now(session)), sort=sort)
    kept = {"text": query.text, "filters": filters, "sort": query.sort, "seed": query.seed}
    if data["cost_max"] is not None:
        kept["cost_max"] = data["cost_max"]
    return kept


def typed_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the form that a kept query came from."""
    sort = "cost" if kept.get("sort", "").startswith("cost_") else kept.get("sort", "relevance")
    return {
        "q": kept.get("text", ""),
        "sort": sort,
        "cost_max": kept.get("cost_max"),
        **kept.get("filters", {}),
    }


def refuse_unknown(data: Mapping[str, Any], choices: Choices) -> None:
    """Raise Invalid for a facet value that the catalog does not offer."""
    for name, label in Search.FACETS.items():
        known = {value for value, _ in choices[name]}
        if unknown := sorted(set(data[name]) - known):
            sentence = f"{label}に「{unknown[0]}」はありません。一覧から選択してください。"
            raise Invalid({name: sentence})


def describe_query(kept: Mapping[str, Any], choices: Choices) -> list[tuple[str, str]]:
    """Return the conditions of a kept or locked query in words: (name, values)."""
    if not kept:
        return []
    described = [("検索語", f"「{kept['text']}」" if kept["text"] else "指定なし")]
    for name, label in Search.FACETS.items():
        values = kept["filters"].get(name)
        if values:
            labels = dict(choices[name])
            described.append((label, "、".join(labels.get(value, value) for value in values)))
    if kept.get("cost_max") is not None:
        described.append(("1年の費用の上限（税込）", format_yen(kept["cost_max"])))
    if kept["sort"] != "relevance":
        described.append(("並び順", SORTS[typed_of(kept)["sort"]]))
    return described
