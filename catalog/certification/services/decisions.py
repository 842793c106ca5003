"""The lead's side: one decision on a pair of opinions, or publication without a certificate."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.queries import get_person
from accounts.services import require_recent_sign_in
from catalog.certification import queries
from catalog.certification.assessment import Assessment, assess
from catalog.certification.models import (
    DECIDED_STATES,
    Certification,
    Opinion,
    ReviewAction,
    ReviewState,
)
from catalog.certification.services.conditions import Condition, check_conditions, lapse_of
from catalog.certification.services.expiry import announce, announce_end
from catalog.certification.services.records import (
    certificate_number,
    check_apart,
    check_findings,
    check_offering,
    check_specification,
    check_state,
    check_unchanged,
    close_offering,
    lock,
    record,
    results_of,
)
from catalog.certification.services.surveillance import supersede_outdone
from catalog.certification.services.telling import News, Task, tell, tell_reviewers
from catalog.conformance import Issue, Verdict
from catalog.offerings.services import approve_version
from core.clock import day_in_japan, end_of_day
from core.config import Settings
from core.db import now
from core.errors import GuardFailed, Invalid, StaleVersion
from core.japanese import format_date, format_datetime

MAXIMUM_YEARS = 5
_ACTIONS = {
    Opinion.CERTIFY: ReviewAction.CERTIFY,
    Opinion.CONDITIONAL: ReviewAction.CERTIFY_CONDITIONALLY,
    Opinion.REFUSE: ReviewAction.REFUSE,
}


def decide(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    decision: Opinion,
    reason: str,
    conditions: Sequence[Condition],
    valid_until: date | None,
    version: int,
) -> Certification:
    """Decide once, as a lead who neither reviewed nor submitted; `valid_until` is the last day.

    Needs a recent sign-in. Raises StaleVersion naming who decided first, GuardFailed when the
    answers or open findings do not allow the decision, Invalid for dates that cannot be and for a
    missing reason.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_DECIDE, review)
    require_recent_sign_in(session, settings, actor)
    _check_undecided(session, review)
    check_apart(session, actor, review)
    check_state(review, ReviewState.RECOMMENDED)
    assessment = assess(session, review)
    check_unchanged(review, assessment)
    offering_version = review.offering_version
    check_offering(review)
    _check_reason(session, review, decision, reason)
    values = _decision_values(session, actor, reason)
    if decision is Opinion.REFUSE:
        until = day_in_japan(now(session)) + timedelta(days=settings.appeal_days)
        values["appeal_until"] = until
    else:
        check_findings(session, review)
        _check_verdict(decision, assessment)
        values |= _certificate_values(
            session, actor, review, assessment, decision, conditions, valid_until
        )
    review.apply(_ACTIONS[decision], version, **values)
    close_offering(session, actor, review, offering_version)
    announce(session, review, offering_version)
    if review.valid_until is not None:
        announce_end(session, review)
        supersede_outdone(session, review)
    tell(session, review, News.DECIDED, name=offering_version.name)
    tell_reviewers(session, review, Task.READ_DECISION)
    record(
        session,
        actor,
        "decide",
        review,
        decision=decision.value,
        reason=reason,
        number=review.number,
        evaluated_sha256=review.evaluated_sha256,
    )
    return review


def approve_claim(session: Session, actor: Actor, certification: Certification) -> Certification:
    """Let the vendor publish before the decision, shown as claimed only (申告のみ).

    Raises GuardFailed until one reviewer has filed an opinion.
    """
    review = lock(session, certification)
    offering_version = review.offering_version
    actor = require(session, actor, Permission.CERTIFICATION_DECIDE, review)
    _check_undecided(session, review)
    check_apart(session, actor, review)
    check_state(review, ReviewState.UNDER_REVIEW, ReviewState.RECOMMENDED)
    if not queries.list_recommendations(session, review.id):
        raise GuardFailed([("main", "審査員の意見が一つ提出されるまで、公開を認められません。")])
    approve_version(session, actor, offering_version)
    record(session, actor, "approve_claim", review, evaluated_sha256=review.evaluated_sha256)
    tell(session, review, News.CLAIM_APPROVED, name=offering_version.name)
    return review


def _check_undecided(session: Session, review: Certification) -> None:
    if review.state not in DECIDED_STATES:
        return
    winner = get_person(session, review.decided_by_id) if review.decided_by_id else None
    if winner is None or review.decided_at is None:
        raise StaleVersion("すでに決定されています。あなたの決定は記録していません。")
    raise StaleVersion(
        f"{winner.name}さんが{format_datetime(review.decided_at)}に「{review.state.label}」と"
        "決定しました。決定は一つだけなので、あなたの決定は記録していません。"
    )


def _check_reason(session: Session, review: Certification, decision: Opinion, reason: str) -> None:
    if reason.strip():
        return
    if decision is Opinion.REFUSE:
        raise Invalid({"reason": "認証しない理由を入力してください。"})
    opinions = queries.list_recommendations(session, review.id)
    if any(each.opinion is not decision for each in opinions):
        sentence = "審査員の意見と違う決定をするときは、理由を入力してください。"
        raise Invalid({"reason": sentence})


def _check_verdict(decision: Opinion, assessment: Assessment) -> None:
    rolled = assessment.roll_up
    if rolled.verdict is Verdict.NOT_CERTIFIABLE:
        raise GuardFailed([("main", _describe(issue)) for issue in rolled.blocking])
    if decision is Opinion.CERTIFY and rolled.verdict is Verdict.CONDITIONAL_ONLY:
        first = "満たされていない条件があります。「条件付きで認証する」か「認証しない」を選択してください。"
        raise GuardFailed([("f-decision", first)])


def _describe(issue: Issue) -> str:
    reason = issue.reason.label if issue.reason else ""
    return f"{issue.requirement.id}（{issue.requirement.name}）：{reason}。認証はできません。"


def _decision_values(session: Session, actor: Actor, reason: str) -> dict[str, Any]:
    return {
        "decided_by_id": actor.person_id,
        "decided_at": now(session),
        "decision_reason": reason,
    }


def _certificate_values(  # noqa: PLR0917 - what one certificate is made of
    session: Session,
    actor: Actor,
    review: Certification,
    assessment: Assessment,
    decision: Opinion,
    conditions: Sequence[Condition],
    valid_until: date | None,
) -> dict[str, Any]:
    moment = now(session)
    today = day_in_japan(moment)
    check_specification(review, today)
    kept = check_conditions(assessment, decision, conditions, today)
    return {
        "number": certificate_number(review, moment),
        "conditions": kept,
        "lapses_at": lapse_of(kept),
        "results": results_of(session, actor, review, assessment),
        "valid_from": moment,
        "valid_until": _check_validity(valid_until, today),
    }


def _check_validity(valid_until: date | None, today: date) -> datetime:
    if valid_until is None:
        raise Invalid({"valid_until": "有効期限を入力してください。"})
    latest = last_possible_day(today)
    if not today < valid_until <= latest:
        sentence = (
            f"有効期限は{format_date(today)}より後、{format_date(latest)}以前の日付にしてください。"
        )
        raise Invalid({"valid_until": sentence})
    return end_of_day(valid_until)


def last_possible_day(today: date) -> date:
    """Give the last day on which a certificate of today may still count."""
    try:
        return today.replace(year=today.year + MAXIMUM_YEARS)
    except ValueError:  # 29 February
        return today.replace(year=today.year + MAXIMUM_YEARS, day=28)
