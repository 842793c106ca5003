"""Pages: by what the candidates are compared, the weights, the scores."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can
from accounts.queries import list_people
from core import web
from core.forms import Form
from procurement.projects import queries, services
from procurement.projects.evaluation_models import (
    MAXIMUM_CRITERIA,
    EvaluationBasis,
    EvaluationState,
)
from procurement.projects.models import Project, ProjectAction
from procurement.projects.schemas import VersionSchema, WeightsSchema, score_schema
from procurement.projects.views.candidates import candidate_rows, results_of
from procurement.projects.views.frame import (
    blueprint,
    explain_early,
    load_project,
    read_latest_pack,
    read_project,
)
from procurement.projects.weighing import (
    EvaluationView,
    Score,
    format_points,
    read_weights,
    score_field,
    score_fields,
    weight_fields,
)

_P, _STEPS = Permission, frozenset({EvaluationState.FIXED, EvaluationState.SCORED})


@blueprint.route("/projects/<uuid:project_id>/evaluation", methods=["GET", "POST"])
@access(_P.PROJECT_READ, write=_P.PROJECT_EDIT)
def evaluate(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show by what the candidates are compared; weigh while nothing is fixed."""
    project = read_project(project_id)
    if early := _explain_early(project):
        return early
    form = Form(WeightsSchema(), web.posted_form(), _first_weights(project))
    if form.is_posted:
        made = form.submit(lambda session, data: _save_weights(session, project, data))
        if made is not None:
            web.leave_notice("done", made[0])
            return web.see_other(url_for(made[1], project_id=project_id))
    view = _view_of(project)
    may_edit = can(actor(), _P.PROJECT_EDIT, project) and _is_open(project)
    if form.is_posted or (may_edit and (view is None or view.state is EvaluationState.DRAFT)):
        return web.render_page(
            "projects/weights.html",
            form.status,
            form=form,
            project=project,
            bases=EvaluationBasis.choices(),
            numbers=range(1, MAXIMUM_CRITERIA + 1),
        )
    return _show_scores(project, view, None)


def _explain_early(project: Project) -> ResponseReturnValue | None:
    has_pack = queries.latest_pack(web.read_session(), project.id) is not None
    ready = has_pack if web.posted_form() is None else _is_open(project)
    return explain_early(project, "候補の評価は、今は変えられません", ready=ready)


def _is_open(project: Project) -> bool:
    return project.can_apply(ProjectAction.COMPARE)


def _view_of(project: Project) -> EvaluationView | None:
    return services.evaluation_of(web.read_session(), read_latest_pack(project).id)


def _first_weights(project: Project) -> dict[str, Any]:
    """Return the kept weights, else those of the search before, as the fields of the form."""
    session, view = web.read_session(), _view_of(project)
    if view is not None:
        return {**weight_fields(view), "version": view.version}
    for pack in queries.list_packs(session, project.id)[1:]:
        if (former := services.evaluation_of(session, pack.id)) is not None:
            return {**weight_fields(former), "version": 0}
    return {"basis": EvaluationBasis.WEIGHTED, "version": 0}


def _save_weights(session: Session, project: Project, data: dict[str, Any]) -> tuple[str, str]:
    made = services.set_evaluation(
        session,
        actor(),
        project,
        version=data["version"],
        basis=data["basis"],
        criteria=read_weights(data),
        is_final=data["step"] == "fix",
    )
    if made.basis is EvaluationBasis.PRICE_ONLY:
        return "価格だけで比べます", "projects.candidates"
    done = "重みを確定しました" if made.state in _STEPS else "重みの下書きを保存しました"
    return done, "projects.evaluate"


@blueprint.post("/projects/<uuid:project_id>/evaluation/unfix")
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def unfix(project_id: uuid.UUID) -> ResponseReturnValue:
    """Open the weights again while nothing is scored."""
    project = read_project(project_id)
    if early := _explain_early(project):
        return early
    form = Form(VersionSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session, **said: services.unfix_evaluation(
            session, actor(), load_project(session, project_id), **said
        ),
        notice=("重みの確定を取り消しました",),
        target=url_for("projects.evaluate", project_id=project_id),
    )
    return done or _show_scores(project, _view_of(project), None, form)


@blueprint.post("/projects/<uuid:project_id>/evaluation/scores")
@access(_P.PROJECT_EDIT, write=_P.PROJECT_EDIT)
def score(project_id: uuid.UUID) -> ResponseReturnValue:
    """Keep the points and notes; some may stay open for now."""
    project = read_project(project_id)
    if early := _explain_early(project):
        return early
    view = _view_of(project)
    if view is None or view.state is EvaluationState.DRAFT:
        return web.see_other(url_for("projects.evaluate", project_id=project_id))
    candidates = queries.remaining_candidates(web.read_session(), read_latest_pack(project).id)
    form = Form(score_schema(view, [each.rank for each in candidates]), web.posted_form())
    ranks = [(each.rank, each.id) for each in candidates]

    def save(session: Session, *, version: int, **typed: Any) -> None:
        scores = _read_scores(view, ranks, typed)
        services.save_scores(session, actor(), project, version=version, scores=scores)

    done = web.complete(
        form,
        save,
        notice=("採点を保存しました",),
        target=url_for("projects.evaluate", project_id=project_id),
    )
    return done or _show_scores(project, view, form)


def _read_scores(
    view: EvaluationView, ranks: Sequence[tuple[int, uuid.UUID]], typed: dict[str, Any]
) -> dict[tuple[uuid.UUID, uuid.UUID], Score | None]:
    scores: dict[tuple[uuid.UUID, uuid.UUID], Score | None] = {}
    for rank, candidate_id in ranks:
        for each in view.typed_criteria:
            points = typed[score_field("points", rank, each)]
            note = typed[score_field("note", rank, each)]
            if each.id is not None:
                scores[candidate_id, each.id] = None if points is None else Score(points, note)
    return scores


def _show_scores(
    project: Project,
    view: EvaluationView | None,
    form: Form | None,
    refused: Form | None = None,
) -> ResponseReturnValue:
    """Show weights, points and sums; with fields for points while they may be typed."""
    pack = read_latest_pack(project)
    rows = [row for row in candidate_rows(project, pack) if not row["candidate"].is_excluded]
    may_score = (
        view is not None
        and view.state is EvaluationState.FIXED
        and _is_open(project)
        and can(actor(), _P.PROJECT_EDIT, project)
    )
    if form is None and view is not None and may_score:
        ranks = [(row["candidate"].rank, row["candidate"].id) for row in rows]
        initial = {**score_fields(view, ranks), "version": view.version}
        form = Form(score_schema(view, [rank for rank, _ in ranks]), None, initial)
    people, shown = _people(pack.id), refused or form
    return web.render_page(
        "projects/evaluation.html",
        200 if shown is None else shown.status,
        form=shown,
        project=project,
        view=view,
        fields=form,
        rows=rows,
        results=results_of(view, rows),
        may_score=may_score,
        unscored=services.unscored(view, [row["candidate"] for row in rows]) if view else [],
        format_points=format_points,
        score_field=score_field,
        **people,
    )


def _people(pack_id: uuid.UUID) -> dict[str, Any]:
    """Return the row with who fixed and who ended it, for the line that names them."""
    session = web.read_session()
    row = queries.find_evaluation(session, pack_id)
    ids = [each for each in (row.fixed_by_id, row.scored_by_id) if each] if row else []
    return {"evaluation": row, "people": list_people(session, ids) if ids else {}}
