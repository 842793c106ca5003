"""The vendor's side: one submission opens the publication and the certification."""

from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import queries
from catalog.certification.models import (
    Certification,
    FindingState,
    ReviewAction,
    ReviewState,
    ReviewSubmission,
)
from catalog.certification.queries import proceedings as around
from catalog.certification.services.deadlines import judge_checks
from catalog.certification.services.records import check_state, drop_opinions, record
from catalog.certification.services.telling import Task, tell_leads, tell_reviewers
from catalog.offerings.content import offering_content
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import list_answers
from catalog.offerings.services import submit_version
from core.db import now
from core.errors import GuardFailed


def submit_offering(
    session: Session, actor: Actor, offering_version: OfferingVersion
) -> Certification:
    """Submit an offering version and open its review, or answer the reviewers' questions.

    Opinions on older content no longer count; what comes back unchanged keeps them. Raises GuardFailed with all that is missing: what the
    offering lacks, findings without a reply, an appeal that is not decided yet.
    """
    review = queries.lock_open_certification(session, offering_version.id)
    submitted = submit_version(session, actor, offering_version)
    _check_ready(session, review, submitted)
    if review is None:
        return _open_review(session, actor, submitted)
    check_state(review, ReviewState.INFO_REQUESTED)
    if submitted.content_sha256 != review.evaluated_sha256:
        drop_opinions(session, actor, review)
    values = _submission(session, actor, review, submitted)
    review.apply(ReviewAction.ANSWER_INFO, info_due_on=None, **values)
    record(session, actor, "answer_info", review, evaluated_sha256=submitted.content_sha256)
    tell_reviewers(session, review, Task.READ_ANSWER)
    return review


def _check_ready(session: Session, review: Certification | None, version: OfferingVersion) -> None:
    if review is None:
        if around.has_open_appeal(session, version.id):
            sentence = "不服申立ての決定を待っています。申立てを取り下げると、提出し直せます。"
            raise GuardFailed([("main", sentence)])
        return
    left = around.count_unsettled(session, review.id, FindingState.OPEN)
    if left:
        sentence = (
            f"回答していない指摘が{left}件あります。審査の画面で回答してから提出してください。"
        )
        raise GuardFailed([("main", sentence)])


def _open_review(session: Session, actor: Actor, version: OfferingVersion) -> Certification:
    review = Certification(
        offering_version_id=version.id,
        specification_version_id=version.specification_version_id,
        owner_id=version.owner_id,
    )
    session.add(review)
    session.flush()
    review.apply(ReviewAction.SUBMIT, **_submission(session, actor, review, version))
    record(session, actor, "submit", review, evaluated_sha256=version.content_sha256)
    tell_leads(session, review, Task.ASSIGN, actor=actor)
    return review


def _submission(
    session: Session, actor: Actor, review: Certification, version: OfferingVersion
) -> dict[str, Any]:
    """Keep what was submitted, so that it stays readable; returns the columns of the review."""
    answers = list_answers(session, [version.id])[version.id]
    moment = now(session)
    session.add(
        ReviewSubmission(
            certification_id=review.id,
            number=around.count_submissions(session, review.id) + 1,
            content=offering_content(version, answers),
            content_sha256=version.content_sha256,
            submitted_by_id=actor.person_id,
            submitted_at=moment,
        )
    )
    return {
        "submitted_by_id": actor.person_id,
        "submitted_at": moment,
        "evaluated_sha256": version.content_sha256,
        "check_outcome": judge_checks(session, review, version),
    }
