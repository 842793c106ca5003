"""Pages about naming a body as a user: the vendor's list and question, the body's answer."""

import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError, validates_schema
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, require
from accounts.queries import search_bodies
from catalog.bodies import find_body
from catalog.offerings import queries, services
from catalog.offerings.models import Listing
from catalog.offerings.queries import references
from catalog.offerings.reference_models import AdoptionReference, ReferenceAction, ReferenceState
from core import web
from core.db import transaction
from core.errors import Invalid, NotFound
from core.fields import FormSchema, line, lines, option, whole
from core.forms import Form

blueprint = Blueprint("references", __name__)

_MOST_FOUND = 20
_ASK, _ANSWER = Permission.REFERENCE_ASK, Permission.REFERENCE_ANSWER
_CHOICES = {
    ReferenceState.ASKED: (
        ("confirm", "載せてよい", "この名前と説明が、サービスのページとAPIで公開されます。"),
        ("refuse", "載せない", "名前はどこにも出ません。理由は事業者に伝わります。"),
    ),
    ReferenceState.CONFIRMED: (
        ("withdraw", "掲載を取り消す", "すぐに、どのページにも出なくなります。"),
    ),
}


class AskSchema(FormSchema):
    """Which body is asked, and what would be said of it."""

    body = line("団体", maximum=60)
    used_since = line("使い始めた時期", maximum=40, required=False)
    note = lines("使い方の説明", maximum=300, required=False)


class AnswerSchema(FormSchema):
    """What the body says."""

    version = whole("版", minimum=1)
    answer = option("答え", [each.value for each in ReferenceAction])
    reason = lines("理由", maximum=1_000, required=False)

    @validates_schema
    def check_reason(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse a refusal that the vendor could not understand."""
        if data.get("answer") in {"refuse", "withdraw"} and not data.get("reason"):
            raise ValidationError("理由を入力してください。事業者に伝わります。", "reason")


@blueprint.route("/vendor/own-listings/<uuid:listing_id>/references", methods=["GET", "POST"])
@access(_ASK, write=_ASK)
def manage(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Show the bodies that were asked, and ask one more."""
    session = web.read_session()
    listing = _listing_for(session, listing_id)
    form = Form(AskSchema(), web.posted_form())
    here = url_for("references.manage", listing_id=listing_id)

    def act(writing: Session, *, body: str, **said: Any) -> tuple[str, ...]:
        found = find_body(writing, body)
        if found is None:
            raise Invalid({"body": "団体を名前か団体コードで入力してください。"})
        services.ask_reference(writing, actor(), _listing_for(writing, listing_id), found, **said)
        done = "団体が確認するまで、名前はどこにも出ません。"
        return here, f"{found.label}に確認を頼みました", done

    if made := web.create_once(form, actor().person_id, act):
        return made
    published = queries.published_version_of(session, listing_id)
    if published is None:
        raise NotFound
    asked = request.args.get("q", "")[:60]
    found = search_bodies(session, asked, _MOST_FOUND + 1)
    return web.render_page(
        "offerings/references.html",
        form.status,
        form=form,
        listing=listing,
        version=published.offering_version,
        references=references.list_references(session, listing_id),
        most=references.MOST_LISTED,
        asked=asked,
        found=found[:_MOST_FOUND],
        is_cut=len(found) > _MOST_FOUND,
    )


@blueprint.post("/vendor/references/<uuid:reference_id>/drop")
@access(_ASK, write=_ASK)
def drop(reference_id: uuid.UUID) -> ResponseReturnValue:
    """Take a request back, or stop naming a body."""
    with transaction() as session:
        row = _reference_for(session, reference_id, _ASK)
        services.drop_reference(session, actor(), row)
        name, listing_id = row.body.label, row.listing_id
    web.leave_notice("done", f"{name}の掲載を取り下げました")
    return web.see_other(url_for("references.manage", listing_id=listing_id))


@blueprint.get("/references")
@access(_ANSWER)
def index() -> ResponseReturnValue:
    """Show a body everything that vendors asked of it."""
    home = actor().organisation_id
    if home is None:
        raise NotFound
    found = references.list_asked_of(web.read_session(), home)
    return web.render_page("offerings/references_asked.html", references=found)


@blueprint.route("/references/<uuid:reference_id>", methods=["GET", "POST"])
@access(_ANSWER, write=_ANSWER)
def answer(reference_id: uuid.UUID) -> ResponseReturnValue:
    """Show what would be said of the body, and take its answer."""
    session = web.read_session()
    row = _reference_for(session, reference_id, _ANSWER)
    form = Form(AnswerSchema(), web.posted_form(), {"version": row.version})
    done = web.complete(
        form,
        lambda writing, *, answer, **said: services.answer_reference(
            writing,
            actor(),
            _reference_for(writing, reference_id, _ANSWER),
            ReferenceAction(answer),
            **said,
        ),
        notice=("答えを事業者に伝えました", "いつでもこの画面で取り消せます。"),
        target=url_for("references.index"),
    )
    shown = queries.published_version_of(session, row.listing_id)
    return done or web.render_page(
        "offerings/reference.html",
        form.status,
        form=form,
        reference=row,
        name=shown.offering_version.name if shown else "提供を終了したサービス",
        choices=_CHOICES.get(row.state, ()),
    )


def _listing_for(session: Session, listing_id: uuid.UUID) -> Listing:
    listing = queries.get_listing(session, listing_id)
    if listing is None:
        raise NotFound
    require(session, actor(), _ASK, listing)
    return listing


def _reference_for(
    session: Session, reference_id: uuid.UUID, permission: Permission
) -> AdoptionReference:
    row = references.get_reference(session, reference_id)
    if row is None:
        raise NotFound
    require(session, actor(), permission, row)
    return row
