"""Comments of bodies and vendors while the period is open."""

import uuid
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications import queries as specifications
from catalog.specifications.consultation import queries
from catalog.specifications.consultation.models import (
    CommentAction,
    Consultation,
    ConsultationComment,
    Phase,
    ProposalKind,
)
from catalog.specifications.consultation.services.records import (
    lock,
    person,
    record_comment,
    unknown_requirement,
)
from catalog.specifications.models import SpecificationVersion
from core.db import now
from core.errors import Conflict, GuardFailed, Invalid, NotFound
from core.japanese import format_date


def comment(
    session: Session,
    actor: Actor,
    consultation_id: uuid.UUID,
    *,
    requirement_id: str,
    kind: ProposalKind,
    text: str,
    suggestion: str = "",
) -> ConsultationComment:
    """Take a comment of the acting organisation on one requirement or ("") on the whole."""
    consultation = lock(session, consultation_id)
    version = consultation.specification_version
    fresh = require(session, actor, Permission.SPECIFICATION_COMMENT, version)
    require_open(session, consultation)
    if fresh.organisation_id is None or fresh.organisation_kind is None:
        raise NotFound
    number = queries.last_number(session, consultation.id) + 1
    if number > queries.MAXIMUM_COMMENTS:
        raise Conflict(
            f"意見が{queries.MAXIMUM_COMMENTS:,}件に達したため、受け付けられません。"
            "お問い合わせのページの連絡先に知らせてください。"
        )
    said = ConsultationComment(
        consultation_id=consultation.id,
        number=number,
        organisation_id=fresh.organisation_id,
        organisation_name=fresh.organisation_label,
        organisation_kind=fresh.organisation_kind,
        author_id=person(fresh),
        last_editor_id=person(fresh),
        received_at=now(session),
        kind=kind,
        text=text,
        suggestion=suggestion,
        **_quote(session, version, requirement_id),
    )
    _require_new(session, said)
    session.add(said)
    session.flush()
    record_comment(session, actor, "comment", said, requirement=requirement_id, text=text)
    return said


def revise_comment(
    session: Session,
    actor: Actor,
    consultation_id: uuid.UUID,
    number: int,
    *,
    version: int,
    requirement_id: str,
    kind: ProposalKind,
    text: str,
    suggestion: str = "",
) -> ConsultationComment:
    """Change the own organisation's comment while the period is open; a disposition so far is undone."""
    consultation, said = _enter_own(session, actor, consultation_id, number)
    quote = _quote(session, consultation.specification_version, requirement_id)
    said.apply(
        CommentAction.REVISE,
        version,
        kind=kind,
        text=text,
        suggestion=suggestion,
        last_editor_id=actor.person_id,
        disposition_id=None,
        **quote,
    )
    _require_new(session, said)
    record_comment(session, actor, "revise", said, requirement=requirement_id, text=text)
    return said


def withdraw_comment(
    session: Session, actor: Actor, consultation_id: uuid.UUID, number: int, *, version: int
) -> ConsultationComment:
    """Take the own organisation's comment back while the period is open."""
    _, said = _enter_own(session, actor, consultation_id, number)
    said.apply(CommentAction.WITHDRAW, version, last_editor_id=actor.person_id, disposition_id=None)
    record_comment(session, actor, "withdraw", said)
    return said


def _enter_own(
    session: Session, actor: Actor, consultation_id: uuid.UUID, number: int
) -> tuple[Consultation, ConsultationComment]:
    consultation = lock(session, consultation_id)
    said = queries.find_comment(session, consultation.id, number)
    if said is None:
        raise NotFound
    require(session, actor, Permission.COMMENT_EDIT, said)
    require_open(session, consultation)
    return consultation, said


def _quote(session: Session, version: SpecificationVersion, requirement_id: str) -> dict[str, Any]:
    """Return the requirement as it now reads, for the comment to keep."""
    if not requirement_id:
        return {"requirement_id": "", "requirement_name": "", "requirement_text": ""}
    found = specifications.find_requirement(session, version.id, requirement_id)
    if found is None:
        raise Invalid({"requirement_id": unknown_requirement(requirement_id)})
    return {
        "requirement_id": found.requirement_id,
        "requirement_name": found.name,
        "requirement_text": found.text,
    }


def _require_new(session: Session, said: ConsultationComment) -> None:
    same = queries.find_same_comment(session, said)
    if same is not None:
        raise Invalid({"text": f"同じ意見を、意見{same.number}としてすでに出しています。"})


def require_open(session: Session, consultation: Consultation) -> None:
    """Raise GuardFailed, saying when, for a comment before or after the period."""
    match consultation.phase_at(now(session)):
        case Phase.OPEN:
            return
        case Phase.ANNOUNCED:
            sentence = f"意見の募集は{format_date(consultation.opens_on)}の0時に始まります。"
        case _:
            sentence = (
                f"意見の募集は{format_date(consultation.closes_on)}の24時に締め切りました。"
                "新しい意見や変更は受け付けられません。"
            )
    raise GuardFailed([("main", sentence)])
