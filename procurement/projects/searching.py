"""A project's search as plain values: what is kept of the form, and what the pages say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import url_for
from sqlmodel import Session

from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid
from procurement.projects.models import Project
from search import queries as search_queries

Choices = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Search:
    """One page of what the kept query finds, with what the pagination needs."""

    FACETS: ClassVar[Mapping[str, str]] = {
        "specification": "標準仕様書",
        "certification": "認証の状態",
        "size_class": "対応する人口",
        "price_band": "年額の目安（人口1万人、税抜）",
        "hosting": "設置場所",
        "seller_kind": "販売者の種類",
    }

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


def make_kept_query(session: Session, data: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """Return what a project keeps of a search form; the day's seed is fixed with it.

    Raises Invalid for a value that the catalog does not offer.
    """
    refuse_unknown(data, choices)
    filters = {name: sorted(data[name]) for name in Search.FACETS if data[name]}
    query = search_queries.make_query(data["q"], filters, day=day_in_japan(now(session)))
    return {"text": query.text, "filters": filters, "sort": query.sort, "seed": query.seed}


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
    return described
