"""What can be asked about standard specifications."""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from catalog.specifications.models import (
    PUBLISHED_STATES,
    Requirement,
    SpecificationVersion,
    StandardSpecification,
)

MAXIMUM_REQUIREMENTS = 10_000


def find_specification(session: Session, code: str) -> StandardSpecification | None:
    """Return the specification with this code."""
    statement = select(StandardSpecification).where(StandardSpecification.code == code)
    return session.exec(statement).first()


def get_version(session: Session, version_id: uuid.UUID) -> SpecificationVersion | None:
    """Return a version with its specification."""
    statement = (
        select(SpecificationVersion)
        .where(SpecificationVersion.id == version_id)
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
    )
    return session.exec(statement).first()


def find_version(session: Session, code: str, label: str) -> SpecificationVersion | None:
    """Return the version of a code and label with its specification."""
    statement = (
        select(SpecificationVersion)
        .join(StandardSpecification)
        .where(StandardSpecification.code == code, SpecificationVersion.label == label)
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
    )
    return session.exec(statement).first()


def list_versions(session: Session, *, published_only: bool = True) -> list[SpecificationVersion]:
    """Return versions with their specifications, by code, newest label last."""
    statement = (
        select(SpecificationVersion)
        .join(StandardSpecification)
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
        .order_by(
            StandardSpecification.code,
            col(SpecificationVersion.applies_from).nulls_last(),
            SpecificationVersion.label,
            col(SpecificationVersion.id),
        )
        .limit(1_000)
    )
    if published_only:
        statement = statement.where(col(SpecificationVersion.state).in_(PUBLISHED_STATES))
    return list(session.exec(statement).all())


def list_requirements(session: Session, version_id: uuid.UUID) -> list[Requirement]:
    """Return all requirements of a version in the order of the specification."""
    statement = (
        select(Requirement)
        .where(Requirement.specification_version_id == version_id)
        .order_by(col(Requirement.position), col(Requirement.id))
        .limit(MAXIMUM_REQUIREMENTS)
    )
    return list(session.exec(statement).all())


def find_requirement(
    session: Session, version_id: uuid.UUID, requirement_id: str
) -> Requirement | None:
    """Return one requirement by the ministry's id."""
    statement = select(Requirement).where(
        Requirement.specification_version_id == version_id,
        Requirement.requirement_id == requirement_id,
    )
    return session.exec(statement).first()


def get_versions(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, SpecificationVersion]:
    """Return versions by id with their specifications."""
    statement = (
        select(SpecificationVersion)
        .where(col(SpecificationVersion.id).in_(version_ids))
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
    )
    return {version.id: version for version in session.exec(statement)}
