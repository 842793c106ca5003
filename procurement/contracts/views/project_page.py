"""Pages of a project that need its request: tasks, record of events, choosing anew, giving it up."""

import uuid
from typing import Any

from flask.typing import ResponseReturnValue

from accounts.auth import access, actor
from accounts.permissions import Permission
from accounts.queries import list_people
from catalog.condition_words import kept_words
from core import web
from core.forms import Form
from procurement.contracts import queries, services
from procurement.contracts.estimate_task import estimate_task
from procurement.contracts.next_act import find_next_act
from procurement.contracts.quote_task import quote_task
from procurement.contracts.tasks import describe_state, list_tasks
from procurement.projects import queries as project_queries
from procurement.projects.costs import conditions_of, term_of
from procurement.projects.history import describe_event
from procurement.projects.models import ProjectAction
from procurement.projects.schemas import EndSchema
from procurement.projects.services import evaluation_of
from procurement.projects.views.frame import (
    Ending,
    blueprint,
    complete,
    explain_early,
    read_project,
    show_ending,
)
from procurement.selection import queries as selection_queries

_P = Permission
_BEFORE_QUOTES = 5  # rows of the task list


@blueprint.get("/projects/<uuid:project_id>")
@access(_P.PROJECT_READ)
def show(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show a project as the list of its tasks."""
    project = read_project(project_id)
    session = web.read_session()
    packs = project_queries.list_packs(session, project.id)
    selection = selection_queries.latest_selection(session, project.id)
    request = latest = queries.latest_request(session, project.id)
    is_open = project.can_apply(ProjectAction.PROPOSE)
    if is_open or (request and selection and request.selection_id != selection.id):
        request = None  # that of an earlier choice says nothing of this one
    contract = queries.find_contract_of(session, request.id) if request else None
    tasks = list_tasks(
        project,
        packs,
        selection,
        request=request,
        contract=contract,
        conditions=len(project_queries.list_conditions(session, project.id)),
        evaluation=evaluation_of(session, packs[0].id) if packs else None,
        actor=actor(),
    )
    tasks[_BEFORE_QUOTES] = quote_task(session, project, tasks[_BEFORE_QUOTES])
    tasks.insert(_BEFORE_QUOTES, estimate_task(session, project, actor()))
    return web.render_page(
        "projects/show.html",
        project=project,
        term=term_of(project),
        cost_words=kept_words(conditions_of(project, project.owner)),
        tasks=tasks,
        state_sentence=describe_state(project, request),
        next_act=find_next_act(project, request, actor()),
        packs=packs,
        request_row=latest,
        contract=contract,
        can_end=project.can_apply(ProjectAction.FIND_NONE),
        can_cancel=project.can_apply(ProjectAction.CANCEL),
        can_reselect=project.can_apply(ProjectAction.RESELECT)
        and request is not None
        and request.state in queries.ENDED_STATES,
    )


@blueprint.get("/projects/<uuid:project_id>/history")
@access(_P.AUDIT_READ_CASE)
def history(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show everything that happened in the case, refused attempts too."""
    project = read_project(project_id, _P.AUDIT_READ_CASE)
    session = web.read_session()
    rows = project_queries.list_case_events(session, project.id)
    people_ids = {event.person_id for event, _ in rows if event.person_id}
    people = list_people(session, list(people_ids))
    events: list[dict[str, Any]] = [describe_event(*row, people) for row in rows]
    return web.render_page("projects/history.html", project=project, events=events)


@blueprint.route("/projects/<uuid:project_id>/cancel", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def cancel(project_id: uuid.UUID) -> ResponseReturnValue:
    """Give the project up, with a reason."""
    return show_ending(
        project_id,
        Ending(
            action=ProjectAction.CANCEL,
            act=services.cancel_project,
            notice="案件を中止しました",
            heading="この案件を中止しますか",
            check_label="中止すると案件を再開できないことを確認しました",
            button_label="案件を中止する",
        ),
    )


@blueprint.route("/projects/<uuid:project_id>/none-suitable", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def find_none(project_id: uuid.UUID) -> ResponseReturnValue:
    """End the project because nothing suits."""
    return show_ending(
        project_id,
        Ending(
            action=ProjectAction.FIND_NONE,
            act=services.find_none_suitable,
            notice="「適するサービスなし」として案件を終えました",
            heading="適するサービスがないとして案件を終えますか",
            check_label="候補を確かめ、適するサービスがないと判断しました",
            button_label="案件を終える",
        ),
    )


@blueprint.route("/projects/<uuid:project_id>/reselect", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def reselect(project_id: uuid.UUID) -> ResponseReturnValue:
    """Go to the next candidate after a request that came to nothing, with a reason."""
    project = read_project(project_id)
    ready = project.can_apply(ProjectAction.RESELECT)
    if early := explain_early(project, "この案件は、今は選び直せません", ready=ready):
        return early
    form = Form(EndSchema(), web.posted_form(), {"version": project.version})
    notice = "次の候補を選べるようにしました"
    done = complete(form, project, services.reselect_candidate, notice)
    return done or web.render_page(
        "projects/reselect.html",
        form.status,
        form=form,
        project=project,
        request_row=queries.latest_request(web.read_session(), project.id),
    )
