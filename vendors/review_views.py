"""Pages of the agency about vendors: queue, check, decision, suspension."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, is_confirmed, needs_password, settings
from accounts.models import Role
from accounts.permissions import Permission
from core import web
from core.clock import today_jst
from core.errors import NotFound
from core.fields import FormSchema
from core.forms import Form
from core.japanese import normalise_corporate_number
from vendors import queries, services, standing_services
from vendors.completeness import SECTIONS
from vendors.filing_models import FILINGS
from vendors.models import Vendor, VendorAction
from vendors.queries import filings
from vendors.schemas import AssignSchema, DecisionSchema, SuspensionSchema
from vendors.views import CHOICES, blueprint, list_reviewers, locked_vendor, vendor_for

_SHOWN = {
    "open": queries.OPEN_STATES,
    "begun": queries.BEGUN_STATES,
    "decided": queries.DECIDED_STATES,
}
_MOST_PAGES = 10_000
_LONGEST_NUMBER = 40
_ASKED_ONLY = frozenset({"confirmed", "password"})


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Where the reader is in the queue."""

    number: int
    page_count: int
    shown: str
    wanted: str = ""

    def href(self, number: int) -> str:
        """Return the address of another page."""
        wanted = self.wanted or None
        return url_for("vendors.queue", show=self.shown, number=wanted, page=number)


@blueprint.get("/vendors/queue")
@access(Permission.VENDOR_QUEUE)
def queue() -> ResponseReturnValue:
    """List registrations with their age; a reviewer sees those assigned to them."""
    session = web.read_session()
    shown = request.args.get("show", "open")
    number = request.args.get("page", "1")
    if shown not in _SHOWN or not number.isascii() or not number.isdecimal():
        raise NotFound
    page_number = min(int(number), _MOST_PAGES)
    is_limited = not actor().has_role(Role.LEAD_REVIEWER, Role.AUDITOR)
    mine = actor().person_id if is_limited else None
    wanted = normalise_corporate_number(request.args.get("number", ""))[:_LONGEST_NUMBER]
    rows, total = queries.list_registrations(
        session, _SHOWN[shown], reviewer_id=mine, page=page_number, corporate_number=wanted
    )
    page_count = max(1, -(-total // queries.QUEUE_PAGE_SIZE))
    if not 1 <= page_number <= page_count:
        raise NotFound
    return web.render_page(
        "vendors/queue.html",
        rows=rows,
        total=total,
        names=queries.list_names(session, [row.assigned_reviewer_id for row in rows]),
        page=QueuePage(page_number, page_count, shown, wanted),
        waiting=[filings.list_waiting(session, each, reviewer_id=mine) for each in FILINGS]
        if shown == "open" and not wanted
        else [],
        is_limited=is_limited,
        today=today_jst(),
    )


@blueprint.route("/vendors/<uuid:vendor_id>/assign", methods=["GET", "POST"])
@access(Permission.VENDOR_ASSIGN, write=Permission.VENDOR_ASSIGN)
def assign(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Choose the reviewer who checks a registration."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_ASSIGN)
    posted = web.posted_form()
    initial = {"version": vendor.version, "reviewer_id": vendor.assigned_reviewer_id}
    form = Form(AssignSchema(), posted, initial)

    def act(session: Session, data: dict[str, Any]) -> bool:
        services.assign(session, actor(), locked_vendor(session, vendor_id), **data)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "確認する審査員を決めました")
        return web.see_other(url_for("vendors.file", vendor_id=vendor_id))
    return web.render_page(
        "vendors/assign.html",
        form.status,
        form=form,
        vendor=vendor,
        waiting=None,
        back_href=url_for("vendors.file", vendor_id=vendor_id),
        reviewers=list_reviewers(session),
    )


@blueprint.route("/vendors/<uuid:vendor_id>/decide", methods=["GET", "POST"])
@access(Permission.VENDOR_DECIDE, write=Permission.VENDOR_DECIDE)
def decide(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Approve, return or refuse a registration."""
    vendor = vendor_for(web.read_session(), vendor_id, Permission.VENDOR_DECIDE)
    posted = web.posted_form()
    form = Form(DecisionSchema(), posted, {"version": vendor.version})
    if form.is_posted and form.submit(lambda session, data: _decide(session, vendor_id, data)):
        web.leave_notice("done", "登録について決めました")
        return web.see_other(url_for("vendors.file", vendor_id=vendor_id))
    if form.conflict is not None:
        vendor = _name_winner(form, vendor_id)
    return web.render_page(
        "vendors/decide.html",
        form.status,
        form=form,
        vendor=vendor,
        decisions=services.Decision.choices(),
        sections=SECTIONS,
        exclusions=queries.list_exclusions(web.read_session(), vendor_id),
        today=today_jst(),
        choices=CHOICES,
    )


def _name_winner(form: Form, vendor_id: uuid.UUID) -> Vendor:
    """Say on the page who decided first, and return the vendor as it is now."""
    session = web.refresh_read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_DECIDE)
    names = queries.list_names(session, [vendor.decided_by_id])
    if form.conflict is not None and names:
        form.conflict |= {"by": next(iter(names.values())), "at": vendor.decided_at}
    return vendor


def _decide(session: Session, vendor_id: uuid.UUID, data: dict[str, Any]) -> bool:
    services.decide(
        session,
        actor(),
        locked_vendor(session, vendor_id),
        decision=services.Decision(data["decision"]),
        reason=data["reason"],
        findings={section.name: data[f"finding_{section.name}"] for section in SECTIONS},
        version=data["version"],
    )
    return True


@blueprint.route("/vendors/<uuid:vendor_id>/suspend", methods=["GET", "POST"])
@access(Permission.VENDOR_DECIDE, write=Permission.VENDOR_DECIDE)
def suspend(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Stop an active vendor, with a reason and a recent sign-in."""
    act = standing_services.suspend
    return change_standing(vendor_id, VendorAction.SUSPEND, act, "登録を停止しました")


@blueprint.route("/vendors/<uuid:vendor_id>/resume", methods=["GET", "POST"])
@access(Permission.VENDOR_DECIDE, write=Permission.VENDOR_DECIDE)
def resume(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """End a suspension, with a reason and a recent sign-in."""
    act = standing_services.resume
    return change_standing(vendor_id, VendorAction.RESUME, act, "登録を再開しました")


def change_standing(
    vendor_id: uuid.UUID,
    action: VendorAction,
    act: Callable[..., None],
    done: str,
    permission: Permission = Permission.VENDOR_DECIDE,
    *,
    schema: type[FormSchema] = SuspensionSchema,
    context: Callable[[Session, Vendor], dict[str, Any]] = lambda _session, _vendor: {},
) -> ResponseReturnValue:
    """Ask once more, with the password when the sign-in is old, then change the standing."""
    form = Form(schema(), web.posted_form())
    if form.is_posted and is_confirmed(form) and form.submit(_standing_change(vendor_id, act)):
        web.leave_notice("done", done)
        return web.see_other(url_for("vendors.file", vendor_id=vendor_id))
    vendor = vendor_for(web.read_session(), vendor_id, permission)
    form.initial["version"] = vendor.version
    return web.render_page(
        f"vendors/{action.value}.html",
        form.status,
        form=form,
        vendor=vendor,
        is_possible=vendor.can_apply(action),
        needs_password=needs_password(),
        **context(web.read_session(), vendor),
    )


def _standing_change(
    vendor_id: uuid.UUID, act: Callable[..., None]
) -> Callable[[Session, dict[str, Any]], bool]:
    def change(session: Session, data: dict[str, Any]) -> bool:
        vendor = locked_vendor(session, vendor_id)
        values = {name: data[name] for name in data if name not in _ASKED_ONLY}
        act(session, actor(), settings(), vendor, **values)
        return True

    return change
