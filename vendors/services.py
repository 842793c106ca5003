"""Acts on vendor registrations."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

import accounts.queries
import accounts.services
from accounts.identity import Actor
from accounts.models import OrganisationKind, Person, Role
from accounts.permissions import Permission, require
from accounts.throttling import Limit, count_try
from core import audit, changes, outbox
from core.clock import day_in_japan
from core.config import Settings
from core.db import now
from core.errors import Conflict, Forbidden, GuardFailed, Invalid, StaleVersion, WrongState
from core.japanese import name_skeleton
from core.state_machine import LabelledCode
from vendors import contacts, declared, draft_services, queries
from vendors.completeness import SECTIONS, list_missing
from vendors.models import (
    VENDOR_MACHINE,
    Vendor,
    VendorAction,
    VendorState,
)

_SKELETON_LENGTH = 200
_EDITABLE: Mapping[str, frozenset[VendorState]] = {
    "company": frozenset({VendorState.DRAFT, VendorState.RETURNED}),
    "qualification": frozenset({VendorState.DRAFT, VendorState.RETURNED}),
    "exclusions": frozenset({VendorState.DRAFT, VendorState.RETURNED}),
    "contact": frozenset(
        {VendorState.DRAFT, VendorState.RETURNED, VendorState.ACTIVE, VendorState.SUSPENDED}
    ),
}


class Decision(LabelledCode):
    """How a lead decides on a registration."""

    APPROVE = "approve", "登録を認める"
    RETURN = "return", "差し戻す"
    REFUSE = "refuse", "登録を認めない"


_ACTION_OF = {
    Decision.APPROVE: VendorAction.APPROVE,
    Decision.RETURN: VendorAction.RETURN,
    Decision.REFUSE: VendorAction.REFUSE,
}


def register(
    session: Session,
    actor: Actor,
    settings: Settings,
    *,
    corporate_number: str,
    name: str,
    kana: str,
    person_name: str,
    email: str,
    password: str,
) -> Vendor | None:
    """Begin a registration: account, organisation, role of administrator and a draft.

    None, and nothing begun, when the address is another person's. Raises Conflict when the 法人番号
    is registered already, without telling by whom.
    """
    require(session, actor, Permission.VENDOR_REGISTER)
    require_unregistered(session, corporate_number)
    person = accounts.services.claim_person(
        session, settings, email=email, name=person_name, password=password
    )
    if person is None:
        return None
    return begin_registration(
        session, person, corporate_number=corporate_number, name=name, kana=kana
    )


def count_registration(session: Session, settings: Settings, source: str) -> bool:
    """Count one more registration from a network and tell whether it may go on."""
    limit = Limit("register", most=settings.register_attempts, hours=1)
    over = count_try(session, settings, limit, source)
    if over == 1:  # once an hour: a flood shall not fill the trail
        refused = audit.Outcome.REFUSED
        act = "vendor.register"
        audit.record(session, audit.SYSTEM, act, "Vendor", None, outcome=refused, reason="too_many")
    return over == 0


def require_unregistered(session: Session, corporate_number: str) -> None:
    """Raise Conflict when the 法人番号 has a live registration, without telling whose."""
    if queries.find_live_by_number(session, corporate_number) is not None:
        raise Conflict(
            "この法人番号の登録は、すでに始まっています。社内の登録を担当する方に確かめてください。"
            "心当たりのないときは、問い合わせ先に連絡してください。"
        )


def begin_registration(
    session: Session,
    person: Person,
    *,
    corporate_number: str,
    name: str,
    kana: str,
    gbizid_type: str = "",
) -> Vendor:
    """Add the organisation of a company, its first administrator and the draft of its registration."""
    organisation = accounts.services.create_organisation(
        session, kind=OrganisationKind.VENDOR, name=name
    )
    accounts.services.add_membership(session, person, organisation, Role.VENDOR_ADMIN)
    vendor = Vendor(
        owner_id=organisation.id,
        corporate_number=corporate_number,
        name=name,
        kana=kana,
        contact_email=person.email,
        gbizid_type=gbizid_type,
        created_at=now(session),
        **likeness(session, name, corporate_number),
    )
    session.add(vendor)
    session.flush()
    who = audit.System(person_id=person.id, organisation_id=organisation.id)
    audit.record(
        session,
        who,
        "vendor.register",
        "Vendor",
        vendor.id,
        owner_id=vendor.owner_id,
        corporate_number=corporate_number,
        name=name,
    )
    draft_services.watch(session, vendor, person)
    return vendor


def likeness(session: Session, name: str, corporate_number: str) -> dict[str, Any]:
    """Return what a registration keeps of a name: its skeleton, and the name it can be taken for."""
    skeleton = name_skeleton(name)[:_SKELETON_LENGTH]
    alike = queries.list_look_alikes(session, skeleton, corporate_number, limit=1)
    return {"name_skeleton": skeleton, "look_alike_of": alike[0].name if alike else ""}


def is_editable(vendor: Vendor, section: str) -> bool:
    """Tell whether the state lets the vendor change this section of the file."""
    return vendor.state in _EDITABLE[section]


def edit(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    *,
    section: str,
    version: int,
    values: Mapping[str, Any],
) -> None:
    """Save one section of the file; blanks are kept for later. Raises WrongState, StaleVersion."""
    require(session, actor, Permission.VENDOR_EDIT, vendor)
    if not is_editable(vendor, section):
        sentence = VENDOR_MACHINE.wrong_state_sentence(vendor.state)
        raise WrongState(sentence, state=vendor.state.value)
    columns = dict(values)
    check_invoice_number(vendor, columns.get("invoice_number", ""))
    if section == "contact":
        columns = contacts.check(session, vendor, columns)
    if section == "company":
        columns |= likeness(session, columns["name"], vendor.corporate_number)
    if section in vendor.findings:
        columns["mended"] = sorted({*vendor.mended, section})
    values = {name: columns[name] for name in values}
    before = {name: getattr(vendor, name) for name in values}
    vendor.revise(version, **columns)
    if section == "company":
        rename_home(session, vendor)
    changed = {
        name: [before[name], values[name]] for name in values if before[name] != values[name]
    }
    record(session, actor, vendor, "vendor.edit", section=section, changed=changed)


def rename_home(session: Session, vendor: Vendor) -> None:
    """Give the organisation of a vendor's members the name under which the vendor is registered."""
    home = accounts.queries.get_organisation(session, vendor.owner_id)
    if home is not None and home.name != vendor.name:
        home.revise(name=vendor.name, kana=vendor.kana)


def check_invoice_number(vendor: Vendor, invoice: str) -> None:
    """Raise Invalid for an invoice number that is another company's."""
    if invoice and invoice[1:] != vendor.corporate_number:
        sentence = "登録番号の13桁が、この会社の法人番号と違います。番号を確かめてください。"
        raise Invalid({"invoice_number": sentence})


def submit(session: Session, actor: Actor, vendor: Vendor, *, version: int) -> None:
    """Hand the registration in; raises GuardFailed with everything that is missing."""
    require(session, actor, Permission.VENDOR_SUBMIT, vendor)
    if obstacles := list_obstacles(session, actor, vendor):
        raise GuardFailed(obstacles)
    vendor.apply(
        VendorAction.SUBMIT,
        version,
        submitted_by_id=actor.person_id,
        submitted_at=now(session),
        decided_by_id=None,
        decided_at=None,
        decision_reason="",
        findings={},
        mended=[],
        **likeness(session, vendor.name, vendor.corporate_number),
    )
    record(session, actor, vendor, "vendor.submit")


def list_obstacles(session: Session, actor: Actor, vendor: Vendor) -> list[tuple[str, str]]:
    """Return all that keeps a person from handing the registration in: what is missing, and the address."""
    found = list_missing(vendor, day_in_japan(now(session)))
    if awaited := awaited_address(session, actor.person_id):
        sentence = f"{awaited}が、まだ確かめられていません。届いたメールのリンクを開いてください。"
        found.append((f"/vendors/{vendor.id}/file#address", sentence))
    return found


def awaited_address(session: Session, person_id: uuid.UUID | None) -> str:
    """Return the address of a person who has not yet opened the link of the letter to it, or nothing."""
    person = accounts.queries.get_person(session, person_id) if person_id else None
    return person.email if person is not None and person.awaits_confirmation else ""


def assign(
    session: Session, actor: Actor, vendor: Vendor, *, reviewer_id: uuid.UUID, version: int
) -> None:
    """Start the check with a reviewer, or hand it to another one."""
    require(session, actor, Permission.VENDOR_ASSIGN, vendor)
    reviewer = independent_reviewer(session, vendor, reviewer_id)
    if vendor.state is VendorState.CHECKING:
        vendor.revise(version, assigned_reviewer_id=reviewer.id)
    else:
        vendor.apply(VendorAction.START_CHECK, version, assigned_reviewer_id=reviewer.id)
    record(session, actor, vendor, "vendor.assign", reviewer_id=reviewer.id)


def independent_reviewer(session: Session, vendor: Vendor, reviewer_id: uuid.UUID) -> Person:
    """Return the reviewer of this id; raises Invalid for anybody else and for the company's own."""
    person = accounts.queries.get_person(session, reviewer_id)
    memberships = accounts.queries.list_live_memberships(session, reviewer_id) if person else []
    if person is None or not any(m.role is Role.REVIEWER for m in memberships):
        raise Invalid({"reviewer_id": "確認する審査員は一覧から選択してください。"})
    if any(m.organisation_id == vendor.owner_id for m in memberships):
        raise Invalid(
            {"reviewer_id": "この会社に所属する人は選べません。別の審査員を選択してください。"}
        )
    return person


def decide(
    session: Session,
    actor: Actor,
    vendor: Vendor,
    *,
    decision: Decision,
    reason: str,
    findings: Mapping[str, str],
    version: int,
) -> None:
    """Approve, return or refuse a checked registration; the last two need a reason.

    The vendor must have been locked by the caller. Raises StaleVersion naming whoever was first.
    """
    require(session, actor, Permission.VENDOR_DECIDE, vendor)
    require_first(session, vendor, version)
    if actor.person_id in {vendor.submitted_by_id, vendor.assigned_reviewer_id}:
        raise Forbidden("提出した人と確認した人は判断できません。別の主任審査員に頼んでください。")
    if decision is not Decision.APPROVE and not reason:
        raise Invalid({"reason": f"{decision.label}理由を入力してください。"})
    missing = list_missing(vendor, day_in_japan(now(session)))
    if decision is Decision.APPROVE and missing:
        raise GuardFailed(missing)
    named = {s.name: findings[s.name] for s in SECTIONS if findings.get(s.name)}
    vendor.apply(
        _ACTION_OF[decision],
        version,
        decided_by_id=actor.person_id,
        decided_at=now(session),
        decision_reason=reason,
        findings=named if decision is Decision.RETURN else {},
        mended=[],
    )
    record(session, actor, vendor, f"vendor.{decision.value}", reason=reason, findings=named)
    if decision is Decision.APPROVE:
        declared.record_all(session, vendor)
        announce(session, vendor)


def require_first(session: Session, vendor: Vendor, version: int) -> None:
    """Raise StaleVersion naming whoever changed the registration first."""
    if vendor.version == version:
        return
    names = queries.list_names(session, [vendor.decided_by_id])
    winner = next(iter(names.values()), "")
    who = f"{winner}さん" if winner else "ほかの人"
    raise StaleVersion(
        f"{who}が先に更新し、登録は今「{vendor.state.label}」です。入力した内容は消えていません。",
        current=vendor.model_dump(mode="json"),
    )


def record(session: Session, actor: Actor, vendor: Vendor, action: str, **details: Any) -> None:
    """Write an act on a vendor into the trail, and into the public feed once it is registered."""
    audit.record(session, actor, action, "Vendor", vendor.id, owner_id=vendor.owner_id, **details)
    if vendor.is_public:
        changes.append(session, "vendor", vendor.id)


def announce(session: Session, vendor: Vendor) -> None:
    """Tell whoever depends on the standing or the qualification of a vendor."""
    outbox.publish(session, "vendor.state_changed", {"vendor_id": vendor.id})
