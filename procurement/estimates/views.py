"""Pages of the estimated price: for named people; for everyone else there is no such page."""

import uuid
from functools import partial

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can, require
from accounts.queries import list_people
from core import web
from core.documents import attachment
from core.errors import NotFound
from core.forms import Form
from core.paper import Format
from procurement.estimates import documents, queries, services, vault
from procurement.estimates.models import EstimatedPrice
from procurement.estimates.schemas import (
    EstimateSchema,
    FixSchema,
    HandOverSchema,
    OpenSchema,
    ReaderSchema,
    SheetSchema,
)
from procurement.projects.models import Project
from procurement.projects.views.frame import (
    blueprint,
    explain_early,
    load_project,
    project_url,
    read_project,
)

_P = Permission
_PATH = "/projects/<uuid:project_id>/estimated-price"


@blueprint.route(f"{_PATH}/new", methods=["GET", "POST"])
@access(_P.ESTIMATED_PRICE_OPEN, write=_P.ESTIMATED_PRICE_OPEN)
def open_estimate(project_id: uuid.UUID) -> ResponseReturnValue:
    """Begin: say who reads it. No amount is asked here."""
    project = read_project(project_id, _P.ESTIMATED_PRICE_OPEN)
    session = web.read_session()
    if queries.state_of(session, project.id) is not None:
        return web.see_other(_url(project))
    if early := _explain_late(project):
        return early
    people = queries.list_choosable(session, project.owner_id)
    form = Form(OpenSchema(), web.posted_form())

    def act(session: Session, **said: list[uuid.UUID]) -> None:
        services.open_estimate(session, actor(), load_project(session, project.id), **said)

    notice = ("見られる人を決めました", "次は、予定価格を入力します。")
    done = web.complete(form, act, notice=notice, target=_url(project))
    others = [(str(key), name) for key, name in people.items() if key != actor().person_id]
    return done or web.render_page(
        "estimates/open.html", form.status, form=form, project=project, others=others
    )


@blueprint.route(_PATH, methods=["GET", "POST"])
@access(_P.ESTIMATED_PRICE_READ, write=_P.ESTIMATED_PRICE_EDIT)
def show_estimate(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show the price to a named person, who enters it until it is fixed."""
    project = read_project(project_id)
    session = web.read_session()
    if queries.state_of(session, project.id) is None and can(
        actor(), _P.ESTIMATED_PRICE_OPEN, project
    ):
        return web.see_other(url_for("projects.open_estimate", project_id=project.id))
    estimate = _read(project)
    content = vault.unlock(estimate)
    initial = {
        "version": estimate.version,
        "amount": content.amount if content else None,
        "basis": content.basis if content else "",
    }
    form = Form(EstimateSchema(), web.posted_form(), initial)
    notice = ("予定価格を保存しました", "次は、確かめて確定します。確定するまでは書き直せます。")
    done = _complete(form, project, services.write_estimate, *notice, target=_url(project))
    return done or _render_estimate(estimate, content, form)


def _render_estimate(
    estimate: EstimatedPrice, content: vault.Content | None, form: Form
) -> ResponseReturnValue:
    session, project = web.read_session(), estimate.project
    may_edit = can(actor(), _P.ESTIMATED_PRICE_EDIT, estimate)
    is_open = services.can_prepare(session, project) and not estimate.is_fixed
    ids = [each for each in (estimate.last_editor_id, estimate.fixed_by_id) if each]
    return web.render_page(
        "estimates/show.html",
        form.status,
        form=form,
        project=project,
        estimate=estimate,
        content=content,
        tax=documents.split_tax(content.amount)[1] if content else None,
        people=list_people(session, ids),
        readers=queries.list_live_readers(session, estimate),
        may_edit=may_edit,
        may_write=may_edit and is_open,
    )


@blueprint.route(f"{_PATH}/fix", methods=["GET", "POST"])
@access(_P.ESTIMATED_PRICE_EDIT, write=_P.ESTIMATED_PRICE_EDIT)
def fix_estimate(project_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more before it can no longer change."""
    project = read_project(project_id)
    estimate = _read(project, _P.ESTIMATED_PRICE_EDIT)
    content = vault.unlock(estimate)
    if estimate.is_fixed or content is None:
        return web.see_other(_url(project))
    if early := _explain_late(project):
        return early
    form = Form(FixSchema(), web.posted_form(), {"version": estimate.version})
    done = _complete(
        form, project, services.fix_estimate, "予定価格を確定しました", target=_url(project)
    )
    return done or web.render_page(
        "estimates/fix.html",
        form.status,
        form=form,
        project=project,
        content=content,
        tax=documents.split_tax(content.amount)[1],
        readers=queries.list_live_readers(web.read_session(), estimate),
    )


@blueprint.route(f"{_PATH}/readers", methods=["GET", "POST"])
@access(_P.ESTIMATED_PRICE_READ, write=_P.ESTIMATED_PRICE_EDIT)
def list_readers(project_id: uuid.UUID) -> ResponseReturnValue:
    """Show who reads it and who did, and name one more."""
    project = read_project(project_id)
    estimate = _read(project)
    form = Form(ReaderSchema(), web.posted_form())
    done = _complete(
        form, project, services.name_reader, "見られる人を加えました", target=_readers_url(project)
    )
    return done or _render_readers(estimate, form)


@blueprint.post(f"{_PATH}/readers/strike")
@access(_P.ESTIMATED_PRICE_EDIT, write=_P.ESTIMATED_PRICE_EDIT)
def strike_reader(project_id: uuid.UUID) -> ResponseReturnValue:
    """Take a person's right to read it away."""
    project = read_project(project_id)
    estimate = _read(project, _P.ESTIMATED_PRICE_EDIT)
    form = Form(ReaderSchema(), web.posted_form())
    posted = web.posted_form()
    is_self = posted is not None and posted.get("person_id") == str(actor().person_id)
    target = project_url(project) if is_self else _readers_url(project)
    done = _complete(
        form, project, services.strike_reader, "見られる人から外しました", target=target
    )
    return done or _render_readers(estimate, form)


def _render_readers(estimate: EstimatedPrice, form: Form) -> ResponseReturnValue:
    session = web.read_session()
    live = queries.list_live_people(session, estimate.owner_id)
    ids = {
        key
        for each in estimate.namings
        for key in (each.person_id, each.named_by_id, each.removed_by_id)
        if key
    }
    known = queries.list_choosable(session, estimate.owner_id)
    others = [(str(key), name) for key, name in known.items() if key not in estimate.reader_ids]
    return web.render_page(
        "estimates/readers.html",
        form.status,
        form=form,
        project=estimate.project,
        estimate=estimate,
        live=live,
        readers=queries.list_live_readers(session, estimate),
        people=list_people(session, list(ids)),
        others=others,
        may_edit=can(actor(), _P.ESTIMATED_PRICE_EDIT, estimate),
    )


@blueprint.route(f"{_PATH}/hand-over", methods=["GET", "POST"])
@access(_P.ESTIMATED_PRICE_HAND_OVER, write=_P.ESTIMATED_PRICE_HAND_OVER)
def hand_over_estimate(project_id: uuid.UUID) -> ResponseReturnValue:
    """Let an approver name a reader when all named people have left; nothing of the price is shown."""
    project = read_project(project_id)
    session = web.read_session()
    estimate = _read(project, _P.ESTIMATED_PRICE_HAND_OVER)
    form = Form(HandOverSchema(), web.posted_form())
    done = _complete(
        form, project, services.hand_over, "予定価格を引き継ぎました", target=project_url(project)
    )
    if done is not None:
        return done
    if queries.list_live_readers(session, estimate):
        raise NotFound
    people = queries.list_choosable(session, project.owner_id)
    others = [(str(key), name) for key, name in people.items() if key != actor().person_id]
    return web.render_page(
        "estimates/hand_over.html", form.status, form=form, project=project, others=others
    )


@blueprint.post(f"{_PATH}/sheet.pdf")
@access(_P.ESTIMATED_PRICE_PRINT, write=_P.ESTIMATED_PRICE_PRINT)
def download_sheet(project_id: uuid.UUID) -> ResponseReturnValue:
    """Draw the 予定価格調書 and note who took it; no copy is kept."""
    return _draw_sheet(project_id, "pdf")


@blueprint.post(f"{_PATH}/sheet.docx")
@access(_P.ESTIMATED_PRICE_PRINT, write=_P.ESTIMATED_PRICE_PRINT)
def download_editable_sheet(project_id: uuid.UUID) -> ResponseReturnValue:
    """Draw it as a file that a word processor opens."""
    return _draw_sheet(project_id, "docx")


def _draw_sheet(project_id: uuid.UUID, kind: Format) -> ResponseReturnValue:
    project = read_project(project_id)
    estimate = _read(project, _P.ESTIMATED_PRICE_PRINT)
    content = vault.unlock(estimate)
    form = Form(SheetSchema(), web.posted_form())
    if content is None or not form.submit(partial(_note_print, project.id, kind)):
        raise NotFound
    session = web.read_session()
    people = list_people(session, [estimate.fixed_by_id] if estimate.fixed_by_id else [])
    name = next((person.name for person in people.values()), "")
    made = documents.make_sheet(session, estimate, content, name)[kind]
    answer = Response(made.content, mimetype=made.media_type)
    answer.headers["Content-Disposition"] = attachment(f"{documents.TITLE}.{kind}")
    return answer


def _note_print(project_id: uuid.UUID, kind: Format, session: Session, _data: object) -> bool:
    services.note_print(session, actor(), _load(session, project_id), kind=kind)
    return True


def _complete(
    form: Form, project: Project, act: object, *notice: str, target: str
) -> ResponseReturnValue | None:
    def do(session: Session, **said: object) -> None:
        act(session, actor(), _load(session, project.id), **said)  # type: ignore[operator]

    return web.complete(form, do, notice=notice, target=target)


def _load(session: Session, project_id: uuid.UUID) -> EstimatedPrice:
    estimate = queries.get_estimate(session, project_id, for_update=True)
    if estimate is None:
        raise NotFound
    return estimate


def _read(project: Project, permission: Permission = _P.ESTIMATED_PRICE_READ) -> EstimatedPrice:
    session = web.read_session()
    estimate = queries.get_estimate(session, project.id)
    if estimate is None:
        raise NotFound
    require(session, actor(), permission, estimate)
    return estimate


def _explain_late(project: Project) -> ResponseReturnValue | None:
    ready = services.can_prepare(web.read_session(), project)
    return explain_early(project, "予定価格は、今は定められません", ready=ready)


def _url(project: Project) -> str:
    return url_for("projects.show_estimate", project_id=project.id)


def _readers_url(project: Project) -> str:
    return url_for("projects.list_readers", project_id=project.id)
