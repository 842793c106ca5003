"""What keeps a version from approval, and the publication of the dispositions."""

import uuid
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from catalog.specifications.consultation import queries
from catalog.specifications.consultation.models import Consultation
from catalog.specifications.consultation.services.records import (
    lock,
    person,
    record,
    require_unpublished,
)
from catalog.specifications.models import SpecificationState, SpecificationVersion
from core.clock import end_of_day
from core.db import now
from core.errors import GuardFailed
from core.japanese import format_date

DISPOSITIONS_PUBLISHED = "consultation.dispositions_published"
CONSULTATION_WITHDRAWN = "consultation.withdrawn"


def publish_dispositions(
    session: Session, actor: Actor, consultation_id: uuid.UUID, *, version: int
) -> Consultation:
    """Show all comments with their dispositions to everyone, and tell those who commented."""
    consultation = lock(session, consultation_id)
    subject = consultation.specification_version
    require(session, actor, Permission.SPECIFICATION_PUBLISH, subject)
    require_unpublished(session, consultation)
    reasons = missing_for_approval(session, subject)
    if reasons:
        raise GuardFailed(reasons)
    _publish(session, actor, consultation, version)
    return consultation


def missing_for_approval(session: Session, subject: SpecificationVersion) -> list[tuple[str, str]]:
    """List everything in its consultation that keeps a version from being approved."""
    if subject.state is not SpecificationState.CONSULTATION:
        return []
    consultation, waiting = queries.find_waiting(session, subject.id)
    if consultation is None:
        return []
    found = []
    if now(session) < end_of_day(consultation.closes_on):
        last = format_date(consultation.closes_on)
        found.append(("main", f"意見の募集中です。{last}の締切りを過ぎてから進めてください。"))
    for each in waiting:
        sentence = f"意見{each.number}（{each.organisation_name}、{each.subject}）が未処理です。"
        found.append((f"comment-{each.number}", sentence))
    return found


def waiting_for_approval(session: Session, subject: SpecificationVersion) -> dict[str, Any]:
    """Return the consultation on a version and its comments without a disposition, for a page."""
    if subject.state is not SpecificationState.CONSULTATION:
        return {"consultation": None, "undisposed": []}
    consultation, waiting = queries.find_waiting(session, subject.id)
    return {"consultation": consultation, "undisposed": waiting}


def settle_approval(session: Session, actor: Actor, subject: SpecificationVersion) -> None:
    """Publish the dispositions with the approval of their version, unless they are out already."""
    consultation = queries.find_consultation(session, subject.id)
    if consultation is not None and consultation.dispositions_published_at is None:
        _publish(session, actor, consultation, consultation.version)


def tell_of_withdrawal(session: Session, subject: SpecificationVersion) -> None:
    """Tell those who commented on a draft that it is withdrawn; their own page says why."""
    consultation = queries.find_consultation(session, subject.id)
    if consultation is None:
        return
    title = f"意見募集を取りやめました：{subject.specification.name} {subject.title}の案が取り下げられました"
    for each in queries.list_commenters(session, consultation.id):
        tell_organisation(session, each, CONSULTATION_WITHDRAWN, title, "/consultations/ours")


def _publish(session: Session, actor: Actor, consultation: Consultation, version: int) -> None:
    consultation.revise(
        version,
        dispositions_published_at=now(session),
        dispositions_published_by_id=person(actor),
    )
    commenters = queries.list_commenters(session, consultation.id)
    record(session, actor, "publish_dispositions", consultation, organisations=len(commenters))
    subject = consultation.specification_version
    specification = subject.specification
    for each in commenters:
        tell_organisation(
            session,
            each,
            DISPOSITIONS_PUBLISHED,
            f"意見募集の結果を公表しました：{specification.name} {subject.title}",
            f"/specifications/{specification.code}/{subject.label}/consultation",
        )
