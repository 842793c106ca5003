"""Pages: the search of a project, its lock, and the locked evidence."""

import uuid
from typing import Any

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue

from accounts.auth import access, actor, settings
from accounts.permissions import Permission
from accounts.queries import list_people
from core import web
from core.errors import BadRequest, Conflict, DomainError, GuardFailed, NotFound, Unavailable
from core.forms import Form
from procurement.projects import queries, services
from procurement.projects.evidence import content_of, standing_of_hit
from procurement.projects.models import EvidencePack, Project
from procurement.projects.schemas import LockSchema, SearchSaveSchema
from procurement.projects.searching import Search, describe_query, make_kept_query
from procurement.projects.views.frame import blueprint, load_project, read_project
from search import queries as search_queries

_P = Permission
_SECONDS = "30"


@blueprint.route("/projects/<uuid:project_id>/search", methods=["GET", "POST"])
@access(_P.PROJECT_READ, write=_P.PROJECT_EDIT)
def search(project_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a query on the project and show what it finds."""
    project = read_project(project_id)
    session = web.read_session()
    choices = search_queries.list_facet_choices(session)
    form = Form(SearchSaveSchema(), web.posted_form(), _initial(project))
    if form.is_posted:

        def save(writing: Any, data: dict[str, Any]) -> bool:
            query = make_kept_query(writing, data, choices)
            services.save_search(
                writing,
                actor(),
                load_project(writing, project_id),
                version=data["version"],
                query=query,
            )
            return True

        if form.submit(save):
            return web.see_other(url_for("projects.search", project_id=project_id))
    found = _run(project)
    return web.render_page(
        "projects/search.html",
        form.status,
        form=form,
        project=project,
        found=found,
        chosen=describe_query(project.search_query, choices),
        choices=[(name, label, choices[name]) for name, label in Search.FACETS.items()],
        latest=queries.latest_pack(session, project.id),
    )


def _initial(project: Project) -> dict[str, Any]:
    """Return the fields' first values: of the address, else of the kept query."""
    if not request.args.keys().isdisjoint({"q", *Search.FACETS}):
        given = {name: request.args.getlist(name) for name in Search.FACETS}
        return {"version": project.version, "q": request.args.get("q", ""), **given}
    kept = project.search_query or {"text": "", "filters": {}}
    return {"version": project.version, "q": kept["text"], **kept["filters"]}


def _run(project: Project) -> Any:
    if not project.search_query:
        return None
    session = web.read_session()
    page = request.args.get("page", "1")
    if not page.isdecimal() or not 1 <= len(page) <= 6:
        raise BadRequest("ページは1以上の数字で指定してください。")
    query = services.query_of(session, project, page=int(page))
    size = project.owner.population
    known = {} if size is None else {"population": size}
    engine = search_queries.get_engine(settings())
    found = search_queries.find_listings(session, engine, query, **known)
    return Search(found, query, project)


@blueprint.route("/projects/<uuid:project_id>/lock", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def lock(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show what would be locked and lock it."""
    project = read_project(project_id)
    services.require_lockable(project)
    engine = search_queries.get_engine(settings())
    form = Form(LockSchema(), web.posted_form(), {"version": project.version})
    try:
        if form.is_posted:
            pack = form.submit(
                lambda session, data: services.lock_evidence(
                    session,
                    actor(),
                    load_project(session, project_id),
                    engine,
                    version=data["version"],
                )
            )
            if pack is not None:
                web.leave_notice("done", "検索結果を確定しました")
                return web.see_other(_pack_url(pack))
        session = web.read_session()
        checked = services.check_search(session, engine, project)
    except (services.IndexBehind, GuardFailed, Unavailable) as error:
        return _explain_refusal(project, error)
    choices = search_queries.list_facet_choices(session)
    return web.render_page(
        "projects/lock.html",
        form.status,
        form=form,
        project=project,
        checked=checked,
        chosen=describe_query(project.search_query, choices),
    )


def _explain_refusal(project: Project, error: DomainError) -> ResponseReturnValue:
    page = web.render_page(
        "projects/lock_refused.html",
        web.status_of(type(error)),
        project=project,
        error=error,
        can_retry=isinstance(error, Conflict | Unavailable),
    )
    response = make_response(page)
    if isinstance(error, Conflict | Unavailable):
        response.headers["Retry-After"] = _SECONDS
    return response


def _pack_url(pack: EvidencePack) -> str:
    return url_for("projects.show_evidence", project_id=pack.project_id, revision=pack.revision)


@blueprint.get("/projects/<uuid:project_id>/evidence/<int(max=999999):revision>")
@access(_P.EVIDENCE_READ)
def show_evidence(project_id: uuid.UUID, revision: int) -> ResponseReturnValue:
    """Show a locked search: conditions, every hit in order, exclusions with reasons."""
    project, pack = _read_pack(project_id, revision)
    session = web.read_session()
    candidates = queries.list_candidates(session, pack.id)
    content = content_of(pack)
    by_rank = {candidate.rank: candidate for candidate in candidates}
    latest = queries.latest_pack(session, project.id)
    return web.render_page(
        "projects/evidence.html",
        project=project,
        pack=pack,
        content=content,
        rows=[(hit, by_rank[hit["rank"]], standing_of_hit(hit)) for hit in content["hits"]],
        chosen=describe_query(content["search"], search_queries.list_facet_choices(session)),
        locked_by=list_people(session, [pack.locked_by_id]).get(pack.locked_by_id),
        is_latest=latest is not None and latest.id == pack.id,
        packs=queries.list_packs(session, project.id),
    )


@blueprint.get("/projects/<uuid:project_id>/evidence/<int(max=999999):revision>.json")
@access(_P.EVIDENCE_READ)
def download_evidence(project_id: uuid.UUID, revision: int) -> ResponseReturnValue:
    """Hand out the canonical bytes whose SHA-256 every document prints."""
    project, pack = _read_pack(project_id, revision)
    response = Response(pack.content.encode(), mimetype="application/json")
    name = f"evidence-{project.owner.code}-{pack.sha256[:12]}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _read_pack(project_id: uuid.UUID, revision: int) -> tuple[Project, EvidencePack]:
    project = read_project(project_id, _P.EVIDENCE_READ)
    pack = queries.find_pack(web.read_session(), project.id, revision)
    if pack is None:
        raise NotFound
    return project, pack
