"""Setting a search server up: what its settings must be, and keys that may do no more than needed."""

import time
from collections.abc import Mapping
from typing import Any

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError

from search.breaker import CircuitBreaker
from search.deadline import TimedClient
from search.engine import SearchUnavailable
from search.meilisearch_query import SETTINGS

_ANY_ORDER = frozenset(
    {"displayedAttributes", "filterableAttributes", "sortableAttributes", "stopWords"}
)
_SECONDS = 10
_LOOK_SECONDS = 30.0

KEYS: Mapping[str, Mapping[str, Any]] = {
    "search": {
        "uid": "6f1f3c52-3d0b-4c43-9a53-5d6f0a1b2c01",
        "name": "narabi search",
        "description": "asks the index; for the web processes",
        "actions": ["search", "indexes.get", "stats.get", "settings.get", "version"],
        "indexes": ["listings"],
        "expiresAt": None,
    },
    "indexer": {
        "uid": "6f1f3c52-3d0b-4c43-9a53-5d6f0a1b2c02",
        "name": "narabi indexer",
        "description": "feeds the index; for the outbox worker and the commands",
        "actions": [
            "search",
            "documents.add",
            "documents.delete",
            "indexes.create",
            "indexes.get",
            "indexes.delete",
            "indexes.swap",
            "settings.get",
            "settings.update",
            "stats.get",
            "tasks.get",
            "version",
        ],
        "indexes": ["listings", "listings__*"],
        "expiresAt": None,
    },
}


def make_keys(url: str, master_key: str) -> dict[str, str]:
    """Make the scoped keys with the master key, or find them; gives them by their purpose.

    Raises SearchUnavailable when the server refuses.
    """
    client = TimedClient(url, master_key, timeout=_SECONDS)
    with CircuitBreaker().guard():
        return {purpose: _make_key(client, wanted) for purpose, wanted in KEYS.items()}


def _make_key(client: Client, wanted: Mapping[str, Any]) -> str:
    try:
        return str(client.create_key(dict(wanted)).key)
    except MeilisearchApiError as error:
        if error.code != "api_key_already_exists":
            raise
        return str(client.get_key(wanted["uid"]).key)


_LIMITS = ("pagination.maxTotalHits", "faceting.maxValuesPerFacet")
_HELD_TO_THE_LETTER = ("searchableAttributes", "rankingRules")
_AT_LEAST = (
    "filterableAttributes",
    "sortableAttributes",
    "displayedAttributes",
    "typoTolerance.disableOnAttributes",
)


def find_differences(held: Mapping[str, Any], documents: int) -> list[str]:
    """Name the settings of a server that are not what an index needs, or too low for its size."""
    different = [
        name
        for part, wanted in SETTINGS.items()
        for name in _compare(part, held.get(part), wanted)
        if name not in _LIMITS
    ]
    low = [name for name in _LIMITS if (_get(held, name) or 0) < _get(SETTINGS, name)]
    return [*different, *dict.fromkeys([*low, *_find_low_limits(held, documents)])]


def find_faults(held: Mapping[str, Any], documents: int) -> list[str]:
    """Name the settings with which a server would leave out rows or counts, or order them otherwise."""
    changed = [name for name in _HELD_TO_THE_LETTER if held.get(name) != SETTINGS[name]]
    missing = [name for name in _AT_LEAST if not _holds(_get(held, name), _get(SETTINGS, name))]
    refused = [name for name in ("stopWords", "synonyms", "distinctAttribute") if held.get(name)]
    return changed + missing + refused + _find_low_limits(held, documents)


def _find_low_limits(held: Mapping[str, Any], documents: int) -> list[str]:
    """Name the limits that the catalog has reached: beyond them the server is silent."""
    return [name for name in _LIMITS if (_get(held, name) or 0) <= documents]


def _get(settings: Mapping[str, Any], name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _holds(held: Any, wanted: list[str]) -> bool:
    names = _names(held)
    return names == {"*"} or names.issuperset(wanted)


def _names(held: Any) -> set[str]:
    """Give the attributes of a list, in which a server may also describe them by patterns."""
    rows = held if isinstance(held, list) else []
    return {
        name
        for row in rows
        for name in (row.get("attributePatterns", []) if isinstance(row, Mapping) else [row])
    }


class SettingsWatch:
    """Looks from time to time whether the server still is set up so that it leaves nothing out."""

    def __init__(self, index: str) -> None:
        self._index = index
        self._looked_at: tuple[str, float] = ("", 0.0)

    def require(self, client: Client, generation: str, *, adding: int | None = None) -> None:
        """Raise SearchUnavailable naming the settings; looks again every half minute, and to write."""
        known, until = self._looked_at
        if adding is None and known == generation and time.monotonic() < until:
            return
        self._looked_at = ("", 0.0)
        index = client.index(self._index)
        documents = index.get_stats().number_of_documents + (adding or 0)
        refuse_faults(index.get_settings(), documents)
        self._looked_at = (generation, time.monotonic() + _LOOK_SECONDS)


def refuse_faults(held: Mapping[str, Any], documents: int) -> None:
    """Raise SearchUnavailable naming the settings with which this many documents cannot be held."""
    if faults := find_faults(held, documents):
        raise SearchUnavailable(
            f"検索サーバーの設定では、結果が欠けるか並びが変わります：{'、'.join(faults)}。"
        )


def _compare(name: str, held: Any, wanted: Any) -> list[str]:
    if isinstance(wanted, Mapping):
        values = held if isinstance(held, Mapping) else {}
        return [
            each
            for part, value in wanted.items()
            for each in _compare(f"{name}.{part}", values.get(part), value)
        ]
    if isinstance(wanted, list) and (name in _ANY_ORDER or name.startswith("typoTolerance.")):
        return [] if held is not None and _names(held) == set(wanted) else [name]
    return [] if held == wanted else [name]
