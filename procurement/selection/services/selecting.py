"""Acts on the choice: propose one locked candidate, approve or return it."""

import uuid
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.db import now
from core.documents import canonical_json
from core.errors import Forbidden, GuardFailed, NotFound, WrongState
from procurement.bodies.models import ContractCategory, SmallAmountCeiling
from procurement.projects import queries as project_queries
from procurement.projects.costs import describe_basis
from procurement.projects.models import Candidate, Project, ProjectAction, ProjectState
from procurement.projects.services import lock_listing
from procurement.selection import queries
from procurement.selection.models import Ground, Selection
from procurement.selection.services.assessing import (
    Choice,
    assess_choice,
    over_sentence,
    quote_sentence,
    splitting_sentence,
)

_CHANGE_ASKED = "確かめたうえで進めるときは、その理由を入力してください。"


def propose_selection(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    version: int,
    candidate_id: uuid.UUID,
    ground: Ground,
    category: ContractCategory,
    reason: str,
    sole_source_reason: str,
    splitting_note: str = "",
    change_note: str = "",
) -> Selection:
    """Propose one remaining candidate within the small-amount ceiling; raises GuardFailed.

    Ground 1号 of 地方自治法施行令 167条の2 ①: the amount with tax over the whole term must not
    exceed the ceiling. What needs a quote, or exceeds it, is told with both amounts.
    """
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    if actor.person_id is None:
        raise NotFound
    project.expect(ProjectAction.PROPOSE)
    candidate = _find_open_candidate(session, project, candidate_id)
    lock_listing(session, candidate.listing_version_id)
    choice = assess_choice(session, project, candidate, category)
    ceiling, total = _check_choice(
        choice, project, splitting_note=splitting_note, change_note=change_note
    )
    selection = Selection(
        project_id=project.id,
        owner_id=project.owner_id,
        pack_id=candidate.pack_id,
        listing_version_id=candidate.listing_version_id,
        ground=ground,
        category=category,
        ceiling_amount=ceiling.amount,
        ceiling_source=ceiling.source,
        total_with_tax=total,
        total_without_tax=choice.estimate.statement.subtotal or 0,
        reason=reason,
        sole_source_reason=sole_source_reason,
        splitting_note=splitting_note,
        change_note=change_note,
        cost_basis=canonical_json(describe_basis(choice.estimate)).decode(),
        proposed_by_id=actor.person_id,
        # Whoever last touched need, candidates or comparison shaped the choice and cannot approve.
        last_editor_id=project.last_editor_id,
    )
    session.add(selection)
    session.flush()
    project.apply(ProjectAction.PROPOSE, version, last_editor_id=actor.person_id)
    _record_proposal(session, actor, project, selection)
    return selection


def _record_proposal(
    session: Session, actor: Actor, project: Project, selection: Selection
) -> None:
    _record(
        session,
        actor,
        project,
        selection,
        "selection.propose",
        total_with_tax=selection.total_with_tax,
        ceiling=selection.ceiling_amount,
        ground=selection.ground.value,
        reason=selection.reason,
        splitting_note=selection.splitting_note,
        change_note=selection.change_note,
    )


def approve_selection(
    session: Session, actor: Actor, project: Project, *, version: int, change_note: str = ""
) -> Selection:
    """Approve the proposed choice as another person; every condition is checked again now."""
    selection = _begin_decision(session, actor, project)
    candidate = _find_open_candidate(session, project, None, selection)
    lock_listing(session, selection.listing_version_id)
    choice = assess_choice(session, project, candidate, selection.category)
    _check_choice(
        choice,
        project,
        splitting_note=selection.splitting_note,
        # The clerk's note may be of an earlier change: whoever decides acknowledges what is true now.
        change_note=change_note,
    )
    project.apply(ProjectAction.APPROVE, version)
    selection.revise(decided_by_id=actor.person_id, decided_at=now(session), is_approved=True)
    _record(session, actor, project, selection, "selection.approve", change_note=change_note)
    return selection


def return_selection(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Selection:
    """Return the proposed choice to the clerk, with the reason."""
    selection = _begin_decision(session, actor, project)
    project.apply(ProjectAction.RETURN, version)
    selection.revise(
        decided_by_id=actor.person_id,
        decided_at=now(session),
        is_approved=False,
        return_reason=reason,
    )
    _record(session, actor, project, selection, "selection.return", reason=reason)
    return selection


def _find_open_candidate(
    session: Session,
    project: Project,
    candidate_id: uuid.UUID | None,
    selection: Selection | None = None,
) -> Candidate:
    pack = project_queries.latest_pack(session, project.id)
    candidates = project_queries.list_candidates(session, pack.id) if pack else []
    for candidate in candidates:
        wanted = (
            candidate.id == candidate_id
            if selection is None
            else candidate.listing_version_id == selection.listing_version_id
        )
        if wanted and not candidate.is_excluded:
            return candidate
    raise GuardFailed([("f-candidate_id", "選ぶサービスは、残っている候補から選択してください。")])


def _check_choice(
    choice: Choice, project: Project, *, splitting_note: str, change_note: str
) -> tuple[SmallAmountCeiling, int]:
    reasons = []
    ceiling, total = choice.ceiling, choice.total
    if ceiling is None:
        reasons.append(("f-category", "今日の時点で使える少額の契約の限度額が登録されていません。"))
    if total is None:
        reasons.append(("f-candidate_id", quote_sentence(choice)))
    if ceiling is not None and total is not None and total > ceiling.amount:
        reasons.append(("f-candidate_id", over_sentence(total, ceiling)))
    if choice.splits and not splitting_note:
        reasons.append(("f-splitting_note", splitting_sentence(choice, project)))
    if choice.changes and not change_note:
        reasons += [("f-change_note", sentence + _CHANGE_ASKED) for sentence in choice.changes]
    if reasons or ceiling is None or total is None:
        raise GuardFailed(reasons)
    return ceiling, total


def _begin_decision(session: Session, actor: Actor, project: Project) -> Selection:
    actor = require(session, actor, Permission.PROJECT_DECIDE, project)
    if project.state is not ProjectState.SELECTION_PROPOSED:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )
    selection = queries.latest_selection(session, project.id)
    if selection is None:
        raise NotFound
    if actor.person_id in {selection.proposed_by_id, selection.last_editor_id}:
        raise Forbidden(
            "選定の案を作った人と、案件を最後に編集した人は決裁できません。"
            "別の決裁者に頼んでください。"
        )
    return selection


def _record(
    session: Session,
    actor: Actor,
    project: Project,
    selection: Selection,
    action: str,
    **detail: Any,
) -> None:
    audit.record(
        session,
        actor,
        action,
        "Selection",
        selection.id,
        owner_id=project.owner_id,
        case_id=project.id,
        **detail,
    )
