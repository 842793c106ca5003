"""Surveillance: is a changed version of an offering still covered by the certificate of the old one?"""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.services import require_recent_sign_in
from catalog.certification import queries
from catalog.certification.assessment import Assessment, assess
from catalog.certification.models import Certification, Opinion, ReviewAction, ReviewState
from catalog.certification.queries import proceedings as around
from catalog.certification.services.conditions import lapse_of
from catalog.certification.services.expiry import announce, announce_end
from catalog.certification.services.measures import has_open_conditions
from catalog.certification.services.records import (
    certificate_number,
    check_apart,
    check_findings,
    check_offering,
    check_reason,
    check_specification,
    check_state,
    check_unchanged,
    close_offering,
    lock,
    record,
    results_of,
)
from catalog.certification.services.telling import News, Task, tell, tell_reviewers
from catalog.conformance import Verdict
from catalog.offerings.models import OfferState
from catalog.terms import CertificationState
from core.audit import SYSTEM
from core.clock import day_in_japan
from core.config import Settings
from core.db import now
from core.errors import GuardFailed

OFFERING_PUBLISHED = "offering.published"
_COUNTS = {CertificationState.CERTIFIED, CertificationState.CONDITIONAL}


def cover(
    session: Session,
    actor: Actor,
    settings: Settings,
    certification: Certification,
    *,
    reason: str,
    version: int,
) -> Certification:
    """Say, as a lead and for a reason, that the changed version is covered by the certificate of the old one.

    It is certified to the same day and under the same open conditions. Needs a recent sign-in and
    one reviewer's opinion, none against. Raises GuardFailed without a certificate in force, with
    open findings, against a retired text, or when the answers ask for more than it grants.
    """
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_DECIDE, review)
    require_recent_sign_in(session, settings, actor)
    check_apart(session, actor, review)
    check_state(review, ReviewState.UNDER_REVIEW, ReviewState.RECOMMENDED)
    check_reason(reason)
    check_offering(review)
    check_specification(review, day_in_japan(now(session)))
    _check_opinions(session, review)
    check_findings(session, review)
    base = _lock_base(session, review)
    assessment = assess(session, review)
    check_unchanged(review, assessment)
    _check_reach(base, assessment)
    covered = review.offering_version
    is_open = has_open_conditions(base)
    moment = now(session)
    review.apply(
        ReviewAction.COVER_CONDITIONALLY if is_open else ReviewAction.COVER,
        version,
        based_on_id=base.id,
        number=certificate_number(review, moment),
        decided_by_id=actor.person_id,
        decided_at=moment,
        decision_reason=reason,
        conditions=base.conditions,
        lapses_at=lapse_of(base.conditions),
        results=results_of(session, actor, review, assessment),
        valid_from=moment,
        valid_until=base.valid_until,
    )
    close_offering(session, actor, review, covered)
    announce(session, review, covered)
    announce_end(session, review)
    record(session, actor, "cover", review, reason=reason, based_on=base.number)
    tell(session, review, News.COVERED, name=covered.name)
    tell_reviewers(session, review, Task.READ_DECISION)
    return review


def _check_opinions(session: Session, review: Certification) -> None:
    opinions = queries.list_recommendations(session, review.id)
    if not opinions:
        raise GuardFailed([("main", "審査員の意見が一つ提出されるまで、確認できません。")])
    if any(each.opinion is Opinion.REFUSE for each in opinions):
        sentence = "「認証しない」という審査員の意見があります。通常の審査で決定してください。"
        raise GuardFailed([("main", sentence)])


def _lock_base(session: Session, review: Certification) -> Certification:
    """Return the older version's certificate, in force and kept so until the commit."""
    found = around.find_base(session, review)
    base = queries.lock_certification(session, found.id) if found else None
    if base is None or base.public_state(now(session)) not in _COUNTS:
        sentence = "前の版に有効な認証書がないので、通常の審査で決定してください。"
        raise GuardFailed([("main", sentence)])
    lapses_at = lapse_of(base.conditions)
    if lapses_at is not None and lapses_at <= now(session):
        sentence = "前の認証に、期限を過ぎた条件があります。先にその報告を確認してください。"
        raise GuardFailed([("main", sentence)])
    return base


def _check_reach(base: Certification, assessment: Assessment) -> None:
    rolled = assessment.roll_up
    known = {each["requirement_id"] for each in base.conditions if not each.get("fulfilled_on")}
    beyond = [
        issue
        for issue in (*rolled.blocking, *rolled.conditions)
        if issue.requirement.id not in known
    ]
    if rolled.verdict is Verdict.NOT_CERTIFIABLE or beyond:
        named = [*rolled.blocking, *beyond]
        ids = "、".join(dict.fromkeys(issue.requirement.id for issue in named))
        sentence = f"前の認証にない問題があります（{ids}）。通常の審査で決定してください。"
        raise GuardFailed([("main", sentence)])


def supersede_outdone(session: Session, review: Certification) -> None:
    """End the certificates of older versions once a newer version is both certified and public."""
    version = review.offering_version
    if version.state is not OfferState.PUBLISHED or review.state not in around.IN_FORCE:
        return
    for old in around.list_outdone(session, review):
        covered = old.offering_version
        old.apply(ReviewAction.SUPERSEDE)
        announce(session, old, covered)
        record(session, SYSTEM, "supersede", old, by=review.number)


def on_published(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `offering.published`: the new version's certificate takes the place of older ones."""
    version_id = uuid.UUID(payload["offering_version_id"])
    found = queries.current_certifications(session, [version_id]).get(version_id)
    if found is not None:
        review = queries.lock_certification(session, found.id)
        if review is not None:
            supersede_outdone(session, review)


HANDLERS = {OFFERING_PUBLISHED: on_published}
