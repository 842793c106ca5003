"""Go to the next candidate after the chosen vendor did not take the request."""

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core.errors import GuardFailed, NotFound
from procurement.contracts import queries
from procurement.projects import queries as project_queries
from procurement.projects.models import Project, ProjectAction
from procurement.projects.services.cases import record
from procurement.selection.models import PriceSource
from procurement.selection.queries import latest_selection


def reselect_candidate(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Project:
    """Open the choice again, with the reason, when no request of the project is open any more.

    Evidence, exclusions and the earlier choice stay as they are; the next choice needs its own
    decision. Raises GuardFailed while a request is open, and before any was made.
    """
    locked = project_queries.get_project(session, project.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.PROJECT_EDIT, locked)
    locked.expect(ProjectAction.RESELECT)
    selection = latest_selection(session, locked.id)
    latest = queries.latest_request(session, locked.id)
    if selection is None or latest is None or latest.selection_id != selection.id:
        sentence = "この選定では、まだ依頼していません。選び直せるのは、依頼のあとです。"
        raise GuardFailed([("main", sentence)])
    if queries.find_live_request(session, locked.id) is not None:
        sentence = (
            "利用契約の依頼が残っています。選び直せるのは、事業者が辞退したか、"
            "回答の期限が過ぎたか、依頼を取り下げたあとです。"
        )
        raise GuardFailed([("main", sentence)])
    quoted = selection.price_source is PriceSource.QUOTE
    action = ProjectAction.RESELECT_AMONG_QUOTES if quoted else ProjectAction.RESELECT
    locked.apply(action, version, last_editor_id=actor.person_id)
    record(session, actor, locked, "project.reselect", reason=reason, ended_as=latest.state.value)
    return locked
