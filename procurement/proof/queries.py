"""What a case left behind, as it is kept."""

import uuid
from collections.abc import Sequence

from sqlmodel import Session, col, select

from core.audit import AuditDetail, AuditEvent
from core.audit_checkpoints import AuditCheckpoint
from procurement.contracts.models import RequestDocument, UsageContractRequest
from procurement.projects.models import EvidencePack


def list_events(
    session: Session, project_id: uuid.UUID
) -> Sequence[tuple[AuditEvent, AuditDetail | None]]:
    """Return every event of a case, oldest first; a detail erased by law is None."""
    statement = (
        select(AuditEvent, AuditDetail)
        .join(AuditDetail, col(AuditDetail.sequence) == AuditEvent.sequence, isouter=True)
        .where(AuditEvent.case_id == project_id)
        .order_by(col(AuditEvent.sequence))
    )
    return list(session.exec(statement).all())


def list_locked(session: Session, project_id: uuid.UUID) -> Sequence[EvidencePack]:
    """Return the locked searches of a case, oldest first."""
    statement = (
        select(EvidencePack)
        .where(EvidencePack.project_id == project_id)
        .order_by(col(EvidencePack.revision))
    )
    return list(session.exec(statement).all())


def list_approved(
    session: Session, project_id: uuid.UUID
) -> Sequence[tuple[UsageContractRequest, RequestDocument]]:
    """Return the requests that were approved, oldest first, with their documents."""
    statement = (
        select(UsageContractRequest, RequestDocument)
        .join(RequestDocument, col(RequestDocument.request_id) == UsageContractRequest.id)
        .where(UsageContractRequest.project_id == project_id)
        .order_by(col(UsageContractRequest.created_at), col(UsageContractRequest.id))
    )
    return list(session.exec(statement).all())


def list_checkpoints(session: Session, first: int) -> Sequence[AuditCheckpoint]:
    """Return the published checkpoints that cover an event, told by its number, shortest first."""
    # By number: a checkpoint knows its moment to the second only, an event to the microsecond.
    statement = (
        select(AuditCheckpoint)
        .where(col(AuditCheckpoint.published_on).is_not(None), AuditCheckpoint.sequence >= first)
        .order_by(col(AuditCheckpoint.sequence), col(AuditCheckpoint.published_on))
    )
    return list(session.exec(statement).all())
