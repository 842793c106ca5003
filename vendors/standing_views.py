"""Pages that record that a vendor is kept out for a time."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from core import web
from core.clock import today_jst
from core.errors import NotFound
from core.form_drafts import keep_typed
from core.forms import Form
from vendors import queries, standing_services
from vendors.schemas import ExclusionSchema, StrikeSchema
from vendors.views import blueprint, locked_vendor, vendor_for


@blueprint.route("/vendors/<uuid:vendor_id>/exclusions", methods=["GET", "POST"])
@access(Permission.VENDOR_EXCLUDE, write=Permission.VENDOR_EXCLUDE)
def exclusions(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """List the exclusion periods of a vendor and record one."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_EXCLUDE)
    form = Form(ExclusionSchema(), web.posted_form())
    kept = keep_typed(form, actor().person_id)
    if kept is not None:
        return kept

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        standing_services.exclude(session, actor(), locked_vendor(session, vendor_id), **values)
        href = url_for("vendors.exclusions", vendor_id=vendor_id)
        return href, "記録しました", "期間中は、事業者のページに示されます。"

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "vendors/exclusions.html",
        form.status,
        form=form,
        vendor=vendor,
        periods=queries.list_exclusions(session, vendor.id),
        today=today_jst(),
    )


@blueprint.route(
    "/vendors/<uuid:vendor_id>/exclusions/<uuid:exclusion_id>/strike", methods=["GET", "POST"]
)
@access(Permission.VENDOR_EXCLUDE, write=Permission.VENDOR_EXCLUDE)
def strike_exclusion(vendor_id: uuid.UUID, exclusion_id: uuid.UUID) -> ResponseReturnValue:
    """Strike a mistaken record out for a reason."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_EXCLUDE)
    period = next(
        (p for p in queries.list_exclusions(session, vendor.id) if p.id == exclusion_id), None
    )
    if period is None:
        raise NotFound
    form = Form(StrikeSchema(), web.posted_form())

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        reason = data["reason"]
        standing_services.strike_exclusion(session, actor(), locked, exclusion_id, reason=reason)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "記録を取り消しました")
        return web.see_other(url_for("vendors.exclusions", vendor_id=vendor_id))
    return web.render_page(
        "vendors/strike_exclusion.html", form.status, form=form, vendor=vendor, period=period
    )
