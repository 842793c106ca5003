"""Acts on the renewal of a qualification: submit, assign, approve or refuse, withdraw."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from core.clock import day_in_japan
from core.db import now
from core.errors import Forbidden, GuardFailed, Invalid, NotFound, StaleVersion
from core.japanese import format_date
from core.state_machine import LabelledCode
from vendors import queries
from vendors.completeness import SECTIONS, list_missing_kinds
from vendors.models import Vendor
from vendors.renewal_models import QualificationRenewal, RenewalAction, RenewalState
from vendors.services import announce, independent_reviewer, record

FIELDS = next(section.fields for section in SECTIONS if section.name == "qualification")


class RenewalDecision(LabelledCode):
    """How a lead decides on a renewal."""

    APPROVE = "approve", "更新を認める"
    REFUSE = "refuse", "更新を認めない"


def submit(
    session: Session, actor: Actor, vendor: Vendor, *, values: Mapping[str, Any]
) -> QualificationRenewal:
    """Hand a renewed qualification in; the current one stays until the agency approves.

    The vendor must have been locked by the caller. Raises Invalid, GuardFailed.
    """
    require(session, actor, Permission.VENDOR_RENEW, vendor)
    _require_registered(vendor)
    if queries.find_open_renewal(session, vendor.id) is not None:
        sentence = (
            "前に届け出た更新を、デジタル庁が確かめています。結果を待つか、取り下げてください。"
        )
        raise GuardFailed([(page_of(vendor), sentence)])
    if actor.person_id is None:
        raise Forbidden("更新を届け出られるのは、事業者の管理者だけです。")
    if errors := _list_errors(session, vendor, values):
        raise Invalid(errors)
    renewal = QualificationRenewal(
        vendor_id=vendor.id,
        owner_id=vendor.owner_id,
        submitted_by_id=actor.person_id,
        submitted_at=now(session),
        **{name: values[name] for name in FIELDS},
    )
    session.add(renewal)
    session.flush()
    _record(session, actor, vendor, "vendor.submit_renewal", renewal, **_plain(values))
    return renewal


def page_of(vendor: Vendor) -> str:
    """Return the address of the page on which a vendor's qualification is renewed."""
    return f"/vendors/{vendor.id}/qualification"


def _require_registered(vendor: Vendor) -> None:
    if not vendor.is_public:
        sentence = f"登録が「{vendor.state.label}」のため、資格は更新できません。"
        raise GuardFailed([("main", sentence)])


def _list_errors(session: Session, vendor: Vendor, values: Mapping[str, Any]) -> dict[str, str]:
    errors = {}
    expires, current = values["qualification_expires_on"], vendor.qualification_expires_on
    if expires < day_in_japan(now(session)):
        errors["qualification_expires_on"] = (
            "有効期限が過ぎています。更新した資格の期限を入力してください。"
        )
    elif current is not None and expires < current:
        errors["qualification_expires_on"] = (
            f"今の資格の期限（{format_date(current)}）より前です。更新した資格の期限を入力してください。"
        )
    if lacking := list_missing_kinds(vendor.roles, values["qualification_kinds"]):
        errors["qualification_kinds"] = lacking
    if all(getattr(vendor, name) == values[name] for name in FIELDS):
        errors["qualification_number"] = (
            "今の資格と同じ内容です。更新したところを入力してください。"
        )
    return errors


def assign(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    renewal_id: uuid.UUID,
    *,
    reviewer_id: uuid.UUID,
    version: int,
) -> None:
    """Start the check with a reviewer, or hand it to another one."""
    require(session, actor, Permission.VENDOR_ASSIGN, vendor)
    renewal = _load(session, vendor, renewal_id, version)
    reviewer = independent_reviewer(session, vendor, reviewer_id)
    if renewal.state is RenewalState.CHECKING:
        renewal.revise(version, assigned_reviewer_id=reviewer.id)
    else:
        renewal.apply(RenewalAction.START_CHECK, version, assigned_reviewer_id=reviewer.id)
    _record(session, actor, vendor, "vendor.assign_renewal", renewal, reviewer_id=reviewer.id)


def decide(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    renewal_id: uuid.UUID,
    *,
    decision: RenewalDecision,
    reason: str,
    version: int,
) -> None:
    """Put the renewed qualification in the current one's place, or refuse it for a reason.

    The vendor must have been locked by the caller. Whoever checked or submitted cannot decide.
    """
    require(session, actor, Permission.VENDOR_DECIDE, vendor)
    renewal = _load(session, vendor, renewal_id, version)
    action = RenewalAction(decision.value)
    renewal.expect(action)
    if actor.person_id in {renewal.submitted_by_id, renewal.assigned_reviewer_id}:
        raise Forbidden("提出した人と確認した人は判断できません。別の主任審査員に頼んでください。")
    if action is RenewalAction.REFUSE and not reason:
        raise Invalid({"reason": f"{decision.label}理由を入力してください。"})
    values: dict[str, Any] = {"decided_by_id": actor.person_id, "decided_at": now(session)}
    if action is RenewalAction.APPROVE:
        _require_fit(session, vendor, renewal)
        before = {name: getattr(vendor, name) for name in FIELDS}
        values["replaced"] = _plain(before)
    renewal.apply(action, version, decision_reason=reason, **values)
    if action is RenewalAction.APPROVE:
        vendor.revise(**{name: getattr(renewal, name) for name in FIELDS})
        announce(session, vendor)
    _record(
        session,
        actor,
        vendor,
        f"vendor.{decision.value}_renewal",
        renewal,
        reason=reason,
        replaced=renewal.replaced,
    )
    outcome = "認められました" if action is RenewalAction.APPROVE else "認められませんでした"
    title = f"全省庁統一資格の更新が{outcome}"
    tell_organisation(session, vendor.owner_id, "vendor.renewal_decided", title, page_of(vendor))


def _require_fit(session: Session, vendor: Vendor, renewal: QualificationRenewal) -> None:
    """Refuse to put in force what ran out, or no longer fits, while it was checked."""
    _require_registered(vendor)
    if renewal.qualification_expires_on < day_in_japan(now(session)):
        sentence = "更新した資格の有効期限が過ぎています。認めずに、理由を書いて知らせてください。"
        raise GuardFailed([("main", sentence)])
    if lacking := list_missing_kinds(vendor.roles, renewal.qualification_kinds):
        raise GuardFailed([("main", lacking)])


def withdraw(
    session: Session, actor: Actor, vendor: Vendor, renewal_id: uuid.UUID, *, version: int
) -> None:
    """Take a renewal back before it is decided."""
    require(session, actor, Permission.VENDOR_RENEW, vendor)
    renewal = _load(session, vendor, renewal_id, version)
    renewal.apply(RenewalAction.WITHDRAW, version)
    _record(session, actor, vendor, "vendor.withdraw_renewal", renewal)


def _load(
    session: Session, vendor: Vendor, renewal_id: uuid.UUID, version: int
) -> QualificationRenewal:
    renewal = queries.get_renewal(session, renewal_id)
    if renewal is None or renewal.vendor_id != vendor.id:
        raise NotFound
    if renewal.version != version:
        names = queries.list_names(session, [renewal.decided_by_id])
        winner = next(iter(names.values()), "")
        who = f"{winner}さん" if winner else "ほかの人"
        raise StaleVersion(
            f"{who}が先に更新し、資格の更新は今「{renewal.state.label}」です。",
            current={"by": winner, "at": renewal.decided_at},
        )
    return renewal


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: values[name].isoformat() if isinstance(values[name], date) else values[name]
        for name in FIELDS
    }


def _record(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    action: str,
    renewal: QualificationRenewal,
    **details: Any,
) -> None:
    record(session, actor, vendor, action, renewal_id=renewal.id, **details)
