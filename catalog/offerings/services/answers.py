"""Acts on conformance answers: saved by page, by chapter or by table; typed drafts kept until then."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings.answer_rules import (
    AnswerValues,
    allowed_answers,
    find_problem,
    refuse_problems,
)
from catalog.offerings.models import (
    AnswerDraft,
    AnswerUpload,
    ConformanceAnswer,
    OfferingVersion,
)
from catalog.offerings.queries import answers as queries
from catalog.offerings.services.drafts import check_editable, record
from catalog.specifications.models import Requirement
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Conflict, NotFound, StaleVersion

_UPLOAD_KEPT = timedelta(days=7)
_EMPTY = AnswerValues(None)
Typed = dict[str, str]


def save_answers(
    session: Session,
    actor: Actor,
    row: OfferingVersion,
    *,
    version: int,
    answers: Mapping[uuid.UUID, AnswerValues],
    drafts_seen: str | None = None,
    typed: Mapping[uuid.UUID, Typed] | None = None,
) -> OfferingVersion:
    """Store answers by requirement row; those not named stay as they are.

    `drafts_seen` is the mark of the drafts that the actor's page knew and `typed` what stands on it:
    StaleVersion tells of a draft from another window. They are let go; an act whose page shows no
    drafts (no mark) leaves them.
    Raises AnswersRefused for answers that do not fit the version of the specification.
    """
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    drafts = _drafts_of(session, actor, row, list(answers))
    if drafts_seen is not None and mark_drafts(drafts.values()) != drafts_seen:
        _refuse_other_drafts(drafts, typed or {})
    row.revise(version)
    _store(session, row, answers)
    for draft in drafts.values() if drafts_seen is not None else ():
        session.delete(draft)
    record(session, actor, "offering.answer", row, count=len(answers))
    return row


def answer_rest(
    session: Session,
    actor: Actor,
    row: OfferingVersion,
    *,
    version: int,
    chapter: str,
    values: AnswerValues | None,
) -> tuple[int, int]:
    """Give every unanswered requirement of a chapter one answer; returns how many got it and not.

    Left alone, and counted by the second figure, are those about which the actor typed something
    that is not saved yet. None gives each the answer that it had in the version that this one was
    copied from. What the class of a requirement does not allow stays unanswered.
    """
    requirements = list_requirements(session, row.specification_version_id)
    versions = [row.id, *([row.copied_from_id] if row.copied_from_id else [])]
    stored = queries.list_answers(session, versions)
    before = stored.get(row.copied_from_id, {}) if row.copied_from_id else {}
    marks = row.requirement_changes or {}
    found: dict[uuid.UUID, AnswerValues] = {}
    drafts = _drafts_of(session, actor, row, [each.id for each in requirements])
    for each in requirements:
        if each.chapter != chapter or each.id in stored[row.id]:
            continue
        given = values
        if given is None:
            earlier = (marks.get(str(each.id)) or {}).get("before")
            old = before.get(uuid.UUID(earlier)) if earlier else None
            given = None if old is None else values_of(old)
        if given is not None and given.answer in allowed_answers(each):
            found[each.id] = given
    kept = found.keys() & drafts.keys()
    save_answers(
        session,
        actor,
        row,
        version=version,
        answers={key: given for key, given in found.items() if key not in kept},
    )
    return len(found) - len(kept), len(kept)


def values_of(answer: ConformanceAnswer | None) -> AnswerValues:
    """Return what a stored answer says."""
    if answer is None:
        return _EMPTY
    return AnswerValues(answer.answer, answer.note, answer.due_on, answer.evidence_url)


def _store(
    session: Session, row: OfferingVersion, answers: Mapping[uuid.UUID, AnswerValues]
) -> None:
    known = {each.id: each for each in list_requirements(session, row.specification_version_id)}
    if not answers.keys() <= known.keys():
        raise NotFound
    refuse_problems(_problems(known, answers))
    stored = queries.list_answers(session, [row.id])[row.id]
    changed: list[dict[str, Any]] = []
    for requirement_id, values in answers.items():
        old = stored.get(requirement_id)
        if values.answer is None:
            if old is not None:
                session.delete(old)
            continue
        facts: dict[str, Any] = {
            "answer": values.answer,
            "note": values.note,
            "due_on": values.due_on if values.answer is Answer.CONDITIONAL else None,
            "evidence_url": values.evidence_url,
        }
        if old is None:
            session.add(
                ConformanceAnswer(
                    offering_version_id=row.id, requirement_id=requirement_id, **facts
                )
            )
        elif any(getattr(old, name) != value for name, value in facts.items()):
            times = {"version": old.version + 1, "updated_at": now(session)}
            changed.append({"id": old.id, **facts, **times})
    # The offering version's own compare-and-set keeps others out, so the rows go in one statement.
    if changed:
        session.execute(update(ConformanceAnswer), changed)
    session.flush()
    for answer in stored.values():
        if answer in session:
            session.expire(answer, ["answer", "note", "due_on", "evidence_url", "version"])


def _problems(
    known: Mapping[uuid.UUID, Requirement], answers: Mapping[uuid.UUID, AnswerValues]
) -> Iterable[tuple[Requirement, Any]]:
    for requirement_id, values in answers.items():
        problem = find_problem(known[requirement_id], values.answer, values)
        if problem is not None:
            yield known[requirement_id], problem


# --- drafts ------------------------------------------------------------------------------------------


def keep_drafts(
    session: Session,
    actor: Actor,
    row: OfferingVersion,
    *,
    typed: Mapping[uuid.UUID, Typed | None],
    seen: str | None = None,
) -> str:
    """Keep what a person typed about requirements; None lets it go. Returns the new mark.

    Drafts are nobody's act: no version rises and the audit trail is silent. Raises StaleVersion,
    with nothing kept, when another window of the person kept something else since `seen`.
    """
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    if actor.person_id is None:
        raise NotFound
    drafts = _drafts_of(session, actor, row, list(typed))
    if seen is not None and mark_drafts(drafts.values()) != seen:
        _refuse_other_drafts(drafts, typed)
    for requirement_id, values in typed.items():
        draft = drafts.get(requirement_id)
        if values is None and draft is not None:
            session.delete(drafts.pop(requirement_id))
        elif values is not None and draft is None:
            drafts[requirement_id] = AnswerDraft(
                person_id=actor.person_id,
                offering_version_id=row.id,
                requirement_id=requirement_id,
                typed=dict(values),
            )
            session.add(drafts[requirement_id])
        elif values is not None and draft is not None and draft.typed != values:
            draft.revise(typed=dict(values))
    session.flush()
    return mark_drafts(drafts.values())


def mark_drafts(drafts: Iterable[AnswerDraft]) -> str:
    """Return a short mark that differs when any of the drafts does."""
    held = sorted((str(draft.requirement_id), draft.typed) for draft in drafts)
    return sha256_hex(canonical_json([list(each) for each in held]))[:16] if held else ""


def _refuse_other_drafts(
    drafts: Mapping[uuid.UUID, AnswerDraft], typed: Mapping[uuid.UUID, Typed | None]
) -> None:
    if any(draft.typed != typed.get(key) for key, draft in drafts.items()):
        raise StaleVersion


def _drafts_of(
    session: Session, actor: Actor, row: OfferingVersion, requirement_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, AnswerDraft]:
    if actor.person_id is None:
        return {}
    drafts = queries.list_drafts(session, actor.person_id, row.id)
    return {key: draft for key, draft in drafts.items() if key in set(requirement_ids)}


# --- tables ------------------------------------------------------------------------------------------


def keep_upload(
    session: Session,
    actor: Actor,
    row: OfferingVersion,
    *,
    filename: str,
    sha256: str,
    rows: list[dict[str, Any]],
) -> AnswerUpload:
    """Keep a checked table until its sender confirms it; tables left for a week are removed."""
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    if actor.person_id is None:
        raise NotFound
    for forgotten in queries.list_uploads_before(session, now(session) - _UPLOAD_KEPT):
        session.delete(forgotten)
    upload = AnswerUpload(
        person_id=actor.person_id,
        offering_version_id=row.id,
        filename=filename,
        sha256=sha256,
        rows=rows,
        created_at=now(session),
    )
    session.add(upload)
    session.flush()
    record(session, actor, "offering.upload_answers", row, file=filename, sha256=sha256)
    return upload


def apply_upload(
    session: Session,
    actor: Actor,
    row: OfferingVersion,
    upload: AnswerUpload,
    *,
    version: int,
    answers: Mapping[uuid.UUID, AnswerValues],
    drafts_seen: str | None = None,
) -> int:
    """Store what a confirmed table changes, all of it or nothing; raises Conflict the second time.

    With `drafts_seen`, the mark of what the sender typed about these requirements and saw beside
    the table, that is let go; StaleVersion when it is no longer the same.
    """
    if upload.applied_at is not None:
        raise Conflict("この表はもう保存しました。直すときは、新しい表をダウンロードしてください。")
    save_answers(session, actor, row, version=version, answers=answers, drafts_seen=drafts_seen)
    upload.revise(applied_at=now(session), rows=[])
    record(session, actor, "offering.apply_answers", row, count=len(answers), sha256=upload.sha256)
    return len(answers)
