"""Pages of the account: sign-in, sign-out, acting organisation."""

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue

from accounts import queries, resubmission, services
from accounts.auth import (
    access,
    actor,
    cookie_name,
    resume,
    set_cookie,
    settings,
    sign_in_refusal,
)
from accounts.permissions import Permission
from accounts.resubmission import is_local_path
from accounts.schemas import SignInSchema, SwitchSchema
from core import web
from core.db import transaction
from core.errors import Invalid
from core.forms import Form

blueprint = Blueprint("accounts", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@access(Permission.SIGN_IN, write=Permission.SIGN_IN)
def sign_in() -> ResponseReturnValue:
    """Ask for address and password; on success go back to where the person came from."""
    target = request.args.get("next", "")
    wanted = target if is_local_path(target) else ""
    if request.method == "GET" and actor().is_signed_in:
        return web.see_other(wanted or url_for("home.index"))
    form = Form(SignInSchema(), web.posted_form(), {"next": wanted})
    if not form.is_posted or not form.validate():
        return web.render_page("accounts/sign_in.html", form.status, form=form)
    with transaction() as session:
        result = services.sign_in(session, settings(), form.data["email"], form.data["password"])
    if result.outcome is not services.SignInOutcome.SIGNED_IN:
        form.refuse(Invalid({"email": sign_in_refusal()}))
        return web.render_page("accounts/sign_in.html", form.status, form=form)
    return lead_on(result.token, form.data["next"], form.data["carried"])


def lead_on(token: str, wanted: str, carried: str) -> ResponseReturnValue:
    """Answer a sign-in: back to the page wanted, or to the form that was carried along.

    `token` is of a session that was just opened; empty for one that goes on.
    """
    typed = resubmission.unpack(carried)
    if typed is None:
        answer = web.see_other(wanted if is_local_path(wanted) else url_for("home.index"))
    else:
        if token:
            web.refresh_read_session()
            resume(token)
        answer = web.render_page("accounts/resend.html", typed=typed, is_confirmed=not token)
    response = make_response(answer)
    if token:
        set_cookie(response, token)
    return response


@blueprint.post("/sign-out")
@access(Permission.ACCOUNT_USE, write=Permission.SIGN_IN)
def sign_out() -> ResponseReturnValue:
    """End the session on the server and in the browser."""
    if actor().is_signed_in:
        with transaction() as session:
            services.sign_out(session, actor())
    web.leave_notice("done", "サインアウトしました")
    response = make_response(web.see_other(url_for("home.index")))
    response.delete_cookie(cookie_name(), path="/", secure=not settings().is_development)
    return response


@blueprint.route("/account/organisation", methods=["GET", "POST"])
@access(Permission.ACCOUNT_USE, write=Permission.ACCOUNT_CHANGE)
def switch_organisation() -> ResponseReturnValue:
    """Choose the one organisation to act as."""
    posted = web.posted_form()
    form = Form(SwitchSchema(), posted, {"organisation_id": actor().organisation_id})
    if form.is_posted and form.validate():
        with transaction() as session:
            services.switch_organisation(session, actor(), form.data["organisation_id"])
        web.leave_notice("done", "操作する組織を切り替えました")
        return web.see_other(url_for("home.index"))
    choices = _organisation_choices()
    return web.render_page(
        "accounts/switch_organisation.html", form.status, form=form, choices=choices
    )


def _organisation_choices() -> list[tuple[str, str]]:
    """Return (id, name and roles) of every organisation that the person may act as."""
    person_id = actor().person_id
    if person_id is None:
        return []
    names: dict[str, str] = {}
    roles: dict[str, list[str]] = {}
    for membership in queries.list_live_memberships(web.read_session(), person_id):
        key = str(membership.organisation_id)
        names[key] = membership.organisation.label
        roles.setdefault(key, []).append(membership.role.label)
    return [(key, f"{name}・{'・'.join(roles[key])}") for key, name in names.items()]
