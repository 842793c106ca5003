"""The conditions of a project: typed by the clerk, and copied word for word by the lock."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core.errors import NotFound, StaleVersion, WrongState
from core.japanese import format_date
from procurement.projects import queries
from procurement.projects.evidence import LockedCondition
from procurement.projects.models import (
    TYPED_KINDS,
    ConditionKind,
    EvidenceCondition,
    Project,
    ProjectCondition,
)
from procurement.projects.search_words import describe_query
from procurement.projects.services.cases import record
from search import queries as search_queries


def typed_conditions(session: Session, project: Project) -> dict[str, str]:
    """Return the conditions as the form shows them: one a line, by what they are about."""
    found: dict[str, list[str]] = {kind.value: [] for kind in TYPED_KINDS}
    for each in queries.list_conditions(session, project.id):
        found[each.kind.value].append(each.text)
    return {name: "\n".join(texts) for name, texts in found.items()}


def set_conditions(
    session: Session, actor: Actor, project: Project, *, version: int, **typed: str
) -> Project:
    """Replace the conditions, one a line, until the search is locked.

    Raises StaleVersion with what another person saved first.
    """
    actor = require(session, actor, Permission.PROJECT_EDIT, project)
    if not project.has_open_costs:
        raise WrongState(
            project.MACHINE.wrong_state_sentence(project.state), state=project.state.value
        )
    try:
        project.revise(version, last_editor_id=actor.person_id)
    except StaleVersion as stale:
        stale.current = {**stale.current, **typed_conditions(session, project)}
        raise
    for old in queries.list_conditions(session, project.id):
        session.delete(old)
    session.flush()
    lines = [(kind, text) for kind in TYPED_KINDS for text in _lines(typed.get(kind.value, ""))]
    for position, (kind, text) in enumerate(lines, start=1):
        session.add(
            ProjectCondition(
                project_id=project.id,
                key=f"条-{position}",
                position=position,
                kind=kind,
                text=text,
            )
        )
    session.flush()
    record(session, actor, project, "condition.edit", conditions=[text for _, text in lines])
    return project


def _lines(text: str) -> list[str]:
    """Return each line once, in its order."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def conditions_to_lock(session: Session, project: Project) -> list[LockedCondition]:
    """Return everything that a service can fail: of the case, of the search, and what was typed."""
    term = f"{format_date(project.starts_on)}から{project.term_months}か月使えること"
    case = [LockedCondition("案-1", ConditionKind.CASE, project.need)]
    case.append(LockedCondition("案-2", ConditionKind.CASE, term))
    searched = [
        LockedCondition(f"F-{number}", ConditionKind.SEARCH, words)
        for number, words in enumerate(_search_words(session, project), start=1)
    ]
    typed = [
        LockedCondition(each.key, each.kind, each.text)
        for each in queries.list_conditions(session, project.id)
    ]
    return [*case, *searched, *typed]


def _search_words(session: Session, project: Project) -> list[str]:
    kept: Mapping[str, Any] = {**project.search_query, "sort": "relevance"}
    choices = search_queries.list_facet_choices(session, kept["filters"])
    rows = describe_query(kept, choices)
    return [f"{name}：{words}" for name, words in (rows if kept["text"] else rows[1:])]


def keep_conditions(
    session: Session, pack_id: uuid.UUID, conditions: list[LockedCondition]
) -> None:
    """Freeze the conditions beside their pack, so that exclusions can cite them by key."""
    if not conditions:
        raise NotFound
    for position, each in enumerate(conditions, start=1):
        session.add(
            EvidenceCondition(
                pack_id=pack_id, key=each.key, position=position, kind=each.kind, text=each.text
            )
        )
    session.flush()
