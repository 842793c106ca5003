"""What can be asked about projects, their evidence, candidates and selections."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, or_, select

from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from catalog.specifications.models import SpecificationVersion
from core.audit import AuditDetail, AuditEvent
from core.japanese import fiscal_year, fiscal_year_bounds
from procurement.projects.models import (
    Candidate,
    EvidencePack,
    Project,
    ProjectState,
    Selection,
)

MAXIMUM_PROJECTS = 1_000
MAXIMUM_EVENTS = 2_000
_NEVER_BOUGHT = (ProjectState.CANCELLED, ProjectState.NONE_SUITABLE)


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


def latest_selection(session: Session, project_id: uuid.UUID) -> Selection | None:
    """Return the newest proposal of a project, decided or not."""
    statement = (
        select(Selection)
        .where(Selection.project_id == project_id)
        .order_by(col(Selection.created_at).desc(), col(Selection.id))
        .limit(1)
    )
    return session.exec(statement).first()


def list_related_orders(
    session: Session,
    project: Project,
    seller_ids: Collection[uuid.UUID],
    specification_ids: Collection[uuid.UUID],
) -> list[tuple[Project, Selection, uuid.UUID, uuid.UUID]]:
    """Return other live choices of the body for these sellers or specifications, with the two ids.

    Those of projects whose use begins in the same fiscal year; the newest selection of each counts.
    """
    statement = (
        select(Project, Selection, Listing.seller_id, SpecificationVersion.specification_id)
        .join(Selection, col(Selection.project_id) == Project.id)
        .join(ListingVersion, col(ListingVersion.id) == Selection.listing_version_id)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == OfferingVersion.specification_version_id,
        )
        .where(
            Project.owner_id == project.owner_id,
            Project.id != project.id,
            col(Project.starts_on).between(*fiscal_year_bounds(fiscal_year(project.starts_on))),
            col(Project.state).not_in(_NEVER_BOUGHT),
            or_(col(Selection.is_approved).is_(None), col(Selection.is_approved).is_(True)),
            or_(
                col(Listing.seller_id).in_(seller_ids),
                col(SpecificationVersion.specification_id).in_(specification_ids),
            ),
        )
        .order_by(col(Project.number), col(Selection.created_at))
    )
    newest = {
        other.id: (other, selection, seller_id, specification_id)
        for other, selection, seller_id, specification_id in session.exec(statement)
    }
    return list(newest.values())


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
