"""Pages: the published checkpoints of the audit trail, and what proves a case."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.permissions import Permission, can
from core import audit_checkpoints, paging, web
from core.audit_checkpoints import AuditCheckpoint
from core.documents import attachment, canonical_json
from core.forms import Form
from core.paging import Page
from core.storage import get_store
from procurement.projects import queries as project_queries
from procurement.projects.models import Project
from procurement.projects.views.frame import load_project, read_project
from procurement.proof import archive, queries, services
from procurement.proof.archive import ProofArchive
from procurement.proof.schemas import ExportSchema
from procurement.quoting import queries as quoting_queries
from procurement.quoting.models import QuoteRound
from procurement.selection.queries import find_quoted_rounds

blueprint = Blueprint("proof", __name__)
_A_YEAR = 366


@blueprint.get("/audit/checkpoints")
@access(Permission.CHECKPOINT_READ)
def list_checkpoints() -> ResponseReturnValue:
    """List the checkpoint of each day, which anybody may keep for themselves."""
    return web.render_page("proof/checkpoints.html", page=_read_page(paging.PAGE_SIZE))


@blueprint.get("/audit/checkpoints.json")
@access(Permission.CHECKPOINT_READ)
def download_checkpoints() -> ResponseReturnValue:
    """Hand out the checkpoints of a year as canonical JSON, and the address of the years before."""
    page = _read_page(_A_YEAR)
    following = page.number + 1 if page.number < page.page_count else None
    found = {
        "checkpoints": [
            {"published_on": str(row.published_on), **row.checkpoint.values()} for row in page.rows
        ],
        "next": url_for(str(request.endpoint), page=following) if following else None,
    }
    return Response(canonical_json(found), mimetype="application/json")


def _read_page(size: int) -> Page[AuditCheckpoint]:
    session = web.read_session()
    load = partial(audit_checkpoints.list_published, session)
    return paging.fetch(audit_checkpoints.count_published(session), load, size)


@blueprint.get("/audit/verify_evidence.py")
@access(Permission.CHECKPOINT_READ)
def download_verifier() -> ResponseReturnValue:
    """Hand out the program that checks what was exported."""
    answer = Response(archive.assemble_verifier(), mimetype="text/x-python")
    answer.headers["Content-Disposition"] = attachment(archive.VERIFIER)
    return answer


@blueprint.route("/projects/<uuid:project_id>/pack", methods=["GET", "POST"])
@access(Permission.EVIDENCE_READ, write=Permission.EVIDENCE_EXPORT)
def show_pack(project_id: uuid.UUID) -> ResponseReturnValue:
    """Tell what the ZIP of a case holds, and make it."""
    project = read_project(project_id, Permission.EVIDENCE_READ)
    form = Form(ExportSchema(), web.posted_form())
    if form.is_posted and (made := form.submit(partial(_export, project.id, _read_scans(project)))):
        answer = Response(made.content, mimetype="application/zip")
        answer.headers["Content-Disposition"] = attachment(made.filename)
        return answer
    session = web.read_session()
    return web.render_page(
        "proof/pack.html",
        form.status,
        form=form,
        project=project,
        withheld_rounds=_withheld_rounds(session, project.id),
        withheld={
            key
            for key, each in find_quoted_rounds(session, project.id).items()
            if not can(actor(), Permission.QUOTE_ROUND_READ_OPENED, each)
        },
        evidence=queries.list_locked(session, project.id),
        papers=project_queries.list_papers(session, project.id),
        approved=queries.list_approved(session, project.id),
        events=queries.list_events(session, project.id),
    )


def _withheld_rounds(session: Session, project_id: uuid.UUID) -> list[QuoteRound]:
    """Return the rounds whose opened quotes this reader may not read yet."""
    return [
        each
        for each in quoting_queries.list_rounds(session, project_id)
        if each.is_opened and not can(actor(), Permission.QUOTE_ROUND_READ_OPENED, each)
    ]


def _read_scans(project: Project) -> Mapping[str, bytes]:
    return services.read_scans(web.read_session(), get_store(settings()), project.id)


def _export(
    project_id: uuid.UUID,
    scans: Mapping[str, bytes],
    session: Session,
    _data: Mapping[str, Any],
) -> ProofArchive:
    project, seed = load_project(session, project_id), settings().effective_audit_seed
    return services.export_case(session, actor(), project, seed=seed, scans=scans)
