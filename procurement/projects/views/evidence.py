"""Pages: the search of a project, its lock, and the locked evidence."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.permissions import Permission
from accounts.queries import list_people
from core import web
from core.documents import attachment
from core.errors import (
    BadRequest,
    Conflict,
    DomainError,
    GuardFailed,
    Invalid,
    NotFound,
    Unavailable,
    WrongState,
)
from core.forms import Form, read_address
from procurement.projects import queries, services
from procurement.projects.evidence import content_of, standing_of_hit
from procurement.projects.models import EvidencePack, Project, ProjectAction
from procurement.projects.schemas import LockSchema, SearchAddressSchema, SearchSaveSchema
from procurement.projects.search_words import SORTS, Choices, describe_query
from procurement.projects.searching import (
    Search,
    make_kept_query,
    refuse_unknown,
    typed_of,
)
from procurement.projects.views.frame import (
    blueprint,
    explain_early,
    load_project,
    read_project,
)
from search import queries as search_queries

_P = Permission
_SECONDS = "30"


@blueprint.route("/projects/<uuid:project_id>/search", methods=["GET", "POST"])
@access(_P.PROJECT_READ, write=_P.PROJECT_EDIT)
def search(project_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a query on the project and show what it finds."""
    project = read_project(project_id)
    session = web.read_session()
    asked = read_address(SearchAddressSchema(), request.args)
    choices = _choices(session, project, asked)
    form = Form(SearchSaveSchema(), web.posted_form(), _initial(project, asked, choices))
    if form.is_posted:

        def save(writing: Any, data: dict[str, Any]) -> bool:
            known = _choices(writing, project, data)
            query = make_kept_query(writing, data, known, project.owner.population)
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
    found = _run(project, asked["page"] or 1)
    return web.render_page(
        "projects/search.html",
        form.status,
        form=form,
        project=project,
        found=found,
        chosen=describe_query(project.search_query, choices),
        choices=[
            (name, label, choices[name]) for name, label in Search.FACETS.items() if choices[name]
        ],
        sorts=list(SORTS.items()),
        latest=queries.latest_pack(session, project.id),
    )


def _initial(project: Project, asked: dict[str, Any], choices: Choices) -> dict[str, Any]:
    """Return the fields' first values: of the address, else of the kept query."""
    if not request.args.keys().isdisjoint({"q", "sort", "cost_max", *Search.FACETS}):
        try:
            refuse_unknown(asked, choices)
        except Invalid as error:
            raise BadRequest(error.message) from error
        return {**asked, "version": project.version}
    return {"version": project.version, **typed_of(project.search_query or {})}


def _choices(session: Session, project: Project, asked: Mapping[str, Any]) -> Choices:
    """Return what may be asked for, with the regions and makers that were asked for or are kept."""
    kept = (project.search_query or {}).get("filters", {})
    wanted = {name: [*asked.get(name, ()), *kept.get(name, ())] for name in Search.FACETS}
    return search_queries.list_facet_choices(session, wanted)


def _run(project: Project, page: int) -> Any:
    if not project.search_query:
        return None
    session = web.read_session()
    query = services.query_of(session, project, page=page)
    engine = search_queries.get_engine(settings())
    people = services.population_of(project)
    found = search_queries.find_listings(session, engine, query, population=people)
    return Search(found, query, project)


@blueprint.route("/projects/<uuid:project_id>/lock", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def lock(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show what would be locked and lock it."""
    project = read_project(project_id)
    engine = search_queries.get_engine(settings())
    form = Form(LockSchema(), web.posted_form(), {"version": project.version})

    def act(writing: Session, *, version: int, **_ticked: bool) -> tuple[str, ...]:
        locked = load_project(writing, project_id)
        services.lock_evidence(writing, actor(), locked, engine, version=version)
        target = url_for("projects.candidates", project_id=project_id)
        return target, "検索結果を確定しました", "次は、候補を比べます。"

    try:
        if done := _lock_once(project, form, act):
            return done
        session = web.read_session()
        checked = services.check_search(session, engine, project)
    except (services.IndexBehind, GuardFailed, Unavailable) as error:
        return _explain_refusal(project, error)
    choices = _choices(session, project, {})
    return web.render_page(
        "projects/lock.html",
        form.status,
        form=form,
        project=project,
        checked=checked,
        chosen=describe_query(project.search_query, choices),
    )


def _lock_once(
    project: Project, form: Form, act: Callable[..., tuple[str, ...]]
) -> ResponseReturnValue | None:
    """Lock, or say what comes first; a double click is led to the locked page even so."""
    ready = project.can_apply(ProjectAction.LOCK_EVIDENCE)
    early = explain_early(project, "検索結果は、今は確定できません", ready=ready)
    try:
        return web.create_once(form, actor().person_id, act) or early
    except WrongState:
        if early is None:
            raise
        return early


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
        chosen=describe_query(
            content["search"],
            search_queries.list_facet_choices(session, content["search"]["filters"]),
        ),
        locked_by=list_people(session, [pack.locked_by_id]).get(pack.locked_by_id),
        conditions=content.get("conditions", ()),
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
    response.headers["Content-Disposition"] = attachment(name)
    return response


def _read_pack(project_id: uuid.UUID, revision: int) -> tuple[Project, EvidencePack]:
    project = read_project(project_id, _P.EVIDENCE_READ)
    pack = queries.find_pack(web.read_session(), project.id, revision)
    if pack is None:
        raise NotFound
    return project, pack
