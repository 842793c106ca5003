"""The values that filters offer now, with their labels: of the rules, of specifications, of vendors."""

import uuid
from collections.abc import Iterable, Mapping

from sqlmodel import Session

from catalog.offerings.queries.parties import (
    find_makers,
    find_regions,
    list_specification_names,
)
from search.facets import Pairs, facet_choices


def list_facet_choices(
    session: Session, asked: Mapping[str, Iterable[str]] | None = None
) -> dict[str, Pairs]:
    """Return every facet with the (value, label) pairs that may be asked for.

    Of the facets with as many values as vendors write, those of the asked values that are public.
    """
    wanted = asked or {}
    return {
        **facet_choices(list_specification_names(session)),
        "region": tuple((each, each) for each in find_regions(session, wanted.get("region", ()))),
        "maker": name_makers(session, wanted.get("maker", ())),
    }


def name_values(session: Session, facet: str, values: Iterable[str]) -> Pairs:
    """Return (value, label) of those values of region or maker that are public, by label."""
    if facet == "region":
        return tuple((each, each) for each in sorted(values))
    return name_makers(session, values)


def name_makers(session: Session, values: Iterable[str]) -> Pairs:
    """Return those of the makers that buyers see, as (id, name), by name."""
    ids = [found for found in map(_uuid, values) if found is not None]
    return tuple((str(each.id), each.label) for each in find_makers(session, ids))


def _uuid(value: str) -> uuid.UUID | None:
    try:
        found = uuid.UUID(value)
    except ValueError:
        return None
    return found if str(found) == value else None
