"""Pages of the company's facts of a registered vendor: what is registered, its change, check, decision."""

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
from core.db import transaction
from core.errors import Invalid, NotFound
from core.form_drafts import keep_typed
from core.forms import Form
from core.japanese import name_skeleton
from vendors import change_services, queries
from vendors.change_models import CompanyChange
from vendors.models import Vendor
from vendors.queries import changes
from vendors.renewal_models import RenewalState
from vendors.schemas import AssignSchema, ChangeSchema, RenewalDecisionSchema, RenewalEndSchema
from vendors.views import CHOICES, blueprint, locked_vendor, vendor_for

_BASE = "/vendors/<uuid:vendor_id>/company"


def _home(vendor_id: uuid.UUID) -> str:
    return url_for("vendors.company", vendor_id=vendor_id)


@blueprint.get(_BASE)
@access(Permission.VENDOR_READ_FILE)
def company(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Show the facts that are registered, the change beside them, and every earlier one."""
    session = web.read_session()
    vendor = queries.get_vendor(session, vendor_id)
    if vendor is None:
        raise NotFound
    waiting = changes.find_open(session, vendor.id)
    is_checker = waiting is not None and actor().person_id in waiting.assigned_ids
    require(session, actor(), Permission.VENDOR_READ_FILE, waiting if is_checker else vendor)
    is_own = vendor.owner_id == actor().organisation_id
    by = [waiting.assigned_reviewer_id, waiting.submitted_by_id] if waiting else []
    return web.render_page(
        "vendors/company.html",
        vendor=vendor,
        waiting=waiting,
        alike=_look_alikes(session, vendor, waiting) if waiting and not is_own else [],
        history=[each for each in changes.list_changes(session, vendor.id) if not each.is_open],
        names=queries.list_names(session, by),
        is_own=is_own,
        choices=CHOICES,
    )


def _look_alikes(session: Session, vendor: Vendor, waiting: CompanyChange) -> list[Vendor]:
    if waiting.proposed["name"] == vendor.name:
        return []
    skeleton = name_skeleton(waiting.proposed["name"])
    return queries.list_look_alikes(session, skeleton, vendor.corporate_number)


@blueprint.route(f"{_BASE}/change", methods=["GET", "POST"])
@access(Permission.VENDOR_RENEW, write=Permission.VENDOR_RENEW)
def change_company(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Hand new facts of the company in, starting from what is registered."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_RENEW)
    present = {name: getattr(vendor, name) for name in change_services.FIELDS}
    form = Form(ChangeSchema(), web.posted_form(), present)
    kept = keep_typed(form, actor().person_id)
    if kept is not None:
        return kept

    def act(session: Session, *, reason: str, **values: Any) -> tuple[str, ...]:
        locked = locked_vendor(session, vendor_id)
        change_services.submit(session, actor(), locked, reason=reason, values=values)
        said = "デジタル庁が確かめるまで、今の情報がそのまま示されます。"
        return _home(vendor_id), "会社の情報の変更を届け出ました", said

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "vendors/change_company.html",
        form.status,
        form=form,
        vendor=vendor,
        waiting=changes.find_open(session, vendor.id),
        choices=CHOICES,
    )


@blueprint.post(f"{_BASE}/withdraw")
@access(Permission.VENDOR_RENEW, write=Permission.VENDOR_RENEW)
def withdraw_change(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Take the change that waits back."""
    session = web.read_session()
    vendor_for(session, vendor_id, Permission.VENDOR_RENEW)
    handed_in = changes.list_changes(session, vendor_id)
    if not handed_in:
        raise NotFound
    form = Form(RenewalEndSchema(), web.posted_form())
    if not form.validate():
        raise Invalid(form.errors)
    with transaction() as session:  # a refusal says who decided first; it has no form of its own
        vendor = locked_vendor(session, vendor_id)
        version = form.data["version"]
        change_services.withdraw(session, actor(), vendor, handed_in[0].id, version=version)
    web.leave_notice("done", "変更の届け出を取り下げました", "今の情報は、そのままです。")
    return web.see_other(_home(vendor_id))


def _waiting(session: Session, vendor: Vendor) -> CompanyChange:
    waiting = changes.find_open(session, vendor.id)
    if waiting is None:
        raise NotFound("確認を待つ変更はありません。ほかの方が先に決めたかもしれません。")
    return waiting


@blueprint.route(f"{_BASE}/assign", methods=["GET", "POST"])
@access(Permission.VENDOR_ASSIGN, write=Permission.VENDOR_ASSIGN)
def assign_change(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Choose the reviewer who checks a change of the company's facts."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_ASSIGN)
    waiting = _waiting(session, vendor)
    initial = {"version": waiting.version, "reviewer_id": waiting.assigned_reviewer_id}
    form = Form(AssignSchema(), web.posted_form(), initial)

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        change_services.assign(session, actor(), locked, waiting.id, **data)
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
        subject="会社の情報の変更",
        back_href=_home(vendor_id),
        reviewers=[(str(person.id), person.name) for person in reviewers],
    )


@blueprint.route(f"{_BASE}/decide", methods=["GET", "POST"])
@access(Permission.VENDOR_DECIDE, write=Permission.VENDOR_DECIDE)
def decide_change(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Approve a checked change of the company's facts or refuse it for a reason."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_DECIDE)
    waiting = _waiting(session, vendor)
    form = Form(RenewalDecisionSchema(), web.posted_form(), {"version": waiting.version})

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        values = {name: data[name] for name in ("decision", "reason", "version")}
        change_services.decide(session, actor(), locked, waiting.id, **values)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "会社の情報の変更について決めました", "事業者に知らせます。")
        return web.see_other(_home(vendor_id))
    barred = {waiting.submitted_by_id, waiting.assigned_reviewer_id}
    return web.render_page(
        "vendors/decide_change.html",
        form.status,
        form=form,
        vendor=vendor,
        waiting=waiting,
        alike=_look_alikes(session, vendor, waiting),
        names=queries.list_names(session, [waiting.assigned_reviewer_id]),
        may_decide=waiting.state is RenewalState.CHECKING and actor().person_id not in barred,
        decisions=[("approve", "変更を認める"), ("refuse", "変更を認めない")],
        choices=CHOICES,
    )
