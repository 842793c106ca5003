"""Words, amounts and ids that nobody else may ever see, put into every column of private rows."""

import itertools
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import AutoString, Session, SQLModel

from core.db import now
from core.models import UTCDateTime

# Columns whose number is itself a secret.
_AMOUNTS = {
    "ceiling_amount",
    "total_with_tax",
    "total_without_tax",
    "export_charge_yen",
    "minimum",
    "maximum",
    "baseline_yearly",
}
_LISTS = {
    "accreditations",
    "authentication",
    "body_kinds",
    "data_categories",
    "discounts",
    "features",
    "languages",
    "mended",
    "networks",
    "qualification_kinds",
    "qualification_regions",
    "references",
    "roles",
    "size_classes",
}
# A word, an amount (with commas or without), an id (with hyphens or without).
_TRACE = re.compile(
    r"zqx\d{4}|(?<![0-9a-f])\d\d,?\d{3},?\d{3}(?![0-9a-f])"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
)
Ids = Mapping[str, list[uuid.UUID]]
NEVER_PLANTED = "zqx9999"


@dataclass
class Planter:
    """Writes rows whose every word is a marker, and knows where each marker was put."""

    places: dict[str, str] = field(default_factory=dict)
    ids: dict[str, list[uuid.UUID]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def word(self, place: str) -> str:
        """Return a word that occurs nowhere else."""
        marker = f"zqx{next(self._numbers):04d}"
        self.places[marker] = place
        return marker

    def amount(self, place: str) -> int:
        """Return an amount in yen that occurs nowhere else."""
        number = 71_000_003 + next(self._numbers) * 9_901
        self.places[str(number)] = self.places[f"{number:,}"] = place
        return number

    def filled(self, where: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values with a marker in place of each word."""
        return {
            name: self.word(f"{where}.{name}")
            if isinstance(value, str) and type(value) is str
            else value
            for name, value in values.items()
        }

    def plant(self, session: Session, model: type[SQLModel], **values: Any) -> Any:
        """Add a row; what is not given becomes a marker, a date of today or the first choice."""
        table = model.__table__  # type: ignore[attr-defined]
        for column in table.columns:
            if column.name in values or column.name in {"created_at", "updated_at", "version"}:
                continue
            made = self._fill(session, table.name, column)
            if made is not None:
                values[column.name] = made
        row = model(**values)
        session.add(row)
        session.flush()
        if isinstance(values.get("id", getattr(row, "id", None)), uuid.UUID):
            self.keep(table.name, row.id)  # type: ignore[attr-defined]
        return row

    def mark(self, session: Session, model: type[SQLModel], ids: list[uuid.UUID]) -> None:
        """Put markers over the words of rows that were made otherwise (people, for example)."""
        table = model.__table__  # type: ignore[attr-defined]
        for each in ids:
            values = {
                column.name: self.word(f"{table.name}.{column.name}")
                for column in table.columns
                if _is_words(column)
            }
            session.execute(sa.update(table).where(table.c.id == each).values(values))

    def keep(self, table: str, *ids: uuid.UUID) -> None:
        """Remember that these ids are nobody else's business."""
        self.ids.setdefault(table, []).extend(ids)
        for each in ids:
            self.places[str(each)] = self.places[each.hex] = f"{table}.id"

    def found(self, words: str) -> dict[str, str]:
        """Return the markers that occur in these words, with the place where each was put."""
        met = _TRACE.findall(words.lower())
        return {marker: self.places[marker] for marker in met if marker in self.places}

    def _fill(self, session: Session, table: str, column: sa.Column[Any]) -> Any:
        place = f"{table}.{column.name}"
        kind = column.type
        made: Any = None
        if column.name in _AMOUNTS:
            made = self.amount(place)
        elif isinstance(kind, sa.Enum):
            # The product's defaults hold where there are any.
            made = next(iter(kind.enum_class or ())) if column.default is None else None
        elif _is_words(column):
            made = self.word(place)
        elif isinstance(kind, sa.LargeBinary):
            made = self.word(place).encode()
        elif isinstance(kind, sa.JSON):
            made = {"x": self.word(place)}
            made = list(made.values()) if column.name in _LISTS else made
        elif not (column.nullable or column.foreign_keys or column.default is not None):
            made = _plain(session, kind)
        return made


def _plain(session: Session, kind: Any) -> Any:
    if isinstance(kind, UTCDateTime):
        return now(session)
    if isinstance(kind, sa.Date):
        return date(2027, 4, 1)
    return False if isinstance(kind, sa.Boolean) else 1


def _is_words(column: sa.Column[Any]) -> bool:
    kind = column.type
    if isinstance(kind, AutoString):
        kind = kind.impl_instance
    if not isinstance(kind, sa.String) or isinstance(kind, sa.Enum) or column.foreign_keys:
        return False
    return (kind.length or len(NEVER_PLANTED)) >= len(NEVER_PLANTED)
