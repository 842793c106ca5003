"""What market figures ask of requirements and answers: narrow columns of very many rows."""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case
from sqlalchemy import select as sa_select
from sqlalchemy.orm import contains_eager
from sqlmodel import Session, col, select

from catalog.offerings.models import ConformanceAnswer
from catalog.specifications.models import (
    PUBLISHED_STATES,
    Requirement,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.terms import Answer, RequirementClass
from catalog.undecoded import decode, decoders_of, undecoded


class AskedRequirement(NamedTuple):
    """A requirement as it is counted; `key` is the id of its row as the database gives it."""

    key: Any
    requirement_id: str
    name: str
    classes: tuple[RequirementClass, ...]


class GivenAnswer(NamedTuple):
    """An answer as it is counted; a note is read only where it decides."""

    version_id: uuid.UUID
    key: Any
    answer: Answer
    note: str


def list_asked(session: Session, specification_version_id: uuid.UUID) -> list[AskedRequirement]:
    """Return the requirements of a version in their order (1 statement)."""
    row: Any = Requirement
    statement = (
        sa_select(
            *undecoded([row.id]),
            row.requirement_id,
            row.name,
            row.class_designated_city,
            row.class_core_city,
            row.class_other,
        )
        .where(col(Requirement.specification_version_id) == specification_version_id)
        .order_by(col(Requirement.position), col(Requirement.id))
    )
    return [
        AskedRequirement(key, requirement_id, name, tuple(classes))
        for key, requirement_id, name, *classes in session.execute(statement)
    ]


def list_given(session: Session, version_ids: Sequence[uuid.UUID]) -> list[GivenAnswer]:
    """Return all answers of some offering versions, in no order (1 statement)."""
    row: Any = ConformanceAnswer
    note = case((row.answer == Answer.ALTERNATIVE, row.note), else_="")
    statement = sa_select(
        *undecoded([row.offering_version_id, row.requirement_id, row.answer]), note
    ).where(row.offering_version_id.in_(bindparam("ids", expanding=True)))
    connection = session.connection()
    whose, _, told = decoders_of(
        connection.dialect, (row.offering_version_id, row.requirement_id, row.answer)
    )
    owners: dict[Any, uuid.UUID] = {}
    found = []
    for version_id, key, answer, words in connection.execute(statement, {"ids": version_ids}):
        if version_id not in owners:
            owners[version_id] = decode(version_id, whose)
        found.append(GivenAnswer(owners[version_id], key, decode(answer, told), words))
    return found


def list_published_of(session: Session, code: str) -> list[SpecificationVersion]:
    """Return the published versions of the specification of a code, the newest first (1 statement)."""
    statement = (
        select(SpecificationVersion)
        .join(SpecificationVersion.specification)  # type: ignore[arg-type]
        .where(
            StandardSpecification.code == code,
            col(SpecificationVersion.state).in_(PUBLISHED_STATES),
        )
        .options(contains_eager(SpecificationVersion.specification))  # type: ignore[arg-type]
        .order_by(
            col(SpecificationVersion.applies_from).desc().nulls_first(),
            col(SpecificationVersion.published_at).desc().nulls_first(),
            col(SpecificationVersion.label).desc(),
            col(SpecificationVersion.id),
        )
        .limit(1_000)
    )
    return list(session.exec(statement))
