"""Setting a search server up: what its settings must be, and keys that may do no more than needed."""

from collections.abc import Mapping
from typing import Any

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError

from search.breaker import CircuitBreaker
from search.meilisearch_query import SETTINGS

_ANY_ORDER = frozenset(
    {"displayedAttributes", "filterableAttributes", "sortableAttributes", "stopWords"}
)
_SECONDS = 10

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
    client = Client(url, master_key, timeout=_SECONDS)
    with CircuitBreaker().guard():
        return {purpose: _make_key(client, wanted) for purpose, wanted in KEYS.items()}


def _make_key(client: Client, wanted: Mapping[str, Any]) -> str:
    try:
        return str(client.create_key(dict(wanted)).key)
    except MeilisearchApiError as error:
        if error.code != "api_key_already_exists":
            raise
        return str(client.get_key(wanted["uid"]).key)


def find_differences(held: Mapping[str, Any], documents: int) -> list[str]:
    """Name the settings of a server that are not what an index needs, or too low for its size."""
    found = [
        name for part, wanted in SETTINGS.items() for name in _compare(part, held.get(part), wanted)
    ]
    most = (held.get("pagination") or {}).get("maxTotalHits") or 0
    if documents >= most and "pagination.maxTotalHits" not in found:
        found.append("pagination.maxTotalHits")
    return found


def _compare(name: str, held: Any, wanted: Any) -> list[str]:
    if isinstance(wanted, Mapping):
        values = held if isinstance(held, Mapping) else {}
        return [
            each
            for part, value in wanted.items()
            for each in _compare(f"{name}.{part}", values.get(part), value)
        ]
    if isinstance(wanted, list) and (name in _ANY_ORDER or name.startswith("typoTolerance.")):
        return [] if held is not None and sorted(held) == sorted(wanted) else [name]
    return [] if held == wanted else [name]
