"""Gapless numbers per body and fiscal year, such as 令和8-0012."""

import re
import uuid
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import class_mapper
from sqlmodel import Session

from core.clock import day_in_japan
from core.db import now
from core.japanese import era_year
from core.japanese import fiscal_year as fiscal_year_of
from core.models import Model
from procurement.bodies.models import LONGEST_NUMBER, DocumentCounter
from procurement.bodies.rules import DECREE, BodyRules

SERIES = {"quote": "見積", "selection": "選定"}  # of the counters kept here, as numbers show them
_LABELLED = "{種類}"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a paper: its year, its place in the year, and how it is written."""

    fiscal_year: int
    ordinal: int
    text: str


def take_number(session: Session, series: str, owner_id: uuid.UUID, rules: BodyRules) -> Number:
    """Return the next number of a body's papers of a kind, written as the body's rules say."""
    year = fiscal_year_of(day_in_japan(now(session)))
    ordinal = take_ordinal(session, DocumentCounter, owner_id, year, series=series)
    return Number(year, ordinal, write_number(rules, year, ordinal, SERIES[series]))


def write_number(rules: BodyRules, fiscal_year: int, ordinal: int, label: str = "") -> str:
    """Return a number in the body's pattern; `label` tells kinds of papers apart that count alone."""
    pattern = rules.number_pattern
    if label and _LABELLED not in pattern:
        pattern = f"{label}{pattern}"
    era, year = era_year(date(fiscal_year, 4, 1))
    parts = {
        "{元号}": era,
        "{年度}": "元" if year == 1 else str(year),
        "{番号}": f"{ordinal:04d}",
        "{番号だけ}": str(ordinal),
        _LABELLED: label,
    }
    return _PART.sub(lambda found: parts.get(found.group(), found.group()), pattern)


_PART = re.compile(r"\{[^{}]*\}")
_KNOWN = frozenset({"{元号}", "{年度}", "{番号}", "{番号だけ}", _LABELLED})


def refuse_pattern(pattern: str) -> str | None:
    """Say in a sentence why a pattern cannot number papers; None when it can."""
    used = set(_PART.findall(pattern))
    if unknown := sorted(used - _KNOWN):
        return f"「{unknown[0]}」は使えません。使えるのは{'、'.join(sorted(_KNOWN))}です。"
    if not used & {"{番号}", "{番号だけ}"}:
        return "番号の形に{番号}か{番号だけ}を入れてください。"
    if "{年度}" not in used:
        return "番号は年度ごとに1から始まります。番号の形に{年度}を入れてください。"
    if "{" in _PART.sub("", pattern) or "}" in _PART.sub("", pattern):
        return "波かっこは{番号}のように、組にして入力してください。"
    longest = max(
        len(write_number(replace(DECREE, number_pattern=pattern), 2098, 99_999, each))
        for each in SERIES.values()
    )
    if longest > LONGEST_NUMBER:
        return f"番号が最も長いとき{longest}文字になります。{LONGEST_NUMBER}文字に収まるように短くしてください。"
    return None


def take_ordinal(
    session: Session,
    counter: type[Model],
    owner_id: uuid.UUID,
    fiscal_year: int,
    **series: str,
) -> int:
    """Return the next ordinal of a body's year; its row stays locked until the commit.

    A rolled back act gives its number back, so there is never a gap. `counter` has owner_id,
    fiscal_year and last, and a `series` where it counts several kinds.
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
            **series,
        )
        .on_conflict_do_update(
            index_elements=[
                table.c.owner_id,
                table.c.fiscal_year,
                *(table.c[key] for key in series),
            ],
            set_={"last": table.c.last + 1, "updated_at": moment},
        )
        .returning(table.c.last)
    )
    return int(session.execute(statement).scalar_one())


def format_number(fiscal_year: int, ordinal: int) -> str:
    """Return a number in the era of the fiscal year's first day: 令和8-0012, 令和元-0001."""
    era, year = era_year(date(fiscal_year, 4, 1))
    return f"{era}{'元' if year == 1 else year}-{ordinal:04d}"
