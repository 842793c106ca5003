"""Pages of who is asked: the request, the answers, a question, declining; nothing of the others."""

import uuid
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from core import web
from core.db import now
from core.documents import PDF_TYPE, attachment
from core.errors import NotFound
from core.forms import Form
from procurement.projects.models import EvidencePack
from procurement.projects.schemas import reason_field
from procurement.quoting import queries, services
from procurement.quoting.content import read_json
from procurement.quoting.letters import condition_rows, letter_rows
from procurement.quoting.models import QuoteInvitation
from procurement.quoting.schemas import PlainConfirmSchema, QuestionSchema, RevisionSchema
from procurement.quoting.views.frame import (
    Act,
    blueprint,
    explain_early,
    is_closed,
    is_open,
    load_invitation,
    read_invitation,
    request_url,
    show_act,
)
from vendors.queries import agreements

_P = Permission


class DeclineSchema(PlainConfirmSchema):
    """Declining to quote, with its reason."""

    reason = reason_field("辞退する理由")


@blueprint.get("/quote-requests/<uuid:quote_request_id>")
@access(_P.QUOTE_REQUEST_READ)
def show_request(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Show the letter, the published answers and the own standing to who is asked."""
    found = read_invitation(quote_request_id)
    session = web.read_session()
    asked = queries.list_questions(session, found.round_id)
    return web.render_page(
        "quoting/request.html",
        found=found,
        round_row=found.round,
        letter=letter_rows(found.round),
        conditions=condition_rows(read_json(found.round.conditions)),
        name=_name_of(session, found),
        answers=[each for each in asked if each.published_at is not None],
        own=[each for each in asked if each.invitation_id == found.id],
        extensions=[
            each
            for each in queries.list_extensions(session, found.round_id)
            if each.approved_by_id is not None
        ],
        quote=queries.find_quote(session, found.id),
        is_open=is_open(found.round),
        is_closed=is_closed(found.round),
        may_ask=_may_ask(session, found),
        bars=agreements.find_bars(session, found.seller_id) if is_open(found.round) else [],
    )


@blueprint.get("/quote-requests/<uuid:quote_request_id>/document.pdf")
@access(_P.QUOTE_REQUEST_READ)
def download_letter(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Hand out the 見積依頼書, the same bytes to everybody who is asked."""
    found = read_invitation(quote_request_id)
    kept = queries.find_letter(web.read_session(), found.round_id)
    if kept is None:
        raise NotFound
    response = Response(kept.content, mimetype=PDF_TYPE)
    response.headers["Content-Disposition"] = attachment("quote-request.pdf")
    return response


def _name_of(session: Session, found: QuoteInvitation) -> str:
    pack = session.get_one(EvidencePack, found.pack_id)
    for hit in read_json(pack.content)["hits"]:
        if hit["listing_version_id"] == str(found.listing_version_id):
            return str(hit["name"])
    return ""


def _may_ask(session: Session, found: QuoteInvitation) -> bool:
    return is_open(found.round) and now(session) <= found.round.questions_until


@blueprint.route("/quote-requests/<uuid:quote_request_id>/questions", methods=["GET", "POST"])
@access(_P.QUESTION_ASK, write=_P.QUESTION_ASK)
def ask(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Ask the body a question; it does not learn who asks."""
    found = read_invitation(quote_request_id)
    back = request_url(quote_request_id)
    if not _may_ask(web.read_session(), found):
        sentence = "質問の受付は終わりました。"
        return explain_early("質問は、今は送れません", sentence, back, found=found)
    form = Form(QuestionSchema(), web.posted_form())

    def do(session: Session, **said: Any) -> tuple[str, ...]:
        services.ask_question(session, actor(), load_invitation(session, quote_request_id), **said)
        return back, "質問を送りました"

    done = web.create_once(form, actor().person_id, do)
    return done or web.render_page("quoting/ask.html", form.status, form=form, found=found)


@blueprint.route("/quote-requests/<uuid:quote_request_id>/decline", methods=["GET", "POST"])
@access(_P.QUOTE_REQUEST_DECLINE, write=_P.QUOTE_REQUEST_DECLINE)
def decline(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Decline to quote, with a reason."""
    found = read_invitation(quote_request_id, _P.QUOTE_REQUEST_DECLINE)
    quote = queries.find_quote(web.read_session(), found.id)
    back = request_url(quote_request_id)
    if not is_open(found.round) or found.declined_at is not None:
        sentence = "締切を過ぎたか、すでに辞退しています。"
        return explain_early("この見積依頼は、今は辞退できません", sentence, back, found=found)
    if quote is not None and quote.withdrawn_at is None:
        sentence = "見積を提出しています。辞退するときは、先に見積を取り下げてください。"
        return explain_early("先に見積を取り下げてください", sentence, back, found=found)
    form = Form(DeclineSchema(), web.posted_form())
    act = Act(
        heading="この見積依頼を辞退しますか",
        check="辞退すると見積を提出できなくなることを確認しました",
        button="見積依頼を辞退する",
        notice="見積依頼を辞退しました",
        warning="辞退したあとは取り消せません",
        words="理由は、開封のときに団体に伝えられます。ほかの依頼先には知らされません。",
        back=back,
        reason="辞退する理由",
        danger=True,
    )

    def do(session: Session, **said: Any) -> object:
        invitation = load_invitation(session, quote_request_id)
        return services.decline_invitation(session, actor(), invitation, **said)

    return show_act(form, act, do, found=found)


@blueprint.route("/quote-requests/<uuid:quote_request_id>/withdraw", methods=["GET", "POST"])
@access(_P.QUOTE_EDIT, write=_P.QUOTE_EDIT)
def withdraw_quote(quote_request_id: uuid.UUID) -> ResponseReturnValue:
    """Take the own quote back before the deadline."""
    found = read_invitation(quote_request_id, _P.QUOTE_EDIT)
    quote = queries.find_quote(web.read_session(), found.id)
    back = request_url(quote_request_id)
    if quote is None or quote.withdrawn_at is not None or not is_open(found.round):
        sentence = "取り下げる見積がないか、締切を過ぎています。"
        return explain_early("見積は、今は取り下げられません", sentence, back, found=found)
    form = Form(RevisionSchema(), web.posted_form(), {"revision": quote.current_revision})
    act = Act(
        heading="提出した見積を取り下げますか",
        check="取り下げる見積を確認しました",
        button="見積を取り下げる",
        notice="見積を取り下げました",
        warning="取り下げた見積は、だれにも開かれません",
        words="締切までなら、もう一度提出できます。",
        back=back,
        danger=True,
    )

    def do(session: Session, **said: Any) -> object:
        invitation = load_invitation(session, quote_request_id)
        return services.withdraw_quote(session, actor(), invitation, **said)

    return show_act(form, act, do, found=found, revision=quote.current_revision)
