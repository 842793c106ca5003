"""Pages of a request on the body's side: prepare, submit, decide, send, withdraw."""

import uuid
from functools import partial
from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import auth
from accounts.auth import access, actor
from accounts.permissions import Permission, require
from accounts.queries import list_people
from catalog.offerings.queries import load_listing_versions
from core import paging, web
from core.clock import day_in_japan
from core.db import now
from core.documents import PDF_TYPE, attachment
from core.errors import NotFound
from core.forms import Form
from procurement.bodies.queries import limits_for
from procurement.contracts import documents, queries, services
from procurement.contracts.facts import load_facts
from procurement.contracts.models import (
    BidderList,
    RequestAction,
    RequestState,
    UsageContractRequest,
)
from procurement.contracts.schemas import (
    ConfirmSchema,
    ReasonSchema,
    RequestDecision,
    RequestDecisionSchema,
    RequestEditSchema,
    RequestSchema,
    SendSchema,
)
from procurement.contracts.tasks import list_steps
from procurement.contracts.views.frame import (
    acting_body_id,
    complete,
    explain_early,
    is_vendor,
    load_request,
    read_request,
    request_url,
)
from procurement.contracts.views.frame import requests_blueprint as blueprint
from procurement.projects import queries as project_queries
from procurement.projects.models import Project, ProjectState
from procurement.projects.views.frame import explain_early as explain_project

_P = Permission
_SENT = (
    "done",
    "依頼を送信しました",
    "事業者の承諾を待っています。契約はまだ結ばれていません。",
)
_ALREADY_SENT = ("info", "依頼はすでに送信されています")


@blueprint.get("/requests")
@access(_P.REQUEST_READ)
def index() -> ResponseReturnValue:
    """List the requests of the acting body; a vendor is led to its inbox."""
    if is_vendor():
        return web.see_other(url_for("requests.inbox"))
    asked = (web.read_session(), acting_body_id())
    page = paging.fetch(queries.count_requests(*asked), partial(queries.list_requests, *asked))
    return web.render_page("requests/index.html", page=page)


@blueprint.route("/projects/<uuid:project_id>/request", methods=["GET", "POST"])
@access(_P.REQUEST_EDIT, write=_P.REQUEST_EDIT)
def create(project_id: uuid.UUID) -> ResponseReturnValue:
    """Begin the request of an approved selection."""
    session = web.read_session()
    project = _load_project(session, project_id)
    require(session, actor(), _P.PROJECT_READ, project)
    live = queries.find_live_request(session, project.id)
    form = Form(RequestSchema(), web.posted_form(), _first_values(session, project))
    if live is not None and not form.is_posted:
        return web.see_other(request_url(live.id))

    def act(writing: Session, **values: Any) -> tuple[str, ...]:
        selected = _load_project(writing, project_id)
        made = services.create_request(writing, actor(), selected, **values)
        target = url_for("requests.submit", request_id=made.id)
        return target, "依頼書を保存しました", "次は、内容を確かめて、決裁者に提出します。"

    ready = project.state is ProjectState.SELECTION_APPROVED
    if early := explain_project(project, "依頼書は、まだ作れません", ready=ready):
        return early
    action = url_for("requests.create", project_id=project_id)
    done = web.create_once(form, actor().person_id, act)
    return done or _render_form(form, project, action)


def _first_values(session: Session, project: Project) -> dict[str, Any]:
    """Return who asks as the body's rules have it; the clerk may change each word."""
    head = limits_for(session, project.owner, day_in_japan(now(session))).letterhead
    return {
        "contact_name": actor().person_name,
        "sender_name": head.sender,
        "contact_department": head.department,
        "contact_phone": head.phone,
    }


def _load_project(session: Session, project_id: uuid.UUID) -> Project:
    project = project_queries.get_project(session, project_id)
    if project is None:
        raise NotFound
    return project


@blueprint.route("/requests/<uuid:request_id>/edit", methods=["GET", "POST"])
@access(_P.REQUEST_EDIT, write=_P.REQUEST_EDIT)
def edit(request_id: uuid.UUID) -> ResponseReturnValue:
    """Change a request before it is submitted."""
    found = read_request(request_id)
    if early := explain_early(found, "依頼書は、今は変更できません", RequestAction.SUBMIT):
        return early
    initial = found.model_dump()
    initial["bidder_list"] = [found.bidder_list]
    if found.answer_due_at is not None:
        initial["answer_due_on"] = day_in_japan(found.answer_due_at)
    form = Form(RequestEditSchema(), web.posted_form(), initial)
    done = complete(form, request_id, services.edit_request, "依頼書を保存しました")
    action = url_for("requests.edit", request_id=request_id)
    return done or _render_form(form, found.project, action, found)


def _render_form(
    form: Form, project: Project, action: str, found: UsageContractRequest | None = None
) -> ResponseReturnValue:
    return web.render_page(
        "requests/edit.html",
        form.status,
        form=form,
        project=project,
        action=action,
        request_row=found,
        bidder_lists=BidderList.choices(),
    )


@blueprint.get("/requests/<uuid:request_id>")
@access(_P.REQUEST_READ)
def show(request_id: uuid.UUID) -> ResponseReturnValue:
    """Show a request: to its body with the steps, to its addressee as the document with the answer."""
    found = read_request(request_id)
    session = web.read_session()
    template = "requests/received.html" if is_vendor() else "requests/show.html"
    people_ids = [
        found.submitted_by_id,
        found.approved_by_id,
        found.sent_by_id,
        found.last_editor_id,
    ]
    people = {} if is_vendor() else list_people(session, [each for each in people_ids if each])
    return web.render_page(
        template,
        request_row=found,
        document=_document(session, found),
        steps=list_steps(found, people),
        is_intact=_is_intact(session, found),
        contract=queries.find_contract_of(session, found.id),
        is_overdue=_is_overdue(session, found),
    )


def _document(session: Session, found: UsageContractRequest) -> dict[str, Any]:
    if found.payload:
        return documents.read_document(found)
    return documents.describe_document(load_facts(session, found), None)


def _is_intact(session: Session, found: UsageContractRequest) -> bool:
    return not found.payload or services.is_intact(session, found)


def _is_overdue(session: Session, found: UsageContractRequest) -> bool:
    due = found.answer_due_at
    return found.state is RequestState.SENT and due is not None and due <= now(session)


@blueprint.get("/requests/<uuid:request_id>/document.pdf")
@access(_P.REQUEST_READ)
def download(request_id: uuid.UUID) -> ResponseReturnValue:
    """Hand out the stored PDF, byte for byte as approved."""
    found = read_request(request_id)
    document = queries.find_document(web.read_session(), found.id, services.DOCUMENT_KIND)
    if document is None:
        raise NotFound
    response = Response(document.content, mimetype=PDF_TYPE)
    name = f"usage-contract-request-{found.ordinal:04d}.pdf"
    response.headers["Content-Disposition"] = attachment(name)
    return response


@blueprint.route("/requests/<uuid:request_id>/submit", methods=["GET", "POST"])
@access(_P.REQUEST_EDIT, write=_P.REQUEST_EDIT)
def submit(request_id: uuid.UUID) -> ResponseReturnValue:
    """Hand the request to an approver."""
    found = read_request(request_id)
    if early := explain_early(found, "依頼書は、今は提出できません", RequestAction.SUBMIT):
        return early
    form = Form(ConfirmSchema(), web.posted_form(), {"version": found.version})
    done = complete(form, request_id, services.submit_request, "依頼書を決裁者に提出しました")
    return done or web.render_page(
        "requests/submit.html",
        form.status,
        form=form,
        request_row=found,
        document=_document(web.read_session(), found),
    )


@blueprint.route("/requests/<uuid:request_id>/decision", methods=["GET", "POST"])
@access(_P.REQUEST_DECIDE, write=_P.REQUEST_DECIDE)
def decide(request_id: uuid.UUID) -> ResponseReturnValue:
    """Approve the request, which gives number and document, and send it at once; or return it."""
    found = read_request(request_id)
    form = Form(RequestDecisionSchema(), web.posted_form(), {"version": found.version})
    if form.is_posted and form.validate():
        sends = form.data["decision"] is RequestDecision.SEND
        if not sends or _confirms_password(form):
            act = _approve_and_send if sends else _decide
            done = form.submit(partial(act, found))
            if done is not None:
                web.leave_notice(*done)
                return web.see_other(request_url(request_id))
        web.refresh_read_session()
        found = read_request(request_id)
    session = web.read_session()
    author_ids = [found.last_editor_id, found.submitted_by_id or found.last_editor_id]
    return web.render_page(
        "requests/decision.html",
        form.status,
        form=form,
        request_row=found,
        document=_document(session, found),
        decisions=RequestDecision.choices(),
        needs_password=auth.needs_password(),
        people=list_people(session, author_ids),
        open=found.can_apply(RequestAction.APPROVE),
    )


def _approve_and_send(
    found: UsageContractRequest, session: Session, data: dict[str, Any]
) -> tuple[str, ...]:
    newly = services.approve_and_send(
        session,
        actor(),
        auth.settings(),
        found,
        documents.make_document,
        version=data["version"],
    )
    return _SENT if newly else _ALREADY_SENT


def _decide(found: UsageContractRequest, session: Session, data: dict[str, Any]) -> tuple[str, ...]:
    version = data["version"]
    if data["decision"] is RequestDecision.RETURN:
        services.return_request(session, actor(), found, version=version, reason=data["reason"])
        return "done", "依頼書を差し戻しました"
    done = services.approve_request(
        session, actor(), found, documents.make_document, version=version
    )
    return "done", f"依頼書 {done.number} を決裁しました"


@blueprint.route("/requests/<uuid:request_id>/send", methods=["GET", "POST"])
@access(_P.REQUEST_SEND, write=_P.REQUEST_SEND)
def send(request_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm and send; a second click lands on the same page."""
    found = read_request(request_id)
    if found.is_sent:
        return _land_on_sent(request_id, newly=False)
    form = Form(SendSchema(), web.posted_form(), {"version": found.version})
    if form.is_posted and form.validate() and _confirms_password(form):
        sent = form.submit(
            lambda session, data: {
                "newly": services.send_request(
                    session,
                    actor(),
                    auth.settings(),
                    load_request(session, request_id),
                    version=data["version"],
                )
            }
        )
        if sent is not None:
            return _land_on_sent(request_id, newly=sent["newly"])
    session = web.refresh_read_session()
    version_id = found.selection.listing_version_id
    return web.render_page(
        "requests/send.html",
        form.status,
        form=form,
        request_row=found,
        document=_document(session, found),
        is_intact=_is_intact(session, found),
        version=load_listing_versions(session, [version_id])[version_id],
        needs_password=auth.needs_password(),
        people=list_people(session, [found.approved_by_id] if found.approved_by_id else []),
        open=found.can_apply(RequestAction.SEND),
    )


def _confirms_password(form: Form) -> bool:
    if not auth.needs_password():
        return True
    typed = form.data["password"]
    refusal = auth.confirm_password(typed) if typed else "パスワードを入力してください。"
    if refusal is not None:
        form.errors["password"], form.status = refusal, 422
    return refusal is None


def _land_on_sent(request_id: uuid.UUID, *, newly: bool) -> ResponseReturnValue:
    web.leave_notice(*(_SENT if newly else _ALREADY_SENT))
    return web.see_other(request_url(request_id))


@blueprint.route("/requests/<uuid:request_id>/withdraw", methods=["GET", "POST"])
@access(_P.REQUEST_WITHDRAW, write=_P.REQUEST_WITHDRAW)
def withdraw(request_id: uuid.UUID) -> ResponseReturnValue:
    """Take a request back, with a reason: the clerk before, an approver after the sending."""
    found = read_request(request_id, _P.REQUEST_WITHDRAW)
    if early := explain_early(found, "依頼は、今は取り下げられません", RequestAction.WITHDRAW):
        return early
    form = Form(ReasonSchema(), web.posted_form(), {"version": found.version})
    done = complete(form, request_id, services.withdraw_request, "依頼を取り下げました")
    return done or web.render_page(
        "requests/withdraw.html", form.status, form=form, request_row=found
    )
