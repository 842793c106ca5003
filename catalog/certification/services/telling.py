"""What the vendor, the reviewers and the leads are told of a review, by the outbox.

No word of an opinion, a finding or a reason travels: the page shows each reader what they may see.
"""

import uuid
from collections.abc import Collection
from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Role
from accounts.notices import tell_organisation, tell_people
from accounts.queries import list_members, list_people_with_role, list_recused
from catalog.certification.models import Certification
from catalog.offerings.models import OfferingVersion
from core import outbox
from core.state_machine import LabelledCode

CERTIFICATE_CHANGED = "certification.changed"


class News(LabelledCode):
    """What a vendor is told."""

    FINDING = "finding", "審査員から指摘があります"
    INFO_REQUESTED = "info_requested", "審査員が追加の説明を求めています"
    INFO_NEAR = "info_near", "追加の説明の期限が近づいています"
    INFO_DUE = "info_due", "追加の説明の期限が過ぎました"
    CLAIM_APPROVED = "claim_approved", "認証の決定を待たずに、申告のみとして公開できます"
    DECIDED = "decided", "認証について決定がありました"
    SUSPENDED = "suspended", "認証の効力が止められました"
    RESUMED = "resumed", "認証の効力停止が解かれました"
    REVOKED = "revoked", "認証が取り消されました"
    APPEAL_DECIDED = "appeal_decided", "不服申立てについて決定がありました"
    CONDITION_JUDGED = "condition_judged", "条件の報告について確認がありました"
    CONDITION_NEAR = "condition_near", "条件の期限が近づいています"
    CONDITION_DUE = "condition_due", "条件の期限が過ぎました"
    COVERED = "covered", "変更後の版が前の認証の範囲内と確認されました"
    EXPIRED = "expired", "認証の有効期限が過ぎました"


class Task(LabelledCode):
    """What reviewers and leads are told that they may have to do."""

    ASSIGN = "assign", "審査の申請がありました。担当する審査員を決めてください"
    REPLACE = "replace", "審査員が担当から外れました。代わりの審査員を決めてください"
    DECLARE = "declare", "審査の担当になりました。はじめに利害関係の有無を申告してください"
    READ_ANSWER = "read_answer", "追加の説明が届きました"
    INFO_DUE = "info_due", "追加の説明が期限までに届いていません。取扱いを決めてください"
    READ_REPLY = "read_reply", "指摘への回答が届きました"
    DECIDE = "decide", "2人の審査員の意見がそろいました。決定してください"
    READ_DECISION = "read_decision", "担当した審査について決定がありました"
    CONFIRM_REVOCATION = "confirm_revocation", "認証の取消しが提案されました。確認してください"
    DECIDE_APPEAL = "decide_appeal", "不服申立てがありました。決定してください"
    JUDGE_REPORT = "judge_report", "条件を満たした報告が届きました。確かめてください"
    CONDITION_DUE = "condition_due", "認証の条件の期限が過ぎました。取扱いを決めてください"


def tell(
    session: Session, review: Certification, news: News, *, name: str, due_on: date | None = None
) -> None:
    """Send a message to the vendor of a review; `name` is the offering's."""
    tell_organisation(
        session,
        review.owner_id,
        f"certification.{news.value}",
        f"{news.label}：{name}",
        _page(review),
        due_on=due_on,
    )


def tell_users(session: Session, review: Certification) -> None:
    """Send a message, with which those who use the service learn what its certificate is worth now."""
    outbox.publish(session, CERTIFICATE_CHANGED, {"certification_id": review.id})


def tell_reviewers(
    session: Session,
    review: Certification,
    task: Task,
    *,
    only: Collection[uuid.UUID] | None = None,
) -> None:
    """Send a letter to the reviewers of a review, or to some of them."""
    people = review.assigned_ids if only is None else review.assigned_ids & set(only)
    _send(session, review, task, people, Role.REVIEWER)


def tell_leads(
    session: Session,
    review: Certification,
    task: Task,
    *,
    actor: Actor | None = None,
    apart: Collection[uuid.UUID | None] = (),
    only: Collection[uuid.UUID] | None = None,
) -> None:
    """Send a letter to the leads who may act: not the vendor's people, not `actor`, not `apart`.

    Nor who keeps out of the offering for a conflict of interests. `only` limits them further.
    """
    members = {each.person_id for each in list_members(session, review.owner_id)}
    version = session.get_one(OfferingVersion, review.offering_version_id)
    recused = list_recused(session, version.offering_id)
    excluded = {*members, *recused, *apart, actor.person_id if actor else None}
    leads = {each.id for each in list_people_with_role(session, Role.LEAD_REVIEWER)} - excluded
    people = leads if only is None else leads & set(only)
    _send(session, review, task, people, Role.LEAD_REVIEWER)


def _send(
    session: Session,
    review: Certification,
    task: Task,
    people: Collection[uuid.UUID],
    role: Role,
) -> None:
    kind = f"certification.task.{task.value}"
    version = session.get_one(OfferingVersion, review.offering_version_id)
    title = f"{task.label}：{version.name}"
    tell_people(session, people, [role], kind=kind, title=title, path=_page(review))


def _page(review: Certification) -> str:
    return f"/reviews/{review.id}"
