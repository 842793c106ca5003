"""What can be asked about standard specifications."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, or_
from sqlalchemy.orm import aliased, defer, joinedload
from sqlmodel import Session, col, select

from catalog.specifications.models import (
    PUBLISHED_STATES,
    LifecycleRecord,
    Requirement,
    SavedMapping,
    SpecificationSource,
    SpecificationUpload,
    SpecificationVersion,
    SpecificationVersionEnd,
    StandardSpecification,
)
from catalog.terms import RequirementClass
from core.audit import AuditEvent, Outcome


def find_specification(session: Session, code: str) -> StandardSpecification | None:
    """Return the specification with this code."""
    statement = select(StandardSpecification).where(StandardSpecification.code == code)
    return session.exec(statement).first()


def list_specifications(
    session: Session, *, public_only: bool = True
) -> list[StandardSpecification]:
    """Return specifications by code; the public ones have a published version or a record."""
    statement = (
        select(StandardSpecification)
        .order_by(StandardSpecification.code, col(StandardSpecification.id))
        .limit(1_000)
    )
    if public_only:
        published = select(SpecificationVersion.specification_id).where(
            col(SpecificationVersion.state).in_(PUBLISHED_STATES)
        )
        recorded = select(LifecycleRecord.specification_id)
        mine = col(StandardSpecification.id)
        statement = statement.where(or_(mine.in_(published), mine.in_(recorded)))
    return list(session.exec(statement).all())


def list_lifecycle_records(
    session: Session, specification_id: uuid.UUID | None = None
) -> list[LifecycleRecord]:
    """Return what was recorded of one specification (of all for None), the newest first."""
    statement = (
        select(LifecycleRecord)
        .order_by(
            col(LifecycleRecord.as_of).desc(),
            col(LifecycleRecord.created_at).desc(),
            col(LifecycleRecord.id),
        )
        .limit(1_000)
    )
    if specification_id is not None:
        statement = statement.where(LifecycleRecord.specification_id == specification_id)
    return list(session.exec(statement).all())


def find_end(session: Session, version_id: uuid.UUID) -> SpecificationVersionEnd | None:
    """Return why a version was retired or withdrawn."""
    statement = select(SpecificationVersionEnd).where(
        SpecificationVersionEnd.specification_version_id == version_id
    )
    return session.exec(statement).first()


def find_source(
    session: Session, version_id: uuid.UUID, *, with_content: bool = False
) -> SpecificationSource | None:
    """Return the ministry's document of a version, its bytes only when asked."""
    statement = select(SpecificationSource).where(
        SpecificationSource.specification_version_id == version_id
    )
    if not with_content:
        statement = statement.options(defer(SpecificationSource.content))  # type: ignore[arg-type]
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
            col(SpecificationVersion.published_at).nulls_last(),
            SpecificationVersion.label,
            col(SpecificationVersion.id),
        )
        .limit(1_000)
    )
    if published_only:
        statement = statement.where(col(SpecificationVersion.state).in_(PUBLISHED_STATES))
    return list(session.exec(statement).all())


def list_requirements(session: Session, version_id: uuid.UUID) -> list[Requirement]:
    """Return all requirements of a version in the order of the specification.

    There is no limit that could leave some unjudged: an import takes MOST_REQUIREMENTS at most.
    """
    statement = (
        select(Requirement)
        .where(Requirement.specification_version_id == version_id)
        .order_by(col(Requirement.position), col(Requirement.id))
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


def get_specification(
    session: Session, specification_id: uuid.UUID
) -> StandardSpecification | None:
    """Return a specification."""
    return session.get(StandardSpecification, specification_id)


def lock_specification(session: Session, code: str) -> StandardSpecification | None:
    """Return a specification that nobody else can change before the commit."""
    statement = (
        select(StandardSpecification).where(StandardSpecification.code == code).with_for_update()
    )
    return session.exec(statement).first()


def list_versions_of(session: Session, specification_id: uuid.UUID) -> list[SpecificationVersion]:
    """Return all versions of one specification in any state, the newest first."""
    statement = (
        select(SpecificationVersion)
        .where(SpecificationVersion.specification_id == specification_id)
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
        .order_by(
            col(SpecificationVersion.applies_from).desc().nulls_first(),
            col(SpecificationVersion.published_at).desc().nulls_first(),
            col(SpecificationVersion.label).desc(),
            col(SpecificationVersion.id),
        )
        .limit(1_000)
    )
    return list(session.exec(statement).all())


def lock_versions_of(session: Session, specification_id: uuid.UUID) -> list[SpecificationVersion]:
    """Return all versions of one specification, locked until the commit, in the order they count.

    Of two that apply from the same day the one published later comes later.
    """
    statement = (
        select(SpecificationVersion)
        .where(SpecificationVersion.specification_id == specification_id)
        .order_by(
            col(SpecificationVersion.applies_from).nulls_last(),
            col(SpecificationVersion.published_at).nulls_last(),
            col(SpecificationVersion.label),
            col(SpecificationVersion.id),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
        .limit(1_000)
    )
    return list(session.exec(statement).all())


def count_requirements(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, dict[RequirementClass, int]]:
    """Return how many requirements versions hold, by the class that counts for most bodies."""
    statement = (
        select(Requirement.specification_version_id, Requirement.class_other, func.count())
        .where(col(Requirement.specification_version_id).in_(version_ids))
        .group_by(col(Requirement.specification_version_id), col(Requirement.class_other))
    )
    found = {(row[0], row[1]): row[2] for row in session.exec(statement)}
    return {
        each: {one: found[each, one] for one in RequirementClass if (each, one) in found}
        for each in version_ids
    }


def list_namesakes(
    session: Session, specification_id: uuid.UUID, requirement_ids: Sequence[str]
) -> list[tuple[SpecificationVersion, Requirement]]:
    """Return the requirements of published versions that bear, or succeed, one of these ids."""
    statement = (
        select(SpecificationVersion, Requirement)
        .join(
            Requirement,
            col(Requirement.specification_version_id) == col(SpecificationVersion.id),
        )
        .where(
            SpecificationVersion.specification_id == specification_id,
            col(SpecificationVersion.state).in_(PUBLISHED_STATES),
            or_(
                col(Requirement.requirement_id).in_(requirement_ids),
                col(Requirement.predecessor_requirement_id).in_(requirement_ids),
            ),
        )
        .order_by(
            col(SpecificationVersion.applies_from).desc(),
            col(SpecificationVersion.published_at).desc(),
            col(SpecificationVersion.label).desc(),
            col(Requirement.requirement_id),
        )
        .limit(1_000)
    )
    return list(session.exec(statement).all())


def list_id_pairs(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[str, str]]]:
    """Return (id, predecessor id) of all requirements of versions, for following ids through them."""
    statement = (
        select(
            Requirement.specification_version_id,
            Requirement.requirement_id,
            Requirement.predecessor_requirement_id,
        )
        .where(col(Requirement.specification_version_id).in_(version_ids))
        .order_by(col(Requirement.specification_version_id), col(Requirement.position))
    )
    found: dict[uuid.UUID, list[tuple[str, str]]] = {each: [] for each in version_ids}
    for version_id, own, predecessor in session.exec(statement):
        found[version_id].append((own, predecessor))
    return found


def recheck_days(session: Session, version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, date]:
    """Return until when what rests on older versions has to be checked against the next one.

    That is the end of the transition to the first later published version, else its first day.
    """
    newer = aliased(SpecificationVersion)
    statement = (
        select(SpecificationVersion, newer)
        .join(newer, col(newer.specification_id) == col(SpecificationVersion.specification_id))
        .where(
            col(SpecificationVersion.id).in_(version_ids),
            col(newer.state).in_(PUBLISHED_STATES),
            or_(
                col(newer.applies_from) > col(SpecificationVersion.applies_from),
                and_(
                    col(newer.applies_from) == col(SpecificationVersion.applies_from),
                    col(newer.published_at) > col(SpecificationVersion.published_at),
                ),
            ),
        )
        .order_by(col(newer.applies_from).desc(), col(newer.published_at).desc(), col(newer.id))
    )
    rows = session.exec(statement).all()
    found = {older.id: next_.transition_ends_on or next_.applies_from for older, next_ in rows}
    return {version_id: day for version_id, day in found.items() if day is not None}


def find_importer_id(session: Session, version_id: uuid.UUID) -> uuid.UUID | None:
    """Return who imported the requirements that a version has, as the audit trail says."""
    statement = (
        select(AuditEvent.person_id)
        .where(
            AuditEvent.subject_kind == "SpecificationVersion",
            AuditEvent.subject_id == version_id,
            AuditEvent.action == "specification.import",
            AuditEvent.outcome == Outcome.DONE,
        )
        .order_by(col(AuditEvent.sequence).desc())
    )
    return session.exec(statement).first()


def get_upload(session: Session, upload_id: uuid.UUID) -> SpecificationUpload | None:
    """Return a file that waits for its confirmation."""
    return session.get(SpecificationUpload, upload_id)


def list_uploads_before(session: Session, moment: datetime) -> list[SpecificationUpload]:
    """Return files that were sent before a moment and never confirmed."""
    statement = (
        select(SpecificationUpload)
        .where(SpecificationUpload.created_at < moment)
        .options(defer(SpecificationUpload.content))  # type: ignore[arg-type]
        .order_by(col(SpecificationUpload.created_at), col(SpecificationUpload.id))
        .limit(1_000)
    )
    return list(session.exec(statement).all())


def list_history(
    session: Session, specification_id: uuid.UUID, requirement: Requirement
) -> list[tuple[SpecificationVersion, Requirement]]:
    """Return a requirement in all published versions, newest first, following changed ids."""
    ids = {requirement.requirement_id, requirement.predecessor_requirement_id} - {""}
    while True:
        found = list_namesakes(session, specification_id, sorted(ids))
        wider = ids | {each.requirement_id for _, each in found}
        wider |= {each.predecessor_requirement_id for _, each in found} - {""}
        if wider == ids:
            return found
        ids = wider


def list_neighbours(session: Session, requirement: Requirement) -> list[Requirement]:
    """Return the requirements right before and right after one, in the order of the version."""
    statement = (
        select(Requirement)
        .where(
            Requirement.specification_version_id == requirement.specification_version_id,
            col(Requirement.position).in_([requirement.position - 1, requirement.position + 1]),
        )
        .order_by(col(Requirement.position), col(Requirement.id))
    )
    return list(session.exec(statement).all())


@dataclass(frozen=True, slots=True)
class Replaced:
    """What stands where an import would go: the draft itself, or else the newest published version."""

    version: SpecificationVersion | None = None
    requirements: tuple[Requirement, ...] = ()
    versions: tuple[SpecificationVersion, ...] = ()


def find_replaced(session: Session, code: str, label: str, against: str = "") -> Replaced:
    """Return what an import of this code and label is compared with; `against` names a version."""
    specification = find_specification(session, code)
    versions = list_versions_of(session, specification.id) if specification else []
    version = next(
        (each for each in versions if each.label == (against or label)),
        None if against else next((each for each in versions if each.is_published), None),
    )
    if version is None:
        return Replaced(versions=tuple(versions))
    return Replaced(version, tuple(list_requirements(session, version.id)), tuple(versions))


def list_saved_mappings(session: Session, fingerprint: str) -> list[SavedMapping]:
    """Return the mappings that were saved for tables with these headings, the newest first."""
    statement = (
        select(SavedMapping)
        .where(SavedMapping.fingerprint == fingerprint)
        .order_by(col(SavedMapping.updated_at).desc(), col(SavedMapping.id))
        .limit(100)
    )
    return list(session.exec(statement).all())
