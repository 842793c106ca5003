"""The evidence pack as JSON values: what was asked, what was found, in which order, with which hashes."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from accounts.identity import Actor
from catalog.certification.queries import Standing
from catalog.offerings.models import ListingVersion
from catalog.terms import CertificationState
from procurement.projects.models import ConditionKind, EvidencePack, Project

FORMAT = "narabi-evidence-2"
FORMATS = ("narabi-evidence-1", FORMAT)  # the first has no conditions


@dataclass(frozen=True, slots=True)
class LockedCondition:
    """One condition of a pack: its key, as exclusions cite it, what it is about, and its words."""

    key: str
    kind: ConditionKind
    text: str


def build_content(
    project: Project,
    actor: Actor,
    *,
    revision: int,
    moment: datetime,
    catalog: Mapping[str, Any],
    search: Mapping[str, Any],
    hits: Sequence[tuple[ListingVersion, Standing]],
    cost_conditions: Mapping[str, Any],
    conditions: Sequence[LockedCondition],
) -> dict[str, Any]:
    """Return the content of a pack; every hit stands in the engine's order, whole and unpaged."""
    return {
        "format": FORMAT,
        "project": {"id": str(project.id), "number": project.number, "title": project.title},
        "revision": revision,
        "body": {
            "id": str(project.owner_id),
            "code": project.owner.code,
            "name": project.owner.label,
        },
        "locked_by": str(actor.person_id),
        "locked_at": moment.isoformat(timespec="microseconds"),
        "catalog": dict(catalog),
        "search": dict(search),
        **({"cost_conditions": dict(cost_conditions)} if cost_conditions else {}),
        "conditions": [
            {"key": each.key, "kind": each.kind.value, "text": each.text} for each in conditions
        ],
        "total": len(hits),
        "hits": [_describe_hit(rank, *hit) for rank, hit in enumerate(hits, start=1)],
    }


def _describe_hit(rank: int, version: ListingVersion, standing: Standing) -> dict[str, Any]:
    listing, offering_version = version.listing, version.offering_version
    specification = offering_version.specification_version
    return {
        "rank": rank,
        "listing_id": str(listing.id),
        "listing_version_id": str(version.id),
        "listing_number": version.number,
        "listing_sha256": version.content_sha256,
        "offering_id": str(listing.offering_id),
        "offering_version_id": str(offering_version.id),
        "offering_number": offering_version.number,
        "offering_sha256": offering_version.content_sha256,
        "name": offering_version.name,
        "maker": listing.offering.maker.name,
        "seller": listing.seller.name,
        "specification": {
            "code": specification.specification.code,
            "version": specification.label,
        },
        "state": version.state.value,
        "certification": {
            "state": standing.state.value,
            "number": standing.number,
            "valid_until": _iso(standing.valid_until),
            "conditions_due_on": standing.due_on.isoformat() if standing.due_on else None,
            "lapsed_on": standing.lapsed_on.isoformat() if standing.lapsed_on else None,
            "refused_on": standing.refused_on.isoformat() if standing.refused_on else None,
            "ended_on": standing.since.isoformat() if standing.since else None,
        },
    }


def _iso(moment: Any) -> str | None:
    return None if moment is None else str(moment.isoformat())


def content_of(pack: EvidencePack) -> dict[str, Any]:
    """Return the stored content of a pack."""
    loaded: dict[str, Any] = json.loads(pack.content)
    return loaded


def standing_of_hit(hit: Mapping[str, Any]) -> Standing:
    """Return the standing as it was when the hit was locked."""
    kept = hit["certification"]
    until = kept["valid_until"]
    days = (kept.get(name) for name in ("conditions_due_on", "ended_on", "lapsed_on", "refused_on"))
    due_on, since, lapsed_on, refused_on = (
        date.fromisoformat(day) if day else None for day in days
    )
    return Standing(
        CertificationState(kept["state"]),
        valid_until=None if until is None else datetime.fromisoformat(until),
        due_on=due_on,
        since=since,
        lapsed_on=lapsed_on,
        refused_on=refused_on,
    )


def hit_of(pack: EvidencePack, listing_version_id: uuid.UUID) -> dict[str, Any]:
    """Return one hit of a pack; KeyError when it holds no such listing version."""
    for hit in content_of(pack)["hits"]:
        if hit["listing_version_id"] == str(listing_version_id):
            found: dict[str, Any] = hit
            return found
    raise KeyError(listing_version_id)
