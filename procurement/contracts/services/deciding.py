"""The decision on a usage-contract request: approve it, fixed by hash, or return it."""

from collections.abc import Callable

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.queries import get_person
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Forbidden, NotFound
from core.japanese import fiscal_year
from procurement.bodies.numbering import format_number, take_ordinal
from procurement.contracts import queries
from procurement.contracts.facts import Approval, MadeDocument, RequestFacts, load_facts
from procurement.contracts.models import (
    RequestAction,
    RequestCounter,
    RequestDocument,
    UsageContractRequest,
)
from procurement.contracts.services.frame import check_due, record

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
    request, actor = _begin_decision(session, actor, request)
    request.expect(RequestAction.APPROVE)
    check_due(session, request)
    approver = get_person(session, actor.person_id) if actor.person_id else None
    if approver is None:
        raise NotFound
    year = fiscal_year(day_in_japan(now(session)))
    ordinal = take_ordinal(session, RequestCounter, request.owner_id, year)
    number = format_number(year, ordinal)
    made = make_document(
        load_facts(session, request), Approval(number, now(session), approver.name)
    )
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
        approved_by_id=approver.id,
        approved_at=now(session),
    )
    _keep_document(session, request, made, document_sha256)
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


def return_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, reason: str
) -> UsageContractRequest:
    """Return the request to the clerk, with the reason."""
    request, actor = _begin_decision(session, actor, request)
    request.apply(RequestAction.RETURN, version, return_reason=reason)
    record(session, actor, request, "request.return", reason=reason)
    return request


def compute_hash(session: Session, request: UsageContractRequest) -> str:
    """Return the hash of what is stored now: of the payload's bytes and of the document's bytes."""
    document = queries.find_document(session, request.id, DOCUMENT_KIND)
    content = document.content if document else b""
    return _combine(sha256_hex(request.payload.encode()), sha256_hex(content))


def _combine(payload_sha256: str, document_sha256: str) -> str:
    return sha256_hex(canonical_json({"payload": payload_sha256, "document": document_sha256}))


def _begin_decision(
    session: Session, actor: Actor, request: UsageContractRequest
) -> tuple[UsageContractRequest, Actor]:
    locked = queries.get_request(session, request.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.REQUEST_DECIDE, locked)
    if actor.person_id in {locked.submitted_by_id, locked.last_editor_id}:
        raise Forbidden(
            "依頼書を作った人と提出した人は決裁できません。別の決裁者に頼んでください。"
        )
    return locked, actor
