"""Pages of a seller's terms: a change of price, another seller's listing, the end of a listing."""

import uuid

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, require
from catalog.offerings import queries, services
from catalog.offerings.models import EDITABLE_STATES, Listing, OfferAction
from catalog.offerings.rules import (
    earliest_end,
    list_missing_in_listing,
    list_price_notes,
    say_state,
)
from catalog.offerings.schemas import ConfirmSchema, DeclineSchema, WithdrawSchema
from catalog.offerings.views.frame import (
    blueprint,
    build_optional_tasks,
    build_tasks,
    home_of,
    is_with_offering,
    link_missing,
    terms_for,
)
from catalog.offerings.views.offering_pages import words_of
from core import web
from core.clock import today_jst
from core.db import transaction
from core.errors import NotFound
from core.forms import Form
from vendors.queries import agreements

_READ = Permission.OFFERING_READ_DRAFT


def listing_for(session: Session, listing_id: uuid.UUID, permission: Permission) -> Listing:
    """Return a listing that the actor may treat so; NotFound for strangers."""
    listing = queries.get_listing(session, listing_id)
    if listing is None:
        raise NotFound
    require(session, actor(), permission, listing)
    return listing


_SELLING = (
    "done",
    "販売条件の下書きを作りました",
    "公開には登録開発者の確認と、デジタル庁の承認が必要です。",
)
_SELLING_BEGUN = ("info", "準備している販売条件がもうあります", "この画面から続けてください。")


@blueprint.get("/listings/<uuid:listing_version_id>")
@access(_READ)
def show_listing_version(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show the task list of terms that are prepared on their own."""
    terms = terms_for(web.read_session(), listing_version_id, _READ)
    if is_with_offering(terms):
        return web.see_other(home_of(terms))
    missing = list_missing_in_listing(terms, today_jst())
    return web.render_page(
        "offerings/show_terms.html",
        said_state=say_state(terms),
        terms=terms,
        version=terms.offering_version,
        tasks=build_tasks(terms.offering_version, terms, missing),
        optional_tasks=build_optional_tasks(terms.offering_version, terms),
        missing=link_missing(missing, terms.offering_version, terms, []),
        is_editable=terms.state in EDITABLE_STATES,
    )


@blueprint.route("/listings/<uuid:listing_version_id>/check", methods=["GET", "POST"])
@access(_READ, write=Permission.OFFERING_SUBMIT)
def check_listing_version(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show the terms as typed, then submit them."""
    terms = terms_for(web.read_session(), listing_version_id, _READ)
    if is_with_offering(terms):
        return web.see_other(home_of(terms))
    form = Form(ConfirmSchema(), web.posted_form(), {"version": terms.version})
    done = web.complete(
        form,
        lambda session, **said: services.submit_listing_version(
            session, actor(), terms_for(session, listing_version_id, _READ), **said
        ),
        notice=("販売条件を提出しました", "主任審査員が内容を確かめます。"),
        target=home_of(terms),
    )
    return done or web.render_page(
        "offerings/check_terms.html",
        form.status,
        form=form,
        terms=terms,
        version=terms.offering_version,
        missing=link_missing(
            list_missing_in_listing(terms, today_jst()), terms.offering_version, terms, []
        ),
        price_notes=list_price_notes(terms, today_jst()),
        is_editable=terms.state in EDITABLE_STATES,
        words=(words := words_of(terms.offering_version, terms)),
        **words,
    )


@blueprint.route("/listings/<uuid:listing_version_id>/publish", methods=["GET", "POST"])
@access(Permission.OFFERING_PUBLISH, write=Permission.OFFERING_PUBLISH)
def publish_listing_version(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more, then publish approved terms."""
    terms = terms_for(web.read_session(), listing_version_id, Permission.OFFERING_PUBLISH)
    if is_with_offering(terms) or (
        request.method == "GET" and not terms.can_apply(OfferAction.PUBLISH)
    ):
        return web.see_other(home_of(terms))
    form = Form(ConfirmSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session, **_said: services.publish_listing_version(
            session, actor(), terms_for(session, listing_version_id, Permission.OFFERING_PUBLISH)
        ),
        notice=("販売条件を公開しました", "利用者には新しい条件が見えています。"),
        target=home_of(terms),
    )
    return done or web.render_page(
        "offerings/publish_terms.html",
        form.status,
        form=form,
        terms=terms,
        bars=agreements.find_bars(web.read_session(), terms.listing.seller_id),
    )


@blueprint.route("/listings/<uuid:listing_version_id>/discard", methods=["GET", "POST"])
@access(Permission.OFFERING_WITHDRAW, write=Permission.OFFERING_WITHDRAW)
def discard_listing_version(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more, then drop a change that is not published."""
    terms = terms_for(web.read_session(), listing_version_id, Permission.OFFERING_WITHDRAW)
    form = Form(ConfirmSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session, **_said: services.discard_listing_version(
            session, actor(), terms_for(session, listing_version_id, Permission.OFFERING_WITHDRAW)
        ),
        notice=("販売条件の変更を取り下げました",),
        target=url_for("vendor_offerings.index"),
    )
    return done or web.render_page(
        "offerings/discard_terms.html", form.status, form=form, terms=terms
    )


@blueprint.post("/own-listings/<uuid:listing_id>/change")
@access(Permission.OFFERING_EDIT, write=Permission.OFFERING_EDIT)
def start_listing_change(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Begin a change of price or terms."""
    with transaction() as session:
        listing = listing_for(session, listing_id, Permission.OFFERING_EDIT)
        made = services.start_listing_change(session, actor(), listing)
    web.leave_notice(
        "done", "変更の下書きを作りました", "公開するまで、利用者には今の条件が見えています。"
    )
    return web.see_other(
        url_for("vendor_offerings.show_listing_version", listing_version_id=made.id)
    )


@blueprint.post("/sell/<uuid:listing_id>")
@access(Permission.OFFERING_CREATE, write=Permission.OFFERING_CREATE)
def start_selling(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Begin to sell another maker's published software, found by one of its listings."""
    with transaction() as session:
        listed = queries.find_listed(session, [listing_id])
        if not listed:
            raise NotFound
        offering = listed[0].listing.offering
        begun = services.find_begun_listing(session, actor(), offering)
        made = begun or services.create_listing(session, actor(), offering)
    words = _SELLING_BEGUN if begun else _SELLING
    web.leave_notice(*words)
    return web.see_other(
        url_for("vendor_offerings.show_listing_version", listing_version_id=made.id)
    )


@blueprint.route("/own-listings/<uuid:listing_id>/withdraw", methods=["GET", "POST"])
@access(Permission.OFFERING_WITHDRAW, write=Permission.OFFERING_WITHDRAW)
def withdraw(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for reason and last day, then end a listing; the maker ends the software."""
    session = web.read_session()
    listing = listing_for(session, listing_id, Permission.OFFERING_WITHDRAW)
    form = Form(WithdrawSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda writing, *, reason, ends_on, **_said: services.withdraw_listing(
            writing,
            actor(),
            listing_for(writing, listing_id, Permission.OFFERING_WITHDRAW),
            reason=reason,
            ends_on=ends_on,
        ),
        notice=("提供を終了する手続きをしました", "新しい依頼は届きません。"),
        target=url_for("vendor_offerings.index"),
    )
    if done:
        return done
    terms = queries.published_version_of(session, listing_id)
    if terms is None:
        raise NotFound
    return web.render_page(
        "offerings/withdraw.html",
        form.status,
        form=form,
        terms=terms,
        notice_months=(months := services.find_notice(session, listing)),
        earliest=earliest_end(today_jst(), months),
        is_maker=listing.seller_id == listing.offering.maker_id,
    )


@blueprint.route("/listings/<uuid:listing_id>/confirm", methods=["GET", "POST"])
@access(Permission.LISTING_CONFIRM, write=Permission.LISTING_CONFIRM)
def confirm_listing(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Show the maker who wants to sell what, then let it confirm the seller."""
    listing = _to_confirm(web.read_session(), listing_id)
    if listing.confirmed_at is not None and request.method == "GET":
        return web.see_other(url_for("vendor_offerings.index"))
    form = Form(ConfirmSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session, **_said: services.confirm_listing(
            session, actor(), _to_confirm(session, listing_id)
        ),
        notice=("販売者を確認しました", f"{listing.seller.label}がこのサービスを販売できます。"),
        target=url_for("vendor_offerings.index"),
    )
    return done or web.render_page(
        "offerings/confirm_seller.html",
        form.status,
        form=form,
        listing=listing,
        offering=queries.published_offering_version(web.read_session(), listing.offering_id),
    )


@blueprint.route("/listings/<uuid:listing_id>/decline", methods=["GET", "POST"])
@access(Permission.LISTING_CONFIRM, write=Permission.LISTING_CONFIRM)
def decline_listing(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Ask the maker why, then refuse that another vendor sells the software."""
    listing = _to_confirm(web.read_session(), listing_id)
    form = Form(DeclineSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session, *, reason, **_said: services.decline_listing(
            session, actor(), _to_confirm(session, listing_id), reason=reason
        ),
        notice=("販売を断りました", "理由を販売者に伝えました。"),
        target=url_for("vendor_offerings.index"),
    )
    return done or web.render_page(
        "offerings/decline.html", form.status, form=form, listing=listing
    )


def _to_confirm(session: Session, listing_id: uuid.UUID) -> Listing:
    listing = queries.get_listing(session, listing_id)
    if listing is None:
        raise NotFound
    require(session, actor(), Permission.LISTING_CONFIRM, listing.offering)
    return listing
