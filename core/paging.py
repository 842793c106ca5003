"""The pages of a long list: which one is asked for, its rows, the addresses of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlencode

from flask import request, url_for

from core.errors import NotFound

PAGE_SIZE = 50
_HIGHEST = 10**6

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list; its rows are those of this page alone."""

    rows: Sequence[Row]
    number: int
    page_count: int
    total: int
    name: str = "page"
    anchor: str = ""

    def __bool__(self) -> bool:
        """Tell whether the list holds anything."""
        return self.total > 0

    def href(self, number: int) -> str:
        """Return this address with another page; everything else that was asked for stays."""
        return address({self.name: number if number > 1 else None}, self.anchor)


def address(changes: Mapping[str, object], anchor: str = "") -> str:
    """Return this address with some parameters changed (None or "" takes one away), the rest kept.

    A list gives a parameter several values.
    """
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    several = {name: v if isinstance(v, list) else [v] for name, v in changes.items()}
    asked = [*kept, *((name, str(v)) for name, values in several.items() for v in values if v)]
    path = url_for(str(request.endpoint), **(request.view_args or {}))
    tail = f"#{anchor}" if anchor else ""
    return f"{path}?{urlencode(asked)}{tail}" if asked else f"{path}{tail}"


def read_number(name: str = "page") -> int:
    """Return the page asked for (1 without any); raises NotFound for what is no page number."""
    asked = request.args.get(name, "1")
    if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked[:9]) <= _HIGHEST:
        raise NotFound
    return int(asked)


class Load(Protocol[Row_co]):
    """A query of one page of rows."""

    def __call__(self, *, limit: int, offset: int) -> Sequence[Row_co]:
        """Return at most `limit` rows after the first `offset`."""


def fetch(
    total: int,
    load: Load[Row],
    size: int = PAGE_SIZE,
    *,
    name: str = "page",
    anchor: str = "",
) -> Page[Row]:
    """Return the page asked for with its rows from the database; NotFound beyond the last one."""
    number, page_count = read_number(name), max(1, -(-total // size))
    if number > page_count:
        raise NotFound
    rows = load(limit=size, offset=(number - 1) * size)
    return Page(rows, number, page_count, total, name, anchor)


def cut(
    rows: Sequence[Row], size: int = PAGE_SIZE, *, name: str = "page", anchor: str = ""
) -> Page[Row]:
    """Return the page asked for out of all rows; NotFound beyond the last one."""

    def load(*, limit: int, offset: int) -> Sequence[Row]:
        return rows[offset : offset + limit]

    return fetch(len(rows), load, size, name=name, anchor=anchor)
