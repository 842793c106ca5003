"""Page: propose a choice."""

import uuid
from dataclasses import replace

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from core import web
from core.clock import day_in_japan
from core.db import now
from core.forms import Form
from procurement.bodies.methods import Ground
from procurement.bodies.models import ContractCategory
from procurement.bodies.queries import ceiling_for
from procurement.projects.models import Project, ProjectAction, ProjectState
from procurement.projects.queries import conforming_offerings
from procurement.projects.views.candidates import candidate_rows
from procurement.projects.views.frame import (
    blueprint,
    complete,
    explain_early,
    read_latest_pack,
    read_project,
)
from procurement.quoting.queries import opened_quotes
from procurement.selection import queries, services
from procurement.selection.models import METHODS_OF_QUOTES, Selection, SelectionMethod
from procurement.selection.schemas import SelectionSchema

_P = Permission


@blueprint.route("/projects/<uuid:project_id>/selection", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def propose(project_id: uuid.UUID) -> ResponseReturnValue:
    """Propose one candidate with ground and reasons."""
    project = read_project(project_id)
    ready = project.can_apply(ProjectAction.PROPOSE)
    if early := explain_early(project, "選定の案は、今は作れません", ready=ready):
        return early
    quoted = project.state is ProjectState.QUOTES_OPENED
    initial = {"version": project.version, "category": [project.category]}
    initial["method"] = [] if quoted else [SelectionMethod.LIST_PRICE]
    initial["ground"] = [] if quoted else [Ground.SMALL_AMOUNT]
    form = Form(SelectionSchema(), web.posted_form(), initial)
    notice = "選定の案を決裁者に提出しました"
    done = complete(form, project, services.propose_selection, notice)
    if done is not None:
        return done
    return _render_proposal(project, form)


def _render_proposal(project: Project, form: Form) -> ResponseReturnValue:
    session = web.read_session()
    found = candidate_rows(project, read_latest_pack(project))
    rows = [row for row in found if not row["candidate"].is_excluded]
    candidates = [row["candidate"] for row in rows]
    today = day_in_japan(now(session))
    ceilings = [
        (category, ceiling_for(session, project.owner, category, today))
        for category in ContractCategory
    ]
    choices = services.assess_choices(session, project, candidates, project.category)
    return web.render_page(
        "selection/propose.html",
        form.status,
        form=form,
        project=project,
        rows=rows,
        quotes={each.listing_version_id: each for each in opened_quotes(session, project.id)},
        conforming=conforming_offerings(read_latest_pack(project)),
        methods=[(each.value, each.label) for each in METHODS_OF_QUOTES],
        grounds=Ground.choices(),
        ceilings=ceilings,
        prospects={
            key: [(category, replace(choice, ceiling=ceiling)) for category, ceiling in ceilings]
            for key, choice in choices.items()
        },
        explain=services.explain_small_amount,
        returned=_returned(session, project),
    )


def _returned(session: Session, project: Project) -> Selection | None:
    latest = queries.latest_selection(session, project.id)
    return latest if latest is not None and latest.is_approved is False else None
