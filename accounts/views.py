"""Pages of the account: sign-in, sign-out, acting organisation."""

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue

from accounts import queries, services
from accounts.auth import (
    access,
    actor,
    cookie_name,
    is_local_path,
    refusal_sentence,
    set_cookie,
    settings,
)
from accounts.permissions import Permission
from accounts.schemas import SignInSchema, SwitchSchema
from core import web
from core.db import transaction
from core.forms import Form

blueprint = Blueprint("accounts", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@access(Permission.SIGN_IN, write=Permission.SIGN_IN)
def sign_in() -> ResponseReturnValue:
    """Ask for address and password; on success go back to where the person came from."""
    target = request.args.get("next", "")
    posted = request.form if request.method == "POST" else None
    form = Form(SignInSchema(), posted, {"next": target if is_local_path(target) else ""})
    if not form.is_posted or not form.validate():
        return web.render_page("accounts/sign_in.html", form.status, form=form)
    with transaction() as session:
        result = services.sign_in(session, settings(), form.data["email"], form.data["password"])
    if result.outcome is not services.SignInOutcome.SIGNED_IN:
        form.errors["email"], form.status = refusal_sentence(result.outcome), 422
        return web.render_page("accounts/sign_in.html", form.status, form=form)
    wanted = form.data["next"]
    response = make_response(
        web.see_other(wanted if wanted and is_local_path(wanted) else url_for("home.index"))
    )
    set_cookie(response, result.token)
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
    posted = request.form if request.method == "POST" else None
    form = Form(SwitchSchema(), posted, {"organisation_id": actor().organisation_id})
    memberships = queries.list_live_memberships(web.read_session(), actor().person_id)  # type: ignore[arg-type]
    if form.is_posted:
        done = form.submit(
            lambda session, data: services.switch_organisation(
                session, actor(), data["organisation_id"]
            )
        )
        if done:
            return web.see_other(url_for("home.index"))
    choices = {m.organisation_id: m.organisation.label for m in memberships}
    roles: dict[str, str] = {}
    for membership in memberships:
        key = str(membership.organisation_id)
        roles[key] = "・".join(filter(None, (roles.get(key), membership.role.label)))
    return web.render_page(
        "accounts/switch_organisation.html", form.status, form=form, choices=choices, roles=roles
    )
