"""Gapless numbers per body and fiscal year, such as 令和8-0012."""

import uuid
from datetime import date
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import class_mapper
from sqlmodel import Session

from core.db import now
from core.japanese import era_year
from core.models import Model


def take_ordinal(
    session: Session, counter: type[Model], owner_id: uuid.UUID, fiscal_year: int
) -> int:
    """Return the next ordinal of a body's year; its row stays locked until the commit.

    A rolled back act gives its number back, so there is never a gap. `counter` has owner_id,
    fiscal_year and last.
    """
    table = cast("Table", class_mapper(counter).local_table)
    dialect = session.get_bind().dialect.name
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    moment = now(session)
    statement = (
        insert(table)
        .values(
            id=uuid.uuid4(),
            created_at=moment,
            updated_at=moment,
            version=1,
            owner_id=owner_id,
            fiscal_year=fiscal_year,
            last=1,
        )
        .on_conflict_do_update(
            index_elements=[table.c.owner_id, table.c.fiscal_year],
            set_={"last": table.c.last + 1, "updated_at": moment},
        )
        .returning(table.c.last)
    )
    return int(session.execute(statement).scalar_one())


def format_number(fiscal_year: int, ordinal: int) -> str:
    """Return a number in the era of the fiscal year's first day: 令和8-0012, 令和元-0001."""
    era, year = era_year(date(fiscal_year, 4, 1))
    return f"{era}{'元' if year == 1 else year}-{ordinal:04d}"
