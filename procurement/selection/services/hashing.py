"""The hashes of a choice: of what was proposed, and of that with its decision.

Both are computed anew from the rows each time, so a byte changed below the application, in the
choice, in an exclusion or in the evidence, gives another hash, and nothing can be sent any more.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from core.documents import canonical_json, sha256_hex
from core.errors import GuardFailed
from procurement.projects import queries as project_queries
from procurement.projects.models import EvidencePack
from procurement.selection import queries
from procurement.selection.models import ExternalDecision, Selection

FORMAT = "narabi-selection-1"
_IDS = ("id", "project_id", "owner_id", "pack_id", "listing_version_id", "quote_id")
_DECIDED = ("is_approved", "decided_by_id", "decided_at", "sole_acknowledgement")
_PEOPLE = ("proposed_by_id", "last_editor_id")
_SAID = (
    "method", "price_source", "ground", "grounds_text", "category", "ceiling_amount",
    "ceiling_source", "total_with_tax", "total_without_tax", "reason", "sole_source_reason",
    "not_lowest_reason", "splitting_note", "change_note", "cost_basis",
)  # fmt: skip


def proposal_hash(session: Session, selection: Selection) -> str:
    """Return the hash of a proposal as the rows say it now, with the evidence and its exclusions."""
    pack = session.get_one(EvidencePack, selection.pack_id)
    said: dict[str, Any] = {name: getattr(selection, name) for name in _SAID}
    for name in (*_IDS, *_PEOPLE):
        found = getattr(selection, name)
        said[name] = str(found) if found else None
    return sha256_hex(
        canonical_json(
            {
                "format": FORMAT,
                "selection": said,
                "evidence_sha256": sha256_hex(pack.content.encode()),
                "candidates": _describe_candidates(session, pack),
            }
        )
    )


def _describe_candidates(session: Session, pack: EvidencePack) -> list[dict[str, Any]]:
    return [
        {
            "rank": each.rank,
            "listing_version_id": str(each.listing_version_id),
            "listing_sha256": each.listing_sha256,
            "offering_sha256": each.offering_sha256,
            "excluded_at": _moment(each.excluded_at),
            "excluded_by_id": str(each.excluded_by_id) if each.excluded_by_id else None,
            "exclusion_reason": each.exclusion_reason,
            "condition_key": each.condition_key,
        }
        for each in project_queries.list_candidates(session, pack.id)
    ]


def check_proposal(session: Session, selection: Selection) -> str:
    """Return the hash of the proposal; raises GuardFailed when other bytes were proposed."""
    known, found = selection.proposal_sha256, proposal_hash(session, selection)
    if known and found != known:
        sentence = (
            "選定の案、除外の理由、検索の記録のどれかが、提出されたときと違います。"
            "差し戻して、案を作り直してもらってください。"
        )
        raise GuardFailed([("main", sentence)])
    return found


def selection_hash(session: Session, selection: Selection) -> str:
    """Return the hash of a decided choice as the rows say it now."""
    decision = {name: getattr(selection, name) for name in _DECIDED}
    paper = queries.find_external_decision(session, selection.id)
    return hash_decision(proposal_hash(session, selection), decision, paper)


def hash_decision(
    proposal_sha256: str, said: Mapping[str, Any], external: ExternalDecision | None = None
) -> str:
    """Return the hash over that of a proposal and what its decision says."""
    return sha256_hex(
        canonical_json(
            {
                "proposal_sha256": proposal_sha256,
                "is_approved": said["is_approved"],
                "decided_by_id": str(said["decided_by_id"]) if said["decided_by_id"] else None,
                "decided_at": _moment(said["decided_at"]),
                "sole_acknowledgement": said["sole_acknowledgement"],
                "external_decision": describe_external(external) if external else None,
            }
        )
    )


def describe_external(external: ExternalDecision) -> dict[str, Any]:
    """Return what a decision on paper says, as the hash and the papers take it."""
    return {
        "document_number": external.document_number,
        "decider_title": external.decider_title,
        "decider_name": external.decider_name,
        "decided_on": external.decided_on.isoformat(),
        "document_sha256": external.document_sha256,
        "file_sha256": external.file_sha256,
        "recorded_by_id": str(external.recorded_by_id),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
