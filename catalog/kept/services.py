"""Acts on what a person keeps for computing costs: keep and forget.

The trail says that somebody kept or dropped something, never what it holds, and it stands in no
organisation's own trail.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Person
from accounts.permissions import Permission, require
from catalog.kept.models import CostProfile
from catalog.kept.queries import Profiles, find_profiles
from catalog.kept.words import general_words, work_words
from catalog.what_if import Baseline
from core import audit
from core.errors import NotFound

_EDIT = Permission.COST_PROFILE_EDIT


@dataclass(frozen=True, slots=True)
class Work:
    """What is kept for the services of one standard specification."""

    specification_id: uuid.UUID
    code: str
    words: Mapping[str, str | list[str]]
    baseline: Baseline | None = None


def keep(
    session: Session,
    actor: Actor,
    conditions: Mapping[str, str | list[str]],
    work: Work | None = None,
    *,
    settles: bool = False,
) -> None:
    """Keep what counts for every work, and for one work, in place of what was kept of each.

    `settles` drops quantities and a baseline of which nobody told the work: it is told now, or they
    are given up.
    """
    found, actor = _lock_own(session, actor)
    values: dict[str, Any] = {"conditions": general_words(conditions)}
    if settles:
        values |= {"baseline_yearly": None, "baseline_ends_on": None}
    elif found.general is not None:
        values["conditions"] |= work_words(found.general.conditions)
    _put(session, actor, found.general, None, values)
    if work is not None:
        values = {
            "conditions": work_words(work.words),
            "baseline_yearly": work.baseline and work.baseline.yearly_with_tax,
            "baseline_ends_on": work.baseline and work.baseline.ends_on,
        }
        standing = found.works.get(work.code)
        if values["conditions"] or work.baseline:
            _put(session, actor, standing, work.specification_id, values)
        elif standing is not None:
            _drop(session, actor, standing)


def forget(session: Session, actor: Actor) -> None:
    """Drop for good all that the person keeps for the acting organisation; nothing kept is as well."""
    found, actor = _lock_own(session, actor)
    for profile in filter(None, (found.general, *found.works.values())):
        _drop(session, actor, profile)


def _put(
    session: Session,
    actor: Actor,
    profile: CostProfile | None,
    specification_id: uuid.UUID | None,
    values: dict[str, Any],
) -> None:
    if profile is None:
        owner: dict[str, Any] = {
            "person_id": actor.person_id,
            "organisation_id": actor.organisation_id,
            "specification_id": specification_id,
        }
        profile = CostProfile(**values, **owner)
        session.add(profile)
        session.flush()
    else:
        profile.revise(**values)
    audit.record(session, actor, "cost_profile.keep", "CostProfile", profile.id)


def _drop(session: Session, actor: Actor, profile: CostProfile) -> None:
    session.delete(profile)
    session.flush()
    audit.record(session, actor, "cost_profile.forget", "CostProfile", profile.id)


def _lock_own(session: Session, actor: Actor) -> tuple[Profiles, Actor]:
    """Return the person's profiles, whose other acts on them wait for the commit."""
    actor = require(session, actor, _EDIT)
    if actor.person_id is None or actor.organisation_id is None:
        raise NotFound
    session.get(Person, actor.person_id, with_for_update=True)
    found = find_profiles(session, actor)
    for profile in filter(None, (found.general, *found.works.values())):
        require(session, actor, _EDIT, profile)
    return found, actor
