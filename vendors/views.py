"""Pages of vendors: registration, file, framework agreement, public page."""

import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

import accounts.queries
from accounts import queries as people
from accounts.auth import access, actor, settings
from accounts.models import OrganisationKind, Role
from accounts.permissions import Permission, can, require
from accounts.throttling import network_of
from core import web
from core.clock import day_in_japan, today_jst
from core.db import transaction
from core.errors import Conflict, Gone, GuardFailed, NotFound, TooMany
from core.form_drafts import keep_typed, mark_tasks
from core.form_keys import Made
from core.forms import Form
from core.japanese import format_date, name_skeleton
from vendors import contacts, declared, queries, services
from vendors.completeness import SECTIONS, list_missing, section_of, sections_missing
from vendors.models import (
    QUALIFICATION_GRADES,
    QUALIFICATION_REGIONS,
    GbizIdType,
    MarketRole,
    QualificationKind,
    Vendor,
    VendorState,
)
from vendors.queries import agreements
from vendors.schemas import SECTION_SCHEMAS, RegisterSchema, SubmitSchema
from vendors.succession_models import SuccessionState

blueprint = Blueprint("vendors", __name__)

CHOICES = {
    "roles": MarketRole.choices(),
    "kinds": QualificationKind.choices(),
    "grades": [(grade, grade) for grade in QUALIFICATION_GRADES],
    "regions": [(region, region) for region in QUALIFICATION_REGIONS],
    "gbizid_types": GbizIdType.choices(),
}


def vendor_for(session: Session, vendor_id: uuid.UUID, permission: Permission) -> Vendor:
    """Return a vendor that the actor may treat so; raises NotFound, Forbidden or SignInRequired."""
    vendor = queries.get_vendor(session, vendor_id)
    if vendor is None:
        raise NotFound
    require(session, actor(), permission, vendor)
    return vendor


def locked_vendor(session: Session, vendor_id: uuid.UUID) -> Vendor:
    """Return a vendor for changing; raises NotFound."""
    vendor = queries.lock_vendor(session, vendor_id)
    if vendor is None:
        raise NotFound
    return vendor


def list_reviewers(session: Session) -> list[tuple[str, str]]:
    """Return the reviewers of the agency, for a choice of who checks."""
    reviewers = people.list_people_with_role(session, Role.REVIEWER)
    return [(str(person.id), person.name) for person in reviewers]


@blueprint.route("/vendors/register", methods=["GET", "POST"])
@access(Permission.VENDOR_REGISTER, write=Permission.VENDOR_REGISTER)
def register() -> ResponseReturnValue:
    """Begin a registration; whoever is signed in for a vendor goes to its file."""
    if actor().is_signed_in:
        return _go_on()
    form = Form(RegisterSchema(), web.posted_form())
    if kept := keep_typed(form, None):
        return kept
    if form.is_posted and (begun := _begin(form)):
        return web.see_other(begun.location)
    return web.render_page("vendors/register.html", form.status, form=form)


def _begin(form: Form) -> Made | None:
    if not form.validate():
        return None
    with transaction() as session:
        is_admitted = services.count_registration(
            session, settings(), network_of(request.remote_addr)
        )
    if not is_admitted:
        form.refuse(
            TooMany(
                "この回線からの登録が続いたため、受け付けていません。1時間ほどたってから、もう一度送信してください。"
            )
        )
        return None

    def act(session: Session, data: dict[str, Any]) -> tuple[str, ...]:
        services.register(session, actor(), settings(), **data)
        # The same whether the address was free or is somebody else's.
        return url_for("vendors.registered"), "受け付けました"

    try:
        return form.submit_once(None, act)
    except Conflict as error:
        form.refuse(error)
        return None


@blueprint.get("/vendors/register/done")
@access(Permission.CATALOG_READ)
def registered() -> ResponseReturnValue:
    """Say how to go on, in the same words to everybody."""
    return web.render_page("vendors/registered.html")


def _go_on() -> ResponseReturnValue:
    acting = actor()
    if acting.organisation_kind is OrganisationKind.VENDOR and acting.organisation_id:
        vendor = queries.find_vendor_of(web.read_session(), acting.organisation_id)
        if vendor is not None:
            return web.see_other(url_for("vendors.file", vendor_id=vendor.id))
    return web.render_page("vendors/register_signed_in.html")


@blueprint.get("/vendors/<uuid:vendor_id>")
@access(Permission.CATALOG_READ)
def show(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Show the public part of a vendor that was registered."""
    session = web.read_session()
    vendor = queries.get_vendor(session, vendor_id)
    if vendor is not None and vendor.left_market_at is not None:
        raise Gone(_farewell(session, vendor, vendor.left_market_at))
    if vendor is None or not vendor.is_public:
        raise NotFound
    return web.render_page(
        "vendors/show.html",
        vendor=vendor,
        agreement=agreements.current_agreement(session, vendor.id),
        standing=agreements.judge_agreement(session, vendor.id),
        successions=queries.list_successions(session, vendor.id, SuccessionState.COMPLETED),
        exclusions=queries.list_exclusions_in_force(session, vendor.id, today_jst()),
        today=today_jst(),
        choices=CHOICES,
    )


def _farewell(session: Session, vendor: Vendor, left_at: datetime) -> str:
    given = queries.list_successions(session, vendor.id, SuccessionState.COMPLETED)
    heir = next((s.heir for s in given if not s.offering_id and s.giver.id == vendor.id), None)
    if heir is not None:
        return (
            f"{vendor.label}の登録は、{format_date(day_in_japan(left_at))}に{heir.label}へ承継されました。"
            "サービス、認証、利用契約は、そのまま引き継がれています。"
        )
    how = "取り下げられ" if vendor.state is VendorState.WITHDRAWN else "終わり"
    last = vendor.service_ends_on
    service = f"サービスの提供は{format_date(last)}に終わります。" if last else ""
    return (
        f"{vendor.label}の登録は、{format_date(day_in_japan(left_at))}に{how}ました。"
        f"理由：{vendor.end_reason} {service}結ばれている利用契約は、そのまま続きます。"
    )


@blueprint.get("/vendors/<uuid:vendor_id>/file")
@access(Permission.VENDOR_READ_FILE)
def file(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Show the registration file: tasks for the vendor, the whole content for the agency."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_READ_FILE)
    names = queries.list_names(
        session, [vendor.submitted_by_id, vendor.decided_by_id, vendor.assigned_reviewer_id]
    )
    standing = agreements.judge_agreement(session, vendor.id)
    exclusions = queries.list_exclusions(session, vendor.id)
    is_own = vendor.owner_id == actor().organisation_id
    alike = [] if is_own else _look_alikes(session, vendor)
    tasks = _tasks(vendor)
    awaited = services.awaited_address(session, actor().person_id) if is_own else ""
    mark_tasks(session, actor().person_id, tasks)
    return web.render_page(
        "vendors/file.html" if is_own else "vendors/file_for_agency.html",
        vendor=vendor,
        names=names,
        alike=alike,
        awaited=awaited,
        is_proven=not is_own and queries.is_proven(session, vendor),
        wishes=0 if is_own else len(accounts.queries.list_wishes(session, vendor.owner_id)),
        agreement=agreements.current_agreement(session, vendor.id),
        standing=standing,
        bars=agreements.bars_of(vendor, standing, today_jst()),
        tasks=tasks,
        missing=list_missing(vendor, today_jst()),
        sections=SECTIONS,
        exclusions=exclusions,
        today=today_jst(),
        choices=CHOICES,
    )


def _look_alikes(session: Session, vendor: Vendor) -> list[Vendor]:
    number = vendor.corporate_number
    return queries.list_look_alikes(session, name_skeleton(vendor.name), number)


def _tasks(vendor: Vendor) -> list[dict[str, Any]]:
    lacking = sections_missing(list_missing(vendor, today_jst()))
    may_edit = can(actor(), Permission.VENDOR_EDIT, vendor)
    tasks: list[dict[str, Any]] = []
    for section in SECTIONS:
        status = "done"
        if section.name in vendor.findings and section.name not in vendor.mended:
            status = "fix"
        elif section.name in lacking:
            status = "in_progress" if _is_begun(vendor, section.fields) else "not_started"
        href = url_for("vendors.edit", vendor_id=vendor.id, section=section.name)
        editable = may_edit and services.is_editable(vendor, section.name)
        if section.name == "exclusions" and vendor.is_public:
            continue  # the agency keeps the records from now on
        if section.name == "qualification" and vendor.is_public:
            expired = vendor.is_unqualified(today_jst())
            tasks.append(_renewal_task(vendor, section.hint, is_expired=expired))
            continue
        tasks.append(
            {
                "label": section.label,
                "hint": section.hint,
                "status": status,
                "status_text": None,
                "href": href if editable else None,
            }
        )
    return tasks


def _renewal_task(vendor: Vendor, hint: str, *, is_expired: bool) -> dict[str, Any]:
    return {
        "label": "全省庁統一資格を更新する",
        "hint": hint,
        "status": "fix" if is_expired else "done",
        "status_text": "期限切れ" if is_expired else None,
        "href": url_for("vendors.filing", vendor_id=vendor.id, section="qualification"),
    }


def _is_begun(vendor: Vendor, names: tuple[str, ...]) -> bool:
    given_at_start = {"name", "kana", "contact_email"}
    return any(
        getattr(vendor, name) not in (None, "", []) for name in names if name not in given_at_start
    )


@blueprint.route("/vendors/<uuid:vendor_id>/file/<section>", methods=["GET", "POST"])
@access(Permission.VENDOR_READ_FILE, write=Permission.VENDOR_EDIT)
def edit(vendor_id: uuid.UUID, section: str) -> ResponseReturnValue:
    """Edit one section of the file; a draft may have blanks."""
    schema = SECTION_SCHEMAS.get(section)
    if schema is None:
        raise NotFound
    vendor = vendor_for(web.read_session(), vendor_id, Permission.VENDOR_EDIT)
    form = Form(schema(), web.posted_form(), vendor.model_dump())
    kept = keep_typed(form, actor().person_id)
    if kept is not None:
        return kept
    if form.is_posted and form.submit(
        lambda session, data: _save(session, vendor_id, section, data)
    ):
        web.leave_notice("done", "保存しました")
        return web.see_other(url_for("vendors.file", vendor_id=vendor_id))
    return web.render_page(
        f"vendors/edit_{section}.html",
        form.status,
        form=form,
        vendor=vendor,
        finding=vendor.findings.get(section, ""),
        is_editable=services.is_editable(vendor, section),
        is_type_told=section == "contact" and contacts.is_type_told(web.read_session(), vendor),
        choices=CHOICES,
    )


def _save(session: Session, vendor_id: uuid.UUID, section: str, data: dict[str, Any]) -> bool:
    values = dict(data)
    version = values.pop("version")
    vendor = locked_vendor(session, vendor_id)
    if section == "exclusions":
        values = declared.declare(vendor, values)
    services.edit(session, actor(), vendor, section=section, version=version, values=values)
    return True


@blueprint.route("/vendors/<uuid:vendor_id>/file/submit", methods=["GET", "POST"])
@access(Permission.VENDOR_READ_FILE, write=Permission.VENDOR_SUBMIT)
def submit(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Check everything once more, then hand the registration in."""
    vendor = vendor_for(web.read_session(), vendor_id, Permission.VENDOR_SUBMIT)
    posted = web.posted_form()
    form = Form(SubmitSchema(), posted, {"version": vendor.version})
    if form.is_posted and _hand_in(form, vendor_id):
        web.leave_notice(
            "done",
            "登録を提出しました",
            "デジタル庁が内容を確かめます。結果は、この画面でお知らせします。",
        )
        return web.see_other(url_for("vendors.file", vendor_id=vendor_id))
    missing = [
        (_field_address(vendor_id, name), sentence)
        for name, sentence in services.list_obstacles(web.read_session(), actor(), vendor)
    ]
    return web.render_page(
        "vendors/submit.html",
        form.status,
        form=form,
        vendor=vendor,
        missing=missing,
        exclusions=queries.list_exclusions(web.read_session(), vendor_id),
        today=today_jst(),
        choices=CHOICES,
        can_submit=vendor.state in (VendorState.DRAFT, VendorState.RETURNED),
    )


def _hand_in(form: Form, vendor_id: uuid.UUID) -> bool:
    def act(session: Session, data: dict[str, Any]) -> bool:
        vendor = locked_vendor(session, vendor_id)
        try:
            services.submit(session, actor(), vendor, version=data["version"])
        except GuardFailed as error:
            linked = [(_field_address(vendor_id, name), text) for name, text in error.reasons]
            raise GuardFailed(linked) from error
        return True

    return bool(form.submit(act))


def _field_address(vendor_id: uuid.UUID, name: str) -> str:
    if name.startswith("/"):
        return name
    page = url_for("vendors.edit", vendor_id=vendor_id, section=section_of(name))
    return f"{page}#f-{name}"
