"""Pages of a request on the vendor's side: inbox, accept, decline."""

import uuid
from functools import partial

from flask.typing import ResponseReturnValue

from accounts.auth import access, actor
from accounts.permissions import Permission
from core import paging, web
from core.errors import NotFound
from core.forms import Form
from procurement.contracts import documents, queries, services
from procurement.contracts.models import RequestAction
from procurement.contracts.schemas import ConfirmSchema, ReasonSchema
from procurement.contracts.views.frame import complete, read_request
from procurement.contracts.views.frame import requests_blueprint as blueprint
from procurement.quoting import queries as quoting_queries
from vendors.queries import agreements

_P = Permission


@blueprint.get("/requests/inbox")
@access(_P.REQUEST_READ)
def inbox() -> ResponseReturnValue:
    """List what was sent to the acting organisation, and nothing else: quotes, answers, contracts."""
    organisation_id = actor().organisation_id
    if organisation_id is None:
        raise NotFound
    asked = (web.read_session(), organisation_id)
    page = paging.fetch(queries.count_received(*asked), partial(queries.list_received, *asked))
    received = quoting_queries.list_received(*asked)
    rounds = [each.round_id for each in received]
    return web.render_page(
        "requests/inbox.html",
        page=page,
        quote_requests=received,
        quotes=quoting_queries.list_own_quotes(*asked, rounds) if rounds else {},
        answers=quoting_queries.count_answers(*asked[:1], rounds) if rounds else {},
    )


@blueprint.route("/requests/<uuid:request_id>/accept", methods=["GET", "POST"])
@access(_P.REQUEST_ANSWER, write=_P.REQUEST_ANSWER)
def accept(request_id: uuid.UUID) -> ResponseReturnValue:
    """Accept a request."""
    found = read_request(request_id)
    form = Form(ConfirmSchema(), web.posted_form(), {"version": found.version})
    done = complete(
        form,
        request_id,
        services.accept_request,
        "依頼を承諾しました",
        "契約は、両者が契約書に記名押印するか、電子署名を行ったときに確定します。",
    )
    return done or _render("requests/accept.html", form, request_id)


@blueprint.route("/requests/<uuid:request_id>/decline", methods=["GET", "POST"])
@access(_P.REQUEST_ANSWER, write=_P.REQUEST_ANSWER)
def decline(request_id: uuid.UUID) -> ResponseReturnValue:
    """Decline a request, with a reason."""
    found = read_request(request_id)
    form = Form(ReasonSchema(), web.posted_form(), {"version": found.version})
    done = complete(form, request_id, services.decline_request, "依頼を辞退しました")
    return done or _render("requests/decline.html", form, request_id)


def _render(template: str, form: Form, request_id: uuid.UUID) -> ResponseReturnValue:
    found = read_request(request_id)
    return web.render_page(
        template,
        form.status,
        form=form,
        request_row=found,
        document=documents.read_document(found),
        open=found.can_apply(RequestAction.ACCEPT),
        bars=agreements.find_bars(web.read_session(), found.seller_id),
    )
