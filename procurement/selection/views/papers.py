"""Pages: the papers of a project, and their files."""

import uuid

from flask import Response
from flask.typing import ResponseReturnValue

from accounts.auth import access, actor
from accounts.permissions import Permission, can, require
from accounts.queries import list_people
from core import web
from core.documents import DOCX_TYPE, PDF_TYPE, XLSX_TYPE, attachment
from core.errors import NotFound
from procurement.projects import queries
from procurement.projects.paper_models import ProjectPaper
from procurement.projects.papers import list_changed_papers
from procurement.projects.views.frame import blueprint, read_project
from procurement.selection.queries import find_quoted_rounds

_P = Permission
_TYPES = {"pdf": PDF_TYPE, "docx": DOCX_TYPE, "xlsx": XLSX_TYPE}


@blueprint.get("/projects/<uuid:project_id>/papers")
@access(_P.EVIDENCE_READ)
def list_papers(project_id: uuid.UUID) -> ResponseReturnValue:
    """List every paper of a project with its files, and say when one is no longer what it was."""
    project = read_project(project_id, _P.EVIDENCE_READ)
    session = web.read_session()
    papers = queries.list_papers(session, project.id)
    files: dict[uuid.UUID, list[str]] = {paper.id: [] for paper in papers}
    for each in queries.list_paper_files(session, list(files), with_content=False):
        files[each.paper_id].append(each.format)
    makers = [paper.made_by_id for paper in papers if paper.made_by_id]
    return web.render_page(
        "projects/papers.html",
        project=project,
        papers=papers,
        files=files,
        people=list_people(session, makers),
        changed=list_changed_papers(session, project.id),
        withheld={
            subject_id
            for subject_id, round_ in find_quoted_rounds(session, project.id).items()
            if not can(actor(), _P.QUOTE_ROUND_READ_OPENED, round_)
        },
    )


@blueprint.get("/projects/<uuid:project_id>/papers/<uuid:paper_id>.<paper_format>")
@access(_P.EVIDENCE_READ)
def download_paper(
    project_id: uuid.UUID, paper_id: uuid.UUID, paper_format: str
) -> ResponseReturnValue:
    """Hand out one file of a paper, as it was made; opened quotes in it keep their own rule."""
    project = read_project(project_id, _P.EVIDENCE_READ)
    session = web.read_session()
    found = queries.find_paper_file(session, project.id, paper_id, paper_format)
    if found is None:
        raise NotFound
    paper = session.get_one(ProjectPaper, found.paper_id)
    round_ = find_quoted_rounds(session, project.id).get(paper.subject_id)
    if round_ is not None:
        require(session, actor(), _P.QUOTE_ROUND_READ_OPENED, round_)
    answer = Response(found.content, mimetype=_TYPES[paper_format])
    answer.headers["Content-Disposition"] = attachment(found.filename)
    return answer
