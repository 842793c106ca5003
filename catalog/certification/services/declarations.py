"""Conflict of interests, declared by each reviewer before the file opens."""

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.services import recuse
from catalog.certification.models import Certification, ConflictDeclaration, ReviewState
from catalog.certification.queries.proceedings import find_declaration
from catalog.certification.services.records import check_reason, check_state, lock, record
from catalog.certification.services.telling import Task, tell_leads
from core.db import now
from core.errors import Conflict, NotFound


def declare(
    session: Session, actor: Actor, certification: Certification, *, has_conflict: bool, words: str
) -> Certification:
    """Open the file to a reviewer without conflict; with one, give the place back to the lead.

    A conflict binds for good, on every version of the offering and in whatever role.

    Raises Conflict for a second declaration, Invalid for a conflict without words.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_DECLARE, review)
    check_state(review, ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW, ReviewState.INFO_REQUESTED)
    if actor.person_id is None:
        raise NotFound
    if find_declaration(session, review.id, actor.person_id):
        raise Conflict("あなたの申告はもう記録されています。申告は一度だけで、変更できません。")
    if has_conflict:
        check_reason(words, "words")
    moment = now(session)
    session.add(
        ConflictDeclaration(
            certification_id=review.id,
            person_id=actor.person_id,
            has_conflict=has_conflict,
            words=words,
            declared_at=moment,
        )
    )
    if has_conflict:
        recuse(session, actor.person_id, review.family_id)
    place = "first" if review.first_reviewer_id == actor.person_id else "second"
    values = (
        {f"{place}_reviewer_id": None, f"{place}_cleared_at": None}
        if has_conflict
        else {f"{place}_cleared_at": moment}
    )
    review.revise(**values)
    record(session, actor, "declare", review, has_conflict=has_conflict, words=words)
    if has_conflict:
        tell_leads(session, review, Task.REPLACE)
    return review
