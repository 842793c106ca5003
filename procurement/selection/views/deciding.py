"""Page: decide a proposed choice."""

import json
import uuid
from typing import Any

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import Person
from accounts.permissions import Permission, can
from accounts.queries import list_people
from core import web
from core.errors import NotFound
from core.forms import Form
from procurement.projects.models import EvidencePack, ProjectAction
from procurement.projects.schemas import Decision
from procurement.projects.views.candidates import candidate_rows
from procurement.projects.views.frame import (
    blueprint,
    explain_early,
    load_project,
    project_url,
    read_project,
)
from procurement.selection import queries, services
from procurement.selection.models import ExternalDecision, Selection
from procurement.selection.schemas import SelectionDecisionSchema

_P = Permission


@blueprint.route("/projects/<uuid:project_id>/decision", methods=["GET", "POST"])
@access(_P.PROJECT_READ, write=_P.PROJECT_DECIDE)
def decide(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show the proposed choice; an approver approves or returns it."""
    project = read_project(project_id)
    session = web.read_session()
    proposed = queries.latest_selection(session, project.id) is not None
    if early := explain_early(project, "決裁する選定の案は、まだありません", ready=proposed):
        return early
    form = Form(SelectionDecisionSchema(), web.posted_form(), {"version": project.version})
    if form.is_posted:
        decided = form.submit(lambda session, data: _decide(session, project_id, data))
        if decided is not None:
            words = "選定を決裁しました" if decided.is_approved else "選定の案を差し戻しました"
            web.leave_notice("done", words)
            return web.see_other(project_url(project))
    session = web.read_session()
    open_ = project.can_apply(ProjectAction.APPROVE)
    selection = queries.latest_selection(session, project.id)
    if selection is None:
        raise NotFound
    # A returned choice stays what it was, also after a new search was locked.
    rows = candidate_rows(project, session.get_one(EvidencePack, selection.pack_id))
    version_id = selection.listing_version_id
    chosen = next(row for row in rows if row["candidate"].listing_version_id == version_id)
    choice = services.assess_choice(session, project, chosen["candidate"], selection.category)
    external = None if open_ else queries.find_external_decision(session, selection.id)
    return web.render_page(
        "selection/decision.html",
        form.status,
        form=form,
        project=project,
        selection=selection,
        basis=json.loads(selection.cost_basis),
        reads_price=_reads_price(session, selection),
        chosen=chosen,
        choice=choice,
        sole=services.needs_acknowledgement(session, choice, selection.method, selection.ground),
        rows=rows,
        people=_people(session, selection, external),
        external=external,
        decisions=Decision.choices(),
        open=open_,
    )


def _reads_price(session: Session, selection: Selection) -> bool:
    """Tell whether whoever looks may read the price: that of a quote keeps the rule of the quotes."""
    round_ = queries.find_quoted_rounds(session, selection.project_id).get(selection.id)
    return round_ is None or can(actor(), _P.QUOTE_ROUND_READ_OPENED, round_)


def _people(
    session: Session, selection: Selection, external: ExternalDecision | None
) -> dict[uuid.UUID, Person]:
    acted = [selection.proposed_by_id, selection.last_editor_id]
    return list_people(session, acted + ([external.recorded_by_id] if external else []))


def _decide(session: Session, project_id: uuid.UUID, data: dict[str, Any]) -> Selection:
    project = load_project(session, project_id)
    version = data["version"]
    if data["decision"] is Decision.RETURN:
        return services.return_selection(
            session, actor(), project, version=version, reason=data["reason"]
        )
    return services.approve_selection(
        session,
        actor(),
        project,
        version=version,
        change_note=data["change_note"],
        sole_acknowledgement=data["sole_acknowledgement"],
    )
