"""Acts on what a person keeps for computing costs: keep and forget.

The trail says that somebody kept or dropped something, never what it holds, and it stands in no
organisation's own trail.
"""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Person
from accounts.permissions import Permission, require
from catalog.kept.models import CostProfile
from catalog.kept.queries import find_profile
from catalog.what_if import Baseline
from core import audit
from core.errors import NotFound

_EDIT = Permission.COST_PROFILE_EDIT


def keep(
    session: Session,
    actor: Actor,
    conditions: Mapping[str, str | list[str]],
    baseline: Baseline | None,
) -> CostProfile:
    """Keep conditions and today's contract for the acting organisation, in place of what was kept."""
    profile, actor = _lock_own(session, actor)
    values: dict[str, Any] = {
        "conditions": dict(conditions),
        "baseline_yearly": baseline and baseline.yearly_with_tax,
        "baseline_ends_on": baseline and baseline.ends_on,
    }
    if profile is None:
        owner: dict[str, Any] = {
            "person_id": actor.person_id,
            "organisation_id": actor.organisation_id,
        }
        profile = CostProfile(**values, **owner)
        session.add(profile)
        session.flush()
    else:
        profile.revise(**values)
    audit.record(session, actor, "cost_profile.keep", "CostProfile", profile.id)
    return profile


def forget(session: Session, actor: Actor) -> None:
    """Drop for good what the person keeps for the acting organisation; nothing kept is as well."""
    profile, actor = _lock_own(session, actor)
    if profile is None:
        return
    session.delete(profile)
    session.flush()
    audit.record(session, actor, "cost_profile.forget", "CostProfile", profile.id)


def _lock_own(session: Session, actor: Actor) -> tuple[CostProfile | None, Actor]:
    """Return the person's profile, whose other acts on it wait for the commit."""
    actor = require(session, actor, _EDIT)
    if actor.person_id is None or actor.organisation_id is None:
        raise NotFound
    session.get(Person, actor.person_id, with_for_update=True)
    profile = find_profile(session, actor)
    return profile, require(session, actor, _EDIT, profile) if profile else actor
