"""The files of the sample data, and what the steps have made so far."""

import tomllib
import uuid
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from accounts import queries as people
from accounts.identity import Actor
from core.config import Settings
from core.db import now

ROOT = Path(__file__).resolve().parents[2]
CATALOG_DATA = ROOT / "catalog" / "data"
BODIES = ROOT / "accounts" / "data" / "bodies.csv"
BEGINNING = date(2024, 3, 1)

Row = dict[str, Any]


def read_rows(name: str, key: str) -> list[Row]:
    """Return one array of tables of a data file."""
    rows: list[Row] = read_file(name)[key]
    return rows


def read_file(name: str) -> Row:
    """Return a whole data file."""
    return tomllib.loads((CATALOG_DATA / name).read_text("utf-8"))


@dataclass(slots=True)
class World:
    """Ids by the keys of the data files."""

    settings: Settings
    password_hash: str = ""
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    organisations: dict[str, uuid.UUID] = field(default_factory=dict)
    vendors: dict[str, uuid.UUID] = field(default_factory=dict)
    specifications: dict[tuple[str, str], uuid.UUID] = field(default_factory=dict)
    offerings: dict[str, uuid.UUID] = field(default_factory=dict)
    listings: dict[tuple[str, str], uuid.UUID] = field(default_factory=dict)

    def actor(self, session: Session, email: str, organisation: str | None = None) -> Actor:
        """Return a person as the web would see them, just signed in, acting for an organisation."""
        person_id = self.people[email]
        memberships = people.list_live_memberships(session, person_id)
        wanted = self.organisations[organisation] if organisation else None
        acting = next(m for m in memberships if wanted in {None, m.organisation_id}).organisation
        person = people.get_person(session, person_id)
        return Actor(
            grantees=frozenset(m.role for m in memberships if m.organisation_id == acting.id),
            person_id=person_id,
            person_name=person.name if person else "",
            organisation_id=acting.id,
            organisation_kind=acting.kind,
            organisation_label=acting.label,
            organisation_ids=frozenset(m.organisation_id for m in memberships),
            authenticated_at=now(session),
        )
