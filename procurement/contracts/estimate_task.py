"""The row of the estimated price in the task list: how far it is, and a link for who may open it."""

from flask import url_for
from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, can
from procurement.contracts.tasks import Task
from procurement.estimates import queries, services
from procurement.estimates.models import EstimatedPrice
from procurement.projects.models import Project

_P = Permission
_LABEL = "予定価格を定める"
_SECRET = "見られる人だけが開けます"  # noqa: S105 - a sentence


def estimate_task(session: Session, project: Project, actor: Actor) -> Task:
    """Return the row for this reader; it never tells the price."""
    estimate = queries.get_estimate(session, project.id)
    is_open = services.can_prepare(session, project)
    if estimate is None:
        return _of_none(project, actor, is_open=is_open)
    reads = can(actor, _P.ESTIMATED_PRICE_READ, estimate)
    href = url_for("projects.show_estimate", project_id=project.id) if reads else ""
    if _is_orphan(session, estimate, actor):
        hint = "見られる人が団体に残っていません。引き継いでください"
        return Task(
            _LABEL, "fix", hint, url_for("projects.hand_over_estimate", project_id=project.id)
        )
    if estimate.is_fixed:
        return Task(_LABEL, "done", _SECRET, href)
    if is_open:
        return Task(_LABEL, "in_progress", f"確定していません。{_SECRET}", href)
    return Task(_LABEL, "locked", "確定しないで進みました", href)


def _of_none(project: Project, actor: Actor, *, is_open: bool) -> Task:
    if not is_open:
        return Task(_LABEL, "locked", "定めないで進みました", "", "定めていません")
    may = can(actor, _P.ESTIMATED_PRICE_OPEN, project)
    href = url_for("projects.open_estimate", project_id=project.id) if may else ""
    hint = "団体の規則で求められるときに、見られる人を決めてから定めます"
    return Task(_LABEL, "not_started", hint, href, "該当するときだけ")


def _is_orphan(session: Session, estimate: EstimatedPrice, actor: Actor) -> bool:
    """Tell whether this approver has to name a reader, for all named people have left."""
    may = can(actor, _P.ESTIMATED_PRICE_HAND_OVER, estimate)
    return may and not queries.list_live_readers(session, estimate)
