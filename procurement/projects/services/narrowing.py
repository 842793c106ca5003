"""Acts on locked candidates: exclude by a locked condition, take back, confirm the comparison."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.db import now
from core.errors import GuardFailed, Invalid, StaleVersion, WrongState
from procurement.projects import queries
from procurement.projects.comparison_paper import make_comparison_paper
from procurement.projects.models import Candidate, EvidencePack, Project, ProjectAction
from procurement.projects.paper_models import PaperKind
from procurement.projects.papers import keep_paper
from procurement.projects.record_paper import make_record_paper
from procurement.projects.services.cases import record
from procurement.projects.services.evaluating import complete_evaluation, evaluation_of
from procurement.projects.services.holding import begin_narrowing


def exclude_candidates(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    version: int,
    candidate_ids: Collection[uuid.UUID],
    condition_key: str,
    reason: str,
) -> list[Candidate]:
    """Take locked hits out of the comparison: the condition they do not meet, and the reason.

    Raises StaleVersion when somebody else changed the case first; what they said of one of these
    candidates is told.
    """
    project, pack = begin_narrowing(session, actor, project.id)
    candidates = [
        each for each in queries.list_candidates(session, pack.id) if each.id in candidate_ids
    ]
    if project.version != version:
        raise StaleVersion(current=_told(project, candidates))
    errors = {}
    if len(candidates) < len(set(candidate_ids)) or any(each.is_excluded for each in candidates):
        errors["candidate"] = "除外するサービスは、残っている候補から選択してください。"
    if condition_key not in {each.key for each in queries.evidence_conditions(session, pack.id)}:
        errors["condition"] = "合わない条件は、確定した条件から選択してください。"
    if errors:
        raise Invalid(errors)
    project.revise(version, last_editor_id=actor.person_id)
    for each in candidates:
        each.revise(
            excluded_at=now(session),
            excluded_by_id=actor.person_id,
            exclusion_reason=reason,
            condition_key=condition_key,
        )
        said = {"reason": reason, "condition": condition_key}
        _record_candidate(session, actor, project, each, "candidate.exclude", **said)
    return candidates


def _told(project: Project, candidates: list[Candidate]) -> dict[str, Any]:
    """Return the version of now, and what others already said of a candidate that was to go."""
    for each in candidates:
        if each.is_excluded:
            said = {"reason": each.exclusion_reason, "condition": each.condition_key or ""}
            return {"version": project.version, **said}
    return {"version": project.version}


def restore_candidate(
    session: Session, actor: Actor, candidate: Candidate, *, version: int
) -> Candidate:
    """Take an exclusion back before the comparison is confirmed."""
    pack = session.get_one(EvidencePack, candidate.pack_id)
    project, latest = begin_narrowing(session, actor, pack.project_id)
    if latest.id != candidate.pack_id:
        raise WrongState(
            "新しい検索結果が確定されています。新しいほうの候補で操作してください。",
            state=project.state.value,
        )
    candidate.revise(
        version, excluded_at=None, excluded_by_id=None, exclusion_reason="", condition_key=None
    )
    project.revise(last_editor_id=actor.person_id)
    _record_candidate(session, actor, project, candidate, "candidate.restore")
    return candidate


def confirm_comparison(
    session: Session, actor: Actor, project: Project, *, version: int
) -> Project:
    """Note that the remaining candidates were compared, by price alone or by what was weighed.

    From here on none is excluded and no score changes any more. Raises GuardFailed while a
    remaining candidate lacks a score.
    """
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    project.expect(ProjectAction.COMPARE)
    pack = queries.latest_pack(session, project.id)
    remaining = queries.remaining_candidates(session, pack.id) if pack else []
    if pack is None or not remaining:
        sentence = (
            "候補が残っていません。除外を取り消すか、「適するサービスなし」で終えてください。"
        )
        raise GuardFailed([("main", sentence)])
    evaluation = complete_evaluation(session, actor, project, pack)
    project.apply(ProjectAction.COMPARE, version, last_editor_id=actor.person_id)
    basis = evaluation.basis.value
    record(session, actor, project, "project.compare", candidates=len(remaining), basis=basis)
    _keep_papers(session, actor, project, pack)
    return project


def _keep_papers(session: Session, actor: Actor, project: Project, pack: EvidencePack) -> None:
    candidates = queries.list_candidates(session, pack.id)
    found = make_record_paper(session, project, pack, candidates)
    keep_paper(session, actor, project, PaperKind.SEARCH_RECORD, found, subject_id=pack.id)
    remaining = [each for each in candidates if not each.is_excluded]
    view = evaluation_of(session, pack.id)
    compared = make_comparison_paper(session, project, pack, remaining, view)
    keep_paper(session, actor, project, PaperKind.COMPARISON_TABLE, compared, subject_id=pack.id)


def _record_candidate(
    session: Session,
    actor: Actor,
    project: Project,
    candidate: Candidate,
    action: str,
    **detail: Any,
) -> None:
    audit.record(
        session,
        actor,
        action,
        "Candidate",
        candidate.id,
        owner_id=project.owner_id,
        case_id=project.id,
        listing_version_id=candidate.listing_version_id,
        rank=candidate.rank,
        **detail,
    )
