"""What a project's search asked for, in words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from core.japanese import format_yen
from search import queries as search_queries

Choices = Mapping[str, Sequence[tuple[str, str]]]

SORTS: Mapping[str, str] = MappingProxyType(
    {"relevance": "関連度の順", "cost": "費用の安い順", "newest": "新しく認証された順"}
)


def sort_of(kept: Mapping[str, Any]) -> str:
    """Return the order of a kept query as the form names it."""
    sort: str = kept.get("sort", "relevance")
    return "cost" if sort.startswith("cost_") else sort


def describe_query(kept: Mapping[str, Any], choices: Choices) -> list[tuple[str, str]]:
    """Return the conditions of a kept or locked query in words: (name, values)."""
    if not kept:
        return []
    described = [("検索語", f"「{kept['text']}」" if kept["text"] else "指定なし")]
    for name, label in search_queries.LABELS.items():
        values = kept["filters"].get(name)
        if values:
            labels = dict(choices[name])
            described.append((label, "、".join(labels.get(value, value) for value in values)))
    if kept.get("cost_max") is not None:
        described.append(("1年の費用の上限（税込）", format_yen(kept["cost_max"])))
    if kept["sort"] != "relevance":
        described.append(("並び順", SORTS[sort_of(kept)]))
    return described
