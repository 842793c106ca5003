"""The answers of a draft: all of them, one, or several at once with every refusal named."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from accounts.auth import access, actor
from accounts.identity import Scope
from accounts.permissions import Permission
from catalog.api_values import plain, show
from catalog.offerings import services
from catalog.offerings.answer_rules import (
    allowed_answers,
    needs_answer,
)
from catalog.offerings.api.draft_shapes import (
    AnswerBody,
    AnswersBody,
    DraftAnswerSchema,
    DraftAnswersSchema,
)
from catalog.offerings.api.frame import Content, blueprint
from catalog.offerings.api.judging import NAMES, judge_answers
from catalog.offerings.models import AnswerEvidence, ConformanceAnswer, OfferingVersion
from catalog.offerings.queries import answers as queries
from catalog.offerings.views.frame import offering_for
from catalog.specifications.models import Requirement
from catalog.specifications.queries import list_requirements
from core import api, web
from core.api_writes import Answer, acting, check_match
from core.errors import NotFound

_EDIT, _READ = Permission.OFFERING_EDIT, Permission.OFFERING_READ_DRAFT
_SCOPE = Scope.OFFERING_WRITE
_UNREAD, _UNCHANGED = (401, 403, 404), (409, 412, 428)


@blueprint.get("/drafts/<uuid:offering_version_id>/answers")
@access(_READ)
@api.endpoint(
    "下書きの回答（すべての要件）", answer=DraftAnswersSchema, problems=_UNREAD, needs=_SCOPE
)
def list_answers(offering_version_id: uuid.UUID, query: dict[str, Any]) -> Content:
    """Answer every requirement with what the draft answers."""
    del query
    session = web.read_session()
    return _show_all(session, offering_for(session, offering_version_id, _READ))


@blueprint.patch("/drafts/<uuid:offering_version_id>/answers")
@access(_EDIT, write=_EDIT)
@acting(
    "下書きの回答をまとめて直す",
    body=AnswersBody,
    answer=DraftAnswersSchema,
    problems=_UNCHANGED,
    needs=_SCOPE,
)
def save_answers(
    session: Session, offering_version_id: uuid.UUID, query: dict[str, Any], body: Content
) -> Answer:
    """Store the answers that are named, all of them or nothing; the others stay."""
    del query
    row = offering_for(session, offering_version_id, _EDIT)
    check_match(_show_all(session, row), lambda: _show_all(session, row))
    requirements = list_requirements(session, row.specification_version_id)
    _store(session, row, requirements, body["answers"])
    return Answer(_show_all(session, row))


@blueprint.get("/drafts/<uuid:offering_version_id>/answers/<uuid:requirement_id>")
@access(_READ)
@api.endpoint("下書きの、要件1件への回答", answer=DraftAnswerSchema, problems=_UNREAD, needs=_SCOPE)
def show_answer(
    offering_version_id: uuid.UUID, requirement_id: uuid.UUID, query: dict[str, Any]
) -> Content:
    """Answer one requirement with what the draft answers."""
    del query
    session = web.read_session()
    row = offering_for(session, offering_version_id, _READ)
    return _show_one(session, row, find_requirement(session, row, requirement_id))


@blueprint.put("/drafts/<uuid:offering_version_id>/answers/<uuid:requirement_id>")
@access(_EDIT, write=_EDIT)
@acting(
    "下書きの、要件1件への回答を入れ替える",
    body=AnswerBody,
    answer=DraftAnswerSchema,
    problems=_UNCHANGED,
    needs=_SCOPE,
)
def put_answer(
    session: Session,
    offering_version_id: uuid.UUID,
    requirement_id: uuid.UUID,
    query: dict[str, Any],
    body: Content,
) -> Answer:
    """Store one answer; null takes it back."""
    del query
    row = offering_for(session, offering_version_id, _EDIT)
    requirement = find_requirement(session, row, requirement_id)
    check_match(_show_one(session, row, requirement), lambda: _show_one(session, row, requirement))
    sent = {"requirement_id": requirement.requirement_id, **body}
    _store(session, row, [requirement], [sent], place="")
    return Answer(_show_one(session, row, requirement))


def find_requirement(
    session: Session, row: OfferingVersion, requirement_id: uuid.UUID
) -> Requirement:
    """Return a requirement of the specification that a draft answers; NotFound for any other."""
    known = queries.requirements_by_id(session, row.specification_version_id, [requirement_id])
    if requirement_id not in known:
        raise NotFound
    return known[requirement_id]


# --- out -------------------------------------------------------------------------------------------


def _show_all(session: Session, row: OfferingVersion) -> Content:
    requirements = list_requirements(session, row.specification_version_id)
    stored = queries.list_answers(session, [row.id])[row.id]
    return {"items": [_show(each, stored.get(each.id)) for each in requirements]}


def _show_one(session: Session, row: OfferingVersion, requirement: Requirement) -> Content:
    return _show(requirement, queries.find_answer(session, row.id, requirement.id))


def _show(requirement: Requirement, stored: ConformanceAnswer | None) -> Content:
    return {
        "id": str(requirement.id),
        "requirement_id": requirement.requirement_id,
        "chapter": requirement.chapter,
        "name": requirement.name,
        "allowed": [each.value for each in allowed_answers(requirement)],
        "is_required": needs_answer(requirement),
        **{name: plain(getattr(stored, name)) if stored else None for name in NAMES.values()},
        "evidence": [show_file(each) for each in (stored.evidence if stored else ())],
    }


def show_file(link: AnswerEvidence) -> Content:
    """Return the JSON of a file beside an answer."""
    return {**show(link, ("id", "name")), **show(link.file, ("kind", "size", "sha256"))}


def _store(
    session: Session,
    row: OfferingVersion,
    requirements: Sequence[Requirement],
    sent: Sequence[Mapping[str, Any]],
    *,
    place: str = "answers.{}.",
) -> None:
    answers = judge_answers(requirements, sent, place)
    services.save_answers(session, actor(), row, version=row.version, answers=answers)
