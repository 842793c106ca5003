"""The reviewers' side: assignment, blind opinions, questions to the vendor."""

import uuid
from datetime import date, timedelta
from typing import Any, Literal

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.certification import queries
from catalog.certification.assessment import assess
from catalog.certification.models import (
    REVIEWERS,
    Certification,
    Opinion,
    Recommendation,
    ReviewAction,
    ReviewState,
)
from catalog.certification.services.deadlines import announce_question
from catalog.certification.services.records import (
    check_reason,
    check_state,
    check_unchanged,
    find_involved,
    lock,
    record,
)
from catalog.certification.services.telling import (
    News,
    Task,
    tell,
    tell_leads,
    tell_reviewers,
)
from catalog.offerings.models import OfferAction, OfferingVersion, OfferState
from catalog.offerings.queries import find_own_listing_version
from catalog.offerings.services import start_review
from core.clock import day_in_japan
from core.db import now
from core.errors import Conflict, Invalid, NotFound
from core.japanese import format_date

LONGEST_WAIT = timedelta(days=366)


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
    review.apply(
        ReviewAction.ASSIGN,
        first_reviewer_id=first_id,
        second_reviewer_id=second_id,
        first_cleared_at=None,
        second_cleared_at=None,
    )
    start_review(session, actor, version)
    record(session, actor, "assign", review, reviewers=[str(first_id), str(second_id)])
    tell_reviewers(session, review, Task.DECLARE)
    return review


def reassign(
    session: Session,
    actor: Actor,
    certification: Certification,
    *,
    place: Literal["first", "second"],
    person_id: uuid.UUID,
    reason: str,
) -> Certification:
    """Fill one place of the pair anew, before its reviewer has filed an opinion.

    Who has ever filed one stays, also when it no longer counts, unless they review no more: nobody
    changes a pair whose views are known. Raises Invalid for somebody who may not review it,
    Conflict once an opinion was filed.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_ASSIGN, review)
    check_state(review, ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW, ReviewState.INFO_REQUESTED)
    check_reason(reason)
    leaving = review.first_reviewer_id if place == "first" else review.second_reviewer_id
    filed = {each.reviewer_id for each in queries.list_recommendations(session, review.id)}
    eligible = {person.id for person in queries.list_eligible_reviewers(session, review)}
    if leaving in filed | (queries.list_filed_ids(session, review.id) & eligible):
        raise Conflict("この審査員は意見を提出したことがあるので、担当を替えられません。")
    if person_id not in eligible - review.assigned_ids:
        sentence = (
            "この方は選べません。利害関係がなく、まだ担当していない審査員を選択してください。"
        )
        raise Invalid({"person_id": sentence})
    values: dict[str, Any] = {f"{place}_reviewer_id": person_id, f"{place}_cleared_at": None}
    review.revise(**values)
    record(
        session,
        actor,
        "reassign",
        review,
        left=str(leaving) if leaving else None,
        came=str(person_id),
        reason=reason,
    )
    tell_reviewers(session, review, Task.DECLARE, only=[person_id])
    return review


def recommend(
    session: Session,
    actor: Actor,
    certification: Certification,
    *,
    opinion: Opinion,
    reason: str,
) -> Recommendation:
    """File one reviewer's opinion on exactly the submitted content; the second one completes the pair.

    Whoever has not declared to be free of conflicting interests does not get here. Raises Conflict
    for a second opinion of the same person.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_RECOMMEND, review)
    filed = queries.list_recommendations(session, review.id)
    if any(each.reviewer_id == actor.person_id for each in filed):
        raise Conflict("あなたの意見はもう提出されています。意見は一人一つで、変更できません。")
    check_state(review, ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW)
    check_reason(reason)
    check_unchanged(review, assess(session, review))
    made = _file(session, actor.person_id, review, opinion, reason)
    if review.can_apply(ReviewAction.START):
        review.apply(ReviewAction.START)
    if len(filed) + 1 == REVIEWERS:
        review.apply(ReviewAction.RECOMMEND)
        tell_leads(session, review, Task.DECIDE, apart=find_involved(session, review))
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
    is_first = reviewer_id == review.first_reviewer_id
    cleared_at = review.first_cleared_at if is_first else review.second_cleared_at
    made = Recommendation(
        certification_id=review.id,
        reviewer_id=reviewer_id,
        opinion=opinion,
        reason=reason,
        no_conflict_declared_at=cleared_at or now(session),
        filed_at=now(session),
    )
    session.add(made)
    session.flush()
    return made


def request_info(
    session: Session, actor: Actor, certification: Certification, *, reason: str, due_on: date
) -> Certification:
    """Hand the submission back to the vendor with a question; the vendor answers by submitting again.

    Raises Invalid for a due day that is not to come.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_REQUEST_INFO, review)
    check_state(review, ReviewState.ASSIGNED, ReviewState.UNDER_REVIEW)
    check_reason(reason)
    today = day_in_japan(now(session))
    if not today < due_on <= today + LONGEST_WAIT:
        latest = format_date(today + LONGEST_WAIT)
        raise Invalid({"due_on": f"回答の期限は明日から{latest}までの日付にしてください。"})
    version = review.offering_version
    if review.can_apply(ReviewAction.START):
        review.apply(ReviewAction.START)
    review.apply(ReviewAction.REQUEST_INFO, info_due_on=due_on)
    _hand_back(session, version, reason)
    record(session, actor, "request_info", review, reason=reason, due_on=due_on.isoformat())
    announce_question(session, review, due_on)
    tell(session, review, News.INFO_REQUESTED, name=version.name, due_on=due_on)
    return review


def _hand_back(session: Session, version: OfferingVersion, reason: str) -> None:
    terms = find_own_listing_version(session, version)
    for row in (version, terms):
        if row is None:
            continue
        if row.state is OfferState.SUBMITTED:
            row.apply(OfferAction.START_REVIEW)
        row.apply(OfferAction.RETURN, return_reason=reason)
