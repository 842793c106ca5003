"""Acts on a project: open, edit, search, end."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.queries import get_organisation
from catalog.specifications import queries as specification_queries
from core import audit
from core.clock import day_in_japan
from core.db import now
from core.errors import Invalid, NotFound, WrongState
from core.japanese import fiscal_year, fiscal_year_bounds, format_date
from procurement.bodies.models import ContractCategory
from procurement.bodies.numbering import format_number, take_ordinal
from procurement.bodies.queries import limits_for
from procurement.bodies.rules import BodyRules
from procurement.projects.models import (
    FROZEN_FIELDS,
    FROZEN_WORDS,
    BodyRole,
    ContractTermBasis,
    Project,
    ProjectAction,
    ProjectBody,
    ProjectCounter,
    ProjectState,
)
from procurement.projects.terms import (
    BUDGET_FIELDS,
    Burden,
    settle_budget,
    term_refusals,
    with_rounding,
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
    category: ContractCategory | None = None,
    specification_version_id: uuid.UUID | None = None,
    cost_conditions: Mapping[str, Any] | None = None,
    **budget: Any,
) -> Project:
    """Open a project of the acting body; it gets the next number of the body's fiscal year.

    `budget` are the fields of terms.BUDGET_FIELDS. Category and rounding are those of the body's
    rules where it has any.
    """
    actor = require(session, actor, Permission.PROJECT_CREATE)
    if actor.organisation_id is None or actor.person_id is None:
        raise NotFound
    rules = _rules_of(session, actor.organisation_id)
    told = {"starts_on": starts_on, "term_months": term_months, "term_basis": term_basis, **budget}
    told = settle_budget(told)
    _check_term(session, rules, told)
    _check_specification(session, specification_version_id)
    year = fiscal_year(day_in_japan(now(session)))
    ordinal = take_ordinal(session, ProjectCounter, actor.organisation_id, year)
    project = Project(
        owner_id=actor.organisation_id,
        number=format_number(year, ordinal),
        title=title,
        need=need,
        **told,
        budget_line=budget_line,
        category=_category(rules, category),
        specification_version_id=specification_version_id,
        cost_conditions=with_rounding(cost_conditions or {}, rules),
        created_by_id=actor.person_id,
        last_editor_id=actor.person_id,
    )
    session.add(project)
    session.flush()
    session.add(
        ProjectBody(
            project_id=project.id,
            organisation_id=project.owner_id,
            role=BodyRole.LEAD,
            joined_at=now(session),
        )
    )
    session.flush()
    record(session, actor, project, "project.create", number=project.number, title=project.title)
    return project


def edit_project(
    session: Session, actor: Actor, project: Project, *, version: int, **values: Any
) -> Project:
    """Change need and term until the search is locked, the budget until a choice; raises StaleVersion."""
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    _require_editable(project)
    rules = _rules_of(session, project.owner_id)
    kept = {name: getattr(project, name) for name in (*BUDGET_FIELDS, *FROZEN_FIELDS)}
    values = settle_budget({**kept, **values})
    if not project.has_open_costs:
        _refuse_frozen(kept, values)
    values["category"] = _category(rules, values.get("category") or project.category)
    _check_term(session, rules, values)
    _check_specification(session, values.get("specification_version_id"))
    changed = sorted(name for name, value in values.items() if getattr(project, name) != value)
    project.revise(version, **values, last_editor_id=actor.person_id)
    record(session, actor, project, "project.edit", changed=changed, title=project.title)
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
    kept = with_rounding(conditions, _rules_of(session, project.owner_id))
    project.revise(version, cost_conditions=kept, last_editor_id=actor.person_id)
    record(session, actor, project, "project.cost_conditions", conditions=kept)
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


def _require_editable(project: Project) -> None:
    if not project.is_editable:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )


def _refuse_frozen(kept: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Keep what the evidence was locked for: other words or days would be compared with its costs."""
    moved = [name for name in FROZEN_FIELDS if values[name] != kept[name]]
    if moved:
        raise Invalid(dict.fromkeys(moved, FROZEN_WORDS))


def _rules_of(session: Session, body_id: uuid.UUID) -> BodyRules:
    body = get_organisation(session, body_id)
    if body is None:
        raise NotFound
    return limits_for(session, body, day_in_japan(now(session)))


def _category(rules: BodyRules, told: ContractCategory | None) -> ContractCategory:
    """Return the body's rule on what SaaS is; where it has none, what was said."""
    return rules.saas_category if told is None or not rules.is_default else told


def _check_term(session: Session, rules: BodyRules, values: Mapping[str, Any]) -> None:
    """Refuse a start before this fiscal year, and a term that law or rules do not allow."""
    start, months, basis = (values[name] for name in ("starts_on", "term_months", "term_basis"))
    burden = Burden(*(values[f"burden_{name}"] for name in ("limit", "voted_on", "until")))
    errors = term_refusals(rules, basis, months, start, burden)
    this_year = fiscal_year(day_in_japan(now(session)))
    if fiscal_year(start) < this_year:
        first = format_date(fiscal_year_bounds(this_year)[0])
        errors["starts_on"] = f"利用の始まりは{first}以後の日付にしてください。"
    if errors:
        raise Invalid(errors)


def _check_specification(session: Session, version_id: uuid.UUID | None) -> None:
    if version_id is None:
        return
    version = specification_queries.get_version(session, version_id)
    if version is None or not version.is_published:
        sentence = "標準仕様書は公開されている版から選択してください。"
        raise Invalid({"specification_version_id": sentence})
