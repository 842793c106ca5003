"""Acts on the framework agreement: a lead issues a version, vendors accept it."""

from datetime import date
from typing import Any

from sqlmodel import Session

import accounts.services
from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit, outbox
from core.clock import day_in_japan, start_of_day
from core.config import Settings
from core.db import now
from core.errors import Forbidden, Invalid, WrongState
from core.japanese import format_date
from vendors import agreement
from vendors.agreement import Edition
from vendors.agreement_models import AgreementVersion
from vendors.models import VENDOR_MACHINE, FrameworkAgreement, Vendor, VendorState
from vendors.queries import agreements
from vendors.services import record

AGREEMENT_ISSUED = "agreement.issued"
DAYS_BEFORE = (30, 7)


def issue(
    session: Session,
    actor: Actor,
    settings: Settings,
    *,
    label: str,
    text: str,
    note: str,
    applies_from: date,
    accept_by: date,
) -> AgreementVersion:
    """Issue a version: every active vendor is told at once and reminded before `accept_by`.

    Needs a recent sign-in. An issued version is public and never changes. Raises Invalid.
    """
    actor = require(session, actor, Permission.AGREEMENT_ISSUE)
    accounts.services.require_recent_sign_in(session, settings, actor)
    if actor.person_id is None:
        raise Forbidden("新しい版を出せるのは、主任審査員だけです。")
    agreements.lock_agreements(session)
    editions = agreements.list_editions(session)
    check_issue(
        editions, day_in_japan(now(session)), label=label, text=text, applies_from=applies_from
    )
    version = AgreementVersion(
        label=label,
        text=text,
        text_sha256=agreement.hash_text(text),
        note=note,
        applies_from=applies_from,
        accept_by=accept_by,
        issued_by_id=actor.person_id,
        issued_at=now(session),
    )
    session.add(version)
    session.flush()
    details: dict[str, Any] = {
        "label": label,
        "text_sha256": version.text_sha256,
        "applies_from": applies_from.isoformat(),
        "accept_by": accept_by.isoformat(),
    }
    audit.record(
        session, actor, "agreement.issue", "AgreementVersion", version.id, note=note, **details
    )
    _announce(session, version)
    return version


def check_issue(
    editions: list[Edition], today: date, *, label: str, text: str, applies_from: date
) -> None:
    """Refuse a version that is no new one or would apply before what is there; raises Invalid."""
    errors = {}
    last = editions[-1]
    if any(each.label == label for each in editions):
        errors["label"] = f"第{label}版は、すでにあります。次の番号を入力してください。"
    if any(each.sha256 == agreement.hash_text(text) for each in editions) or (
        text.strip() == last.text.strip()
    ):
        errors["text"] = "前にある版と同じ文面です。変えるところを直してください。"
    if applies_from < today:
        errors["applies_from"] = "効力が生じる日は、今日か後の日にしてください。"
    elif last.applies_from is not None and applies_from <= last.applies_from:
        errors["applies_from"] = (
            f"第{last.label}版の効力が{format_date(last.applies_from)}に生じます。"
            "それより後の日にしてください。"
        )
    if errors:
        raise Invalid(errors)


def _announce(session: Session, version: AgreementVersion) -> None:
    outbox.publish(session, AGREEMENT_ISSUED, {"label": version.label, "days": None})
    end = start_of_day(version.accept_by)
    for days in DAYS_BEFORE:
        due = start_of_day(date.fromordinal(version.accept_by.toordinal() - days))
        if now(session) < due < end:
            details = {"label": version.label, "days": days}
            outbox.publish(session, AGREEMENT_ISSUED, details, due_at=due)


def accept(session: Session, actor: Actor, vendor: Vendor, *, text_sha256: str) -> None:
    """Accept the version that is offered to the vendor; a second acceptance changes nothing.

    Refused with a sentence for any other version. The vendor must have been locked by the caller.
    """
    require(session, actor, Permission.VENDOR_ACCEPT_AGREEMENT, vendor)
    if vendor.state is not VendorState.ACTIVE:
        sentence = VENDOR_MACHINE.wrong_state_sentence(vendor.state)
        raise WrongState(sentence, state=vendor.state.value)
    if actor.person_id is None:
        raise Forbidden("基本契約に同意できるのは、事業者の管理者だけです。")
    standing = agreements.judge_agreement(session, vendor.id)
    meant = next((e for e in agreements.list_editions(session) if e.sha256 == text_sha256), None)
    if meant is not None and agreements.find_agreement(session, vendor.id, meant.label) is not None:
        return
    if meant is None or meant != standing.offered:
        raise Invalid({"confirmed": _refusal(meant, standing)})
    accepted = FrameworkAgreement(
        vendor_id=vendor.id,
        label=meant.label,
        text_sha256=meant.sha256,
        accepted_by_id=actor.person_id,
        accepted_at=now(session),
    )
    session.add(accepted)
    session.flush()
    details = {"label": meant.label, "text_sha256": meant.sha256}
    record(session, actor, vendor, "vendor.accept_agreement", **details)


def _refusal(meant: Edition | None, standing: agreement.AgreementStanding) -> str:
    offered = standing.offered
    if meant is None or offered is None:
        return "基本契約の文面が新しくなりました。もう一度読んでから同意してください。"
    if meant not in standing.newer or standing.newer.index(meant) < standing.newer.index(offered):
        return (
            f"第{meant.label}版は、第{offered.label}版に替わったため、同意できません。"
            f"第{offered.label}版を読んで同意してください。"
        )
    return f"第{meant.label}版の前に、第{offered.label}版を読んで同意してください。"
