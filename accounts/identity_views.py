"""Pages on the ways to sign in to one's own account, and on who asks to join one's company."""

import uuid

from flask import url_for
from flask.typing import ResponseReturnValue

from accounts import oauth, oidc_services, queries
from accounts.auth import access, actor, is_confirmed, needs_password, settings
from accounts.models import OrganisationKind
from accounts.oidc_services import STAFF
from accounts.permissions import Permission
from accounts.schemas import EndIdentitySchema, WishSchema
from accounts.views import blueprint
from core import web
from core.errors import Conflict, NotFound
from core.forms import Form


@blueprint.get("/account/identities")
@access(Permission.ACCOUNT_USE)
def identities() -> ResponseReturnValue:
    """Show the ways in which the person can sign in."""
    person_id = actor().person_id
    if person_id is None:
        raise NotFound
    session = web.read_session()
    person = queries.get_person(session, person_id)
    providers = oauth.list_providers(settings())
    bound = queries.list_identities(session, person_id)
    is_vendor = actor().organisation_kind is OrganisationKind.VENDOR
    fitting = {code: p for code, p in providers.items() if (code == STAFF) is not is_vendor}
    return web.render_page(
        "accounts/identities.html",
        person=person,
        bound=bound,
        labels={code: provider.label for code, provider in providers.items()},
        offered=[p for code, p in fitting.items() if code not in {b.provider for b in bound}],
        needs_password=needs_password(),
    )


@blueprint.route("/account/identities/<uuid:identity_id>/end", methods=["GET", "POST"])
@access(Permission.ACCOUNT_USE, write=Permission.ACCOUNT_CHANGE)
def end_identity(identity_id: uuid.UUID) -> ResponseReturnValue:
    """End a bond to an identity provider, after a confirmation."""
    person_id = actor().person_id
    bound = queries.list_identities(web.read_session(), person_id) if person_id else []
    identity = next((each for each in bound if each.id == identity_id), None)
    if identity is None:
        raise NotFound
    form = Form(EndIdentitySchema(), web.posted_form())
    if form.is_posted and _end(form, identity_id):
        web.leave_notice("done", "結び付けを解除しました")
        return web.see_other(url_for("accounts.identities"))
    providers = oauth.list_providers(settings())
    label = providers[identity.provider].label if identity.provider in providers else "外部の認証"
    return web.render_page(
        "accounts/end_identity.html",
        form.status,
        form=form,
        identity=identity,
        label=label,
        needs_password=needs_password(),
    )


def _end(form: Form, identity_id: uuid.UUID) -> bool:
    if not is_confirmed(form):
        return False
    try:
        form.submit(
            lambda session, _: oidc_services.unlink(session, settings(), actor(), identity_id)
        )
    except Conflict as error:
        form.refuse(error)
        return False
    return True


@blueprint.get("/account/wishes")
@access(Permission.MEMBERSHIP_ADMIT)
def wishes() -> ResponseReturnValue:
    """Show who asks to join the company."""
    organisation_id = actor().organisation_id
    if organisation_id is None:
        raise NotFound
    asking = queries.list_wishes(web.read_session(), organisation_id)
    return web.render_page("accounts/wishes.html", asking=asking)


@blueprint.post("/account/wishes/<uuid:identity_id>")
@access(Permission.MEMBERSHIP_ADMIT, write=Permission.MEMBERSHIP_ADMIT)
def answer_wish(identity_id: uuid.UUID) -> ResponseReturnValue:
    """Admit or decline one person."""
    form = Form(WishSchema(), web.posted_form())
    if not form.validate():
        web.leave_notice("problem", "どちらかのボタンを押してください")
        return web.see_other(url_for("accounts.wishes"))
    admit = form.data["answer"] == "admit"
    form.submit(
        lambda session, _: oidc_services.answer_wish(session, actor(), identity_id, admit=admit)
    )
    if form.errors:
        web.leave_notice("problem", "まだ認めていません", form.errors["answer"])
    else:
        web.leave_notice("done", "会社の担当者として認めました" if admit else "参加を断りました")
    return web.see_other(url_for("accounts.wishes"))
