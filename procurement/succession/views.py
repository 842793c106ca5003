"""Pages of leads about successions: propose, confirm, drop."""

import uuid
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, is_confirmed, needs_password, settings
from accounts.permissions import Permission
from core import web
from core.errors import Forbidden, NotFound
from core.forms import Form
from procurement.succession import queries, services
from procurement.succession.schemas import EVERYTHING, ConfirmSchema, DropSchema, ProposeSchema
from vendors.models import Vendor
from vendors.views import locked_vendor, vendor_for

blueprint = Blueprint("succession", __name__)


@blueprint.route("/vendors/<uuid:vendor_id>/succession", methods=["GET", "POST"])
@access(Permission.VENDOR_SUCCEED, write=Permission.VENDOR_SUCCEED)
def propose(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Propose that another vendor takes over, or go on to the proposal that waits."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_SUCCEED)
    if queries.find_proposed(session, vendor.id) is not None:
        return web.see_other(url_for("succession.confirm", vendor_id=vendor.id))
    form = Form(ProposeSchema(), web.posted_form())

    def act(session: Session, data: dict[str, Any]) -> bool:
        services.propose(session, actor(), locked_vendor(session, vendor_id), **data)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "承継を提案しました", "もう一人の主任審査員の確認を待っています。")
        return web.see_other(url_for("succession.confirm", vendor_id=vendor_id))
    offerings = queries.list_offering_names(session, vendor.id)
    choices = [
        (EVERYTHING, "会社のすべて（合併など）"),
        *((str(key), name) for key, name in offerings),
    ]
    return web.render_page(
        "succession/propose.html", form.status, form=form, vendor=vendor, choices=choices
    )


@blueprint.route("/vendors/<uuid:vendor_id>/succession/confirm", methods=["GET", "POST"])
@access(Permission.VENDOR_SUCCEED, write=Permission.VENDOR_SUCCEED)
def confirm(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Carry the proposed succession out, as a second lead with a recent sign-in."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_SUCCEED)
    succession = queries.find_proposed(session, vendor.id)
    if succession is None:
        raise NotFound("確認を待つ承継はありません。ほかの方が先に決めたかもしれません。")
    form = Form(ConfirmSchema(), web.posted_form(), {"version": succession.version})
    heir_id = succession.to_vendor_id

    def act(session: Session, data: dict[str, Any]) -> bool:
        version = data["version"]
        services.confirm(session, actor(), settings(), succession.id, version=version)
        return True

    if form.is_posted and is_confirmed(form) and form.submit(act):
        web.leave_notice("done", "承継が終わりました")
        return web.see_other(url_for("vendors.show", vendor_id=heir_id))
    return _render(form, vendor, succession.id)


def _render(form: Form, vendor: Vendor, succession_id: uuid.UUID) -> ResponseReturnValue:
    session = web.read_session()
    succession = queries.get_succession(session, succession_id)
    if succession is None:
        raise NotFound
    return web.render_page(
        "succession/confirm.html",
        form.status,
        form=form,
        vendor=vendor,
        succession=succession,
        listings=len(queries.list_listings_to_move(session, succession)),
        offerings=len(queries.list_offerings_to_move(session, succession)),
        doubles=queries.list_doubles(session, succession),
        is_own=succession.proposed_by_id == actor().person_id,
        needs_password=needs_password(),
    )


@blueprint.post("/vendors/<uuid:vendor_id>/succession/drop")
@access(Permission.VENDOR_SUCCEED, write=Permission.VENDOR_SUCCEED)
def drop(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """Give the proposal up."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_SUCCEED)
    succession = queries.find_proposed(session, vendor.id)
    if succession is None:
        raise NotFound
    form = Form(DropSchema(), web.posted_form())

    def act(session: Session, data: dict[str, Any]) -> bool:
        services.drop(session, actor(), succession.id, version=data["version"])
        return True

    if not form.submit(act):
        raise Forbidden("取りやめられませんでした。ページを開き直して確かめてください。")
    web.leave_notice("done", "承継を取りやめました")
    return web.see_other(url_for("vendors.file", vendor_id=vendor_id))
