"""What all acts of a consultation share: locks, refusals and the audit trail."""

import uuid
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from catalog.specifications.consultation import queries
from catalog.specifications.consultation.models import Consultation, ConsultationComment, Phase
from core import audit
from core.db import now
from core.errors import Conflict, NotFound


def require_unpublished(session: Session, consultation: Consultation) -> None:
    """Raise Conflict when nothing can be disposed of or moved any more."""
    if consultation.phase_at(now(session)) in {Phase.PUBLISHED, Phase.WITHDRAWN}:
        raise Conflict(
            "意見募集は終わっています（結果の公表、承認または取下げの後です）。処理や期間は変えられません。"
        )


def lock(session: Session, consultation_id: uuid.UUID) -> Consultation:
    """Return the consultation, locked with its version; raises NotFound."""
    found = queries.lock_consultation(session, consultation_id)
    if found is None:
        raise NotFound
    return found


def person(actor: Actor) -> uuid.UUID:
    """Return the id of whoever acts."""
    if actor.person_id is None:
        raise NotFound
    return actor.person_id


def record(
    session: Session, actor: Actor, verb: str, consultation: Consultation, **detail: Any
) -> None:
    """Write an act on the consultation to the audit trail."""
    audit.record(session, actor, f"consultation.{verb}", "Consultation", consultation.id, **detail)


def record_comment(
    session: Session, actor: Actor, verb: str, said: ConsultationComment, **detail: Any
) -> None:
    """Write an act on a comment to the audit trail, where its organisation sees it."""
    audit.record(
        session,
        actor,
        f"consultation.{verb}",
        "ConsultationComment",
        said.id,
        owner_id=said.organisation_id,
        number=said.number,
        state=said.state.value,
        **detail,
    )


def unknown_requirement(requirement_id: str) -> str:
    """Say that the version has no such requirement."""
    return f"「{requirement_id}」という要件はこの版にありません。要件IDを確かめてください。"
