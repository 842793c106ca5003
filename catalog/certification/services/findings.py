"""Findings per requirement, and the conversation about each between reviewers and vendor."""

import uuid
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.certification.models import (
    Certification,
    Finding,
    FindingAction,
    FindingMessage,
    ReviewAction,
    ReviewState,
)
from catalog.certification.queries import proceedings as queries
from catalog.certification.services.records import check_reason, check_state, lock, record
from catalog.certification.services.telling import (
    News,
    Task,
    tell,
    tell_leads,
    tell_reviewers,
)
from catalog.specifications.models import Requirement
from core.db import now
from core.errors import Invalid, NotFound

MOST_FINDINGS = 1_000
DISCUSSED = (ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW, ReviewState.INFO_REQUESTED)


def raise_finding(
    session: Session,
    actor: Actor,
    certification: Certification,
    *,
    requirement_id: uuid.UUID | None,
    words: str,
) -> Finding:
    """Object to the answer on one requirement (its row's id) or to the whole (None)."""
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_FIND, review)
    check_state(review, *DISCUSSED)
    check_reason(words, "words")
    if requirement_id is not None:
        requirement = session.get(Requirement, requirement_id)
        of_this = requirement and requirement.specification_version_id
        if of_this != review.specification_version_id:
            raise Invalid({"requirement_id": "この標準仕様書の要件を一覧から選択してください。"})
    number = len(queries.list_findings(session, review.id)) + 1
    if number > MOST_FINDINGS:
        raise Invalid({"words": f"指摘は一つの審査に{MOST_FINDINGS:,}件までです。"})
    name = review.offering_version.name
    finding = Finding(
        certification_id=review.id,
        number=number,
        requirement_id=requirement_id,
        raised_by_id=_person(actor),
    )
    session.add(finding)
    session.flush()
    _say(session, actor, finding, words, from_vendor=False)
    if review.can_apply(ReviewAction.START):
        review.apply(ReviewAction.START)
    record(session, actor, "find", review, finding=number, words=words)
    tell(session, review, News.FINDING, name=name)
    return finding


def reply(
    session: Session, actor: Actor, certification: Certification, finding_id: uuid.UUID, words: str
) -> Finding:
    """Let the vendor answer a finding."""
    review, actor, finding = _enter(
        session, actor, Permission.CERTIFICATION_REPLY, certification, finding_id
    )
    check_reason(words, "words")
    finding.apply(FindingAction.ANSWER)
    _say(session, actor, finding, words, from_vendor=True)
    record(session, actor, "reply", review, finding=finding.number, words=words)
    tell_reviewers(session, review, Task.READ_REPLY)
    if finding.raised_by_id not in review.assigned_ids:
        tell_leads(session, review, Task.READ_REPLY, only=[finding.raised_by_id])
    return finding


def ask_again(
    session: Session, actor: Actor, certification: Certification, finding_id: uuid.UUID, words: str
) -> Finding:
    """Say why the vendor's answer does not do; the finding is open again."""
    review, actor, finding = _enter(
        session, actor, Permission.CERTIFICATION_FIND, certification, finding_id
    )
    check_reason(words, "words")
    name = review.offering_version.name
    finding.apply(FindingAction.ASK_AGAIN)
    _say(session, actor, finding, words, from_vendor=False)
    record(session, actor, "find_again", review, finding=finding.number, words=words)
    tell(session, review, News.FINDING, name=name)
    return finding


def settle(
    session: Session,
    actor: Actor,
    certification: Certification,
    finding_id: uuid.UUID,
    *,
    action: FindingAction,
    words: str = "",
) -> Finding:
    """Accept the vendor's answer or withdraw the finding, until the decision."""
    if action not in {FindingAction.ACCEPT, FindingAction.WITHDRAW}:
        raise NotFound
    review, actor, finding = _enter(
        session,
        actor,
        Permission.CERTIFICATION_FIND,
        certification,
        finding_id,
        ReviewState.RECOMMENDED,
    )
    settled: dict[str, Any] = {"settled_by_id": actor.person_id, "settled_at": now(session)}
    finding.apply(action, **settled)
    if words.strip():
        _say(session, actor, finding, words, from_vendor=False)
    record(session, actor, f"finding_{action.value}", review, finding=finding.number, words=words)
    return finding


def _enter(
    session: Session,
    actor: Actor,
    permission: Permission,
    certification: Certification,
    finding_id: uuid.UUID,
    *also: ReviewState,
) -> tuple[Certification, Actor, Finding]:
    review = lock(session, certification)
    actor = require(session, actor, permission, review)
    check_state(review, *DISCUSSED, *also)
    finding = queries.lock_finding(session, review.id, finding_id)
    if finding is None:
        raise NotFound
    return review, actor, finding


def _say(
    session: Session, actor: Actor, finding: Finding, words: str, *, from_vendor: bool
) -> None:
    session.add(
        FindingMessage(
            finding_id=finding.id,
            number=queries.count_messages(session, finding.id) + 1,
            author_id=_person(actor),
            is_from_vendor=from_vendor,
            submission_number=queries.count_submissions(session, finding.certification_id),
            words=words,
            sent_at=now(session),
        )
    )
    session.flush()


def _person(actor: Actor) -> uuid.UUID:
    if actor.person_id is None:
        raise NotFound
    return actor.person_id
