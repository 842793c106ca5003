"""Send exactly the request that was approved."""

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.services import require_recent_sign_in
from catalog.offerings.queries import is_listed, load_listing_versions
from core import outbox
from core.config import Settings
from core.db import now
from core.errors import GuardFailed, NotFound
from procurement.contracts import queries
from procurement.contracts.models import RequestAction, UsageContractRequest
from procurement.contracts.services.deciding import compute_hash
from procurement.contracts.services.frame import due_reasons, record
from procurement.projects import services as project_services
from vendors.models import VendorState
from vendors.queries.agreements import find_bars

LAPSE_TOPIC = "request.lapse"


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
    record(session, actor, locked, "request.send", number=locked.number, sha256=sha256)
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
    reasons += due_reasons(session, request)
    if reasons:
        raise GuardFailed(reasons)
    return sha256
