"""Send exactly the request that was approved."""

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.services import require_recent_sign_in
from catalog.offerings.queries import is_listed, load_compared_versions
from core import outbox
from core.config import Settings
from core.db import now
from core.errors import GuardFailed, NotFound
from procurement.contracts import queries
from procurement.contracts.models import RequestAction, UsageContractRequest
from procurement.contracts.services.deciding import (
    SELECTION_CHANGED,
    MakeDocument,
    approve_locked,
    begin_decision,
    compute_hash,
    rests_on_its_choice,
)
from procurement.contracts.services.frame import due_reasons, record
from procurement.projects import services as project_services
from procurement.projects.paper_models import ProjectPaper
from procurement.projects.papers import list_changed_papers
from vendors.models import VendorState
from vendors.queries.agreements import find_bars

LAPSE_TOPIC = "request.lapse"
NOTHING_DONE = "いまは送信できないため、決裁もしていません。依頼書は「決裁待ち」のままです。"


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
    _send(session, actor, locked, version)
    return True


def _send(session: Session, actor: Actor, locked: UsageContractRequest, version: int) -> None:
    sha256 = _check_sending(session, locked)
    locked.apply(
        RequestAction.SEND,
        version,
        sent_sha256=sha256,
        sent_by_id=actor.person_id,
        sent_at=now(session),
    )
    outbox.publish(session, LAPSE_TOPIC, {"request_id": locked.id}, due_at=locked.answer_due_at)
    record(session, actor, locked, "request.send", number=locked.number, sha256=sha256)


def approve_and_send(
    session: Session,
    actor: Actor,
    settings: Settings,
    request: UsageContractRequest,
    make_document: MakeDocument,
    *,
    version: int,
) -> bool:
    """Approve a request and send it at once; False when it was sent already (a second click).

    Needs a recent sign-in before anything is done. Raises GuardFailed when a guard of approving or
    of sending fails: then neither happened, and the number is still free.
    """
    locked, actor = begin_decision(session, actor, request)
    actor = require(session, actor, Permission.REQUEST_SEND, locked)
    require_recent_sign_in(session, settings, actor)
    if locked.is_sent:
        return False
    try:
        approve_locked(session, actor, locked, make_document, version=version)
        _send(session, actor, locked, locked.version)
    except GuardFailed as error:
        raise GuardFailed([("main", NOTHING_DONE), *error.reasons]) from error
    return True


def _say_changed(paper: ProjectPaper) -> str:
    return (
        f"「{paper.kind.label}（第{paper.revision}版）」が、作ったときの内容と違います。送信できません。"
        "記録があとから変えられているので、サイトの運営者に知らせてください。"
    )


def _check_sending(session: Session, request: UsageContractRequest) -> str:
    request.expect(RequestAction.SEND)
    version_id = request.selection.listing_version_id
    project_services.lock_listing(session, version_id)
    version = load_compared_versions(session, [version_id])[version_id]
    reasons = []
    sha256 = compute_hash(session, request)
    if sha256 != request.approved_sha256:
        sentence = "決裁した内容と違います。送信できません。取り下げて、決裁をやり直してください。"
        reasons.append(("main", sentence))
    elif not rests_on_its_choice(session, request):
        reasons.append(("main", SELECTION_CHANGED))
    changed = list_changed_papers(session, request.project_id)
    reasons += [("main", _say_changed(paper)) for paper in changed]
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
    reasons += due_reasons(session, request)
    if reasons:
        raise GuardFailed(reasons)
    return sha256
