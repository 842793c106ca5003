"""A disposition for each comment, by the flowchart: modified where, kept for which reason, or said already."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications import queries as specifications
from catalog.specifications.consultation import queries
from catalog.specifications.consultation.models import (
    CommentAction,
    ConsultationComment,
    Disposition,
    KeepCategory,
    Outcome,
)
from catalog.specifications.consultation.services.records import (
    lock,
    person,
    record_comment,
    require_unpublished,
    unknown_requirement,
)
from catalog.specifications.models import SpecificationVersion
from core.db import now
from core.errors import Invalid, NotFound, StaleVersion


@dataclass(frozen=True, slots=True)
class Decision:
    """What the agency answers; fields that the outcome has no use for stay empty."""

    outcome: Outcome
    category: KeepCategory | None = None
    place: str = ""
    requirement_id: str = ""
    text: str = ""
    reasoning: str = ""


def dispose(
    session: Session,
    actor: Actor,
    consultation_id: uuid.UUID,
    numbers: Sequence[int],
    decision: Decision,
    *,
    version: int,
) -> Disposition:
    """Give one disposition to one or several comments.

    `version` is the sum of the comments' versions as the reviewer saw them: versions only grow, so
    an equal sum means that none has changed. Raises StaleVersion with what stands there now.
    """
    consultation = lock(session, consultation_id)
    subject = consultation.specification_version
    fresh = require(session, actor, Permission.SPECIFICATION_CONSULT, subject)
    require_unpublished(session, consultation)
    comments = queries.list_comments_by_number(session, consultation.id, numbers)
    if not comments or len(comments) != len(set(numbers)):
        raise NotFound
    for each in comments:
        each.expect(CommentAction.DISPOSE)
    if version_of(comments) != version:
        raise StaleVersion(current=_standing(comments))
    _check_decision(session, subject, decision)
    made = Disposition(
        consultation_id=consultation.id,
        outcome=decision.outcome,
        category=decision.category,
        place=decision.place,
        requirement_id=decision.requirement_id,
        text=decision.text,
        reasoning=decision.reasoning,
        decided_by_id=person(fresh),
        decided_at=now(session),
    )
    session.add(made)
    session.flush()
    for each in comments:
        each.apply(CommentAction.DISPOSE, disposition_id=made.id)
        record_comment(session, actor, "dispose", each, disposition=made.code, place=made.place)
    return made


def version_of(comments: Sequence[ConsultationComment]) -> int:
    """Return the sum of the versions of comments: it grows whenever one of them changes."""
    return sum(each.version for each in comments)


def _standing(comments: Sequence[ConsultationComment]) -> dict[str, Any]:
    """Return what a reviewer who came too late compares with: the newest disposition among them."""
    given = [each.disposition for each in comments if each.disposition is not None]
    newest = max(given, key=lambda each: each.decided_at, default=None)
    values: dict[str, Any] = newest.model_dump(mode="json") if newest else {}
    return {**values, "version": version_of(comments)}


def _check_decision(session: Session, subject: SpecificationVersion, decision: Decision) -> None:
    errors: dict[str, str] = {}
    if decision.outcome is Outcome.KEEP and decision.category is None:
        errors["category"] = "「修正しない」ときは、(a)から(f)のどれか一つを選択してください。"
    if decision.outcome is not Outcome.KEEP and decision.category is not None:
        errors["category"] = "分類は「修正しない」ときだけ選択します。空欄に戻してください。"
    if decision.outcome is Outcome.MODIFY:
        if not decision.place:
            errors["place"] = "「修正する」ときは、どこを修正するかを入力してください。"
        if not decision.text:
            errors["text"] = "「修正する」ときは、修正の内容を入力してください。"
    elif not decision.reasoning:
        errors["reasoning"] = f"「{decision.outcome.label}」理由を入力してください。"
    wanted = decision.requirement_id
    if wanted and specifications.find_requirement(session, subject.id, wanted) is None:
        errors["requirement_id"] = unknown_requirement(wanted)
    if errors:
        raise Invalid(errors)
