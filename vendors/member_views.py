"""Pages of a vendor's members: list, invitations, roles; the page behind an invitation's link."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import make_response, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

import accounts.queries
from accounts.auth import access, actor, set_cookie, settings
from accounts.models import Person, Role
from accounts.permissions import Permission
from accounts.services import open_sign_in
from core import web
from core.errors import Forbidden, GuardFailed
from core.form_drafts import keep_typed
from core.forms import Form
from vendors import member_services, queries
from vendors.member_models import Invitation
from vendors.models import Vendor
from vendors.schemas import ConfirmSchema, InviteSchema, JoinSchema, RoleSchema
from vendors.views import blueprint, locked_vendor, vendor_for

_ROLES = [
    (Role.VENDOR_MEMBER.value, Role.VENDOR_MEMBER.label, "サービスの下書きを作り、変えられます。"),
    (
        Role.VENDOR_ADMIN.value,
        Role.VENDOR_ADMIN.label,
        "そのほかに、提出、公開、依頼の承諾、メンバーの管理ができます。",
    ),
]


@blueprint.route("/vendors/<uuid:vendor_id>/members", methods=["GET", "POST"])
@access(Permission.VENDOR_READ_FILE, write=Permission.VENDOR_MANAGE_MEMBERS)
def members(vendor_id: uuid.UUID) -> ResponseReturnValue:
    """List members and open invitations; an administrator invites here."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_READ_FILE)
    form = Form(InviteSchema(), web.posted_form(), {"role": Role.VENDOR_MEMBER})

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        locked = locked_vendor(session, vendor_id)
        member_services.invite(session, actor(), settings(), locked, **values)
        href, days = (
            url_for("vendors.members", vendor_id=vendor_id),
            member_services.INVITATION_DAYS,
        )
        return href, "招待を送りました", f"メールのリンクは{days}日間使えます。"

    done = web.create_once(form, actor().person_id, act)
    return done or _render_members(session, vendor, form)


def _render_members(session: Session, vendor: Vendor, form: Form) -> str | ResponseReturnValue:
    return web.render_page(
        "vendors/members.html",
        form.status,
        form=form,
        vendor=vendor,
        members=accounts.queries.list_members(session, vendor.owner_id),
        invitations=queries.list_open_invitations(session, vendor.id),
        roles=_ROLES,
    )


@blueprint.route("/vendors/<uuid:vendor_id>/members/<uuid:membership_id>", methods=["GET", "POST"])
@access(Permission.VENDOR_MANAGE_MEMBERS, write=Permission.VENDOR_MANAGE_MEMBERS)
def member(vendor_id: uuid.UUID, membership_id: uuid.UUID) -> ResponseReturnValue:
    """Change the role of one member, or go on to ending the membership."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_MANAGE_MEMBERS)
    membership = member_services.membership_of(session, vendor, membership_id)
    form = Form(RoleSchema(), web.posted_form(), {"role": membership.role})

    def act(session: Session, data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        member_services.change_role(session, actor(), locked, membership_id, data["role"])
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "役割を変えました")
        return web.see_other(url_for("vendors.members", vendor_id=vendor_id))
    return web.render_page(
        "vendors/member.html",
        form.status,
        form=form,
        vendor=vendor,
        membership=membership,
        roles=_ROLES,
    )


@blueprint.route(
    "/vendors/<uuid:vendor_id>/members/<uuid:membership_id>/end", methods=["GET", "POST"]
)
@access(Permission.VENDOR_MANAGE_MEMBERS, write=Permission.VENDOR_MANAGE_MEMBERS)
def end_member(vendor_id: uuid.UUID, membership_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm the end of a membership."""
    session = web.read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_MANAGE_MEMBERS)
    membership = member_services.membership_of(session, vendor, membership_id)
    form = Form(ConfirmSchema(), web.posted_form())

    def act(session: Session, _data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        member_services.end_membership(session, actor(), locked, membership_id)
        return True

    if form.is_posted and form.submit(act):
        web.leave_notice("done", "メンバーから外しました", "次の操作から、使えなくなります。")
        is_own = membership.person_id == actor().person_id
        home = url_for("home.index")
        return web.see_other(home if is_own else url_for("vendors.members", vendor_id=vendor_id))
    return web.render_page(
        "vendors/end_member.html", form.status, form=form, vendor=vendor, membership=membership
    )


@blueprint.post("/vendors/<uuid:vendor_id>/invitations/<uuid:invitation_id>/revoke")
@access(Permission.VENDOR_MANAGE_MEMBERS, write=Permission.VENDOR_MANAGE_MEMBERS)
def revoke_invitation(vendor_id: uuid.UUID, invitation_id: uuid.UUID) -> ResponseReturnValue:
    """Take an invitation back."""

    def act(session: Session, _data: dict[str, Any]) -> bool:
        locked = locked_vendor(session, vendor_id)
        member_services.revoke_invitation(session, actor(), locked, invitation_id)
        return True

    form = Form(ConfirmSchema(), web.posted_form())
    if form.submit(act):
        web.leave_notice("done", "招待を取り消しました", "送ったリンクは、もう使えません。")
        return web.see_other(url_for("vendors.members", vendor_id=vendor_id))
    session = web.refresh_read_session()
    vendor = vendor_for(session, vendor_id, Permission.VENDOR_MANAGE_MEMBERS)
    shown = Form(InviteSchema(), None, {"role": Role.VENDOR_MEMBER})
    shown.extra_summary, shown.status = form.summary, form.status
    return _render_members(session, vendor, shown)


@blueprint.route("/invitations/<token>", methods=["GET", "POST"])
@access(Permission.CATALOG_READ, write=Permission.INVITATION_ACCEPT)
def invitation(token: str) -> ResponseReturnValue:
    """Join a vendor by the link of an invitation: with a new account, or the one signed in."""
    session = web.read_session()
    found, vendor = member_services.open_invitation(session, token)
    known = accounts.queries.find_person_by_email(session, found.email)
    is_mine = known is not None and known.id == actor().person_id
    if known is not None and known.awaits_confirmation and not is_mine:
        known = (
            None  # whoever only claims the address does not keep out its owner, who has the letter
        )
    form = Form(ConfirmSchema() if is_mine else JoinSchema(), web.posted_form())
    refused = (known is not None or actor().is_signed_in) and not is_mine
    if known is None and not refused and (kept := keep_typed(form, None)):
        return kept
    if form.is_posted and not refused:
        answer = _join(form, token, is_new=known is None)
        if answer is not None:
            return answer
    return web.render_page(
        "vendors/invitation.html",
        form.status,
        form=form,
        vendor=vendor,
        invitation=found,
        token=token,
        is_known=known is not None,
        is_mine=is_mine,
    )


def _join(form: Form, token: str, *, is_new: bool) -> ResponseReturnValue | None:
    def act(session: Session, data: dict[str, Any]) -> tuple[Person, str]:
        make: Callable[[Invitation], Person] = (
            member_services.new_person(session, name=data["name"], password=data["password"])
            if is_new
            else member_services.signed_in_person(session, actor())
        )
        person = member_services.accept(session, actor(), token, make)
        return person, open_sign_in(session, person) if is_new else ""

    try:
        joined = form.submit(act)
    except (Forbidden, GuardFailed) as error:
        form.refuse(error)
        return None
    if joined is None:
        return None
    web.leave_notice("done", "会社のメンバーになりました")
    response = make_response(web.see_other(url_for("vendors.register")))
    if joined[1]:
        set_cookie(response, joined[1])
    return response
