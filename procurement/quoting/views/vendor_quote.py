"""Pages of the quote itself: form, check page, receipt. Nothing typed here is kept before it is sealed."""

import uuid
from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import auth
from accounts.auth import access, actor
from accounts.permissions import Permission, require
from catalog.cost_words import quantity_of
from catalog.offerings.prices import plan_of
from catalog.offerings.queries import load_listing_versions
from catalog.price_plan import Unit
from core import web
from core.clock import day_in_japan
from core.db import now
from core.documents import attachment, canonical_json
from core.errors import Conflict, Invalid, NotFound
from core.forms import Form
from core.japanese import format_datetime
from procurement.quoting import queries, services
from procurement.quoting.content import (
    About,
    LineState,
    QuoteLine,
    Written,
    conditions_from,
    first_lines,
    first_valid_day,
    lines_of,
    read_json,
)
from procurement.quoting.models import Quote, QuoteInvitation, QuoteRevision, RoundState
from procurement.quoting.schemas import (
    EXTRA_LINES,
    INTERVALS,
    first_values,
    quote_schema,
    read_written,
)
from procurement.quoting.views.frame import (
    blueprint,
    explain_early,
    is_open,
    load_invitation,
    read_invitation,
    request_url,
)

_P = Permission


@blueprint.route("/quote-requests/<uuid:quote_request_id>/quote", methods=["GET", "POST"])
@access(_P.QUOTE_EDIT, write=_P.QUOTE_EDIT)
def write_quote(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Write a quote by the components of the own price list, check it, and seal it."""
    found = read_invitation(quote_request_id, _P.QUOTE_EDIT)
    if sentence := _why_not_now(found):
        return explain_early(
            "見積は、今は提出できません", sentence, request_url(found.id), found=found
        )
    asked = _asked(found)
    form = Form(quote_schema(asked), web.posted_form(), _initial(found, asked))
    if not form.is_posted or not form.validate() or form.data["step"] == "edit":
        return _render_form(form, found, asked)
    try:
        written = read_written(asked, form.data)
        content = _preview(found, written)
    except Invalid as error:
        form.refuse(error)
        return _render_form(form, found, asked)
    if form.data["step"] == "submit" and form.data["confirmed"]:
        return _hand_in(form, found, written) or _render_form(form, found, asked)
    if form.data["step"] == "submit":
        form.refuse(Invalid({"confirmed": "内容を確認して、チェックを入れてください。"}))
    return _render_check(form, found, content)


def _why_not_now(found: QuoteInvitation) -> str:
    """Say what keeps a quote from being handed in; nothing when it may be."""
    if found.declined_at is not None:
        return "この依頼は辞退しています。"
    if found.round.state is RoundState.WITHDRAWN:
        return "団体が依頼を取りやめました。"
    if is_open(found.round):
        return ""
    until = format_datetime(found.round.deadline_at)
    return f"締切の{until}を過ぎました。締切までに提出した見積だけが開封されます。"


def _hand_in(form: Form, found: QuoteInvitation, written: Written) -> ResponseReturnValue | None:
    """Seal the quote and lead to its receipt; None when something has to be mended."""
    made = form.submit(lambda session, data: _submit(session, found.id, written, data))
    if made is None:
        return None
    until = format_datetime(found.round.deadline_at)
    web.leave_notice("done", "見積を提出しました", f"{until}まで、出し直しと取り下げができます。")
    return web.see_other(url_for("quoting.receipt", quote_request_id=found.id))


def _submit(
    session: Session, invitation_id: uuid.UUID, written: Written, data: dict[str, Any]
) -> QuoteRevision:
    return services.submit_quote(
        session,
        actor(),
        auth.settings(),
        load_invitation(session, invitation_id),
        written=written,
        revision=data["revision"],
    )


def _asked(found: QuoteInvitation) -> list[QuoteLine]:
    """Return the lines of the own price list, as of the day of the request, for its conditions."""
    session = web.read_session()
    version = load_listing_versions(session, [found.listing_version_id])[found.listing_version_id]
    conditions = conditions_from(read_json(found.round.conditions), found.round.project.owner)
    day = day_in_japan(found.round.sent_at) if found.round.sent_at else None
    return first_lines(plan_of(version, day), conditions)


def _initial(found: QuoteInvitation, asked: list[QuoteLine]) -> dict[str, Any]:
    quote = queries.find_quote(web.read_session(), found.id)
    if quote is None:
        return {
            **first_values(asked, [], 0),
            "valid_until": first_valid_day(found.round.deadline_at),
        }
    content = _own_content(quote)["content"]
    before = {(each.kind, each.name): each for each in lines_of(content)}
    keys = {(each.kind, each.name) for each in asked}
    kept = [before.get((each.kind, each.name), each) for each in asked]
    extra = [each for key, each in before.items() if key not in keys]
    return {
        **first_values(kept, extra[:EXTRA_LINES], quote.current_revision),
        "valid_until": date.fromisoformat(content["valid_until"]),
        "notes": content["notes"],
    }


def _preview(found: QuoteInvitation, written: Written) -> dict[str, Any]:
    """Compute what would be sealed, for the check page."""
    round_ = found.round
    about = About(
        round_id=round_.id,
        number=round_.number or "",
        conditions_sha256=round_.conditions_sha256,
        listing_version_id=found.listing_version_id,
        listing_sha256="",
        seller=found.seller.label,
        submitted_at=now(web.read_session()),
    )
    conditions = conditions_from(read_json(round_.conditions), round_.project.owner)
    services.check_validity(round_, written)
    return services.checked_quote(about, written, conditions)


def _render_form(form: Form, found: QuoteInvitation, asked: list[QuoteLine]) -> ResponseReturnValue:
    conditions = conditions_from(read_json(found.round.conditions), found.round.project.owner)
    return web.render_page(
        "quoting/quote.html",
        form.status,
        form=form,
        found=found,
        round_row=found.round,
        lines=[
            (each, _quantity_words(each.unit, conditions.volumes.get(each.unit))) for each in asked
        ],
        states=LineState.choices(),
        extra=range(EXTRA_LINES),
        intervals=INTERVALS,
    )


def _quantity_words(unit: Unit, count: int | None) -> str:
    return "一式" if unit is Unit.LUMP or count is None else quantity_of(unit, count)


def _render_check(
    form: Form, found: QuoteInvitation, content: dict[str, Any]
) -> ResponseReturnValue:
    posted = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in {"csrf_token", "step", "confirmed"}
    ]
    return web.render_page(
        "quoting/check.html",
        form.status,
        form=form,
        found=found,
        round_row=found.round,
        content=content,
        lines=describe_lines(content),
        posted=posted,
    )


def describe_lines(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines of a quote in words, for its tables."""
    return [
        {
            "name": each.name,
            "kind": each.kind.label,
            "interval": each.interval.label,
            "quantity": _quantity_words(each.unit, raw["quantity"]),
            "state": each.state,
            "unit_price": each.unit_price,
        }
        for each, raw in zip(lines_of(content), content["lines"], strict=True)
    ]


def _own_content(quote: Quote) -> dict[str, Any]:
    session = web.read_session()
    require(session, actor(), _P.QUOTE_READ, quote)
    revision = queries.find_revision(session, quote)
    if revision is None:
        raise NotFound
    return services.read_quote(auth.settings(), revision)


def _read_own(invitation_id: uuid.UUID) -> tuple[QuoteInvitation, Quote, QuoteRevision]:
    found = read_invitation(invitation_id)
    session = web.read_session()
    quote = queries.find_quote(session, found.id)
    if quote is None:
        raise NotFound
    require(session, actor(), _P.QUOTE_READ, quote)
    revision = queries.find_revision(session, quote)
    if revision is None:
        raise Conflict("控えが見つかりません。")
    return found, quote, revision


@blueprint.get("/quote-requests/<uuid:quote_request_id>/receipt")
@access(_P.QUOTE_READ)
def receipt(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Show the receipt: number, time, hash, and the own content; the body sees nothing of it yet."""
    found, quote, revision = _read_own(quote_request_id)
    content = services.read_quote(auth.settings(), revision)["content"]
    return web.render_page(
        "quoting/receipt.html",
        found=found,
        round_row=found.round,
        quote=quote,
        revision=revision,
        content=content,
        lines=describe_lines(content),
        is_open=is_open(found.round),
    )


@blueprint.get("/quote-requests/<uuid:quote_request_id>/receipt.json")
@access(_P.QUOTE_READ)
def download_receipt(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Hand out the own content with its random part, by which the hash can be computed again."""
    _, quote, revision = _read_own(quote_request_id)
    envelope = services.read_quote(auth.settings(), revision)
    body = canonical_json({**envelope, "receipt_sha256": revision.receipt_sha256})
    response = Response(body, mimetype="application/json")
    name = f"quote-receipt-{quote.current_revision}.json"
    response.headers["Content-Disposition"] = attachment(name)
    return response
