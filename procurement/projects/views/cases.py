"""Pages: list of projects, new project, edit, the ends without a choice."""

import uuid
from functools import partial
from typing import Any

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import OrganisationKind
from accounts.permissions import Permission
from accounts.queries import get_organisation
from catalog.specifications import queries as specification_queries
from core import paging, web
from core.clock import day_in_japan
from core.db import now
from core.forms import Form
from core.japanese import fiscal_year, format_fiscal_year
from procurement.bodies.queries import limits_for
from procurement.bodies.rules import DECREE
from procurement.projects import queries, services
from procurement.projects.models import Project
from procurement.projects.schemas import ProjectBudgetSchema, ProjectEditSchema, ProjectSchema
from procurement.projects.views.cost_conditions import kept_for_project
from procurement.projects.views.frame import (
    blueprint,
    complete,
    explain_early,
    project_url,
    read_project,
)

_P = Permission
_YEARS_AHEAD = 6


@blueprint.get("/projects")
@access(_P.PROJECT_READ)
def index() -> ResponseReturnValue:
    """List the projects of the acting body; an auditor sees those of all bodies."""
    who = actor()
    owner_id = who.organisation_id if who.organisation_kind is OrganisationKind.BODY else None
    asked = (web.read_session(), owner_id)
    page = paging.fetch(queries.count_projects(*asked), partial(queries.list_projects, *asked))
    return web.render_page("projects/index.html", page=page, shows_body=owner_id is None)


@blueprint.route("/projects/new", methods=["GET", "POST"])
@access(_P.PROJECT_CREATE, write=_P.PROJECT_CREATE)
def create() -> ResponseReturnValue:
    """Open a project."""
    form = Form(ProjectSchema(), web.posted_form())

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        kept = kept_for_project(values["specification_version_id"])
        project = services.create_project(session, actor(), **values, cost_conditions=kept)
        return project_url(project), f"案件 {project.number} を始めました"

    return web.create_once(form, actor().person_id, act) or _render_form(form, None)


@blueprint.route("/projects/<uuid:project_id>/edit", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def edit(project_id: uuid.UUID) -> ResponseReturnValue:
    """Change need, term and budget."""
    project = read_project(project_id)
    heading = "必要と予算は、今は変更できません"
    if early := explain_early(project, heading, ready=project.is_editable):
        return early
    schema = ProjectEditSchema() if project.has_open_costs else ProjectBudgetSchema()
    form = Form(schema, web.posted_form(), project.model_dump())
    done = complete(form, project, services.edit_project, "必要と予算を保存しました")
    return done or _render_form(form, project)


def _render_form(form: Form, project: Project | None) -> ResponseReturnValue:
    session = web.read_session()
    body_id = project.owner_id if project else actor().organisation_id
    body = get_organisation(session, body_id) if body_id else None
    today = day_in_japan(now(session))
    first = fiscal_year(today)
    return web.render_page(
        "projects/edit.html",
        form.status,
        form=form,
        project=project,
        versions=specification_queries.list_versions(session),
        rules=limits_for(session, body, today) if body else DECREE,
        years=[(each, format_fiscal_year(each)) for each in range(first, first + _YEARS_AHEAD)],
    )
