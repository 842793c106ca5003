"""Acts on the filings of a registered vendor: submit, assign, approve or refuse, withdraw."""

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
from vendors.completeness import list_missing_kinds
from vendors.filing_models import Filing, FilingAction, FilingState
from vendors.models import Vendor
from vendors.queries import filings
from vendors.services import (
    announce,
    check_invoice_number,
    independent_reviewer,
    likeness,
    record,
    rename_home,
)


class FilingDecision(LabelledCode):
    """How a lead decides on a filing."""

    APPROVE = "approve", "認める"
    REFUSE = "refuse", "認めない"


def submit(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    model: type[Filing],
    *,
    values: Mapping[str, Any],
    reason: str = "",
) -> Filing:
    """Hand new facts in; the registered ones stay until the agency approves.

    The vendor must have been locked by the caller. Raises Invalid, GuardFailed.
    """
    require(session, actor, Permission.VENDOR_RENEW, vendor)
    kind = model.KIND
    _require_registered(vendor, model)
    if filings.find_open(session, model, vendor.id) is not None:
        sentence = (
            f"前に届け出た{kind.act}を、デジタル庁が確かめています。"
            "結果を待つか、取り下げてください。"
        )
        raise GuardFailed([(kind.address(vendor.id), sentence)])
    if actor.person_id is None:
        raise Forbidden(f"{kind.act}を届け出られるのは、事業者の管理者だけです。")
    facts = {name: values[name] for name in kind.fields}
    check_invoice_number(vendor, facts.get("invoice_number", ""))
    if errors := _list_errors(vendor, model, facts, day_in_japan(now(session))):
        raise Invalid(errors)
    filing = model.of(
        facts,
        reason,
        vendor_id=vendor.id,
        owner_id=vendor.owner_id,
        submitted_by_id=actor.person_id,
        submitted_at=now(session),
    )
    session.add(filing)
    session.flush()
    before, after = _plain(present_facts(vendor, model)), _plain(facts)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    _record(session, actor, vendor, "submit", filing, reason=reason, changed=changed)
    return filing


def present_facts(vendor: Vendor, model: type[Filing]) -> dict[str, Any]:
    """Return the facts that a kind of filing replaces, as they are registered."""
    return {name: getattr(vendor, name) for name in model.KIND.fields}


def _require_registered(vendor: Vendor, model: type[Filing]) -> None:
    if not vendor.is_public:
        what = f"{model.KIND.subject}は{model.KIND.act}できません"
        raise GuardFailed([("main", f"登録が「{vendor.state.label}」のため、{what}。")])


def _list_errors(
    vendor: Vendor, model: type[Filing], facts: Mapping[str, Any], today: date
) -> dict[str, str]:
    errors = {}
    expires, current = facts.get("qualification_expires_on"), vendor.qualification_expires_on
    if expires and (expires < today or (current and expires < current)):
        late = "有効期限が過ぎています"
        if expires >= today and current:
            late = f"今の資格の期限（{format_date(current)}）より前です"
        errors["qualification_expires_on"] = f"{late}。更新した資格の期限を入力してください。"
    if lacking := _lacking_kinds(vendor, facts):
        if "roles" in facts:
            errors["roles"] = f"{lacking}先に、全省庁統一資格の更新を届け出てください。"
        else:
            errors["qualification_kinds"] = lacking
    if facts == present_facts(vendor, model):
        same = f"今の{model.KIND.held}と同じ内容です。変わったところを入力してください。"
        errors[model.KIND.fields[0]] = same
    return errors


def _lacking_kinds(vendor: Vendor, facts: Mapping[str, Any]) -> str:
    """Say which kinds of the qualification the vendor will lack with these facts in force."""
    kinds = facts.get("qualification_kinds", vendor.qualification_kinds)
    return list_missing_kinds(facts.get("roles", vendor.roles), kinds)


def assign(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    filing: Filing,
    *,
    reviewer_id: uuid.UUID,
    version: int,
) -> None:
    """Start the check with a reviewer, or hand it to another one."""
    require(session, actor, Permission.VENDOR_ASSIGN, vendor)
    filing = _reload(session, vendor, filing, version)
    reviewer = independent_reviewer(session, vendor, reviewer_id)
    if filing.state is FilingState.CHECKING:
        filing.revise(version, assigned_reviewer_id=reviewer.id)
    else:
        filing.apply(FilingAction.START_CHECK, version, assigned_reviewer_id=reviewer.id)
    _record(session, actor, vendor, "assign", filing, reviewer_id=reviewer.id)


def decide(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    filing: Filing,
    *,
    decision: FilingDecision,
    reason: str,
    version: int,
) -> None:
    """Put the new facts in the place of the registered ones, or refuse them for a reason.

    The vendor must have been locked by the caller. Whoever checked or submitted cannot decide.
    """
    require(session, actor, Permission.VENDOR_DECIDE, vendor)
    filing = _reload(session, vendor, filing, version)
    kind, action = filing.KIND, FilingAction(decision.value)
    filing.expect(action)
    if actor.person_id in {filing.submitted_by_id, filing.assigned_reviewer_id}:
        raise Forbidden("提出した人と確認した人は判断できません。別の主任審査員に頼んでください。")
    if action is FilingAction.REFUSE and not reason:
        raise Invalid({"reason": f"{kind.act}を{decision.label}理由を入力してください。"})
    values: dict[str, Any] = {"decided_by_id": actor.person_id, "decided_at": now(session)}
    if action is FilingAction.APPROVE:
        _require_fit(session, vendor, filing)
        values["replaced"] = _plain(present_facts(vendor, type(filing)))
    filing.apply(action, version, decision_reason=reason, **values)
    if action is FilingAction.APPROVE:
        _put_in_force(session, vendor, filing)
    details = {"reason": reason, "replaced": filing.replaced}
    _record(session, actor, vendor, decision.value, filing, **details)
    outcome = "認められました" if action is FilingAction.APPROVE else "認められませんでした"
    title = f"{kind.subject}の{kind.act}が{outcome}"
    told = f"vendor.{kind.code}_decided"
    tell_organisation(session, vendor.owner_id, told, title, kind.address(vendor.id))


def _require_fit(session: Session, vendor: Vendor, filing: Filing) -> None:
    """Refuse to put in force what ran out, or no longer fits, while it was checked."""
    _require_registered(vendor, type(filing))
    expires = filing.facts.get("qualification_expires_on")
    if expires and expires < day_in_japan(now(session)):
        sentence = "更新した資格の有効期限が過ぎています。認めずに、理由を書いて知らせてください。"
        raise GuardFailed([("main", sentence)])
    if lacking := _lacking_kinds(vendor, filing.facts):
        raise GuardFailed([("main", lacking)])


def _put_in_force(session: Session, vendor: Vendor, filing: Filing) -> None:
    facts = filing.facts
    if "name" in facts:
        vendor.revise(**facts, **likeness(session, facts["name"], vendor.corporate_number))
        rename_home(session, vendor)
    else:
        vendor.revise(**facts)
    announce(session, vendor)


def withdraw(
    session: Session, actor: Actor, vendor: Vendor, filing: Filing, *, version: int
) -> None:
    """Take a filing back before it is decided."""
    require(session, actor, Permission.VENDOR_RENEW, vendor)
    filing = _reload(session, vendor, filing, version)
    filing.apply(FilingAction.WITHDRAW, version)
    _record(session, actor, vendor, "withdraw", filing)


def _reload(session: Session, vendor: Vendor, seen: Filing, version: int) -> Filing:
    """Return what was seen on a page as it is now; raises StaleVersion naming whoever was first."""
    filing = filings.get_filing(session, type(seen), seen.id)
    if filing is None or filing.vendor_id != vendor.id:
        raise NotFound
    if filing.version != version:
        names = queries.list_names(session, [filing.decided_by_id])
        winner = next(iter(names.values()), "")
        who = f"{winner}さん" if winner else "ほかの人"
        raise StaleVersion(
            f"{who}が先に更新し、{filing.MACHINE.noun}は今「{filing.state.label}」です。",
            current={"by": winner, "at": filing.decided_at},
        )
    return filing


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in facts.items()
    }


def _record(
    session: Session, actor: Actor, vendor: Vendor, verb: str, filing: Filing, **details: Any
) -> None:
    code = filing.KIND.code
    row = {f"{code}_id": filing.id}
    record(session, actor, vendor, f"vendor.{verb}_{code}", **row, **details)
