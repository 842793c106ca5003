"""What a lead may do to a certificate afterwards: suspension, its end, and revocation by two."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.services import require_recent_sign_in
from catalog.certification.models import Certification, ReviewAction, ReviewState
from catalog.certification.queries import proceedings as around
from catalog.certification.services.expiry import announce
from catalog.certification.services.records import (
    check_reason,
    check_state,
    lock,
    record,
)
from catalog.certification.services.telling import (
    News,
    Task,
    tell,
    tell_leads,
    tell_users,
)
from catalog.offerings.models import OfferingVersion
from core.clock import day_in_japan
from core.config import Settings
from core.db import now
from core.errors import Conflict, Forbidden, GuardFailed

_S = ReviewState
_REVOCABLE = (_S.CERTIFIED, _S.CONDITIONAL, _S.SUSPENDED)


@dataclass(frozen=True, slots=True)
class _Measure:
    action: ReviewAction
    trail: str
    news: News
    ends: tuple[ReviewState, ...]


_SUSPENSION = _Measure(
    ReviewAction.SUSPEND, "suspend", News.SUSPENDED, (_S.CERTIFIED, _S.CONDITIONAL)
)
_REVOCATION = _Measure(ReviewAction.REVOKE, "confirm_revocation", News.REVOKED, _REVOCABLE)


def suspend(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    reason: str,
    version: int,
) -> Certification:
    """Take a certificate out of force at once, for a reason, until a lead ends the suspension.

    Certificates that rest on it go with it, and come back with it. Needs a recent sign-in. Raises
    GuardFailed when the certificate's time has run out.
    """
    review, actor, _ = _enter(
        session, actor, settings, Permission.CERTIFICATION_SUSPEND, certification
    )
    check_state(review, _S.CERTIFIED, _S.CONDITIONAL)
    check_reason(reason)
    if review.valid_until is not None and review.valid_until <= now(session):
        raise GuardFailed([("main", "期限が切れているので、効力停止は要りません。")])
    values = {
        "suspended_by_id": actor.person_id,
        "suspended_at": now(session),
        "suspension_reason": reason,
    } | _ending(session, settings)
    _end(session, actor, review, _SUSPENSION, values, reason, version)
    return review


def resume(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    reason: str,
    version: int,
) -> Certification:
    """End a suspension; a certificate with open conditions is conditional again.

    Needs a recent sign-in.
    """
    review, actor, covered = _enter(
        session, actor, settings, Permission.CERTIFICATION_SUSPEND, certification
    )
    check_state(review, _S.SUSPENDED)
    check_reason(reason)
    if review.revocation_proposed_by_id is not None:
        sentence = "取消しが提案されています。先に提案を取り下げてください。"
        raise GuardFailed([("main", sentence)])
    bring_back(review, version)
    _publish(session, actor, (review, covered), "resume", News.RESUMED, reason)
    bring_back_derived(session, actor, review, reason)
    return review


def bring_back(review: Certification, version: int | None = None) -> None:
    """Put a suspended certificate in force again, conditional while a condition is open."""
    is_open = has_open_conditions(review)
    action = ReviewAction.RESUME_CONDITIONALLY if is_open else ReviewAction.RESUME
    review.apply(action, version, ended_on=None, appeal_until=None)


def bring_back_derived(session: Session, actor: Actor, review: Certification, reason: str) -> None:
    """Put in force again what rests on a certificate and was suspended together with it."""
    for each in around.lock_derived(session, review, _S.SUSPENDED):
        if each.suspended_at != review.suspended_at or each.revocation_proposed_by_id is not None:
            continue
        covered = each.offering_version
        bring_back(each)
        _publish(session, actor, (each, covered), "resume", News.RESUMED, reason)
        bring_back_derived(session, actor, each, reason)


def reinstate(review: Certification) -> None:
    """Put a revoked certificate in force again, as if nobody had proposed to revoke it."""
    is_open = has_open_conditions(review)
    action = ReviewAction.REINSTATE_CONDITIONALLY if is_open else ReviewAction.REINSTATE
    review.apply(action, ended_on=None, appeal_until=None, **NO_REVOCATION)


def reinstate_derived(
    session: Session, actor: Actor, review: Certification, revoked_at: datetime | None, reason: str
) -> None:
    """Reinstate what rests on a certificate, was revoked together with it and was not replaced."""
    for each in around.lock_derived(session, review, _S.REVOKED):
        if each.revoked_at != revoked_at or around.has_other_standing(session, each):
            continue
        covered = each.offering_version
        reinstate(each)
        _publish(session, actor, (each, covered), "reinstate", News.APPEAL_DECIDED, reason)
        reinstate_derived(session, actor, each, revoked_at, reason)


def has_open_conditions(review: Certification) -> bool:
    """Tell whether a condition of the certificate is not confirmed yet."""
    return any(not each.get("fulfilled_on") for each in review.conditions)


def propose_revocation(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    reason: str,
    version: int,
) -> Certification:
    """Propose to revoke a certificate; it stays as it is until another lead confirms.

    Needs a recent sign-in. Raises Conflict while a proposal stands.
    """
    review, actor, _ = _enter(
        session, actor, settings, Permission.CERTIFICATION_REVOKE, certification
    )
    check_state(review, *_REVOCABLE)
    check_reason(reason)
    if review.revocation_proposed_by_id is not None:
        raise Conflict("取消しはもう提案されています。ほかの主任審査員の確認を待ってください。")
    review.revise(
        version,
        revocation_proposed_by_id=actor.person_id,
        revocation_proposed_at=now(session),
        revocation_reason=reason,
    )
    record(session, actor, "propose_revocation", review, reason=reason)
    tell_leads(session, review, Task.CONFIRM_REVOCATION, actor=actor)
    return review


def drop_revocation(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    reason: str,
    version: int,
) -> Certification:
    """Take a proposal back, or turn down a colleague's, for a reason. Needs a recent sign-in."""
    review, actor, _ = _enter(
        session, actor, settings, Permission.CERTIFICATION_REVOKE, certification
    )
    _check_proposed(review)
    check_reason(reason)
    review.revise(version, **NO_REVOCATION)
    record(session, actor, "drop_revocation", review, reason=reason)
    return review


def confirm_revocation(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    reason: str,
    version: int,
) -> Certification:
    """Revoke what another lead proposed to revoke; the words are added to the proposer's reason.

    Certificates that rest on it go with it. Needs a recent sign-in. Raises Forbidden for the proposer.
    """
    review, actor, _ = _enter(
        session, actor, settings, Permission.CERTIFICATION_REVOKE, certification
    )
    _check_proposed(review)
    if review.revocation_proposed_by_id == actor.person_id:
        sentence = "取消しを提案した方は確認できません。ほかの主任審査員に頼んでください。"
        raise Forbidden(sentence)
    values = {
        "revocation_proposed_by_id": review.revocation_proposed_by_id,
        "revocation_proposed_at": review.revocation_proposed_at,
        "revocation_reason": review.revocation_reason,
        "revocation_confirmed_by_id": actor.person_id,
        "revoked_at": now(session),
    } | _ending(session, settings)
    words = "\n".join(filter(None, [review.revocation_reason, reason.strip()]))
    _end(session, actor, review, _REVOCATION, values, words, version)
    return review


NO_REVOCATION: dict[str, Any] = {
    "revocation_proposed_by_id": None,
    "revocation_proposed_at": None,
    "revocation_reason": "",
    "revocation_confirmed_by_id": None,
    "revoked_at": None,
}


def _enter(
    session: Session,
    actor: Actor,
    settings: Settings,
    permission: Permission,
    certification: Certification,
) -> tuple[Certification, Actor, OfferingVersion]:
    review = lock(session, certification)
    fresh = require(session, actor, permission, review)
    require_recent_sign_in(session, settings, fresh)
    return review, fresh, review.offering_version


def _check_proposed(review: Certification) -> None:
    check_state(review, *_REVOCABLE)
    if review.revocation_proposed_by_id is None:
        raise GuardFailed([("main", "取消しの提案がありません。先に提案してください。")])


def _ending(session: Session, settings: Settings) -> dict[str, Any]:
    today = day_in_japan(now(session))
    return {"ended_on": today, "appeal_until": today + timedelta(days=settings.appeal_days)}


def _end(  # noqa: PLR0917 - what one measure is made of
    session: Session,
    actor: Actor,
    review: Certification,
    measure: _Measure,
    values: dict[str, Any],
    reason: str,
    version: int | None = None,
) -> None:
    """Take a certificate out of force, with everything that rests on it."""
    covered = review.offering_version
    review.apply(measure.action, version, **values)
    _publish(session, actor, (review, covered), measure.trail, measure.news, reason)
    for each in around.lock_derived(session, review, *measure.ends):
        _end(session, actor, each, measure, values, reason)


def _publish(  # noqa: PLR0917 - what one announcement is made of
    session: Session,
    actor: Actor,
    subject: tuple[Certification, OfferingVersion],
    action: str,
    news: News,
    reason: str,
) -> None:
    review, version = subject
    announce(session, review, version)
    record(session, actor, action, review, reason=reason, number=review.number)
    tell(session, review, news, name=version.name)
    tell_users(session, review)
