"""What a person keeps for computing costs, acting for one organisation."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import and_
from sqlmodel import Session, col, select

from accounts.identity import Actor
from accounts.models import Organisation
from catalog.kept.models import CostProfile
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.specifications.models import SpecificationVersion, StandardSpecification
from catalog.what_if import Baseline

_KNOWN = "cost_profiles"


@dataclass(frozen=True, slots=True)
class Profiles:
    """What is kept for every work, and by the code of its specification for one."""

    general: CostProfile | None = None
    works: dict[str, CostProfile] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def get(self, code: str) -> CostProfile | None:
        """Return what is kept for a work; the general profile without a code."""
        return self.works.get(code) if code else self.general


NOTHING_KEPT = Profiles()


def find_profiles(session: Session, actor: Actor) -> Profiles:
    """Return what the person keeps for the acting organisation; asked once in a reading session.

    It is read together with the organisation, which a page of costs needs anyway.
    """
    if actor.person_id is None or actor.organisation_id is None:
        return NOTHING_KEPT
    key = (_KNOWN, actor.person_id, actor.organisation_id)
    if session.info.get("read_only") and key in session.info:
        return cast("tuple[list[Organisation], Profiles]", session.info[key])[1]
    is_own = and_(
        col(CostProfile.organisation_id) == Organisation.id,
        col(CostProfile.person_id) == actor.person_id,
    )
    is_its = col(StandardSpecification.id) == CostProfile.specification_id
    statement = (
        select(Organisation, CostProfile, StandardSpecification.code, StandardSpecification.name)
        .outerjoin(CostProfile, is_own)
        .outerjoin(StandardSpecification, is_its)
        .where(Organisation.id == actor.organisation_id)
        .order_by(StandardSpecification.code, col(CostProfile.id))
    )
    rows = session.exec(statement).all()
    found = Profiles()
    for _, profile, code, name in rows:
        if code:
            found.works[code], found.names[code] = profile, name
        else:
            found = Profiles(profile, found.works, found.names)
    # The organisation is held as well, or the session would forget it and ask again.
    session.info[key] = ([row[0] for row in rows], found)
    return found


def load_baseline(session: Session, actor: Actor, code: str) -> Baseline | None:
    """Return what the acting organisation pays today for a work, as the person typed it; None unsaid.

    Without a code it is what stands there since before works were told apart: it counts for none.
    """
    profile = find_profiles(session, actor).get(code)
    if profile is None or profile.baseline_yearly is None or profile.baseline_ends_on is None:
        return None
    return Baseline(profile.baseline_yearly, profile.baseline_ends_on)


def works_of(
    session: Session, listing_version_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, StandardSpecification]:
    """Return the standard specifications of listing versions that buyers have seen, by their ids."""
    statement = (
        select(ListingVersion.id, StandardSpecification)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == OfferingVersion.specification_version_id,
        )
        .join(
            StandardSpecification,
            col(StandardSpecification.id) == SpecificationVersion.specification_id,
        )
        .where(
            col(ListingVersion.id).in_(listing_version_ids),
            col(ListingVersion.published_at).is_not(None),
        )
    )
    return dict(session.exec(statement).all())


def list_names(session: Session, codes: Collection[str]) -> dict[str, str]:
    """Return the names of standard specifications by code."""
    wanted = col(StandardSpecification.code).in_(codes)
    return dict(
        session.exec(
            select(StandardSpecification.code, StandardSpecification.name).where(wanted)
        ).all()
    )
