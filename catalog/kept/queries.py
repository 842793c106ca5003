"""What a person keeps for computing costs, acting for one organisation."""

from typing import cast

from sqlalchemy import and_
from sqlmodel import Session, col, select

from accounts.identity import Actor
from accounts.models import Organisation
from catalog.kept.models import CostProfile
from catalog.what_if import Baseline

_KNOWN = "cost_profile"


def find_profile(session: Session, actor: Actor) -> CostProfile | None:
    """Return what the person keeps for the acting organisation; asked once in a reading session.

    It is read together with the organisation, which a page of costs needs anyway.
    """
    if actor.person_id is None or actor.organisation_id is None:
        return None
    key = (_KNOWN, actor.person_id, actor.organisation_id)
    if session.info.get("read_only") and key in session.info:
        return cast("tuple[Organisation | None, CostProfile | None]", session.info[key])[1]
    is_own = and_(
        col(CostProfile.organisation_id) == Organisation.id,
        col(CostProfile.person_id) == actor.person_id,
    )
    statement = (
        select(Organisation, CostProfile)
        .outerjoin(CostProfile, is_own)
        .where(Organisation.id == actor.organisation_id)
    )
    found = session.exec(statement).first()
    # The organisation is held as well, or the session would forget it and ask again.
    organisation, profile = found or (None, None)
    session.info[key] = (organisation, profile)
    return profile


def load_baseline(session: Session, actor: Actor) -> Baseline | None:
    """Return what the acting organisation pays today, as the person typed it; None when unsaid."""
    profile = find_profile(session, actor)
    if profile is None or profile.baseline_yearly is None or profile.baseline_ends_on is None:
        return None
    return Baseline(profile.baseline_yearly, profile.baseline_ends_on)
