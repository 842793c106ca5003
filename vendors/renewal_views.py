"""Pages of the qualification of a registered vendor: what counts, its renewal, check, decision, history."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import queries as people
from accounts.auth import access, actor
from accounts.models import Role
from accounts.permissions import Permission, require
from core import web
from core.clock import today_jst
from core.db import transaction
from core.errors import Invalid, NotFound
from core.form_drafts import keep_typed
from core.forms import Form
from vendors import queries, renewal_services
from vendors.models import Vendor
from vendors.renewal_models import QualificationRenewal, RenewalState
from vendors.schemas import (
    AssignSchema,
    RenewalDecisionSchema,
    RenewalEndSchema,
    RenewalSchema,
)
from vendors.views import CHOICES, blueprint, locked_vendor, vendor_for

_BASE = "/vendors/<uuid:vendor_id>/qualification"


def _home(vendor_id: uuid.UUID) -> str:
    return url_for("vendors.qualification", vendor_id=vendor_id)


@blueprint.get(_BASE)
@access(Permission.VENDOR_READ_FILE)
def qualification(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Show the qualification that counts, the renewal beside it, and every earlier one."""
    session = web.read_session()
    vendor = queries.get_vendor(session, vendor_id)
    if vendor is None:
        raise NotFound
    waiting = queries.find_open_renewal(session, vendor.id)
    is_checker = waiting is not None and actor().person_id in waiting.assigned_ids
    require(session, actor(), Permission.VENDOR_READ_FILE, waiting if is_checker else vendor)
    history = [each for each in queries.list_renewals(session, vendor.id) if not each.is_open]
    by = [waiting.assigned_reviewer_id, waiting.submitted_by_id] if waiting else []
    return web.render_page(
        "vendors/qualification.html",
        vendor=vendor,
        waiting=waiting,
        history=history,
        names=queries.list_names(session, by),
        is_own=vendor.owner_id == actor().organisation_id,
        today=today_jst(),
        choices=CHOICES,
    )


@blueprint.route(f"{_BASE}/renew", methods=["GET", "POST"])
@access(Permission.VENDOR_RENEW, write=Permission.VENDOR_RENEW)
def renew(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Hand a renewed qualification in, starting from what counts now."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_RENEW)
    present = {name: getattr(vendor, name) for name in renewal_services.FIELDS}
    present["qualification_expires_on"] = None
    form = Form(RenewalSchema(), web.posted_form(), present)
    kept = keep_typed(form, actor().person_id)
    if kept is not None:
        return kept

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        locked = locked_vendor(session, vendor_id)
        renewal_services.submit(session, actor(), locked, values=values)
        said = "デジタル庁が確かめるまで、今の資格がそのまま示されます。"
        return _home(vendor_id), "更新した資格を届け出ました", said

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "vendors/renew.html",
        form.status,
        form=form,
        vendor=vendor,
        waiting=queries.find_open_renewal(session, vendor.id),
        today=today_jst(),
        choices=CHOICES,
    )


@blueprint.post(f"{_BASE}/withdraw")
@access(Permission.VENDOR_RENEW, write=Permission.VENDOR_RENEW)
def withdraw_renewal(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Take the renewal that waits back."""
    session = web.read_session()
    vendor_for(session, vendor_id, Permission.VENDOR_RENEW)
    handed_in = queries.list_renewals(session, vendor_id)
    if not handed_in:
        raise NotFound
    form = Form(RenewalEndSchema(), web.posted_form())
    if not form.validate():
        raise Invalid(form.errors)
    with transaction() as session:  # a refusal says who decided first; it has no form of its own
        vendor = locked_vendor(session, vendor_id)
        version = form.data["version"]
        renewal_services.withdraw(session, actor(), vendor, handed_in[0].id, version=version)
    web.leave_notice("done", "更新の届け出を取り下げました", "今の資格は、そのままです。")
    return web.see_other(_home(vendor_id))


def _waiting(session: Session, vendor: Vendor) -> QualificationRenewal:
    waiting = queries.find_open_renewal(session, vendor.id)
    if waiting is None:
        raise NotFound("確認を待つ更新はありません。ほかの方が先に決めたかもしれません。")
    return waiting


@blueprint.route(f"{_BASE}/assign", methods=["GET", "POST"])
@access(Permission.VENDOR_ASSIGN, write=Permission.VENDOR_ASSIGN)
def assign_renewal(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Choose the reviewer who checks a renewed qualification."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_ASSIGN)
    waiting = _waiting(session, vendor)
    initial = {"version": waiting.version, "reviewer_id": waiting.assigned_reviewer_id}
    form = Form(AssignSchema(), web.posted_form(), initial)

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        renewal_services.assign(session, actor(), locked, waiting.id, **data)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "確認する審査員を決めました")
        return web.see_other(_home(vendor_id))
    reviewers = people.list_people_with_role(session, Role.REVIEWER)
    return web.render_page(
        "vendors/assign.html",
        form.status,
        form=form,
        vendor=vendor,
        renewal=waiting,
        back_href=_home(vendor_id),
        reviewers=[(str(person.id), person.name) for person in reviewers],
    )


@blueprint.route(f"{_BASE}/decide", methods=["GET", "POST"])
@access(Permission.VENDOR_DECIDE, write=Permission.VENDOR_DECIDE)
def decide_renewal(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Approve a checked renewal or refuse it for a reason."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_DECIDE)
    waiting = _waiting(session, vendor)
    form = Form(RenewalDecisionSchema(), web.posted_form(), {"version": waiting.version})

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        values = {name: data[name] for name in ("decision", "reason", "version")}
        renewal_services.decide(session, actor(), locked, waiting.id, **values)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "資格の更新について決めました", "事業者に知らせます。")
        return web.see_other(_home(vendor_id))
    barred = {waiting.submitted_by_id, waiting.assigned_reviewer_id}
    return web.render_page(
        "vendors/decide_renewal.html",
        form.status,
        form=form,
        vendor=vendor,
        waiting=waiting,
        names=queries.list_names(session, [waiting.assigned_reviewer_id]),
        may_decide=waiting.state is RenewalState.CHECKING and actor().person_id not in barred,
        decisions=renewal_services.RenewalDecision.choices(),
        today=today_jst(),
        choices=CHOICES,
    )
