"""Rows that an offering version holds as data: accreditations, and formats per category of data. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.terms import AccreditationKind, DataConformity
from core.japanese import format_date


@dataclass(frozen=True, slots=True)
class Accreditation:
    """What a third party has certified, within a scope and up to and including a day."""

    kind: AccreditationKind
    number: str
    body: str
    scope: str
    expires_on: date

    def is_held_on(self, day: date) -> bool:
        """Tell whether it counts on a day: an expired one is not held."""
        return day <= self.expires_on

    @property
    def words(self) -> str:
        """Return it in one line."""
        until = format_date(self.expires_on)
        return f"{self.kind.label} {self.number}（{self.body}、{until}まで）：{self.scope}"


@dataclass(frozen=True, slots=True)
class DataCategory:
    """How data of one category come in and go out."""

    name: str
    imports: str
    exports: str
    conformity: DataConformity

    @property
    def words(self) -> str:
        """Return it in one line."""
        ways = f"取込み {self.imports or 'なし'}、取出し {self.exports}"
        return f"{self.name}：{ways}（{self.conformity.label}）"


def read_accreditations(rows: Iterable[Mapping[str, Any]]) -> list[Accreditation]:
    """Return stored rows as values, in their order."""
    return [
        Accreditation(
            AccreditationKind(row["kind"]),
            row["number"],
            row["body"],
            row["scope"],
            date.fromisoformat(row["expires_on"]),
        )
        for row in rows
    ]


def list_held(rows: Iterable[Mapping[str, Any]], day: date) -> list[Accreditation]:
    """Return the accreditations that count on a day."""
    return [each for each in read_accreditations(rows) if each.is_held_on(day)]


def read_categories(rows: Iterable[Mapping[str, Any]]) -> list[DataCategory]:
    """Return stored rows as values, in their order."""
    return [
        DataCategory(row["name"], row["imports"], row["exports"], DataConformity(row["conformity"]))
        for row in rows
    ]


def list_expiries(rows: Iterable[Mapping[str, Any]], after: date) -> Sequence[date]:
    """Return the days after a day on which an accreditation ends, each once."""
    days = {each.expires_on for each in read_accreditations(rows)}
    return sorted(day for day in days if day >= after)
