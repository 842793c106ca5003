"""Pages: a decision on paper (庁外決裁) of a proposed choice, its paper and its scan."""

import uuid
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session
from werkzeug.datastructures import FileStorage

from accounts.auth import access, actor, settings
from accounts.permissions import Permission, require
from catalog.offerings.evidence_check import MEDIA_TYPES, Evidence, EvidenceRefused, check_evidence
from catalog.offerings.queries import load_listing_versions
from catalog.terms import EvidenceKind
from core import web
from core.documents import attachment
from core.errors import NotFound
from core.fields import FormSchema
from core.forms import Form
from core.storage import get_store, read_parts
from procurement.projects import queries as project_queries
from procurement.projects.models import Project, ProjectAction
from procurement.projects.views.frame import (
    blueprint,
    explain_early,
    load_project,
    project_url,
    read_project,
)
from procurement.selection import queries, services
from procurement.selection.models import Selection
from procurement.selection.schemas import ExternalDecisionSchema

_P = Permission
_EARLY = "庁外決裁は、今は記録できません"
_KINDS = (EvidenceKind.PDF, EvidenceKind.PNG)


@blueprint.route("/projects/<uuid:project_id>/external-decision", methods=["GET", "POST"])
@access(_P.DECISION_RECORD_EXTERNAL, write=_P.DECISION_RECORD_EXTERNAL)
@web.accepts_files
def record_external(project_id: uuid.UUID) -> ResponseReturnValue:
    """Offer the paper to be decided on outside, and record what was decided on it."""
    project = read_project(project_id)
    if early := explain_early(project, _EARLY, ready=project.can_apply(ProjectAction.APPROVE)):
        return early
    form = Form(ExternalDecisionSchema(), web.posted_form(), {"version": project.version})
    if form.is_posted and form.validate() and _record(form, project):
        web.leave_notice("done", "庁外決裁を記録しました")
        return web.see_other(project_url(project))
    return _render(project, form)


def _render(project: Project, form: Form) -> ResponseReturnValue:
    session = web.read_session()
    selection = queries.latest_selection(session, project.id)
    if selection is None:
        raise NotFound
    candidates = project_queries.list_candidates(session, selection.pack_id)
    version_id = selection.listing_version_id
    chosen = next(each for each in candidates if each.listing_version_id == version_id)
    choice = services.assess_choice(session, project, chosen, selection.category)
    paper = services.find_proposal_paper(session, selection)
    kept = [paper.id] if paper else []
    return web.render_page(
        "selection/external.html",
        form.status,
        form=form,
        project=project,
        selection=selection,
        service=load_listing_versions(session, [version_id])[version_id].offering_version.name,
        paper=paper,
        files=project_queries.list_paper_files(session, kept, with_content=False),
        choice=choice,
        sole=services.needs_acknowledgement(session, choice, selection.method, selection.ground),
        is_preparer=actor().person_id in {selection.proposed_by_id, selection.last_editor_id},
    )


def _record(form: Form, project: Project) -> bool:
    """Check and keep the scan outside of any transaction, then record the decision that names it."""
    try:
        found = _check_scan(request.files.get("file"))
    except EvidenceRefused as error:
        form.refuse(error)
        return False
    require(web.read_session(), actor(), _P.DECISION_RECORD_EXTERNAL, project)
    get_store(settings()).keep(found.sha256, request.files["file"].stream)
    scan = services.Scan(found.sha256, found.name, found.size)

    def act(session: Session, data: dict[str, Any]) -> Selection:
        loaded = load_project(session, project.id)
        return services.record_external_decision(session, actor(), loaded, scan=scan, **data)

    return form.submit(act) is not None


def _check_scan(sent: FileStorage | None) -> Evidence:
    if sent is None or not sent.filename:
        raise EvidenceRefused("決裁した書類の写し（PDFかPNG）を選択してください。")
    found = check_evidence(sent.stream, sent.filename)
    if found.kind not in _KINDS:
        raise EvidenceRefused("決裁した書類の写しは、PDFかPNGのファイルを選択してください。")
    return found


@blueprint.post("/projects/<uuid:project_id>/external-decision/paper")
@access(_P.DECISION_RECORD_EXTERNAL, write=_P.DECISION_RECORD_EXTERNAL)
def print_proposal(project_id: uuid.UUID) -> ResponseReturnValue:
    """Keep the paper that the body decides on outside, and lead to its files."""
    project = read_project(project_id)
    if early := explain_early(project, _EARLY, ready=project.can_apply(ProjectAction.APPROVE)):
        return early
    form = Form(FormSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session: services.print_proposal(
            session, actor(), load_project(session, project_id)
        ),
        notice=("決裁に回す書類を作りました",),
        target=url_for("projects.record_external", project_id=project_id),
    )
    if done:
        return done
    shown = Form(ExternalDecisionSchema(), None, {"version": project.version})
    shown.extra_summary, shown.status = form.extra_summary, form.status
    return _render(project, shown)


@blueprint.get("/projects/<uuid:project_id>/external-decision/<uuid:decision_id>")
@access(_P.PROJECT_READ)
def download_scan(project_id: uuid.UUID, decision_id: uuid.UUID) -> ResponseReturnValue:
    """Hand out the scan of a decided paper, byte for byte as it was recorded."""
    project = read_project(project_id)
    external = queries.get_external_decision(web.read_session(), project.id, decision_id)
    if external is None:
        raise NotFound
    content = get_store(settings()).open(external.file_sha256)
    kind = EvidenceKind(external.file_name.rpartition(".")[2].lower())
    headers = {
        "Content-Disposition": attachment(external.file_name),
        "Content-Length": str(external.file_size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    response = Response(read_parts(content), headers=headers, content_type=MEDIA_TYPES[kind])
    response.call_on_close(content.close)
    return response
