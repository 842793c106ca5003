"""Page: what the body asks of a service, until the search is locked."""

import uuid

from flask import url_for
from flask.typing import ResponseReturnValue

from accounts.auth import access, actor
from accounts.permissions import Permission
from core import web
from core.forms import Form
from procurement.projects import queries, services
from procurement.projects.models import TYPED_KINDS
from procurement.projects.schemas import ConditionsSchema
from procurement.projects.views.frame import (
    blueprint,
    explain_early,
    load_project,
    project_url,
    read_project,
)

_P = Permission


@blueprint.route("/projects/<uuid:project_id>/conditions", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def edit_conditions(project_id: uuid.UUID) -> ResponseReturnValue:
    """Say what a service has to meet, one condition a line."""
    project = read_project(project_id)
    heading = "条件は、今は変更できません"
    if early := explain_early(project, heading, ready=project.has_open_costs):
        return early
    session = web.read_session()
    initial = {**services.typed_conditions(session, project), "version": project.version}
    form = Form(ConditionsSchema(), web.posted_form(), initial)
    has_search = bool(project.search_query)
    done = web.complete(
        form,
        lambda writing, **typed: services.set_conditions(
            writing, actor(), load_project(writing, project_id), **typed
        ),
        notice=("条件を保存しました",),
        target=url_for("projects.search", project_id=project_id)
        if has_search
        else project_url(project),
    )
    return done or web.render_page(
        "projects/conditions.html",
        form.status,
        form=form,
        project=project,
        kinds=[(kind.value, kind.label) for kind in TYPED_KINDS],
        count=len(queries.list_conditions(session, project.id)),
    )
