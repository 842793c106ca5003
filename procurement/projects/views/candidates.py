"""Pages: narrow the candidates down, confirm the comparison."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.condition_words import condition_rows
from catalog.conditions import Conditions
from catalog.offerings.queries import load_listing_versions
from core import web
from core.clock import day_in_japan
from core.errors import NotFound
from core.forms import Form
from procurement.projects import queries, services
from procurement.projects.costs import conditions_of, estimate_cost
from procurement.projects.evidence import content_of, standing_of_hit
from procurement.projects.models import Candidate, EvidencePack, Project, ProjectAction
from procurement.projects.schemas import ConfirmSchema, ReasonSchema, VersionSchema
from procurement.projects.views.frame import (
    blueprint,
    complete,
    explain_early,
    read_latest_pack,
    read_project,
)

_P = Permission
_MOST_COMPARED = 5


@blueprint.get("/projects/<uuid:project_id>/candidates")
@access(_P.PROJECT_READ)
def candidates(project_id: uuid.UUID) -> ResponseReturnValue:
    """List the locked candidates with their cost for this body; link to the comparison."""
    project = read_project(project_id)
    session = web.read_session()
    locked = queries.latest_pack(session, project.id) is not None
    if early := explain_early(project, "候補は、まだありません", ready=locked):
        return early
    pack = read_latest_pack(project)
    rows = candidate_rows(project, pack)
    remaining = [row["candidate"] for row in rows if not row["candidate"].is_excluded]
    return web.render_page(
        "projects/candidates.html",
        project=project,
        rows=rows,
        remaining=remaining,
        comparison=_comparison_arguments(project, remaining, pack),
        condition_rows=condition_rows(_conditions(project, pack)),
        can_compare=2 <= len(remaining) <= _MOST_COMPARED,
        most_compared=_MOST_COMPARED,
        narrowing=project.can_apply(ProjectAction.COMPARE),
        can_end=project.can_apply(ProjectAction.FIND_NONE),
    )


def candidate_rows(project: Project, pack: EvidencePack) -> list[dict[str, Any]]:
    """Return the candidates of a pack as its pages show them, each with its cost for the body."""
    session = web.read_session()
    found = queries.list_candidates(session, pack.id)
    versions = load_listing_versions(session, [each.listing_version_id for each in found])
    hits = {hit["rank"]: hit for hit in content_of(pack)["hits"]}
    return [
        {
            "candidate": each,
            "hit": hits[each.rank],
            "standing": standing_of_hit(hits[each.rank]),
            "version": versions[each.listing_version_id],
            "estimate": estimate_cost(
                versions[each.listing_version_id],
                project,
                project.owner,
                day_in_japan(pack.locked_at),
            ),
        }
        for each in found
    ]


def _conditions(project: Project, pack: EvidencePack) -> Conditions:
    return conditions_of(project, project.owner, day_in_japan(pack.locked_at))


def _comparison_arguments(
    project: Project, remaining: list[Candidate], pack: EvidencePack
) -> dict[str, Any]:
    """Return the words of a comparison by the same conditions and the price lists of the lock."""
    chosen = [str(each.listing_version_id) for each in remaining[:_MOST_COMPARED]]
    return {**_conditions(project, pack).parts(), "l": chosen}


@blueprint.route(
    "/projects/<uuid:project_id>/candidates/<uuid:candidate_id>/exclude", methods=["GET", "POST"]
)
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def exclude(project_id: uuid.UUID, candidate_id: uuid.UUID) -> ResponseReturnValue:
    """Take one candidate out, with a reason."""
    project = read_project(project_id)
    candidate = _load_candidate(web.read_session(), project_id, candidate_id)
    ready = project.can_apply(ProjectAction.COMPARE)
    if early := explain_early(project, "候補の除外は、今は変えられません", ready=ready):
        return early
    form = Form(ReasonSchema(), web.posted_form(), {"version": candidate.version})
    if form.is_posted:
        done = form.submit(
            lambda session, data: services.exclude_candidate(
                session, actor(), _load_candidate(session, project_id, candidate_id), **data
            )
        )
        if done:
            web.leave_notice("done", "候補から除外しました")
            return web.see_other(url_for("projects.candidates", project_id=project_id))
    version_id = candidate.listing_version_id
    version = load_listing_versions(web.read_session(), [version_id])[version_id]
    return web.render_page(
        "projects/exclude.html",
        form.status,
        form=form,
        project=project,
        candidate=candidate,
        version=version,
    )


@blueprint.post("/projects/<uuid:project_id>/candidates/<uuid:candidate_id>/restore")
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def restore(project_id: uuid.UUID, candidate_id: uuid.UUID) -> ResponseReturnValue:
    """Take an exclusion back."""
    read_project(project_id)
    form = Form(VersionSchema(), web.posted_form())
    done = form.submit(
        lambda session, data: services.restore_candidate(
            session, actor(), _load_candidate(session, project_id, candidate_id), **data
        )
    )
    if done:
        web.leave_notice("done", "除外を取り消しました")
    else:
        sentence = "ほかの人が先に更新しました。候補の今の状態を確かめてください。"
        web.leave_notice("problem", "除外を取り消せませんでした", sentence)
    return web.see_other(url_for("projects.candidates", project_id=project_id))


def _load_candidate(session: Session, project_id: uuid.UUID, candidate_id: uuid.UUID) -> Candidate:
    candidate = queries.find_candidate(session, project_id, candidate_id)
    if candidate is None:
        raise NotFound
    return candidate


@blueprint.route("/projects/<uuid:project_id>/compare", methods=["GET", "POST"])
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def compare(project_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm that the remaining candidates were compared."""
    project = read_project(project_id)
    ready = project.can_apply(ProjectAction.COMPARE)
    if early := explain_early(project, "候補の比較は、今は終えられません", ready=ready):
        return early
    form = Form(ConfirmSchema(), web.posted_form(), {"version": project.version})
    done = complete(form, project, services.confirm_comparison, "候補の比較を終えました")
    if done is not None:
        return done
    rows = candidate_rows(project, read_latest_pack(project))
    return web.render_page(
        "projects/compare.html",
        form.status,
        form=form,
        project=project,
        remaining=[row for row in rows if not row["candidate"].is_excluded],
        excluded=[row for row in rows if row["candidate"].is_excluded],
    )
