"""Acts on an evaluation: weigh, fix the weights before any score, score, complete."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from core import audit
from core.db import now
from core.errors import GuardFailed, Invalid, NotFound, StaleVersion, WrongState
from procurement.projects import queries
from procurement.projects.evaluation_models import (
    ALL_WEIGHTS,
    Evaluation,
    EvaluationAction,
    EvaluationBasis,
    EvaluationCriterion,
    EvaluationScore,
    EvaluationState,
)
from procurement.projects.models import Candidate, EvidencePack, Project
from procurement.projects.services.holding import begin_narrowing
from procurement.projects.weighing import (
    Criterion,
    CriterionKey,
    EvaluationView,
    Score,
    score_field,
    score_fields,
    weight_fields,
)

Scores = Mapping[CriterionKey, Score | None]


def evaluation_of(session: Session, pack_id: uuid.UUID) -> EvaluationView | None:
    """Return how the candidates of a pack are compared; None before anybody said so."""
    found = queries.find_evaluation(session, pack_id)
    return None if found is None else _view(session, found)


def _view(session: Session, evaluation: Evaluation) -> EvaluationView:
    return EvaluationView(
        id=evaluation.id,
        version=evaluation.version,
        basis=evaluation.basis,
        state=evaluation.state,
        criteria=tuple(
            Criterion(each.position, each.name, each.weight, each.how, each.is_price, each.id)
            for each in queries.list_criteria(session, evaluation.id)
        ),
        scores={
            (each.candidate_id, each.criterion_id): Score(each.points, each.note)
            for each in queries.list_scores(session, evaluation.id)
        },
    )


def set_evaluation(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    version: int,
    basis: EvaluationBasis,
    criteria: Sequence[Criterion],
    is_final: bool,
) -> Evaluation:
    """Say by what the candidates are compared; `is_final` fixes the weights, before any score.

    `version` is 0 where nobody has said so yet. Raises StaleVersion with the other person's weights.
    """
    project, pack = begin_narrowing(session, actor, project.id)
    evaluation = queries.find_evaluation(session, pack.id, for_update=True)
    if (evaluation.version if evaluation else 0) != version:
        view = None if evaluation is None else _view(session, evaluation)
        told = {"version": view.version if view else 0, **weight_fields(view)}
        raise StaleVersion(current=told)
    if basis is EvaluationBasis.PRICE_ONLY:
        criteria = ()
    _check_criteria(criteria, is_final=is_final and basis is EvaluationBasis.WEIGHTED)
    evaluation = _draft(session, actor, pack, evaluation, basis)
    _replace_criteria(session, evaluation, criteria)
    weights = [[each.name, each.weight] for each in criteria]
    said = {"basis": basis.value, "weights": weights}
    if is_final and basis is EvaluationBasis.WEIGHTED:
        _fix(session, actor, evaluation)
        _record(session, actor, project, evaluation, "evaluation.fix", **said)
    else:
        _record(session, actor, project, evaluation, "evaluation.edit", **said)
    project.revise(last_editor_id=actor.person_id)
    return evaluation


def _draft(
    session: Session,
    actor: Actor,
    pack: EvidencePack,
    evaluation: Evaluation | None,
    basis: EvaluationBasis,
) -> Evaluation:
    if actor.person_id is None:
        raise NotFound
    if evaluation is None:
        made = Evaluation(
            project_id=pack.project_id,
            pack_id=pack.id,
            basis=basis,
            last_editor_id=actor.person_id,
        )
        session.add(made)
        session.flush()
        return made
    if evaluation.state is not EvaluationState.DRAFT:
        raise _wrong_state(evaluation)
    evaluation.revise(basis=basis, last_editor_id=actor.person_id)
    return evaluation


def _check_criteria(criteria: Sequence[Criterion], *, is_final: bool) -> None:
    errors = {}
    names = [each.name for each in criteria]
    for each in criteria:
        row, weight = f"{each.position}行目", f"weight_{each.position}"
        if not each.name:
            errors[f"name_{each.position}"] = f"{row}の評価の項目を入力してください。"
        elif names.count(each.name) > 1 and not each.is_price:
            sentence = f"「{each.name}」が2つあります。名前を分けてください。"
            errors[f"name_{each.position}"] = sentence
        if not each.weight:
            errors[weight] = f"{row}の重みを、1以上{ALL_WEIGHTS}以下で入力してください。"
    if errors:
        raise Invalid(errors)
    if not is_final:
        return
    total = sum(each.weight for each in criteria)
    if total != ALL_WEIGHTS:
        way = f"あと{ALL_WEIGHTS - total}" if total < ALL_WEIGHTS else f"{total - ALL_WEIGHTS}多い"
        sentence = f"重みの合計が{total}です（{way}）。合計を{ALL_WEIGHTS}にすると確定できます。"
        raise GuardFailed([("f-price_weight", sentence)])
    if all(each.is_price for each in criteria):
        sentence = "価格のほかに評価の項目がありません。「価格だけで比べる」を選択してください。"
        raise GuardFailed([("f-basis", sentence)])


def _replace_criteria(
    session: Session, evaluation: Evaluation, criteria: Sequence[Criterion]
) -> None:
    for old in queries.list_criteria(session, evaluation.id):
        session.delete(old)
    session.flush()
    for position, each in enumerate(criteria, start=1):
        session.add(
            EvaluationCriterion(
                evaluation_id=evaluation.id,
                position=position,
                name=each.name,
                weight=each.weight,
                is_price=each.is_price,
                how=each.how,
            )
        )
    session.flush()


def _fix(session: Session, actor: Actor, evaluation: Evaluation) -> None:
    evaluation.apply(
        EvaluationAction.FIX,
        fixed_by_id=actor.person_id,
        fixed_at=now(session),
        last_editor_id=actor.person_id,
    )


def unfix_evaluation(
    session: Session, actor: Actor, project: Project, *, version: int
) -> Evaluation:
    """Open the weights again; only while nothing is scored."""
    project, pack = begin_narrowing(session, actor, project.id)
    evaluation = queries.find_evaluation(session, pack.id, for_update=True)
    if evaluation is None:
        raise NotFound
    if queries.list_scores(session, evaluation.id):
        sentence = (
            "採点があるため、重みは変えられません。"
            "変える必要があるときは、検索をやり直して確定し、新しい評価を始めてください。"
        )
        raise GuardFailed([("main", sentence)])
    values = {"fixed_by_id": None, "fixed_at": None, "last_editor_id": actor.person_id}
    evaluation.apply(EvaluationAction.UNFIX, version, **values)
    project.revise(last_editor_id=actor.person_id)
    _record(session, actor, project, evaluation, "evaluation.unfix")
    return evaluation


def save_scores(
    session: Session, actor: Actor, project: Project, *, version: int, scores: Scores
) -> Evaluation:
    """Keep the points of candidates (all or some) under the fixed weights; None takes them back.

    Raises StaleVersion with the points and notes that another person saved first.
    """
    project, pack = begin_narrowing(session, actor, project.id)
    evaluation = queries.find_evaluation(session, pack.id, for_update=True)
    if evaluation is None:
        raise NotFound
    if evaluation.state is not EvaluationState.FIXED:
        raise _wrong_state(evaluation)
    candidates = queries.remaining_candidates(session, pack.id)
    if evaluation.version != version:
        view = _view(session, evaluation)
        ranks = [(each.rank, each.id) for each in candidates]
        raise StaleVersion(current={"version": view.version, **score_fields(view, ranks)})
    known = {each.id for each in candidates}
    if not {candidate_id for candidate_id, _ in scores} <= known:
        raise Invalid({"version": "採点は、残っている候補にだけ付けられます。"})
    evaluation.revise(version, last_editor_id=actor.person_id)
    changed = _write_scores(session, evaluation, scores)
    project.revise(last_editor_id=actor.person_id)
    ranks_of = {each.id: each.rank for each in candidates}
    said = [[ranks_of[candidate_id], name, points] for candidate_id, name, points in changed]
    _record(session, actor, project, evaluation, "evaluation.score", scores=said)
    return evaluation


def _write_scores(
    session: Session, evaluation: Evaluation, scores: Scores
) -> list[tuple[uuid.UUID, str, int | None]]:
    """Write what differs; returns it as (candidate, criterion's name, points)."""
    stored = {
        (each.candidate_id, each.criterion_id): each
        for each in queries.list_scores(session, evaluation.id)
    }
    changed: list[tuple[uuid.UUID, str, int | None]] = []
    names = {each.id: each.name for each in queries.list_criteria(session, evaluation.id)}
    for key, score in scores.items():
        old = stored.get(key)
        if (None if old is None else Score(old.points, old.note)) == score:
            continue
        candidate_id, criterion_id = key
        changed.append((candidate_id, names[criterion_id], score.points if score else None))
        if score is None:
            session.delete(old)
        elif old is None:
            session.add(
                EvaluationScore(
                    evaluation_id=evaluation.id,
                    criterion_id=criterion_id,
                    candidate_id=candidate_id,
                    points=score.points,
                    note=score.note,
                )
            )
        else:
            old.revise(points=score.points, note=score.note)
    session.flush()
    return changed


def complete_evaluation(
    session: Session, actor: Actor, project: Project, pack: EvidencePack
) -> Evaluation:
    """End the evaluation of a pack when its comparison is confirmed; price alone needs nothing more.

    Raises GuardFailed naming every remaining candidate that lacks a score.
    """
    evaluation = queries.find_evaluation(session, pack.id, for_update=True)
    if evaluation is None or evaluation.basis is EvaluationBasis.PRICE_ONLY:
        basis = EvaluationBasis.PRICE_ONLY
        evaluation = _draft(session, actor, pack, evaluation, basis)
        _fix(session, actor, evaluation)
    if evaluation.state is EvaluationState.DRAFT:
        sentence = (
            "重みがまだ確定していません。重みを確定して採点するか、"
            "「価格だけで比べる」に変えて保存してください。"
        )
        raise GuardFailed([(f"/projects/{project.id}/evaluation", sentence)])
    missing = unscored(_view(session, evaluation), queries.remaining_candidates(session, pack.id))
    if missing:
        raise GuardFailed(
            [
                (
                    f"/projects/{project.id}/evaluation#f-{score_field('points', each.rank, criterion)}",
                    f"候補{each.rank}の「{criterion.name}」の点がありません。採点するか、候補から除外してください。",
                )
                for each, criterion in missing
            ]
        )
    evaluation.apply(
        EvaluationAction.SCORE,
        scored_by_id=actor.person_id,
        scored_at=now(session),
        last_editor_id=actor.person_id,
    )
    said = {"basis": evaluation.basis.value}
    _record(session, actor, project, evaluation, "evaluation.complete", **said)
    return evaluation


def unscored(
    view: EvaluationView, candidates: Sequence[Candidate]
) -> list[tuple[Candidate, Criterion]]:
    """Return what still has to be scored before the comparison can be confirmed."""
    return [
        (candidate, criterion)
        for candidate in candidates
        for criterion in view.typed_criteria
        if (candidate.id, criterion.id) not in view.scores
    ]


def _wrong_state(evaluation: Evaluation) -> WrongState:
    sentence = evaluation.MACHINE.wrong_state_sentence(evaluation.state)
    return WrongState(sentence, state=evaluation.state.value)


def _record(
    session: Session,
    actor: Actor,
    project: Project,
    evaluation: Evaluation,
    action: str,
    **detail: Any,
) -> None:
    audit.record(
        session,
        actor,
        action,
        "Evaluation",
        evaluation.id,
        owner_id=project.owner_id,
        case_id=project.id,
        **detail,
    )
