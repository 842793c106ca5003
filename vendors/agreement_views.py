"""Pages of the framework agreement: its versions, a new one, acceptance by a vendor."""

import uuid
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, is_confirmed, needs_password, settings
from accounts.permissions import Permission, can
from core import web
from core.clock import today_jst
from core.errors import Invalid, NotFound
from core.forms import Form
from core.text_difference import compare_texts
from vendors import agreement as framework
from vendors import agreement_services, queries
from vendors.agreement import Edition
from vendors.models import VendorState
from vendors.queries import agreements
from vendors.schemas import AgreementSchema, IssueSchema
from vendors.views import blueprint, locked_vendor, vendor_for

_ISSUED = (
    "登録されている事業者に、画面とメールで知らせます。期限の30日前と7日前に、もう一度知らせます。"
)


@blueprint.get("/agreements")
@access(Permission.CATALOG_READ)
def list_agreements() -> ResponseReturnValue:
    """List the versions of the framework agreement; the agency sees how many vendors accepted."""
    session = web.read_session()
    editions = agreements.list_editions(session)
    may_count = can(actor(), Permission.VENDOR_QUEUE)
    return web.render_page(
        "vendors/agreements.html",
        editions=editions[::-1],
        in_force=framework.in_force(editions, today_jst()),
        counts=agreements.count_accepted(session) if may_count else None,
        active=len(queries.list_vendor_ids(session, VendorState.ACTIVE)) if may_count else 0,
        today=today_jst(),
    )


@blueprint.get("/agreements/<label>")
@access(Permission.CATALOG_READ)
def show_agreement(label: str) -> ResponseReturnValue:
    """Show one version of the framework agreement, and what it changed."""
    editions = agreements.list_editions(web.read_session())
    place = next((n for n, each in enumerate(editions) if each.label == label), None)
    if place is None:
        raise NotFound
    before = editions[place - 1] if place else None
    edition = editions[place]
    return web.render_page(
        "vendors/agreement_version.html",
        edition=edition,
        before=before,
        difference=_difference(before, edition.text),
        paragraphs=framework.list_paragraphs(edition.text),
        in_force=framework.in_force(editions, today_jst()),
        today=today_jst(),
    )


def _difference(before: Edition | None, text: str) -> tuple[tuple[str, str], ...]:
    return compare_texts(before.text.strip(), text.strip()) if before else ()


@blueprint.route("/agreements/issue", methods=["GET", "POST"])
@access(Permission.AGREEMENT_ISSUE, write=Permission.AGREEMENT_ISSUE)
def issue_agreement() -> ResponseReturnValue:
    """Write a new version, read its difference, and issue it with a recent sign-in."""
    session = web.read_session()
    editions = agreements.list_editions(session)
    form = Form(IssueSchema(), web.posted_form(), {"text": editions[-1].text})
    looks = form.is_posted and bool(request.form.get("look"))
    # Before anything is said of the label: on a double click its version is there already.
    if form.is_posted and not looks and is_confirmed(form):
        done = web.create_once(form, actor().person_id, _issue)
        if done is not None:
            return done
    is_sound = form.is_posted and _check(form, editions)
    return web.render_page(
        "vendors/issue_agreement.html",
        form.status,
        form=form,
        before=editions[-1],
        difference=_difference(editions[-1], form.data["text"]) if is_sound else (),
        active=len(queries.list_vendor_ids(session, VendorState.ACTIVE)),
        needs_password=needs_password(),
    )


def _check(form: Form, editions: list[Edition]) -> bool:
    """Say everything that is wrong, whether the version is to be issued or only looked at."""
    if not form.validate():
        return False
    named = {name: form.data[name] for name in ("label", "text", "applies_from")}
    try:
        agreement_services.check_issue(editions, today_jst(), **named)
    except Invalid as error:
        form.refuse(error)
        return False
    return True


def _issue(session: Session, **data: Any) -> tuple[str, ...]:
    values = {name: data[name] for name in ("label", "text", "note", "applies_from", "accept_by")}
    agreement_services.issue(session, actor(), settings(), **values)
    address = url_for("vendors.list_agreements")
    return address, f"基本契約の第{data['label']}版を出しました", _ISSUED


@blueprint.route("/vendors/<uuid:vendor_id>/agreement", methods=["GET", "POST"])
@access(Permission.VENDOR_READ_FILE, write=Permission.VENDOR_ACCEPT_AGREEMENT)
def agreement(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Show the framework agreement that is next for a vendor, and take its administrator's acceptance."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_READ_FILE)
    standing = agreements.judge_agreement(session, vendor.id)
    edition = standing.offered or standing.accepted or framework.ORIGINAL
    form = Form(AgreementSchema(), web.posted_form(), {"text_sha256": edition.sha256})

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        agreement_services.accept(session, actor(), locked, text_sha256=data["text_sha256"])
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "基本契約に同意しました", "サービスの登録と公開、承諾ができます。")
        return web.see_other(url_for("vendors.file", vendor_id=vendor_id))
    return web.render_page(
        "vendors/agreement.html",
        form.status,
        form=form,
        vendor=vendor,
        standing=standing,
        edition=edition,
        bar=agreements.bar_of(standing),
        is_active=vendor.state is VendorState.ACTIVE,
        may_accept=vendor.state is VendorState.ACTIVE
        and standing.offered is not None
        and can(actor(), Permission.VENDOR_ACCEPT_AGREEMENT, vendor),
        acceptances=agreements.list_acceptances(session, vendor.id),
        difference=_difference(standing.accepted, edition.text) if standing.offered else (),
        paragraphs=framework.list_paragraphs(edition.text),
    )
