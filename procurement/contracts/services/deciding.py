"""The decision on a usage-contract request: approve it, fixed by hash, or return it."""

import json
from collections.abc import Callable

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.queries import get_person
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Forbidden, GuardFailed, NotFound
from core.japanese import fiscal_year
from procurement.bodies.numbering import take_ordinal, write_number
from procurement.bodies.queries import limits_for
from procurement.contracts import queries
from procurement.contracts.facts import Approval, MadeDocument, RequestFacts, load_facts
from procurement.contracts.models import (
    RequestAction,
    RequestCounter,
    RequestDocument,
    UsageContractRequest,
)
from procurement.contracts.request_paper import make_request_paper
from procurement.contracts.services.frame import check_due, record
from procurement.projects.paper_models import PaperKind
from procurement.projects.papers import keep_paper
from procurement.selection.services import selection_hash

SELECTION_CHANGED = (
    "選定、除外の理由、検索の記録のどれかが、決裁したときと違います。"
    "依頼を取り下げて、選定からやり直してください。"
)
DOCUMENT_KIND = "usage_contract_request"
MakeDocument = Callable[[RequestFacts, Approval], MadeDocument]


def approve_request(
    session: Session,
    actor: Actor,
    request: UsageContractRequest,
    make_document: MakeDocument,
    *,
    version: int,
) -> UsageContractRequest:
    """Approve as another person: give the number, make the document once, and fix both by hash."""
    request, actor = begin_decision(session, actor, request)
    return approve_locked(session, actor, request, make_document, version=version)


def approve_locked(
    session: Session,
    actor: Actor,
    request: UsageContractRequest,
    make_document: MakeDocument,
    *,
    version: int,
) -> UsageContractRequest:
    """Approve the request that begin_decision has locked for this actor."""
    request.expect(RequestAction.APPROVE)
    check_due(session, request)
    approver = get_person(session, actor.person_id) if actor.person_id else None
    if approver is None:
        raise NotFound
    selection_sha256 = check_selection(session, request)
    owner, today = request.project.owner, day_in_japan(now(session))
    year = fiscal_year(today)
    ordinal = take_ordinal(session, RequestCounter, request.owner_id, year)
    number = write_number(limits_for(session, owner, today), year, ordinal)
    approval = Approval(number, now(session), approver.name, selection_sha256)
    made = make_document(load_facts(session, request), approval)
    document_sha256 = sha256_hex(made.content)
    request.apply(
        RequestAction.APPROVE,
        version,
        fiscal_year=year,
        ordinal=ordinal,
        number=number,
        payload=made.payload.decode(),
        payload_sha256=sha256_hex(made.payload),
        approved_sha256=_combine(sha256_hex(made.payload), document_sha256),
        selection_sha256=selection_sha256,
        approved_by_id=approver.id,
        approved_at=now(session),
    )
    _keep_document(session, request, made, document_sha256)
    _keep_copy(session, actor, request, document_sha256)
    record(
        session,
        actor,
        request,
        "request.approve",
        number=number,
        sha256=request.approved_sha256,
        document_sha256=document_sha256,
    )
    return request


def _keep_document(
    session: Session, request: UsageContractRequest, made: MadeDocument, sha256: str
) -> None:
    session.add(
        RequestDocument(
            request_id=request.id,
            kind=DOCUMENT_KIND,
            filename=made.filename,
            sha256=sha256,
            content=made.content,
        )
    )
    session.flush()


def _keep_copy(
    session: Session, actor: Actor, request: UsageContractRequest, document_sha256: str
) -> None:
    """Keep the editable copy of what was approved; it names the PDF that counts."""
    keep_paper(
        session,
        actor,
        request.project,
        PaperKind.USAGE_CONTRACT_REQUEST,
        make_request_paper(json.loads(request.payload)),
        subject_id=request.id,
        fixed_sha256=document_sha256,
    )


def return_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, reason: str
) -> UsageContractRequest:
    """Return the request to the clerk, with the reason."""
    request, actor = begin_decision(session, actor, request)
    request.apply(RequestAction.RETURN, version, return_reason=reason)
    record(session, actor, request, "request.return", reason=reason)
    return request


def check_selection(session: Session, request: UsageContractRequest) -> str:
    """Return the hash of the choice that a request rests on; raises GuardFailed when it was changed.

    What was approved by an earlier version of this product carries no hash to compare with.
    """
    selection = request.selection
    found = selection_hash(session, selection)
    known = request.selection_sha256 or selection.approved_sha256
    if not selection.is_approved or (known and found != known):
        raise GuardFailed([("main", SELECTION_CHANGED)])
    return found


def is_intact(session: Session, request: UsageContractRequest) -> bool:
    """Tell whether document, payload and the choice under them are byte for byte what was approved."""
    if compute_hash(session, request) != request.approved_sha256:
        return False
    return rests_on_its_choice(session, request)


def rests_on_its_choice(session: Session, request: UsageContractRequest) -> bool:
    """Tell whether the choice under a request is the one that was approved with it."""
    known = request.selection_sha256
    return not known or selection_hash(session, request.selection) == known


def compute_hash(session: Session, request: UsageContractRequest) -> str:
    """Return the hash of what is stored now: of the payload's bytes and of the document's bytes."""
    document = queries.find_document(session, request.id, DOCUMENT_KIND)
    content = document.content if document else b""
    return _combine(sha256_hex(request.payload.encode()), sha256_hex(content))


def _combine(payload_sha256: str, document_sha256: str) -> str:
    return sha256_hex(canonical_json({"payload": payload_sha256, "document": document_sha256}))


def begin_decision(
    session: Session, actor: Actor, request: UsageContractRequest
) -> tuple[UsageContractRequest, Actor]:
    """Lock a request for somebody who may decide it; raises Forbidden for those who prepared the case.

    Whoever proposed the choice prepared it as much as whoever typed the request.
    """
    locked = queries.get_request(session, request.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.REQUEST_DECIDE, locked)
    if actor.person_id in {locked.submitted_by_id, locked.last_editor_id}:
        raise Forbidden(
            "依頼書を作った人と提出した人は決裁できません。別の決裁者に頼んでください。"
        )
    if actor.person_id in {locked.selection.proposed_by_id, locked.selection.last_editor_id}:
        raise Forbidden(
            "この案件の選定の案を作った人は、依頼書を決裁できません。別の決裁者に頼んでください。"
        )
    return locked, actor
