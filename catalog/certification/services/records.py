"""What every act on a certification needs: the locked row, its trail, and unchanged content."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import queries
from catalog.certification.assessment import Assessment, tally
from catalog.certification.models import REVIEW_MACHINE, Certification, ReviewState
from catalog.certification.queries import proceedings as around
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.offerings.services import approve_version, return_version
from catalog.specifications.models import SpecificationState
from core import audit
from core.clock import day_in_japan
from core.db import now
from core.errors import Forbidden, GuardFailed, Invalid, NotFound, WrongState
from core.japanese import fiscal_year

_UNAPPROVED = (OfferState.SUBMITTED, OfferState.IN_REVIEW)


def lock(session: Session, certification: Certification) -> Certification:
    """Return the row as it is now, locked until the commit; raises NotFound when it is gone."""
    locked = queries.lock_certification(session, certification.id)
    if locked is None:
        raise NotFound
    return locked


def record(
    session: Session, actor: audit.Acting, action: str, certification: Certification, **detail: Any
) -> None:
    """Write an act on a certification to the trail of the vendor."""
    audit.record(
        session,
        actor,
        f"certification.{action}",
        Certification.__name__,
        certification.id,
        owner_id=certification.owner_id,
        **detail,
    )


def check_state(certification: Certification, *states: ReviewState) -> None:
    """Raise WrongState unless the review is in one of these states."""
    state = certification.state
    if state not in states:
        raise WrongState(REVIEW_MACHINE.wrong_state_sentence(state), state=state.value)


def check_reason(reason: str, field: str = "reason") -> None:
    """Raise Invalid without a reason."""
    if not reason.strip():
        raise Invalid({field: "理由を入力してください。"})


def check_unchanged(certification: Certification, assessment: Assessment) -> None:
    """Raise GuardFailed when the content is no longer the one that was submitted for review."""
    if assessment.content_sha256 != certification.evaluated_sha256:
        sentence = (
            "提出された内容と今の内容が違うので、この操作はできません。"
            "事業者に追加の説明を依頼して、提出し直してもらってください。"
        )
        raise GuardFailed([("main", sentence)])


def find_involved(session: Session, review: Certification) -> set[UUID | None]:
    """Return who ever submitted it and who is or was a reviewer of it: with a conflict or without."""
    involved = around.list_involved_ids(session, review.id)
    return {review.submitted_by_id, *review.assigned_ids} | involved


def check_apart(session: Session, actor: Actor, review: Certification) -> None:
    """Raise Forbidden for who submitted or reviewed, or whose decision an appeal has overturned."""
    overturned = {each.first_decider_id for each in around.list_upheld(session, review)}
    if actor.person_id in find_involved(session, review) | overturned:
        sentence = "この審査を担当した方は決定できません。ほかの主任審査員に頼んでください。"
        raise Forbidden(sentence)


def check_offering(review: Certification) -> None:
    """Raise GuardFailed when the vendor has withdrawn the version under review."""
    if review.offering_version.state is OfferState.WITHDRAWN:
        raise GuardFailed([("main", "事業者がこのサービスの版を取り下げたので、決定できません。")])


def check_specification(review: Certification, today: date) -> None:
    """Raise GuardFailed for a text that is not public yet, or retired."""
    version = review.specification_version
    begins = version.published_on
    if not version.is_published or (begins is not None and begins > today):
        sentence = "まだ公表されていない標準仕様書に対しては認証できません。公表を待ってください。"
        raise GuardFailed([("main", sentence)])
    if version.state is SpecificationState.RETIRED:
        sentence = "廃止された標準仕様書に対しては認証できません。適用中の版で審査してください。"
        raise GuardFailed([("main", sentence)])


def check_findings(session: Session, review: Certification) -> None:
    """Raise GuardFailed while a finding is neither accepted nor withdrawn."""
    left = around.count_unsettled(session, review.id)
    if left:
        sentence = f"解決していない指摘が{left}件あります。解決か取下げをしてから認証してください。"
        raise GuardFailed([("main", sentence)])


def certificate_number(review: Certification, moment: datetime) -> str:
    """Give a certificate its number: the fiscal year and part of its id."""
    return f"NC-{fiscal_year(day_in_japan(moment))}-{review.id.hex[:8].upper()}"


def results_of(
    session: Session, actor: Actor, review: Certification, assessment: Assessment
) -> dict[str, Any]:
    """Give what a decision keeps for ever: the numbers, and for whom its people reviewed and decided."""
    people = (*review.assigned_ids, actor.person_id)
    agencies = queries.list_agencies(session, people, now(session))
    return {**tally(assessment), "agencies": agencies}


def close_offering(
    session: Session, actor: Actor, review: Certification, version: OfferingVersion
) -> None:
    """Approve or return the version under review; one published as claimed stays published."""
    if version.state not in _UNAPPROVED:
        return
    if review.state is ReviewState.REFUSED:
        return_version(session, actor, version, reason=review.decision_reason)
    else:
        approve_version(session, actor, version)


def drop_opinions(session: Session, actor: Actor, review: Certification) -> None:
    """Take back opinions on older content; the trail keeps them."""
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
