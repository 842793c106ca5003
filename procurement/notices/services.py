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


def prepare_notice(
    session: Session, actor: Actor, contract_id: uuid.UUID, *, version: int, amount: int | None
) -> ContractNotice:
    """Write down what is to be published of a contract; one that waits for its decision is replaced.

    `version` is that of the waiting notice, 0 without one. `amount` in yen with tax, as signed;
    None: not published. Raises GuardFailed until another person has confirmed the record.
    """
    contract = _lock_contract(session, contract_id)
    actor = require(session, actor, Permission.CONTRACT_PREPARE_NOTICE, contract)
    if actor.person_id is None:
        raise NotFound
    if contract.confirmed_at is None:
        raise GuardFailed([("main", "決裁者が契約の記録を確かめたあとに、公表の案を作れます。")])
    waiting = queries.find_live_notice(session, contract.id, for_update=True)
    if waiting is not None and waiting.state is NoticeState.PUBLISHED:
        raise Conflict(
            "この契約はすでに公表しています。直すときは、決裁者が取り下げてから作り直します。"
        )
    if (waiting.version if waiting else 0) != version:
        raise StaleVersion("ほかの人が先に公表の案を作りました。今の案を確かめてください。")
    content = canonical_json(gather_facts(session, contract, amount))
    said: dict[str, Any] = {
        "content": content.decode(),
        "content_sha256": sha256_hex(content),
        "prepared_by_id": actor.person_id,
    }
    if waiting is None:
        waiting = ContractNotice(contract_id=contract.id, owner_id=contract.owner_id, **said)
        session.add(waiting)
        session.flush()
    else:
        waiting.revise(version, **said)
    _record(session, actor, contract, waiting, "notice.prepare")
    return waiting


def publish_notice(
    session: Session, actor: Actor, contract_id: uuid.UUID, *, version: int
) -> ContractNotice:
    """Publish what another person prepared, word for word."""
    contract = _lock_contract(session, contract_id)
    actor = require(session, actor, Permission.CONTRACT_DECIDE_NOTICE, contract)
    notice = _lock_notice(session, contract)
    if actor.person_id == notice.prepared_by_id:
        raise Forbidden("公表の案を作った人は決裁できません。別の決裁者に頼んでください。")
    notice.apply(
        NoticeAction.PUBLISH, version, published_by_id=actor.person_id, published_at=now(session)
    )
    _record(session, actor, contract, notice, "notice.publish")
    return notice


def withdraw_notice(
    session: Session, actor: Actor, contract_id: uuid.UUID, *, version: int, reason: str
) -> ContractNotice:
    """Take a notice back; its address then tells everyone since when and why, and nothing else."""
    contract = _lock_contract(session, contract_id)
    actor = require(session, actor, Permission.CONTRACT_DECIDE_NOTICE, contract)
    notice = _lock_notice(session, contract)
    notice.apply(
        NoticeAction.WITHDRAW,
        version,
        withdrawn_by_id=actor.person_id,
        withdrawn_at=now(session),
        withdrawal_reason=reason,
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


def _lock_notice(session: Session, contract: Contract) -> ContractNotice:
    notice = queries.find_live_notice(session, contract.id, for_update=True)
    if notice is None:
        raise NotFound("この契約には公表の案がありません。担当者が案を作ったあとに開いてください。")
    return notice


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
