"""The vendor's side: one submission opens the publication and the certification."""

from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import queries
from catalog.certification.models import Certification, ReviewAction, ReviewState
from catalog.certification.services.records import check_state, record
from catalog.offerings.models import OfferingVersion
from catalog.offerings.services import submit_version
from core.db import now


def submit_offering(
    session: Session, actor: Actor, offering_version: OfferingVersion
) -> Certification:
    """Submit an offering version and open its review, or answer the reviewers' questions.

    Opinions on older content no longer count. Raises GuardFailed with all that is missing.
    """
    review = queries.lock_open_certification(session, offering_version.id)
    submitted = submit_version(session, actor, offering_version)
    if review is None:
        return _open_review(session, actor, submitted)
    check_state(review, ReviewState.INFO_REQUESTED)
    _drop_opinions(session, actor, review)
    review.apply(ReviewAction.ANSWER_INFO, **_submission(session, actor, submitted))
    record(session, actor, "answer_info", review, evaluated_sha256=submitted.content_sha256)
    return review


def _open_review(session: Session, actor: Actor, version: OfferingVersion) -> Certification:
    review = Certification(
        offering_version_id=version.id,
        specification_version_id=version.specification_version_id,
        owner_id=version.owner_id,
    )
    session.add(review)
    session.flush()
    review.apply(ReviewAction.SUBMIT, **_submission(session, actor, version))
    record(session, actor, "submit", review, evaluated_sha256=version.content_sha256)
    return review


def _submission(session: Session, actor: Actor, version: OfferingVersion) -> dict[str, Any]:
    return {
        "submitted_by_id": actor.person_id,
        "submitted_at": now(session),
        "evaluated_sha256": version.content_sha256,
    }


def _drop_opinions(session: Session, actor: Actor, review: Certification) -> None:
    for opinion in queries.list_recommendations(session, review.id):
        record(
            session,
            actor,
            "opinion_removed",
            review,
            reviewer_id=str(opinion.reviewer_id),
            opinion=opinion.opinion.value,
            opinion_reason=opinion.reason,
            filed_at=opinion.filed_at.isoformat(),
            evaluated_sha256=review.evaluated_sha256,
        )
        session.delete(opinion)
    session.flush()
