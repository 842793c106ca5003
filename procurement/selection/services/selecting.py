"""Acts on the choice: propose one locked candidate, approve or return it."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.clock import utcnow
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Forbidden, GuardFailed, NotFound, WrongState
from procurement.bodies.methods import Ground
from procurement.bodies.models import ContractCategory
from procurement.projects import queries as project_queries
from procurement.projects.models import Candidate, Project, ProjectAction, ProjectState
from procurement.projects.paper_models import PaperKind
from procurement.projects.papers import keep_paper
from procurement.projects.services import lock_listing
from procurement.quoting.services import announce_outcomes
from procurement.selection import queries
from procurement.selection.models import (
    ExternalDecision,
    PriceSource,
    Selection,
    SelectionMethod,
)
from procurement.selection.paper import make_selection_paper
from procurement.selection.services.assessing import Choice, assess_choice
from procurement.selection.services.hashing import (
    check_proposal,
    describe_external,
    hash_decision,
    proposal_hash,
)
from procurement.selection.services.judging import Case, case_of, check_choice, price_choice

_NEXT = timedelta(microseconds=1)
_OTHER_AMOUNT = "案が提出されたあとに金額の計算の結果が変わりました。差し戻して、案を作り直してもらってください。"

_OWN_CHOICE = (
    "選定の案を作った人と、案件を最後に編集した人は決裁できません。別の決裁者に頼んでください。"
)


def propose_selection(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    version: int,
    candidate_id: uuid.UUID,
    ground: Ground | None = None,
    category: ContractCategory,
    reason: str,
    sole_source_reason: str,
    splitting_note: str = "",
    change_note: str = "",
    method: SelectionMethod = SelectionMethod.LIST_PRICE,
    grounds_text: str = "",
    not_lowest_reason: str = "",
) -> Selection:
    """Propose one remaining candidate by a method, at its list price or its opened quote.

    Ground 1号 of 地方自治法施行令 167条の2 ①: the amount with tax over the whole term must not
    exceed the ceiling. What is missing is told all at once; raises GuardFailed.
    """
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    if actor.person_id is None:
        raise NotFound
    project.expect(ProjectAction.PROPOSE)
    candidate = _find_open_candidate(session, project, candidate_id)
    lock_listing(session, candidate.listing_version_id)
    choice = assess_choice(session, project, candidate, category)
    told = (grounds_text, not_lowest_reason, splitting_note, change_note)
    case = Case(method, ground, *told, sole_source_reason=sole_source_reason)
    choice = price_choice(session, project, choice, case)
    total = check_choice(session, actor, project, choice, case)
    selection = Selection(
        created_at=_after_earlier(session, project),
        project_id=project.id,
        owner_id=project.owner_id,
        pack_id=candidate.pack_id,
        listing_version_id=candidate.listing_version_id,
        method=method,
        ground=ground,
        grounds_text=grounds_text,
        not_lowest_reason=not_lowest_reason,
        category=category,
        **_limits(choice),
        total_with_tax=total,
        total_without_tax=choice.net,
        reason=reason,
        sole_source_reason=sole_source_reason,
        splitting_note=splitting_note,
        change_note=change_note,
        cost_basis=canonical_json(choice.basis).decode(),
        proposed_by_id=actor.person_id,
        # Whoever last touched need, candidates or comparison shaped the choice and cannot approve.
        last_editor_id=project.last_editor_id,
    )
    selection.proposal_sha256 = proposal_hash(session, selection)
    session.add(selection)
    session.flush()
    project.apply(ProjectAction.PROPOSE, version, last_editor_id=actor.person_id)
    _record_proposal(session, actor, project, selection)
    return selection


def _after_earlier(session: Session, project: Project) -> datetime:
    """Return now, or the next moment after the earlier proposal: their order is that of their times."""
    earlier, moment = queries.latest_selection(session, project.id), utcnow()
    return max(moment, earlier.created_at + _NEXT) if earlier is not None else moment


def _limits(choice: Choice) -> dict[str, Any]:
    quote, ceiling = choice.quote, choice.ceiling
    return {
        "price_source": PriceSource.QUOTE if quote else PriceSource.LIST,
        "quote_id": quote.quote_id if quote else None,
        "ceiling_amount": ceiling.amount if ceiling else None,
        "ceiling_source": ceiling.source if ceiling else "",
    }


def _record_proposal(
    session: Session, actor: Actor, project: Project, selection: Selection
) -> None:
    _record(
        session,
        actor,
        project,
        selection,
        "selection.propose",
        last_editor_id=str(selection.last_editor_id),
        quote_id=str(selection.quote_id) if selection.quote_id else None,
        total_with_tax=selection.total_with_tax,
        ceiling=selection.ceiling_amount,
        ground=selection.ground.value if selection.ground else None,
        reason=selection.reason,
        splitting_note=selection.splitting_note,
        change_note=selection.change_note,
    )


def approve_selection(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    version: int,
    change_note: str = "",
    sole_acknowledgement: str = "",
) -> Selection:
    """Approve the proposed choice as another person; every condition is checked again now."""
    actor, selection = begin_decision(session, actor, project, Permission.PROJECT_DECIDE)
    forbid_preparers(actor, selection, _OWN_CHOICE)
    notes = {"change_note": change_note, "sole_acknowledgement": sole_acknowledgement}
    proposed = check_again(session, actor, project, selection, **notes)
    settle(
        session,
        actor,
        project,
        selection,
        version=version,
        proposal_sha256=proposed,
        change_note=change_note,
        sole_acknowledgement=sole_acknowledgement,
    )
    return selection


def check_again(
    session: Session,
    actor: Actor,
    project: Project,
    selection: Selection,
    *,
    change_note: str,
    sole_acknowledgement: str,
) -> str:
    """Return the hash of a proposed choice, each condition checked once more; raises GuardFailed."""
    proposal_sha256 = check_proposal(session, selection)
    candidate = _find_open_candidate(session, project, None, selection)
    lock_listing(session, selection.listing_version_id)
    choice = assess_choice(session, project, candidate, selection.category)
    # The clerk's note may be of an earlier change: whoever decides acknowledges what is true now.
    case = case_of(selection, change_note=change_note, sole_acknowledgement=sole_acknowledgement)
    choice = price_choice(session, project, choice, case)
    if check_choice(session, actor, project, choice, case) != selection.total_with_tax:
        raise GuardFailed([("main", _OTHER_AMOUNT)])
    return proposal_sha256


def settle(
    session: Session,
    actor: Actor,
    project: Project,
    selection: Selection,
    external: ExternalDecision | None = None,
    *,
    version: int,
    proposal_sha256: str,
    change_note: str,
    sole_acknowledgement: str,
) -> None:
    """Make a checked choice the approved one: by the actor, or by the decision on paper they record."""
    # The database lets a project be approved only by a choice that is.
    decision: dict[str, Any] = {
        "decided_by_id": None if external else actor.person_id,
        "decided_at": now(session),
        "is_approved": True,
        "sole_acknowledgement": sole_acknowledgement,
    }
    approved_sha256 = hash_decision(proposal_sha256, decision, external)
    selection.revise(**decision, approved_sha256=approved_sha256)
    project.apply(ProjectAction.APPROVE, version)
    said: dict[str, Any] = {"change_note": change_note, "sha256": approved_sha256}
    if external is not None:
        described = describe_external(external)
        said |= described | {"number": external.document_number}
        said["decision_sha256"] = sha256_hex(canonical_json(described))
    action = "selection.record_external" if external else "selection.approve"
    _record(session, actor, project, selection, action, **said)
    _keep_paper(session, actor, project, selection, change_note=change_note)
    if selection.quote_id is not None:
        announce_outcomes(session, project, selection.listing_version_id)


def _keep_paper(
    session: Session, actor: Actor, project: Project, selection: Selection, *, change_note: str = ""
) -> None:
    paper = make_selection_paper(session, project, selection, change_note=change_note)
    keep_paper(session, actor, project, PaperKind.SELECTION_RECORD, paper, subject_id=selection.id)


def return_selection(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Selection:
    """Return the proposed choice to the clerk, with the reason."""
    actor, selection = begin_decision(session, actor, project, Permission.PROJECT_DECIDE)
    forbid_preparers(actor, selection, _OWN_CHOICE)
    quoted = selection.price_source is PriceSource.QUOTE
    project.apply(ProjectAction.RETURN_TO_QUOTES if quoted else ProjectAction.RETURN, version)
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


def begin_decision(
    session: Session, actor: Actor, project: Project, permission: Permission
) -> tuple[Actor, Selection]:
    """Return who acts, with the right checked, and the choice that waits to be decided.

    The project is held first, whatever is decided: two decisions at once never wait for each other.
    """
    if project_queries.get_project(session, project.id, for_update=True) is None:
        raise NotFound
    actor = require(session, actor, permission, project)
    if project.state is not ProjectState.SELECTION_PROPOSED:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )
    selection = queries.latest_selection(session, project.id)
    if selection is None:
        raise NotFound
    return actor, selection


def forbid_preparers(actor: Actor, selection: Selection, sentence: str) -> None:
    """Raise Forbidden for who made the proposal and who edited the project last."""
    if actor.person_id in {selection.proposed_by_id, selection.last_editor_id}:
        raise Forbidden(sentence)


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
