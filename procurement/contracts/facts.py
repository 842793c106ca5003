"""Everything that a usage-contract request says, gathered once for page, document and hash."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from accounts.models import Person
from accounts.queries import list_people
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import load_listing_versions
from procurement.contracts.models import UsageContractRequest
from procurement.projects.evidence import hit_of
from procurement.projects.models import EvidencePack


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request with the locked listing version, its evidence, its computed cost and its people."""

    request: UsageContractRequest
    version: ListingVersion
    pack: EvidencePack
    hit: dict[str, Any]
    basis: dict[str, Any]
    clerk: Person | None


@dataclass(frozen=True, slots=True)
class Approval:
    """What the decision adds: number, moment, who decided, and the hash of the choice it rests on."""

    number: str
    decided_at: datetime
    approver_name: str
    selection_sha256: str


@dataclass(frozen=True, slots=True)
class MadeDocument:
    """The request as canonical JSON bytes and as the PDF made from it."""

    payload: bytes
    content: bytes
    filename: str


def load_facts(session: Session, request: UsageContractRequest) -> RequestFacts:
    """Return the facts of a request loaded with its project, selection and seller."""
    selection = request.selection
    version_id = selection.listing_version_id
    pack = session.get_one(EvidencePack, selection.pack_id)
    author_id = request.submitted_by_id or request.last_editor_id
    return RequestFacts(
        request=request,
        version=load_listing_versions(session, [version_id])[version_id],
        pack=pack,
        hit=hit_of(pack, version_id),
        basis=json.loads(selection.cost_basis),
        clerk=list_people(session, [author_id]).get(author_id),
    )
