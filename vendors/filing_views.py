"""Pages of the filings of a registered vendor: what counts, what was handed in, check, decision.

Each page stands under the facts it is about, the company or its qualification: `section`.
"""

import uuid
from collections.abc import Callable
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, require
from core import web
from core.clock import today_jst
from core.db import transaction
from core.errors import Invalid, NotFound
from core.form_drafts import keep_typed
from core.forms import Form
from core.japanese import name_skeleton
from vendors import filing_services, queries
from vendors.filing_models import FILINGS, Filing, FilingState
from vendors.models import Vendor
from vendors.queries import filings
from vendors.schemas import FILING_SCHEMAS, AssignSchema, FilingDecisionSchema, FilingEndSchema
from vendors.views import CHOICES, blueprint, list_reviewers, locked_vendor, vendor_for

_MODELS = {model.KIND.section: model for model in FILINGS}
_View = Callable[[uuid.UUID, str], ResponseReturnValue]


def _route(tail: str, *methods: str) -> Callable[[_View], _View]:
    """Put a view under the facts of each kind of filing."""

    def add(view: _View) -> _View:
        for section, model in _MODELS.items():
            rule = f"/vendors/<uuid:vendor_id>/{section}{tail.format(verb=model.KIND.verb)}"
            given = {"section": section}
            blueprint.add_url_rule(rule, view_func=view, methods=methods, defaults=given)
        return view

    return add


def _home(vendor_id: uuid.UUID, section: str) -> str:
    return url_for("vendors.filing", vendor_id=vendor_id, section=section)


@_route("", "GET")
@access(Permission.VENDOR_READ_FILE)
def filing(vendor_id: uuid.UUID, section: str) -> ResponseReturnValue:
    """Show the facts that count, the new ones beside them, and every earlier filing."""
    session, model = web.read_session(), _MODELS[section]
    vendor = queries.get_vendor(session, vendor_id)
    if vendor is None:
        raise NotFound
    waiting = filings.find_open(session, model, vendor.id)
    is_checker = waiting is not None and actor().person_id in waiting.assigned_ids
    require(session, actor(), Permission.VENDOR_READ_FILE, waiting if is_checker else vendor)
    is_own = vendor.owner_id == actor().organisation_id
    by = [waiting.assigned_reviewer_id, waiting.submitted_by_id] if waiting else []
    handed_in = filings.list_filings(session, model, vendor.id)
    return web.render_page(
        "vendors/filing.html",
        vendor=vendor,
        kind=model.KIND,
        waiting=waiting,
        alike=_look_alikes(session, vendor, waiting) if waiting and not is_own else [],
        history=[each for each in handed_in if not each.is_open],
        names=queries.list_names(session, by),
        is_own=is_own,
        today=today_jst(),
        choices=CHOICES,
    )


def _look_alikes(session: Session, vendor: Vendor, waiting: Filing) -> list[Vendor]:
    name = waiting.facts.get("name", vendor.name)
    if name == vendor.name:
        return []
    return queries.list_look_alikes(session, name_skeleton(name), vendor.corporate_number)


@_route("/{verb}", "GET", "POST")
@access(Permission.VENDOR_RENEW, write=Permission.VENDOR_RENEW)
def submit_filing(vendor_id: uuid.UUID, section: str) -> ResponseReturnValue:
    """Hand new facts in, starting from those that count."""
    session, model = web.read_session(), _MODELS[section]
    kind = model.KIND
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_RENEW)
    present = filing_services.present_facts(vendor, model) | {"qualification_expires_on": None}
    form = Form(FILING_SCHEMAS[section](), web.posted_form(), present)
    kept = keep_typed(form, actor().person_id)
    if kept is not None:
        return kept

    def act(session: Session, *, reason: str = "", **values: Any) -> tuple[str, ...]:
        locked = locked_vendor(session, vendor_id)
        filing_services.submit(session, actor(), locked, model, values=values, reason=reason)
        said = f"デジタル庁が確かめるまで、今の{kind.held}がそのまま示されます。"
        return _home(vendor_id, section), f"{kind.offered}を届け出ました", said

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "vendors/submit_filing.html",
        form.status,
        form=form,
        vendor=vendor,
        kind=kind,
        waiting=filings.find_open(session, model, vendor.id),
        today=today_jst(),
        choices=CHOICES,
    )


@_route("/withdraw", "POST")
@access(Permission.VENDOR_RENEW, write=Permission.VENDOR_RENEW)
def withdraw_filing(vendor_id: uuid.UUID, section: str) -> ResponseReturnValue:
    """Take back what waits for the agency."""
    session, model = web.read_session(), _MODELS[section]
    vendor_for(session, vendor_id, Permission.VENDOR_RENEW)
    handed_in = filings.list_filings(session, model, vendor_id)
    if not handed_in:
        raise NotFound
    form = Form(FilingEndSchema(), web.posted_form())
    if not form.validate():
        raise Invalid(form.errors)
    with transaction() as session:  # a refusal says who decided first; it has no form of its own
        vendor = locked_vendor(session, vendor_id)
        version = form.data["version"]
        filing_services.withdraw(session, actor(), vendor, handed_in[0], version=version)
    said = f"今の{model.KIND.held}は、そのままです。"
    web.leave_notice("done", f"{model.KIND.act}の届け出を取り下げました", said)
    return web.see_other(_home(vendor_id, section))


def _waiting(session: Session, vendor: Vendor, section: str) -> Filing:
    model = _MODELS[section]
    waiting = filings.find_open(session, model, vendor.id)
    if waiting is None:
        sentence = f"確認を待つ{model.KIND.act}はありません。ほかの方が先に決めたかもしれません。"
        raise NotFound(sentence)
    return waiting


@_route("/assign", "GET", "POST")
@access(Permission.VENDOR_ASSIGN, write=Permission.VENDOR_ASSIGN)
def assign_filing(vendor_id: uuid.UUID, section: str) -> ResponseReturnValue:
    """Choose the reviewer who checks a filing."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_ASSIGN)
    waiting = _waiting(session, vendor, section)
    initial = {"version": waiting.version, "reviewer_id": waiting.assigned_reviewer_id}
    form = Form(AssignSchema(), web.posted_form(), initial)

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        filing_services.assign(session, actor(), locked, waiting, **data)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "確認する審査員を決めました")
        return web.see_other(_home(vendor_id, section))
    return web.render_page(
        "vendors/assign.html",
        form.status,
        form=form,
        vendor=vendor,
        waiting=waiting,
        back_href=_home(vendor_id, section),
        reviewers=list_reviewers(session),
    )


@_route("/decide", "GET", "POST")
@access(Permission.VENDOR_DECIDE, write=Permission.VENDOR_DECIDE)
def decide_filing(vendor_id: uuid.UUID, section: str) -> ResponseReturnValue:
    """Approve a checked filing or refuse it for a reason."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_DECIDE)
    waiting = _waiting(session, vendor, section)
    form = Form(FilingDecisionSchema(), web.posted_form(), {"version": waiting.version})

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        values = {name: data[name] for name in ("decision", "reason", "version")}
        filing_services.decide(session, actor(), locked, waiting, **values)
        return True

    if form.is_posted and form.submit(act):
        done = f"{waiting.MACHINE.noun}について決めました"
        web.leave_notice("done", done, "事業者に知らせます。")
        return web.see_other(_home(vendor_id, section))
    barred = {waiting.submitted_by_id, waiting.assigned_reviewer_id}
    return web.render_page(
        "vendors/decide_filing.html",
        form.status,
        form=form,
        vendor=vendor,
        kind=waiting.KIND,
        waiting=waiting,
        alike=_look_alikes(session, vendor, waiting),
        names=queries.list_names(session, [waiting.assigned_reviewer_id, waiting.submitted_by_id]),
        may_decide=waiting.state is FilingState.CHECKING and actor().person_id not in barred,
        today=today_jst(),
        choices=CHOICES,
    )
