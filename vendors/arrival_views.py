"""The page of somebody whom GビズID vouches for and whom we did not know."""

from flask import make_response, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import oidc_services
from accounts.auth import access, actor, set_cookie
from accounts.models import OrganisationKind
from accounts.newcomer import Newcomer
from accounts.oauth import Refused
from accounts.oidc_views import arrival_token, drop_arrival, sentence_of
from accounts.permissions import Permission
from core import web
from core.db import transaction
from core.errors import Conflict
from core.form_drafts import keep_typed
from core.forms import Form
from vendors import arrival_services, queries
from vendors.schemas import ArrivalSchema
from vendors.views import blueprint


@blueprint.route("/vendors/arrive", methods=["GET", "POST"])
@access(Permission.VENDOR_REGISTER, write=Permission.VENDOR_REGISTER)
def arrive() -> ResponseReturnValue:
    """Begin a registration, join the registered company, or link: what fits the newcomer."""
    session = web.read_session()
    newcomer = oidc_services.find_newcomer(session, actor(), arrival_token(), take=False)
    if newcomer is None:
        target = "accounts.identities" if actor().is_signed_in else "accounts.sign_in"
        web.leave_notice("info", "時間がたったため、はじめからやり直してください")
        return web.see_other(url_for(target))
    if actor().is_signed_in:
        return _link(newcomer)
    vendor = arrival_services.find_vendor(session, newcomer)
    if vendor is None or arrival_services.begins_anew(session, newcomer, vendor):
        return _begin(newcomer, replaces=vendor is not None)
    return _join(newcomer)


def _begin(newcomer: Newcomer, *, replaces: bool) -> ResponseReturnValue:
    form = Form(ArrivalSchema(), web.posted_form(), {"name": newcomer.company})
    if kept := keep_typed(form, None):
        return kept
    begun = None
    if form.is_posted:
        try:
            begun = form.submit(
                lambda session, data: arrival_services.begin(
                    session, actor(), token=arrival_token(), **data
                )
            )
        except Conflict as error:
            form.refuse(error)
    if begun is None:
        page = web.render_page(
            "vendors/arrive.html", form.status, form=form, newcomer=newcomer, replaces=replaces
        )
        return make_response(page)
    web.leave_notice("done", "登録を始めました", "続きはいつでも、サインインして入力できます。")
    response = make_response(web.see_other(url_for("vendors.file", vendor_id=begun.vendor.id)))
    set_cookie(response, begun.token)
    return drop_arrival(response)


@blueprint.route("/vendors/begin-again", methods=["GET", "POST"])
@access(Permission.ACCOUNT_USE, write=Permission.VENDOR_REGISTER)
def begin_again() -> ResponseReturnValue:
    """Begin a new registration of the company after the last one has ended, signed in by GビズID."""
    last = arrival_services.own_vendor(web.read_session(), actor())
    known = {"name": last.name, "kana": last.kana} if last else {}
    form = Form(ArrivalSchema(), web.posted_form(), known)

    def act(session: Session, **words: str) -> tuple[str, ...]:
        vendor = arrival_services.begin_again(session, actor(), **words)
        return url_for("vendors.file", vendor_id=vendor.id), "登録を始めました"

    try:
        done = web.create_once(form, actor().person_id, act)
    except Conflict as error:
        form.refuse(error)
        done = None
    return done or web.render_page("vendors/begin_again.html", form.status, form=form)


def _join(newcomer: Newcomer) -> ResponseReturnValue:
    session = web.read_session()
    vendor = arrival_services.find_vendor(session, newcomer)
    if web.posted_form() is None or vendor is None:
        is_first = vendor is not None and arrival_services.becomes_administrator(
            session, newcomer, vendor
        )
        return web.render_page(
            "vendors/arrive_join.html",
            newcomer=newcomer,
            is_first=is_first,
            is_proven=vendor is not None and queries.is_proven(session, vendor),
        )
    with transaction() as writing:
        token, is_admin = arrival_services.join(writing, actor(), token=arrival_token())
    if is_admin:
        web.leave_notice("done", "会社の管理者になりました")
    else:
        web.leave_notice(
            "info",
            "会社の管理者に参加を頼みました",
            "管理者が認めると、会社の下書きや届いた依頼を読めるようになります。",
        )
    response = make_response(web.see_other(url_for("home.index")))
    set_cookie(response, token)
    return drop_arrival(response)


def _link(newcomer: Newcomer) -> ResponseReturnValue:
    if web.posted_form() is None:
        is_vendor = actor().organisation_kind is OrganisationKind.VENDOR
        vendor = arrival_services.own_vendor(web.read_session(), actor()) if is_vendor else None
        return web.render_page("vendors/arrive_link.html", newcomer=newcomer, vendor=vendor)
    try:
        with transaction() as session:
            arrival_services.link(session, actor(), token=arrival_token())
        web.leave_notice("done", "GビズIDを結び付けました")
    except Refused as error:
        web.leave_notice("problem", "結び付けませんでした", sentence_of(error.reason))
    except Conflict as error:
        web.leave_notice("problem", "結び付けませんでした", error.message)
    return drop_arrival(make_response(web.see_other(url_for("accounts.identities"))))
