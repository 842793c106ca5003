"""Acts on a project: open, edit, search, narrow down, compare, end."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.price_plan import Term
from catalog.specifications import queries as specification_queries
from core import audit
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed, Invalid, NotFound, WrongState
from core.japanese import fiscal_year, fiscal_year_bounds, format_date, format_fiscal_year
from procurement.bodies.models import ContractCategory
from procurement.bodies.numbering import format_number, take_ordinal
from procurement.projects import queries
from procurement.projects.models import (
    Candidate,
    ContractTermBasis,
    EvidencePack,
    Project,
    ProjectAction,
    ProjectCounter,
    ProjectState,
)


def create_project(
    session: Session,
    actor: Actor,
    *,
    title: str,
    need: str,
    starts_on: date,
    term_months: int,
    term_basis: ContractTermBasis,
    budget_line: str,
    category: ContractCategory,
    specification_version_id: uuid.UUID | None = None,
    cost_conditions: Mapping[str, Any] | None = None,
) -> Project:
    """Open a project of the acting body; it gets the next number of the body's fiscal year."""
    actor = require(session, actor, Permission.PROJECT_CREATE)
    if actor.organisation_id is None or actor.person_id is None:
        raise NotFound
    _check_term(session, starts_on, term_months, term_basis)
    _check_specification(session, specification_version_id)
    year = fiscal_year(day_in_japan(now(session)))
    ordinal = take_ordinal(session, ProjectCounter, actor.organisation_id, year)
    project = Project(
        owner_id=actor.organisation_id,
        number=format_number(year, ordinal),
        title=title,
        need=need,
        starts_on=starts_on,
        term_months=term_months,
        term_basis=term_basis,
        budget_line=budget_line,
        category=category,
        specification_version_id=specification_version_id,
        cost_conditions=dict(cost_conditions or {}),
        created_by_id=actor.person_id,
        last_editor_id=actor.person_id,
    )
    session.add(project)
    session.flush()
    record(session, actor, project, "project.create", number=project.number)
    return project


def edit_project(
    session: Session, actor: Actor, project: Project, *, version: int, **values: Any
) -> Project:
    """Change need, term or budget until a selection is proposed; raises StaleVersion."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    _require_editable(project)
    _check_term(session, values["starts_on"], values["term_months"], values["term_basis"])
    _check_specification(session, values.get("specification_version_id"))
    changed = sorted(name for name, value in values.items() if getattr(project, name) != value)
    project.revise(version, **values, last_editor_id=actor.person_id)
    record(session, actor, project, "project.edit", changed=changed)
    return project


def set_cost_conditions(
    session: Session, actor: Actor, project: Project, *, version: int, conditions: Mapping[str, Any]
) -> Project:
    """Say by which quantities and options costs are computed, until the search is locked."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    if not project.has_open_costs:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )
    values = {"cost_conditions": dict(conditions), "last_editor_id": actor.person_id}
    project.revise(version, **values)
    record(session, actor, project, "project.cost_conditions", conditions=dict(conditions))
    return project


def save_search(
    session: Session, actor: Actor, project: Project, *, version: int, query: Mapping[str, Any]
) -> Project:
    """Keep the query that will be locked; after a lock this begins a new search, the old pack stays."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    values = {"search_query": dict(query), "last_editor_id": actor.person_id}
    if project.state is ProjectState.SEARCHING:
        project.revise(version, **values)
    else:
        project.apply(ProjectAction.START_SEARCH, version, **values)
    record(session, actor, project, "project.search", query=dict(query))
    return project


def exclude_candidate(
    session: Session, actor: Actor, candidate: Candidate, *, version: int, reason: str
) -> Candidate:
    """Take a locked hit out of the comparison, with the reason that the documents print."""
    project = _begin_narrowing(session, actor, candidate)
    candidate.revise(
        version,
        excluded_at=now(session),
        excluded_by_id=actor.person_id,
        exclusion_reason=reason,
    )
    _record_candidate(session, actor, project, candidate, "candidate.exclude", reason=reason)
    return candidate


def restore_candidate(
    session: Session, actor: Actor, candidate: Candidate, *, version: int
) -> Candidate:
    """Take an exclusion back before the comparison is confirmed."""
    project = _begin_narrowing(session, actor, candidate)
    candidate.revise(version, excluded_at=None, excluded_by_id=None, exclusion_reason="")
    _record_candidate(session, actor, project, candidate, "candidate.restore")
    return candidate


def confirm_comparison(
    session: Session, actor: Actor, project: Project, *, version: int
) -> Project:
    """Note that the remaining candidates were compared; from here on none is excluded any more."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    pack = queries.latest_pack(session, project.id)
    candidates = queries.list_candidates(session, pack.id) if pack else []
    remaining = [candidate for candidate in candidates if not candidate.is_excluded]
    if project.state is ProjectState.EVIDENCE_LOCKED and not remaining:
        sentence = (
            "候補が残っていません。除外を取り消すか、「適するサービスなし」で終えてください。"
        )
        raise GuardFailed([("main", sentence)])
    project.apply(ProjectAction.COMPARE, version, last_editor_id=actor.person_id)
    record(session, actor, project, "project.compare", candidates=len(remaining))
    return project


def find_none_suitable(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Project:
    """End the project because nothing suits, with the reason."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    values = {"end_reason": reason, "last_editor_id": actor.person_id}
    project.apply(ProjectAction.FIND_NONE, version, **values)
    record(session, actor, project, "project.find_none", reason=reason)
    return project


def cancel_project(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Project:
    """Give the project up, with the reason; an open request has to be withdrawn first."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    values = {"end_reason": reason, "last_editor_id": actor.person_id}
    project.apply(ProjectAction.CANCEL, version, **values)
    record(session, actor, project, "project.cancel", reason=reason)
    return project


def record(
    session: Session, actor: audit.Acting, project: Project, action: str, **detail: Any
) -> None:
    """Write an event of the project to the trail of its body and its case."""
    audit.record(
        session,
        actor,
        action,
        "Project",
        project.id,
        owner_id=project.owner_id,
        case_id=project.id,
        **detail,
    )


def _begin_narrowing(session: Session, actor: Actor, candidate: Candidate) -> Project:
    pack = session.get_one(EvidencePack, candidate.pack_id)
    project = queries.get_project(session, pack.project_id, for_update=True)
    if project is None:
        raise NotFound
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    latest = queries.latest_pack(session, project.id)
    if latest is None or latest.id != candidate.pack_id:
        raise WrongState(
            "新しい検索結果が確定されています。新しいほうの候補で操作してください。",
            state=project.state.value,
        )
    if project.state is not ProjectState.EVIDENCE_LOCKED:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )
    project.revise(last_editor_id=actor.person_id)
    return project


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


def _require_editable(project: Project) -> None:
    if not project.is_editable:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )


def _check_term(
    session: Session, starts_on: date, term_months: int, basis: ContractTermBasis
) -> None:
    """Refuse a start before this fiscal year, and a term past the year without a ground.

    地方自治法 208条 (会計年度独立), 214条 (債務負担行為), 234条の3 (長期継続契約).
    """
    errors = {}
    this_year = fiscal_year(day_in_japan(now(session)))
    if fiscal_year(starts_on) < this_year:
        first = format_date(fiscal_year_bounds(this_year)[0])
        errors["starts_on"] = f"利用の始まりは{first}以後の日付にしてください。"
    last = Term(starts_on, term_months).end
    if basis is ContractTermBasis.SINGLE_YEAR and fiscal_year(last) != fiscal_year(starts_on):
        errors["term_basis"] = (
            f"利用の終わりが{format_date(last)}で、{format_fiscal_year(fiscal_year(starts_on))}を"
            "こえます。債務負担行為か長期継続契約（条例）を選ぶか、期間を短くしてください。"
        )
    if errors:
        raise Invalid(errors)


def _check_specification(session: Session, version_id: uuid.UUID | None) -> None:
    if version_id is None:
        return
    version = specification_queries.get_version(session, version_id)
    if version is None or not version.is_published:
        sentence = "標準仕様書は公開されている版から選択してください。"
        raise Invalid({"specification_version_id": sentence})
