"""What can be asked about projects, their evidence and candidates."""

import uuid
from collections.abc import Sequence

from sqlalchemy import func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from core.audit import AuditDetail, AuditEvent
from procurement.projects.models import (
    Candidate,
    EvidencePack,
    Project,
)

MAXIMUM_PROJECTS = 1_000
MAXIMUM_EVENTS = 2_000


def get_project(
    session: Session, project_id: uuid.UUID, *, for_update: bool = False
) -> Project | None:
    """Return a project with its body; locked for the rest of the act when asked."""
    statement = (
        select(Project)
        .where(Project.id == project_id)
        .options(joinedload(Project.owner, innerjoin=True))  # type: ignore[arg-type]
        .execution_options(populate_existing=for_update)
    )
    if for_update:
        statement = statement.with_for_update(of=Project)
    return session.exec(statement).first()


def count_projects(session: Session, owner_id: uuid.UUID | None) -> int:
    """Count the projects of a body (of all bodies for None)."""
    statement = select(func.count(col(Project.id)))
    if owner_id is not None:
        statement = statement.where(Project.owner_id == owner_id)
    return session.exec(statement).one()


def list_projects(
    session: Session,
    owner_id: uuid.UUID | None,
    *,
    limit: int = MAXIMUM_PROJECTS,
    offset: int = 0,
) -> list[Project]:
    """Return the projects of a body (of all bodies for None), the last changed first."""
    statement = (
        select(Project)
        .options(joinedload(Project.owner, innerjoin=True))  # type: ignore[arg-type]
        .order_by(col(Project.updated_at).desc(), col(Project.id))
        .limit(limit)
        .offset(offset)
    )
    if owner_id is not None:
        statement = statement.where(Project.owner_id == owner_id)
    return list(session.exec(statement))


def list_packs(session: Session, project_id: uuid.UUID) -> list[EvidencePack]:
    """Return the evidence packs of a project, the newest revision first."""
    statement = (
        select(EvidencePack)
        .where(EvidencePack.project_id == project_id)
        .order_by(col(EvidencePack.revision).desc())
        .limit(MAXIMUM_PROJECTS)
    )
    return list(session.exec(statement))


def latest_pack(session: Session, project_id: uuid.UUID) -> EvidencePack | None:
    """Return the newest evidence pack of a project."""
    statement = (
        select(EvidencePack)
        .where(EvidencePack.project_id == project_id)
        .order_by(col(EvidencePack.revision).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def find_pack(session: Session, project_id: uuid.UUID, revision: int) -> EvidencePack | None:
    """Return one revision of a project's evidence."""
    statement = select(EvidencePack).where(
        EvidencePack.project_id == project_id, EvidencePack.revision == revision
    )
    return session.exec(statement).first()


def list_candidates(session: Session, pack_id: uuid.UUID) -> list[Candidate]:
    """Return every locked hit of a pack in its order (at most 100)."""
    statement = select(Candidate).where(Candidate.pack_id == pack_id).order_by(col(Candidate.rank))
    return list(session.exec(statement))


def find_candidate(
    session: Session, project_id: uuid.UUID, candidate_id: uuid.UUID
) -> Candidate | None:
    """Return a candidate if it belongs to the project."""
    statement = (
        select(Candidate)
        .join(EvidencePack, col(EvidencePack.id) == Candidate.pack_id)
        .where(Candidate.id == candidate_id, EvidencePack.project_id == project_id)
    )
    return session.exec(statement).first()


def list_case_events(
    session: Session, case_id: uuid.UUID
) -> Sequence[tuple[AuditEvent, AuditDetail]]:
    """Return the audit events of a case with their details, newest first."""
    statement = (
        select(AuditEvent, AuditDetail)
        .join(AuditDetail, col(AuditDetail.sequence) == AuditEvent.sequence)
        .where(AuditEvent.case_id == case_id)
        .order_by(col(AuditEvent.sequence).desc())
        .limit(MAXIMUM_EVENTS)
    )
    return list(session.exec(statement).all())
