"""Acts on a usage-contract request: prepare, submit, approve or return, send, answer, withdraw, lapse."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.queries import get_person
from accounts.services import require_recent_sign_in
from catalog.offerings.queries import is_listed, load_listing_versions
from core import audit, outbox
from core.clock import JST, day_in_japan
from core.config import Settings
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Forbidden, GuardFailed, Invalid, NotFound, WrongState
from core.japanese import fiscal_year, format_datetime
from procurement.bodies.numbering import format_number, take_ordinal
from procurement.contracts import queries
from procurement.contracts.facts import Approval, MadeDocument, RequestFacts, load_facts
from procurement.contracts.models import (
    BidderList,
    RequestAction,
    RequestCounter,
    RequestDocument,
    RequestState,
    UsageContractRequest,
)
from procurement.projects import queries as project_queries
from procurement.projects import services as project_services
from procurement.projects.models import Project, ProjectState
from procurement.selection import queries as selection_queries
from vendors.models import Vendor, VendorState
from vendors.queries.agreements import find_bars, require_selling

DOCUMENT_KIND = "usage_contract_request"
LAPSE_TOPIC = "request.lapse"
ANSWER_HOUR = time(17, 0)
MakeDocument = Callable[[RequestFacts, Approval], MadeDocument]


def create_request(
    session: Session, actor: Actor, project: Project, **values: Any
) -> UsageContractRequest:
    """Begin the request that an approved selection allows; one live request per project.

    `values` are those of `edit_request`.
    """
    locked = project_queries.get_project(session, project.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.REQUEST_EDIT, locked)
    if actor.person_id is None:
        raise NotFound
    selection = selection_queries.latest_selection(session, locked.id)
    if (
        locked.state is not ProjectState.SELECTION_APPROVED
        or selection is None
        or not selection.is_approved
    ):
        raise WrongState(
            locked.MACHINE.wrong_state_sentence(locked.state), state=locked.state.value
        )
    version_id = selection.listing_version_id
    listing = load_listing_versions(session, [version_id])[version_id].listing
    request = UsageContractRequest(
        project_id=locked.id,
        selection_id=selection.id,
        owner_id=locked.owner_id,
        addressee_id=listing.owner_id,
        seller_id=listing.seller_id,
        last_editor_id=actor.person_id,
        **_checked(session, values),
    )
    session.add(request)
    session.flush()
    _record(session, actor, request, "request.create")
    return request


def edit_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, **values: Any
) -> UsageContractRequest:
    """Change contact, message, list of bidders or the day of answer, before submission only."""
    actor = require(session, actor, Permission.REQUEST_EDIT, request)
    request.expect(RequestAction.SUBMIT)
    request.revise(version, **_checked(session, values), last_editor_id=actor.person_id)
    _record(session, actor, request, "request.edit")
    return request


def _checked(session: Session, values: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse an exception without reason and a day of answer that has passed."""
    checked, errors = dict(values), {}
    due: date = checked.pop("answer_due_on")
    if due <= day_in_japan(now(session)):
        errors["answer_due_on"] = "回答の期限は明日以後の日付にしてください。"
    needs_note = checked["bidder_list"] in {BidderList.EXCEPTION, BidderList.NOT_LISTED}
    if needs_note and not checked["bidder_list_note"]:
        sentence = "名簿に載っていない事業者に依頼する理由を入力してください。"
        errors["bidder_list_note"] = sentence
    if errors:
        raise Invalid(errors)
    local = datetime.combine(due, ANSWER_HOUR, tzinfo=JST)
    checked["answer_due_at"] = local.astimezone(UTC)
    return checked


def submit_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int
) -> UsageContractRequest:
    """Hand the request to an approver."""
    actor = require(session, actor, Permission.REQUEST_EDIT, request)
    _check_due(session, request)
    request.apply(RequestAction.SUBMIT, version, submitted_by_id=actor.person_id)
    _record(session, actor, request, "request.submit")
    return request


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
    _check_due(session, request)
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
    _record(
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
    _record(session, actor, request, "request.return", reason=reason)
    return request


def compute_hash(session: Session, request: UsageContractRequest) -> str:
    """Return the hash of what is stored now: of the payload's bytes and of the document's bytes."""
    document = queries.find_document(session, request.id, DOCUMENT_KIND)
    content = document.content if document else b""
    return _combine(sha256_hex(request.payload.encode()), sha256_hex(content))


def _combine(payload_sha256: str, document_sha256: str) -> str:
    return sha256_hex(canonical_json({"payload": payload_sha256, "document": document_sha256}))


def send_request(
    session: Session,
    actor: Actor,
    settings: Settings,
    request: UsageContractRequest,
    *,
    version: int,
) -> bool:
    """Send exactly what was approved; False when it was sent already (a second click).

    Needs a recent sign-in. Raises GuardFailed when a byte differs from the approved one, when the
    listing is no longer offered, or when the day of answer has passed.
    """
    locked = queries.get_request(session, request.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.REQUEST_SEND, locked)
    require_recent_sign_in(session, settings, actor)
    if locked.is_sent:
        return False
    sha256 = _check_sending(session, locked)
    locked.apply(
        RequestAction.SEND,
        version,
        sent_sha256=sha256,
        sent_by_id=actor.person_id,
        sent_at=now(session),
    )
    outbox.publish(session, LAPSE_TOPIC, {"request_id": locked.id}, due_at=locked.answer_due_at)
    _record(session, actor, locked, "request.send", number=locked.number, sha256=sha256)
    return True


def _check_sending(session: Session, request: UsageContractRequest) -> str:
    request.expect(RequestAction.SEND)
    version_id = request.selection.listing_version_id
    project_services.lock_listing(session, version_id)
    version = load_listing_versions(session, [version_id])[version_id]
    reasons = []
    sha256 = compute_hash(session, request)
    if sha256 != request.approved_sha256:
        sentence = "決裁した内容と違います。送信できません。取り下げて、決裁をやり直してください。"
        reasons.append(("main", sentence))
    if version.listing.seller.state is not VendorState.ACTIVE:
        reasons.append(("main", "この事業者の登録は停止中か終わっているため、送信できません。"))
    elif find_bars(session, version.listing.seller_id):
        sentence = (
            "この事業者は、基本契約への同意か全省庁統一資格の期限が切れていて、いまは依頼を承諾できません。"
            "事業者が更新するまで待つか、取り下げてほかの候補を選定してください。"
        )
        reasons.append(("main", sentence))
    elif not is_listed(version):
        sentence = (
            f"「{version.offering_version.name}」のこの販売条件は提供が終わったか、"
            "新しい版に変わったため、送信できません。"
        )
        reasons.append(("main", sentence))
    reasons += _due_reasons(session, request)
    if reasons:
        raise GuardFailed(reasons)
    return sha256


def accept_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int
) -> UsageContractRequest:
    """Accept a request as its addressee, before the time of answer and while it may sell."""
    actor = require(session, actor, Permission.REQUEST_ANSWER, request)
    if request.can_apply(RequestAction.ACCEPT):
        _check_due(session, request)
        require_selling(session, session.get_one(Vendor, request.seller_id))
    request.apply(
        RequestAction.ACCEPT, version, answered_by_id=actor.person_id, answered_at=now(session)
    )
    _record(session, actor, request, "request.accept", sha256=request.sent_sha256)
    return request


def decline_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, reason: str
) -> UsageContractRequest:
    """Decline a request as its addressee, with the reason."""
    actor = require(session, actor, Permission.REQUEST_ANSWER, request)
    request.apply(
        RequestAction.DECLINE,
        version,
        answered_by_id=actor.person_id,
        answered_at=now(session),
        answer_reason=reason,
    )
    _record(session, actor, request, "request.decline", reason=reason)
    return request


def withdraw_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, reason: str
) -> UsageContractRequest:
    """Take a request back before the addressee has answered, with the reason.

    Once it is sent this takes an approver who neither wrote nor submitted it.
    """
    actor = require(session, actor, Permission.REQUEST_WITHDRAW, request)
    if request.is_sent and actor.person_id in {request.submitted_by_id, request.last_editor_id}:
        raise Forbidden(
            "依頼書を作った人と提出した人は、送信したあとは取り下げられません。"
            "別の決裁者に頼んでください。"
        )
    request.apply(
        RequestAction.WITHDRAW,
        version,
        withdrawn_by_id=actor.person_id,
        withdrawn_at=now(session),
        withdrawal_reason=reason,
    )
    _record(session, actor, request, "request.withdraw", reason=reason)
    return request


def lapse_request(session: Session, payload: Mapping[str, Any]) -> None:
    """Let an unanswered request lapse when its time of answer has come; an outbox handler."""
    request = queries.get_request(session, uuid.UUID(payload["request_id"]), for_update=True)
    if request is None or request.state is not RequestState.SENT:
        return
    if request.answer_due_at is None or request.answer_due_at > now(session):
        return
    request.apply(RequestAction.LAPSE)
    _record(session, audit.SYSTEM, request, "request.lapse")


def cancel_project(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Project:
    """Give a project up, unless a request of it is still open."""
    locked = project_queries.get_project(session, project.id, for_update=True)
    if locked is None:
        raise NotFound
    require(session, actor, Permission.PROJECT_EDIT, locked)
    if queries.find_live_request(session, locked.id) is not None:
        sentence = "利用契約の依頼が残っています。先に依頼を取り下げてください。送信したあとは、決裁者が取り下げます。"
        raise GuardFailed([("main", sentence)])
    return project_services.cancel_project(session, actor, locked, version=version, reason=reason)


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


def _check_due(session: Session, request: UsageContractRequest) -> None:
    reasons = _due_reasons(session, request)
    if reasons:
        raise GuardFailed(reasons)


def _due_reasons(session: Session, request: UsageContractRequest) -> list[tuple[str, str]]:
    due = request.answer_due_at
    if due is not None and due > now(session):
        return []
    passed = f"（{format_datetime(due)}）" if due else ""
    return [("main", f"回答の期限{passed}を過ぎています。期限を決め直して、やり直してください。")]


def _record(
    session: Session,
    actor: audit.Acting,
    request: UsageContractRequest,
    action: str,
    **detail: Any,
) -> None:
    audit.record(
        session,
        actor,
        action,
        "UsageContractRequest",
        request.id,
        owner_id=request.owner_id,
        case_id=request.project_id,
        **detail,
    )
