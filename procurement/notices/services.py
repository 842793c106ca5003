"""Acts on contract notices: a clerk prepares, another person, an approver, publishes or withdraws."""

import uuid
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings.queries import load_listing_versions
from core import audit
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Conflict, Forbidden, GuardFailed, NotFound, StaleVersion
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.contracts.queries import get_contract, get_request
from procurement.notices import queries
from procurement.notices.models import ContractNotice, NoticeAction, NoticeState

_NOTHING_WAITS = "この契約には公表の案がありません。担当者が案を作ったあとに開いてください。"


def prepare_notice(
    session: Session,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    version: int,
    amount: int | None,
    reason: str = "",
) -> ContractNotice:
    """Write down what is to be published of a contract; one that waits for its decision is replaced.

    `version` is that of the waiting notice, 0 without one. `amount` in yen with tax, as signed;
    None: not published. While a notice is public this one corrects it, and `reason` says why.
    Raises GuardFailed until another person has confirmed the record.
    """
    contract = _lock_contract(session, contract_id)
    actor = require(session, actor, Permission.CONTRACT_PREPARE_NOTICE, contract)
    if actor.person_id is None:
        raise NotFound
    if contract.confirmed_at is None:
        raise GuardFailed([("main", "決裁者が契約の記録を確かめたあとに、公表の案を作れます。")])
    waiting, public = queries.find_notices(session, contract.id, for_update=True)
    if (waiting.version if waiting else 0) != version:
        raise StaleVersion("ほかの人が先に公表の案を作りました。今の案を確かめてください。")
    said = _word(session, contract, amount, public, reason)
    said["prepared_by_id"] = actor.person_id
    if waiting is None:
        waiting = ContractNotice(contract_id=contract.id, owner_id=contract.owner_id, **said)
        session.add(waiting)
        session.flush()
    else:
        waiting.revise(version, **said)
    _record(session, actor, contract, waiting, "notice.prepare")
    return waiting


def _word(
    session: Session,
    contract: Contract,
    amount: int | None,
    public: ContractNotice | None,
    reason: str,
) -> dict[str, Any]:
    """Return the words of a notice; raises GuardFailed for a correction that corrects or explains nothing."""
    content = canonical_json(gather_facts(session, contract, amount))
    said = {
        "content": content.decode(),
        "content_sha256": sha256_hex(content),
        "corrects_id": public.id if public else None,
        "correction_reason": reason if public else "",
    }
    _check_correction(public, said)
    return said


def _check_correction(public: ContractNotice | None, said: dict[str, Any]) -> None:
    if public is None:
        return
    if not said["correction_reason"]:
        raise GuardFailed([("f-reason", "訂正する理由を入力してください。だれでも読めます。")])
    if said["content_sha256"] == public.content_sha256:
        sentence = "公表している内容と同じです。訂正する箇所を変えてください。"
        raise GuardFailed([("f-amount", sentence)])


def publish_notice(
    session: Session, actor: Actor, contract_id: uuid.UUID, *, version: int
) -> ContractNotice:
    """Publish what another person prepared, word for word; what it corrects stays readable as corrected."""
    contract = _lock_contract(session, contract_id)
    actor = require(session, actor, Permission.CONTRACT_DECIDE_NOTICE, contract)
    notice, public = queries.find_notices(session, contract.id, for_update=True)
    if notice is None:
        raise NotFound(_NOTHING_WAITS)
    if actor.person_id == notice.prepared_by_id:
        raise Forbidden("公表の案を作った人は決裁できません。別の決裁者に頼んでください。")
    if notice.corrects_id != (public.id if public else None):
        raise Conflict("案を作ったあとに、公表している内容が変わりました。案を作り直してください。")
    if public is not None:
        public.apply(NoticeAction.SUPERSEDE)
    notice.apply(
        NoticeAction.PUBLISH,
        version,
        published_by_id=actor.person_id,
        published_at=now(session),
        sequence=queries.take_number(session),
    )
    name = "notice.publish" if public is None else "notice.correct"
    _record(session, actor, contract, notice, name)
    return notice


def withdraw_notice(
    session: Session,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    notice_id: uuid.UUID,
    version: int,
    reason: str,
) -> ContractNotice:
    """Take a waiting notice back, or the public one with all that it corrected.

    Addresses of what was public then tell everyone since when and why, and nothing else.
    """
    contract = _lock_contract(session, contract_id)
    actor = require(session, actor, Permission.CONTRACT_DECIDE_NOTICE, contract)
    notice = next(
        (
            each
            for each in queries.find_notices(session, contract.id, for_update=True)
            if each is not None
        ),
        None,
    )
    if notice is None:
        raise NotFound(_NOTHING_WAITS)
    if notice.id != notice_id:
        raise StaleVersion("ほかの人が先に公表か取下げをしました。今の内容を確かめてください。")
    taken = [notice]
    if notice.state is NoticeState.PUBLISHED:
        taken += [e for e in queries.list_told(session, contract.id) if e.id != notice.id]
    for each in taken:
        number = queries.take_number(session) if each.published_at else None
        each.apply(
            NoticeAction.WITHDRAW,
            version if each is notice else None,
            withdrawn_by_id=actor.person_id,
            withdrawn_at=now(session),
            withdrawal_reason=reason,
            sequence=number,
        )
    _record(session, actor, contract, notice, "notice.withdraw", reason=reason)
    return notice


def gather_facts(session: Session, contract: Contract, amount: int | None) -> dict[str, Any]:
    """Return what a notice of a contract says; nothing of candidates, quotes, or the estimated price."""
    request = _find_request(session, contract)
    owner, selection = request.project.owner, request.selection
    version = load_listing_versions(session, [contract.listing_version_id])[
        contract.listing_version_id
    ]
    offering = version.offering_version
    specification = offering.specification_version
    return {
        "title": request.project.title,
        "body_code": owner.code,
        "body_name": owner.label,
        "supplier_name": request.seller.name,
        "supplier_number": request.seller.corporate_number,
        "number": contract.number,
        "signed_on": contract.signed_on.isoformat(),
        "starts_on": contract.starts_on.isoformat(),
        "ends_on": contract.ends_on.isoformat(),
        "method": selection.method.value,
        "ground": selection.ground.value if selection.ground else None,
        "service": offering.name,
        "offering_id": str(offering.offering_id),
        "listing_id": str(version.listing_id),
        "specification": specification.specification.code,
        "specification_name": specification.specification.name,
        "specification_version": specification.label,
        "amount": amount,
        "is_sample": request.seller.is_sample,
    }


def suggest_amount(session: Session, contract: Contract) -> int:
    """Return the decided total with tax, which the clerk holds against the signed contract."""
    return _find_request(session, contract).selection.total_with_tax


def _find_request(session: Session, contract: Contract) -> UsageContractRequest:
    request = get_request(session, contract.request_id)
    if request is None:
        raise NotFound
    return request


def _lock_contract(session: Session, contract_id: uuid.UUID) -> Contract:
    contract = get_contract(session, contract_id, for_update=True)
    if contract is None:
        raise NotFound
    return contract


def _record(
    session: Session,
    actor: Actor,
    contract: Contract,
    notice: ContractNotice,
    action: str,
    **detail: Any,
) -> None:
    audit.record(
        session,
        actor,
        action,
        "ContractNotice",
        notice.id,
        owner_id=contract.owner_id,
        case_id=_find_request(session, contract).project_id,
        number=contract.number,
        sha256=notice.content_sha256,
        **detail,
    )
