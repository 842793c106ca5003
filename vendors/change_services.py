"""Acts on a change of the company's facts: submit, assign, approve or refuse, withdraw."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

import accounts.queries
from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from core.db import now
from core.errors import Forbidden, GuardFailed, Invalid, NotFound, StaleVersion
from vendors import queries
from vendors.change_models import CompanyChange
from vendors.completeness import list_missing_kinds
from vendors.models import Vendor
from vendors.queries import changes
from vendors.renewal_models import RenewalAction, RenewalState
from vendors.renewal_services import RenewalDecision
from vendors.services import announce, check_invoice_number, independent_reviewer, likeness, record

FIELDS = (
    "name",
    "kana",
    "representative",
    "address",
    "invoice_number",
    "is_small_or_medium",
    "roles",
)


def submit(
    session: Session, actor: Actor, vendor: Vendor, *, reason: str, values: Mapping[str, Any]
) -> CompanyChange:
    """Hand new facts of the company in; the registered ones stay until the agency approves.

    The vendor must have been locked by the caller. Raises Invalid, GuardFailed.
    """
    require(session, actor, Permission.VENDOR_RENEW, vendor)
    _require_registered(vendor)
    if changes.find_open(session, vendor.id) is not None:
        sentence = (
            "前に届け出た変更を、デジタル庁が確かめています。結果を待つか、取り下げてください。"
        )
        raise GuardFailed([(page_of(vendor), sentence)])
    if actor.person_id is None:
        raise Forbidden("変更を届け出られるのは、事業者の管理者だけです。")
    check_invoice_number(vendor, values["invoice_number"])
    if lacking := list_missing_kinds(values["roles"], vendor.qualification_kinds):
        sentence = f"{lacking}先に、全省庁統一資格の更新を届け出てください。"
        raise Invalid({"roles": sentence})
    present = _present(vendor)
    proposed = {name: values[name] for name in FIELDS}
    if proposed == present:
        raise Invalid({"name": "今の情報と同じ内容です。変わったところを入力してください。"})
    change = CompanyChange(
        vendor_id=vendor.id,
        owner_id=vendor.owner_id,
        proposed=proposed,
        reason=reason,
        submitted_by_id=actor.person_id,
        submitted_at=now(session),
    )
    session.add(change)
    session.flush()
    changed = {name: [present[name], proposed[name]] for name in _differing(present, proposed)}
    _record(session, actor, vendor, "vendor.submit_change", change, reason=reason, changed=changed)
    return change


def page_of(vendor: Vendor) -> str:
    """Return the address of the page on which a vendor's facts are changed."""
    return f"/vendors/{vendor.id}/company"


def _present(vendor: Vendor) -> dict[str, Any]:
    return {name: getattr(vendor, name) for name in FIELDS}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in FIELDS if before[name] != after[name]]


def _require_registered(vendor: Vendor) -> None:
    if not vendor.is_public:
        sentence = f"登録が「{vendor.state.label}」のため、変更は届け出られません。"
        raise GuardFailed([("main", sentence)])


def assign(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    change_id: uuid.UUID,
    *,
    reviewer_id: uuid.UUID,
    version: int,
) -> None:
    """Start the check with a reviewer, or hand it to another one."""
    require(session, actor, Permission.VENDOR_ASSIGN, vendor)
    change = _load(session, vendor, change_id, version)
    reviewer = independent_reviewer(session, vendor, reviewer_id)
    if change.state is RenewalState.CHECKING:
        change.revise(version, assigned_reviewer_id=reviewer.id)
    else:
        change.apply(RenewalAction.START_CHECK, version, assigned_reviewer_id=reviewer.id)
    _record(session, actor, vendor, "vendor.assign_change", change, reviewer_id=reviewer.id)


def decide(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    change_id: uuid.UUID,
    *,
    decision: RenewalDecision,
    reason: str,
    version: int,
) -> None:
    """Put the new facts in the place of the registered ones, or refuse them for a reason.

    The vendor must have been locked by the caller. Whoever checked or submitted cannot decide.
    """
    require(session, actor, Permission.VENDOR_DECIDE, vendor)
    change = _load(session, vendor, change_id, version)
    action = RenewalAction(decision.value)
    change.expect(action)
    if actor.person_id in {change.submitted_by_id, change.assigned_reviewer_id}:
        raise Forbidden("提出した人と確認した人は判断できません。別の主任審査員に頼んでください。")
    if action is RenewalAction.REFUSE and not reason:
        raise Invalid({"reason": "認めない理由を入力してください。"})
    values: dict[str, Any] = {"decided_by_id": actor.person_id, "decided_at": now(session)}
    if action is RenewalAction.APPROVE:
        values["replaced"] = _present(vendor)
    change.apply(action, version, decision_reason=reason, **values)
    if action is RenewalAction.APPROVE:
        _put_in_force(session, vendor, change)
    act = f"vendor.{decision.value}_change"
    _record(session, actor, vendor, act, change, reason=reason, replaced=change.replaced)
    outcome = "認められました" if action is RenewalAction.APPROVE else "認められませんでした"
    title = f"会社の情報の変更が{outcome}"
    tell_organisation(session, vendor.owner_id, "vendor.change_decided", title, page_of(vendor))


def _put_in_force(session: Session, vendor: Vendor, change: CompanyChange) -> None:
    _require_registered(vendor)
    if lacking := list_missing_kinds(change.proposed["roles"], vendor.qualification_kinds):
        raise GuardFailed([("main", lacking)])
    alike = likeness(session, change.proposed["name"], vendor.corporate_number)
    vendor.revise(**change.proposed, **alike)
    home = accounts.queries.get_organisation(session, vendor.owner_id)
    if home is not None and home.name != vendor.name:
        home.revise(name=vendor.name, kana=vendor.kana)
    announce(session, vendor)


def withdraw(
    session: Session, actor: Actor, vendor: Vendor, change_id: uuid.UUID, *, version: int
) -> None:
    """Take a change back before it is decided."""
    require(session, actor, Permission.VENDOR_RENEW, vendor)
    change = _load(session, vendor, change_id, version)
    change.apply(RenewalAction.WITHDRAW, version)
    _record(session, actor, vendor, "vendor.withdraw_change", change)


def _load(session: Session, vendor: Vendor, change_id: uuid.UUID, version: int) -> CompanyChange:
    change = changes.get_change(session, change_id)
    if change is None or change.vendor_id != vendor.id:
        raise NotFound
    if change.version != version:
        names = queries.list_names(session, [change.decided_by_id])
        winner = next(iter(names.values()), "")
        who = f"{winner}さん" if winner else "ほかの人"
        sentence = f"{who}が先に更新し、会社の情報の変更は今「{change.state.label}」です。"
        raise StaleVersion(sentence, current={"by": winner, "at": change.decided_at})
    return change


def _record(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    action: str,
    change: CompanyChange,
    **details: Any,
) -> None:
    record(session, actor, vendor, action, change_id=change.id, **details)
