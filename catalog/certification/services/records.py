"""What every act on a certification needs: the locked row, its trail, and unchanged content."""

from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import queries
from catalog.certification.assessment import Assessment
from catalog.certification.models import REVIEW_MACHINE, Certification, ReviewState
from core import audit
from core.errors import GuardFailed, Invalid, NotFound, WrongState


def lock(session: Session, certification: Certification) -> Certification:
    """Return the row as it is now, locked until the commit; raises NotFound when it is gone."""
    locked = queries.lock_certification(session, certification.id)
    if locked is None:
        raise NotFound
    return locked


def record(
    session: Session, actor: Actor, action: str, certification: Certification, **detail: Any
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
