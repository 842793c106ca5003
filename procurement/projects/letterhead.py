"""Who writes a paper of a body, and where its people set their seals, by its rules of the day."""

import uuid

from sqlmodel import Session

from core.clock import day_in_japan
from core.db import now
from core.paper import Seals
from procurement.bodies.models import StepKind
from procurement.bodies.queries import rules_for
from procurement.bodies.rules import BodyRules, route_for
from procurement.projects.models import Project

Acted = tuple[str, str]
"""A name and a day, of somebody who has acted."""


def letterhead_of(session: Session, project: Project) -> tuple[str, ...]:
    """Return the lines of the body that writes: its name, and what its rules of today add."""
    head = _rules_of(session, project).letterhead
    phone = f"電話　{head.phone}" if head.phone else ""
    lines = (project.owner.label, head.sender, head.department, head.address, phone)
    return tuple(line for line in lines if line)


def seals_of(
    session: Session,
    project: Project,
    amount: int | None = None,
    *,
    prepared: Acted = ("", ""),
    decided: Acted = ("", ""),
) -> Seals:
    """Return the boxes of the body's route for an amount (yen with tax), the decision first."""
    rules = _rules_of(session, project)
    acted = {StepKind.PREPARE: prepared, StepKind.DECIDE: decided}
    steps = reversed(route_for(rules, amount))
    return Seals([(step.title, *acted.get(step.kind, ("", ""))) for step in steps])


def _rules_of(session: Session, project: Project) -> BodyRules:
    """Return the body's rules of today, read once per act: each paper asks for them twice."""
    known: dict[uuid.UUID, BodyRules] = session.info.setdefault("rules_of_papers", {})
    if project.owner_id not in known:
        day = day_in_japan(now(session))
        known[project.owner_id] = rules_for(session, project.owner, day)
    return known[project.owner_id]
