"""Appeals: the vendor disputes a decision, and a lead who did not make it decides."""

import uuid
from datetime import datetime
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.services import require_recent_sign_in
from catalog.certification.after_models import Appeal, AppealAction, Disputed
from catalog.certification.models import Certification, ReviewAction, ReviewState
from catalog.certification.queries import proceedings as queries
from catalog.certification.services.expiry import announce
from catalog.certification.services.measures import (
    bring_back,
    bring_back_derived,
    reinstate,
    reinstate_derived,
)
from catalog.certification.services.records import (
    check_reason,
    check_state,
    drop_opinions,
    find_involved,
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
from catalog.offerings.models import OfferingVersion, OfferState
from core.clock import day_in_japan
from core.config import Settings
from core.db import now
from core.errors import Conflict, Forbidden, GuardFailed, NotFound
from core.japanese import format_date

_S = ReviewState
_DISPUTED = {
    _S.REFUSED: Disputed.REFUSAL,
    _S.SUSPENDED: Disputed.SUSPENSION,
    _S.REVOKED: Disputed.REVOCATION,
}


def file_appeal(
    session: Session, actor: Actor, certification: Certification, *, reason: str
) -> Appeal:
    """Dispute a refusal, suspension or revocation, once and in time.

    Raises GuardFailed when the time has run out, Conflict for a second appeal on one decision, or
    while one on an earlier decision is open.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_APPEAL, review)
    check_state(review, *_DISPUTED)
    check_reason(reason)
    disputed = _DISPUTED[review.state]
    disputed_at, first, second = _decision(review, disputed)
    until = review.appeal_until
    if first is None or disputed_at is None or actor.person_id is None:
        raise GuardFailed(
            [("main", "決定した人の記録がないので、デジタル庁に問い合わせてください。")]
        )
    if until is not None and until < day_in_japan(now(session)):
        sentence = f"不服申立ての期限（{format_date(until)}）を過ぎています。"
        raise GuardFailed([("main", sentence)])
    if any(each.disputed_at == disputed_at for each in queries.list_appeals(session, review.id)):
        raise Conflict("この決定への不服申立てはもう出されています。申立ては一つの決定に一度です。")
    if queries.find_open_appeal(session, review.id) is not None:
        raise Conflict(
            "前の決定への不服申立てが、まだ決まっていません。"
            "前の申立てを取り下げると、この決定への申立てを出せます。"
        )
    made = Appeal(
        certification_id=review.id,
        owner_id=review.owner_id,
        disputed=disputed,
        disputed_at=disputed_at,
        first_decider_id=first,
        second_decider_id=second,
        reason=reason,
        filed_by_id=actor.person_id,
        filed_at=now(session),
    )
    session.add(made)
    session.flush()
    record(session, actor, "appeal", review, disputed=disputed.value, reason=reason)
    apart = {first, second, *find_involved(session, review)}
    tell_leads(session, review, Task.DECIDE_APPEAL, apart=apart)
    return made


def withdraw_appeal(session: Session, actor: Actor, certification: Certification) -> Appeal:
    """Take an appeal back before it is decided."""
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_APPEAL, review)
    appeal = _open_appeal(session, review)
    appeal.apply(AppealAction.WITHDRAW)
    record(session, actor, "withdraw_appeal", review)
    return appeal


def decide_appeal(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    upheld: bool,
    reason: str,
) -> Appeal:
    """Decide on an appeal as a lead who took no part in the disputed decision or the review.

    Upheld, it ends the suspension, reinstates the certificate or opens the refused review again.
    Needs a recent sign-in. Raises Forbidden for those who took part.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_DECIDE_APPEAL, review)
    require_recent_sign_in(session, settings, actor)
    appeal = _open_appeal(session, review)
    deciders = {appeal.first_decider_id, appeal.second_decider_id}
    if actor.person_id in deciders | find_involved(session, review):
        sentence = (
            "もとの決定か審査に加わった方は決定できません。ほかの主任審査員に頼んでください。"
        )
        raise Forbidden(sentence)
    check_reason(reason)
    version = review.offering_version
    values: dict[str, Any] = {
        "decided_by_id": actor.person_id,
        "decided_at": now(session),
        "decision_reason": reason,
    }
    appeal.apply(AppealAction.UPHOLD if upheld else AppealAction.DISMISS, **values)
    if upheld:
        _grant(session, actor, review, appeal, version)
        announce(session, review, version)
        if appeal.disputed is not Disputed.REFUSAL:
            tell_users(session, review)
    record(session, actor, "decide_appeal", review, upheld=upheld, reason=reason)
    tell(session, review, News.APPEAL_DECIDED, name=version.name)
    return appeal


def _decision(
    review: Certification, disputed: Disputed
) -> tuple[datetime | None, uuid.UUID | None, uuid.UUID | None]:
    if disputed is Disputed.REFUSAL:
        return review.decided_at, review.decided_by_id, None
    if disputed is Disputed.SUSPENSION:
        return review.suspended_at, review.suspended_by_id, None
    return (
        review.revoked_at,
        review.revocation_proposed_by_id,
        review.revocation_confirmed_by_id,
    )


def _open_appeal(session: Session, review: Certification) -> Appeal:
    appeal = queries.find_open_appeal(session, review.id)
    if appeal is None:
        raise NotFound
    return appeal


def _grant(
    session: Session,
    actor: Actor,
    review: Certification,
    appeal: Appeal,
    version: OfferingVersion,
) -> None:
    if (
        _DISPUTED.get(review.state) is not appeal.disputed
        or _decision(review, appeal.disputed)[0] != appeal.disputed_at
    ):
        return  # mended meanwhile, or decided anew: the appeal keeps its outcome, nothing is left to do
    if appeal.disputed is Disputed.SUSPENSION:
        bring_back(review)
        bring_back_derived(session, actor, review, appeal.decision_reason)
        return
    if queries.has_other_standing(session, review):
        sentence = (
            "同じ版の新しい審査か認証書があるので、元には戻せません。そちらで決定してください。"
        )
        raise GuardFailed([("main", sentence)])
    if appeal.disputed is Disputed.REVOCATION:
        revoked_at = review.revoked_at
        reinstate(review)
        reinstate_derived(session, actor, review, revoked_at, appeal.decision_reason)
        return
    _reopen(session, actor, review, version)


def _reopen(
    session: Session, actor: Actor, review: Certification, version: OfferingVersion
) -> None:
    """Begin the refused review again; what the vendor may mend first is submitted anew."""
    if version.state is OfferState.WITHDRAWN:
        raise GuardFailed(
            [("main", "事業者がこのサービスの版を取り下げたので、審査を再開できません。")]
        )
    review.apply(
        ReviewAction.REOPEN,
        decided_by_id=None,
        decided_at=None,
        decision_reason="",
        appeal_until=None,
    )
    drop_opinions(session, actor, review)
    if version.state is not OfferState.RETURNED:
        review.apply(ReviewAction.ANSWER_INFO)
