"""What the vendor is told of a review, by the outbox."""

from datetime import date

from sqlmodel import Session

from accounts.notices import tell_organisation
from catalog.certification.models import Certification
from core.state_machine import LabelledCode


class News(LabelledCode):
    """What a vendor is told."""

    FINDING = "finding", "審査員から指摘があります"
    INFO_REQUESTED = "info_requested", "審査員が追加の説明を求めています"
    DECIDED = "decided", "認証について決定がありました"
    SUSPENDED = "suspended", "認証の効力が止められました"
    RESUMED = "resumed", "認証の効力停止が解かれました"
    REVOKED = "revoked", "認証が取り消されました"
    APPEAL_DECIDED = "appeal_decided", "不服申立てについて決定がありました"
    CONDITION_JUDGED = "condition_judged", "条件の報告について確認がありました"
    CONDITION_DUE = "condition_due", "条件の期限が過ぎました"
    COVERED = "covered", "変更後の版が前の認証の範囲内と確認されました"
    EXPIRED = "expired", "認証の有効期限が過ぎました"


def tell(
    session: Session, review: Certification, news: News, *, name: str, due_on: date | None = None
) -> None:
    """Send a message to the vendor of a review; `name` is the offering's."""
    tell_organisation(
        session,
        review.owner_id,
        f"certification.{news.value}",
        f"{news.label}：{name}",
        f"/reviews/{review.id}",
        due_on=due_on,
    )
