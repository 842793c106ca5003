"""What every act on a usage-contract request shares: its time of answer and its trail."""

from typing import Any

from sqlmodel import Session

from core import audit
from core.db import now
from core.errors import GuardFailed
from core.japanese import format_datetime
from procurement.contracts.models import UsageContractRequest


def check_due(session: Session, request: UsageContractRequest) -> None:
    """Refuse an act on a request whose time of answer has passed; raises GuardFailed."""
    reasons = due_reasons(session, request)
    if reasons:
        raise GuardFailed(reasons)


def due_reasons(session: Session, request: UsageContractRequest) -> list[tuple[str, str]]:
    """Say that the time of answer has passed; empty before."""
    due = request.answer_due_at
    if due is not None and due > now(session):
        return []
    passed = f"（{format_datetime(due)}）" if due else ""
    return [("main", f"回答の期限{passed}を過ぎています。期限を決め直して、やり直してください。")]


def record(
    session: Session,
    actor: audit.Acting,
    request: UsageContractRequest,
    action: str,
    **detail: Any,
) -> None:
    """Write an act on a request to the trail of its body and its project."""
    audit.record(
        session,
        actor,
        action,
        "UsageContractRequest",
        request.id,
        owner_id=request.owner_id,
        case_id=request.project_id,
        **detail,
    )
