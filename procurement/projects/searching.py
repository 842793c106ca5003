"""A project's search as plain values: what is kept of the form, and what is found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import url_for
from sqlmodel import Session

from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid
from procurement.projects.models import Project
from procurement.projects.search_words import Choices, sort_of
from search import queries as search_queries


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
    return {
        "q": kept.get("text", ""),
        "sort": sort_of(kept),
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
