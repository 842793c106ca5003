"""Take back a request, or give up the project that has none open."""

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core.db import now
from core.errors import Forbidden, GuardFailed, NotFound
from procurement.contracts import queries
from procurement.contracts.models import RequestAction, UsageContractRequest
from procurement.contracts.services.frame import record
from procurement.projects import queries as project_queries
from procurement.projects import services as project_services
from procurement.projects.models import Project
from procurement.quoting.services import announce_outcomes


def withdraw_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, reason: str
) -> UsageContractRequest:
    """Take a request back before the addressee has answered, with the reason.

    Once it is sent this takes an approver who neither wrote nor submitted it.
    """
    actor = require(session, actor, Permission.REQUEST_WITHDRAW, request)
    if request.is_sent and actor.person_id in {request.submitted_by_id, request.last_editor_id}:
        raise Forbidden(
            "依頼書を作った人と提出した人は、送信したあとは取り下げられません。"
            "別の決裁者に頼んでください。"
        )
    request.apply(
        RequestAction.WITHDRAW,
        version,
        withdrawn_by_id=actor.person_id,
        withdrawn_at=now(session),
        withdrawal_reason=reason,
    )
    record(session, actor, request, "request.withdraw", reason=reason)
    return request


def cancel_project(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Project:
    """Give a project up, unless a request of it is still open."""
    locked = project_queries.get_project(session, project.id, for_update=True)
    if locked is None:
        raise NotFound
    require(session, actor, Permission.PROJECT_EDIT, locked)
    if queries.find_live_request(session, locked.id) is not None:
        sentence = "利用契約の依頼が残っています。先に依頼を取り下げてください。送信したあとは、決裁者が取り下げます。"
        raise GuardFailed([("main", sentence)])
    project_services.cancel_project(session, actor, locked, version=version, reason=reason)
    announce_outcomes(session, locked, None)
    return locked


def find_none_suitable(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Project:
    """End a project because nothing suits, and tell whoever quoted that no quote was chosen."""
    project_services.find_none_suitable(session, actor, project, version=version, reason=reason)
    announce_outcomes(session, project, None)
    return project
