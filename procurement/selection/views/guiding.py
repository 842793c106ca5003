"""Page: which methods are open for a project, and why; it knows published prices alone.

The estimated price (予定価格) never enters here: everybody in the body may read this page.
"""

import uuid

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from core import web
from core.clock import day_in_japan
from core.db import now
from procurement.bodies.methods import MethodFacts, open_methods
from procurement.bodies.queries import ceiling_for, rules_for
from procurement.bodies.rules import BodyRules, route_for
from procurement.projects import queries as project_queries
from procurement.projects.models import (
    ContractTermBasis,
    EvidencePack,
    Project,
    ProjectAction,
    ProjectState,
)
from procurement.projects.terms import burden_of, term_refusals
from procurement.projects.views.frame import (
    blueprint,
    explain_early,
    read_latest_pack,
    read_project,
)
from procurement.selection import queries, services
from procurement.selection.services.assessing import Choice

_P = Permission


@blueprint.get("/projects/<uuid:project_id>/methods")
@access(_P.PROJECT_READ)
def methods(project_id: uuid.UUID) -> ResponseReturnValue:
    """Say which ways to a contract are open for the lowest published total, and why."""
    project = read_project(project_id)
    session = web.read_session()
    locked = project_queries.latest_pack(session, project.id) is not None
    if early := explain_early(project, "契約の方法は、まだ分かりません", ready=locked):
        return early
    pack = read_latest_pack(project)
    candidates = project_queries.remaining_candidates(session, pack.id)
    choices = services.assess_choices(session, project, candidates, project.category)
    priced = [each for each in choices.values() if each.total is not None]
    lowest = min(priced, key=lambda each: each.total or 0, default=None)
    today = day_in_japan(now(session))
    rules = rules_for(session, project.owner, today)
    facts = _facts(session, project, pack, lowest, rules)
    term = (project.term_basis, project.term_months, project.starts_on)
    return web.render_page(
        "selection/methods.html",
        project=project,
        facts=facts,
        answers=open_methods(facts),
        lowest=lowest,
        unpriced=len(choices) - len(priced),
        rules=rules,
        route=route_for(rules, facts.amount),
        refusals=list(term_refusals(rules, *term, burden_of(project)).values()),
        open_kin=_open_kin(session, project, list(choices.values())),
        may_quote=project.state is ProjectState.COMPARED,
        may_propose=project.can_apply(ProjectAction.PROPOSE),
    )


def _facts(
    session: Session,
    project: Project,
    pack: EvidencePack,
    lowest: Choice | None,
    rules: BodyRules,
) -> MethodFacts:
    today = day_in_japan(now(session))
    ceiling = ceiling_for(session, project.owner, project.category, today)
    return MethodFacts(
        kind_of_body=project.owner.body_kind,
        category=project.category,
        amount=lowest.total if lowest else None,
        ceiling=ceiling.amount if ceiling else None,
        conforming=project_queries.conforming_offerings(pack),
        rules=rules,
        related_total=lowest.related_total if lowest else 0,
        has_budget_clause=project.term_basis is ContractTermBasis.LONG_TERM,
    )


def _open_kin(session: Session, project: Project, choices: list[Choice]) -> list[Project]:
    """Return live projects of the same year and work that have chosen nothing yet."""
    specification_ids = {
        each.version.offering_version.specification_version.specification_id for each in choices
    }
    return queries.list_open_kin(session, project, specification_ids)
