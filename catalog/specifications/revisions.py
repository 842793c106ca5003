"""Compare two stored versions of one specification, following ids through those in between."""

import uuid
from collections.abc import Sequence

from sqlmodel import Session

from catalog.specifications import queries
from catalog.specifications.difference import Difference, compare, trace_origins
from catalog.specifications.models import Requirement, SpecificationVersion


def compare_versions(
    session: Session,
    before: SpecificationVersion,
    after: SpecificationVersion,
    versions: Sequence[SpecificationVersion],
) -> Difference[Requirement]:
    """Compare in either direction (2 or 3 statements); `versions` are all readable, oldest first."""
    loaded = [queries.list_requirements(session, each.id) for each in (before, after)]
    return compare_requirements(session, loaded[0], loaded[1], (before.id, after.id), versions)


def compare_requirements(
    session: Session,
    olds: Sequence[Requirement],
    news: Sequence[Requirement],
    ends: tuple[uuid.UUID, uuid.UUID],
    versions: Sequence[SpecificationVersion],
) -> Difference[Requirement]:
    """Compare the loaded requirements of two versions, whose ids are `ends`, as `compare_versions`."""
    ids = [version.id for version in versions]
    start, end = (ids.index(each) for each in ends)
    between = ids[min(start, end) + 1 : max(start, end)]
    pairs = queries.list_id_pairs(session, between) if between else {}
    steps = [pairs[each] for each in between]
    if start <= end:
        origins = trace_origins(_ids(olds), [*steps, _pairs(news)])
    else:
        later = trace_origins(_ids(news), [*steps, _pairs(olds)])
        origins = {own: following for following, own in later.items()}
    return compare(olds, news, origins)


def _ids(requirements: Sequence[Requirement]) -> list[str]:
    return [each.requirement_id for each in requirements]


def _pairs(requirements: Sequence[Requirement]) -> list[tuple[str, str]]:
    return [(each.requirement_id, each.predecessor_requirement_id) for each in requirements]


def version_before(
    version: SpecificationVersion, versions: Sequence[SpecificationVersion]
) -> SpecificationVersion | None:
    """Return the version right before one, of all readable ones, oldest first."""
    place = [each.id for each in versions].index(version.id)
    return versions[place - 1] if place else None
