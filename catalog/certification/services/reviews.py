"""The reviewers' side: assignment, blind opinions, questions to the vendor."""

import uuid

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.certification import queries
from catalog.certification.assessment import assess
from catalog.certification.models import (
    Certification,
    Opinion,
    Recommendation,
    ReviewAction,
    ReviewState,
)
from catalog.certification.services.records import (
    check_reason,
    check_state,
    check_unchanged,
    lock,
    record,
)
from catalog.offerings.models import OfferAction, OfferingVersion, OfferState
from catalog.offerings.queries import find_own_listing_version
from catalog.offerings.services import start_review
from core.db import now
from core.errors import Conflict, Invalid, NotFound

REVIEWERS = 2


def assign(
    session: Session,
    actor: Actor,
    certification: Certification,
    first_id: uuid.UUID,
    second_id: uuid.UUID,
) -> Certification:
    """Give a submission to two reviewers who belong neither to the vendor nor submitted it.

    Raises Invalid for one person twice and for somebody who may not review it.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_ASSIGN, review)
    eligible = {person.id for person in queries.list_eligible_reviewers(session, review)}
    errors = {
        field: "この方は選べません。この事業者に所属していない審査員を選択してください。"
        for field, chosen in (("first_id", first_id), ("second_id", second_id))
        if chosen not in eligible
    }
    if first_id == second_id:
        errors["second_id"] = "2人目には、1人目と別の審査員を選択してください。"
    if errors:
        raise Invalid(errors)
    version = review.offering_version
    review.apply(ReviewAction.ASSIGN, first_reviewer_id=first_id, second_reviewer_id=second_id)
    start_review(session, actor, version)
    record(session, actor, "assign", review, reviewers=[str(first_id), str(second_id)])
    return review


def recommend(
    session: Session,
    actor: Actor,
    certification: Certification,
    *,
    opinion: Opinion,
    reason: str,
    no_conflict: bool,
) -> Recommendation:
    """File one reviewer's opinion on exactly the submitted content; the second one completes the pair.

    Raises Invalid without the declaration of no conflict of interest, Conflict for a second opinion
    of the same person.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_RECOMMEND, review)
    filed = queries.list_recommendations(session, review.id)
    if any(each.reviewer_id == actor.person_id for each in filed):
        raise Conflict("あなたの意見はもう提出されています。意見は一人一つで、変更できません。")
    check_state(review, ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW)
    if not no_conflict:
        raise Invalid({"no_conflict": "利害関係がないことを確認して、チェックを入れてください。"})
    check_reason(reason)
    check_unchanged(review, assess(session, review))
    made = _file(session, actor.person_id, review, opinion, reason)
    if review.can_apply(ReviewAction.START):
        review.apply(ReviewAction.START)
    if len(filed) + 1 == REVIEWERS:
        review.apply(ReviewAction.RECOMMEND)
    record(session, actor, "recommend", review, opinion=opinion.value, opinion_reason=reason)
    return made


def _file(
    session: Session,
    reviewer_id: uuid.UUID | None,
    review: Certification,
    opinion: Opinion,
    reason: str,
) -> Recommendation:
    if reviewer_id is None:
        raise NotFound
    made = Recommendation(
        certification_id=review.id,
        reviewer_id=reviewer_id,
        opinion=opinion,
        reason=reason,
        no_conflict_declared_at=now(session),
        filed_at=now(session),
    )
    session.add(made)
    session.flush()
    return made


def request_info(
    session: Session, actor: Actor, certification: Certification, *, reason: str
) -> Certification:
    """Hand the submission back to the vendor with a question; the vendor answers by submitting again."""
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_REQUEST_INFO, review)
    check_state(review, ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW)
    check_reason(reason)
    version = review.offering_version
    if review.can_apply(ReviewAction.START):
        review.apply(ReviewAction.START)
    review.apply(ReviewAction.REQUEST_INFO)
    _hand_back(session, version, reason)
    record(session, actor, "request_info", review, reason=reason)
    return review


def _hand_back(session: Session, version: OfferingVersion, reason: str) -> None:
    terms = find_own_listing_version(session, version)
    for row in (version, terms):
        if row is None:
            continue
        if row.state is OfferState.SUBMITTED:
            row.apply(OfferAction.START_REVIEW)
        row.apply(OfferAction.RETURN, return_reason=reason)
