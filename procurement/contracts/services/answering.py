"""What becomes of a sent request: accepted, declined, or lapsed unanswered."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.db import now
from procurement.contracts import queries
from procurement.contracts.models import RequestAction, RequestState, UsageContractRequest
from procurement.contracts.services.frame import check_due, record
from vendors.models import Vendor
from vendors.queries.agreements import require_selling


def accept_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int
) -> UsageContractRequest:
    """Accept a request as its addressee, before the time of answer and while it may sell."""
    actor = require(session, actor, Permission.REQUEST_ANSWER, request)
    if request.can_apply(RequestAction.ACCEPT):
        check_due(session, request)
        require_selling(session, session.get_one(Vendor, request.seller_id))
    request.apply(
        RequestAction.ACCEPT, version, answered_by_id=actor.person_id, answered_at=now(session)
    )
    record(session, actor, request, "request.accept", sha256=request.sent_sha256)
    return request


def decline_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, reason: str
) -> UsageContractRequest:
    """Decline a request as its addressee, with the reason."""
    actor = require(session, actor, Permission.REQUEST_ANSWER, request)
    request.apply(
        RequestAction.DECLINE,
        version,
        answered_by_id=actor.person_id,
        answered_at=now(session),
        answer_reason=reason,
    )
    record(session, actor, request, "request.decline", reason=reason)
    return request


def lapse_request(session: Session, payload: Mapping[str, Any]) -> None:
    """Let an unanswered request lapse when its time of answer has come; an outbox handler."""
    request = queries.get_request(session, uuid.UUID(payload["request_id"]), for_update=True)
    if request is None or request.state is not RequestState.SENT:
        return
    if request.answer_due_at is None or request.answer_due_at > now(session):
        return
    request.apply(RequestAction.LAPSE)
    record(session, audit.SYSTEM, request, "request.lapse")
