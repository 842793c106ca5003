"""What can be asked about projects, their evidence and candidates."""

import uuid
from collections.abc import Sequence

from sqlalchemy import func
from sqlalchemy.orm import defer, joinedload
from sqlmodel import Session, col, select

from catalog.terms import CertificationState
from core.audit import AuditDetail, AuditEvent
from procurement.projects.evaluation_models import (
    Evaluation,
    EvaluationCriterion,
    EvaluationScore,
)
from procurement.projects.evidence import content_of
from procurement.projects.models import (
    Candidate,
    EvidenceCondition,
    EvidencePack,
    Project,
    ProjectCondition,
)
from procurement.projects.paper_models import PaperFile, PaperKind, ProjectPaper

MAXIMUM_PROJECTS = 1_000
MAXIMUM_EVENTS = 2_000
_CONFORMING = frozenset({CertificationState.CERTIFIED, CertificationState.CONDITIONAL})


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


def list_projects_after(
    session: Session, owner_id: uuid.UUID, *, after: uuid.UUID | None, limit: int
) -> list[Project]:
    """Return projects of a body by id, after one of them."""
    statement = (
        select(Project).where(Project.owner_id == owner_id).order_by(col(Project.id)).limit(limit)
    )
    if after is not None:
        statement = statement.where(col(Project.id) > after)
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


def remaining_candidates(session: Session, pack_id: uuid.UUID) -> list[Candidate]:
    """Return the candidates of a pack that are not excluded, in their order."""
    return [each for each in list_candidates(session, pack_id) if not each.is_excluded]


def conforming_offerings(pack: EvidencePack) -> int:
    """Count the certified softwares among all locked hits; several sellers of one count once.

    Exclusions do not matter: nobody becomes the only one by excluding the others.
    """
    return len(
        {
            hit["offering_id"]
            for hit in content_of(pack)["hits"]
            if CertificationState(hit["certification"]["state"]) in _CONFORMING
        }
    )


def list_conditions(session: Session, project_id: uuid.UUID) -> list[ProjectCondition]:
    """Return what the clerk typed as conditions of a project, in their order."""
    statement = (
        select(ProjectCondition)
        .where(ProjectCondition.project_id == project_id)
        .order_by(col(ProjectCondition.position))
    )
    return list(session.exec(statement))


def evidence_conditions(session: Session, pack_id: uuid.UUID) -> list[EvidenceCondition]:
    """Return the locked conditions of a pack in their order; none in packs of the first format."""
    statement = (
        select(EvidenceCondition)
        .where(EvidenceCondition.pack_id == pack_id)
        .order_by(col(EvidenceCondition.position))
    )
    return list(session.exec(statement))


def find_evaluation(
    session: Session, pack_id: uuid.UUID, *, for_update: bool = False
) -> Evaluation | None:
    """Return how the candidates of a pack are compared; locked for the rest of the act when asked."""
    statement = (
        select(Evaluation)
        .where(Evaluation.pack_id == pack_id)
        .execution_options(populate_existing=for_update)
    )
    if for_update:
        statement = statement.with_for_update()
    return session.exec(statement).first()


def list_criteria(session: Session, evaluation_id: uuid.UUID) -> list[EvaluationCriterion]:
    """Return what an evaluation weighs, in its order."""
    statement = (
        select(EvaluationCriterion)
        .where(EvaluationCriterion.evaluation_id == evaluation_id)
        .order_by(col(EvaluationCriterion.position))
    )
    return list(session.exec(statement))


def list_scores(session: Session, evaluation_id: uuid.UUID) -> list[EvaluationScore]:
    """Return every score of an evaluation (at most 100 candidates by 6 criteria)."""
    statement = select(EvaluationScore).where(EvaluationScore.evaluation_id == evaluation_id)
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


def find_paper(session: Session, project_id: uuid.UUID, kind: PaperKind) -> ProjectPaper | None:
    """Return the newest paper of a kind."""
    statement = (
        select(ProjectPaper)
        .where(ProjectPaper.project_id == project_id, ProjectPaper.kind == kind)
        .order_by(col(ProjectPaper.revision).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def list_papers(session: Session, project_id: uuid.UUID) -> list[ProjectPaper]:
    """Return every paper of a project in the order in which they were made."""
    statement = (
        select(ProjectPaper)
        .where(ProjectPaper.project_id == project_id)
        .order_by(col(ProjectPaper.made_at), col(ProjectPaper.kind), col(ProjectPaper.revision))
        .limit(MAXIMUM_PROJECTS)
    )
    return list(session.exec(statement))


def list_paper_files(
    session: Session, paper_ids: Sequence[uuid.UUID], *, with_content: bool = True
) -> list[PaperFile]:
    """Return the files of papers, without their bytes where these are not asked for."""
    statement = (
        select(PaperFile)
        .where(col(PaperFile.paper_id).in_(paper_ids))
        .order_by(col(PaperFile.paper_id), col(PaperFile.format))
    )
    if not with_content:
        statement = statement.options(defer(PaperFile.content, raiseload=True))  # type: ignore[arg-type]
    return list(session.exec(statement))


def find_paper_file(
    session: Session, project_id: uuid.UUID, paper_id: uuid.UUID, paper_format: str
) -> PaperFile | None:
    """Return one file of a paper, if the paper belongs to the project."""
    statement = (
        select(PaperFile)
        .join(ProjectPaper, col(ProjectPaper.id) == PaperFile.paper_id)
        .where(
            ProjectPaper.project_id == project_id,
            ProjectPaper.id == paper_id,
            PaperFile.format == paper_format,
        )
    )
    return session.exec(statement).first()


def list_kept_hashes(session: Session, project_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Return by paper the hash that the audit trail holds of it."""
    statement = (
        select(AuditEvent.subject_id, AuditDetail.detail)
        .join(AuditDetail, col(AuditDetail.sequence) == AuditEvent.sequence)
        .where(
            AuditEvent.case_id == project_id,
            AuditEvent.action == "paper.keep",
            AuditEvent.subject_kind == "ProjectPaper",
        )
        .order_by(col(AuditEvent.sequence))
    )
    return {key: detail["sha256"] for key, detail in session.exec(statement) if key is not None}
