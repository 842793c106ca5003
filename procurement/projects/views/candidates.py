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
from procurement.projects.schemas import ConfirmSchema, ExcludeSchema, VersionSchema
from procurement.projects.views.frame import (
    blueprint,
    complete,
    explain_early,
    read_latest_pack,
    read_project,
)
from procurement.projects.weighing import EvaluationView, Result, add_up, format_points

_P = Permission
_MOST_COMPARED = 5


@blueprint.route("/projects/<uuid:project_id>/candidates", methods=["GET", "POST"])
@access(_P.PROJECT_READ, write=_P.PROJECT_EDIT)
def candidates(project_id: uuid.UUID) -> ResponseReturnValue:
    """List the locked candidates with their cost for this body; exclude some by a locked condition."""
    project = read_project(project_id)
    session = web.read_session()
    locked = queries.latest_pack(session, project.id) is not None
    if early := explain_early(project, "候補は、まだありません", ready=locked):
        return early
    form = Form(ExcludeSchema(), web.posted_form(), {"version": project.version})
    narrowing = project.can_apply(ProjectAction.COMPARE)
    if form.is_posted:
        heading = "候補の除外は、今は変えられません"
        if early := explain_early(project, heading, ready=narrowing):
            return early
        if done := _exclude(form, project):
            return done
    return _show(project, form)


def _exclude(form: Form, project: Project) -> ResponseReturnValue | None:
    def act(session: Session, data: dict[str, Any]) -> list[Candidate]:
        return services.exclude_candidates(
            session,
            actor(),
            project,
            version=data["version"],
            candidate_ids=data["candidate"],
            condition_key=data["condition"],
            reason=data["reason"],
        )

    done = form.submit(act)
    if not done:
        return None
    web.leave_notice("done", f"{len(done)}件を候補から除外しました")
    return web.see_other(url_for("projects.candidates", project_id=project.id))


def _show(project: Project, form: Form) -> ResponseReturnValue:
    session, pack = web.read_session(), read_latest_pack(project)
    rows = candidate_rows(project, pack)
    remaining = [row["candidate"] for row in rows if not row["candidate"].is_excluded]
    evaluation = services.evaluation_of(session, pack.id)
    conditions = queries.evidence_conditions(session, pack.id)
    return web.render_page(
        "projects/candidates.html",
        form.status,
        form=form,
        project=project,
        pack=pack,
        rows=rows,
        remaining=remaining,
        conditions=conditions,
        condition_choices=[(each.key, f"{each.key}　{each.text}") for each in conditions],
        condition_texts={each.key: each.text for each in conditions},
        evaluation=evaluation,
        unscored=services.unscored(evaluation, remaining) if evaluation else [],
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


def results_of(view: EvaluationView | None, rows: list[dict[str, Any]]) -> dict[uuid.UUID, Result]:
    """Return what each remaining candidate reached, by its id; nothing where only the price counts."""
    if view is None or not view.is_weighted:
        return {}
    totals = {row["candidate"].id: row["estimate"].total for row in rows}
    return {each.candidate_id: each for each in add_up(view, totals)}


def _conditions(project: Project, pack: EvidencePack) -> Conditions:
    return conditions_of(project, project.owner, day_in_japan(pack.locked_at))


def _comparison_arguments(
    project: Project, remaining: list[Candidate], pack: EvidencePack
) -> dict[str, Any]:
    """Return the words of a comparison by the same conditions and the price lists of the lock."""
    chosen = [str(each.listing_version_id) for each in remaining[:_MOST_COMPARED]]
    return {**_conditions(project, pack).parts(), "l": chosen}


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
    pack = read_latest_pack(project)
    rows = candidate_rows(project, pack)
    remaining = [row for row in rows if not row["candidate"].is_excluded]
    evaluation = services.evaluation_of(web.read_session(), pack.id)
    return web.render_page(
        "projects/compare.html",
        form.status,
        form=form,
        project=project,
        remaining=remaining,
        excluded=[row for row in rows if row["candidate"].is_excluded],
        evaluation=evaluation,
        results=results_of(evaluation, remaining),
        format_points=format_points,
    )
