"""What a person keeps for computing costs, acting for one organisation."""

from typing import cast

from sqlmodel import Session, select

from accounts.identity import Actor
from catalog.kept.models import CostProfile
from catalog.what_if import Baseline

_KNOWN = "cost_profile"


def find_profile(session: Session, actor: Actor) -> CostProfile | None:
    """Return what the person keeps for the acting organisation; asked once in a reading session."""
    if actor.person_id is None or actor.organisation_id is None:
        return None
    key = (_KNOWN, actor.person_id, actor.organisation_id)
    if session.info.get("read_only") and key in session.info:
        return cast("CostProfile | None", session.info[key])
    statement = select(CostProfile).where(
        CostProfile.person_id == actor.person_id,
        CostProfile.organisation_id == actor.organisation_id,
    )
    found = session.exec(statement).first()
    session.info[key] = found
    return found


def load_baseline(session: Session, actor: Actor) -> Baseline | None:
    """Return what the acting organisation pays today, as the person typed it; None when unsaid."""
    profile = find_profile(session, actor)
    if profile is None or profile.baseline_yearly is None or profile.baseline_ends_on is None:
        return None
    return Baseline(profile.baseline_yearly, profile.baseline_ends_on)
