"""Values of rows as the API tells them, and the place after which a page begins."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from core import api


def plain(value: Any) -> Any:
    """Return a stored value as JSON has it: null for what nobody told, ids, codes and times (RFC 3339, UTC) as texts."""
    if value == "":
        return None
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"
    return value.isoformat() if isinstance(value, date) else value


def show(row: object, names: Iterable[str]) -> dict[str, Any]:
    """Return these columns of a row as JSON."""
    return {name: plain(getattr(row, name)) for name in names}


def read_place(cursor: str | None) -> uuid.UUID | None:
    """Return after which row a page begins; BadParameters for a cursor that is not ours."""
    if cursor is None:
        return None
    (text,) = api.read_cursor(cursor)
    try:
        return uuid.UUID(text)
    except ValueError:
        raise api.BadParameters([("cursor", "cursorを読み取れません。")]) from None
