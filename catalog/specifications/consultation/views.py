"""Public pages of consultations, and the pages on which bodies and vendors comment."""

import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can, require
from catalog.specifications import queries as specifications
from catalog.specifications.consultation import documents, queries, services
from catalog.specifications.consultation.models import (
    CommentState,
    Consultation,
    ConsultationComment,
    Phase,
    ProposalKind,
)
from catalog.specifications.consultation.schemas import (
    CommentSchema,
    RevisionSchema,
    WithdrawalSchema,
)
from catalog.specifications.consultation.tally import PAGE_SIZE, tally
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.negotiation import answer_data, answer_page, wanted_format
from catalog.specifications.revisions import version_before
from catalog.specifications.views import read_page_number, visible_versions
from core import web
from core.db import now
from core.errors import GuardFailed, NotFound
from core.forms import Form

blueprint = Blueprint("consultations", __name__)

_COMMENT = ("requirement_id", "kind", "text", "suggestion", "version")


@blueprint.get("/consultations")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """List the consultations: open, announced, closed, with published results."""
    session = web.read_session()
    found = [(each.phase_at(now(session)), each) for each in queries.list_consultations(session)]
    groups = [
        (phase, [each for its, each in found if its is phase])
        for phase in (Phase.OPEN, Phase.ANNOUNCED, Phase.CLOSED, Phase.PUBLISHED)
    ]
    return web.render_page(
        "specifications/consultation/index.html", groups=groups, moment=now(session)
    )


@blueprint.get("/consultations/ours")
@access(Permission.SPECIFICATION_COMMENT)
def list_ours() -> ResponseReturnValue:
    """Show where the acting organisation can comment, and all that it said."""
    session = web.read_session()
    organisation_id = actor().organisation_id
    said = queries.list_comments_of(session, organisation_id) if organisation_id else []
    by_consultation: dict[uuid.UUID, list[ConsultationComment]] = {}
    for each in said:
        by_consultation.setdefault(each.consultation_id, []).append(each)
    shown = [
        (each, phase, by_consultation.get(each.id, []))
        for each in queries.list_consultations(session)
        if (phase := each.phase_at(now(session))) is Phase.OPEN or each.id in by_consultation
    ]
    withdrawn = [
        each.specification_version_id for each, phase, _ in shown if phase is Phase.WITHDRAWN
    ]
    return web.render_page(
        "specifications/consultation/ours.html",
        shown=shown,
        moment=now(session),
        ends=queries.list_ends(session, withdrawn) if withdrawn else {},
    )


@blueprint.get("/specifications/<code>/<label>/consultation")
@access(Permission.CATALOG_READ)
def show(code: str, label: str) -> ResponseReturnValue:
    """Show the period, what is asked, the own comments, and afterwards all with their dispositions."""
    session = web.read_session()
    consultation = _find_visible(session, code, label)
    phase = consultation.phase_at(now(session))
    is_published = phase is Phase.PUBLISHED
    comments = queries.list_comments(session, consultation.id) if is_published else []
    standing = [each for each in comments if each.state is not CommentState.WITHDRAWN]
    kind = wanted_format("html", "csv", "xlsx") if is_published else "html"
    if kind == "csv":
        name = f"{code}-{label}-consultation.csv"
        content = documents.comments_csv(standing)
        return answer_data("csv", content, filename=name, is_public=True)
    if kind == "xlsx":
        name = f"{code}-{label}-consultation.xlsx"
        content = documents.comments_xlsx(consultation, standing)
        return answer_data("xlsx", content, filename=name, is_public=True)
    number, page_count = read_page_number(), max(1, -(-len(standing) // PAGE_SIZE))
    if number > page_count:
        raise NotFound
    page = web.render_page(
        "specifications/consultation/show.html",
        consultation=consultation,
        version=consultation.specification_version,
        phase=phase,
        moment=now(session),
        earlier=_earlier(session, consultation.specification_version),
        comments=standing[(number - 1) * PAGE_SIZE : number * PAGE_SIZE],
        counts=tally(comments),
        pagination=_Pages(code, label, number, page_count),
        mine=_mine(session, consultation),
    )
    return answer_page(page)


@blueprint.route("/consultations/<uuid:consultation_id>/comments/new", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_COMMENT, write=Permission.SPECIFICATION_COMMENT)
def comment(consultation_id: uuid.UUID) -> ResponseReturnValue:
    """Comment for the acting organisation on one requirement or on the whole."""
    consultation = _find(web.read_session(), consultation_id)
    asked = request.args.get("requirement", "")
    form = Form(CommentSchema(), web.posted_form(), {"requirement_id": asked})

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        said = services.comment(session, actor(), consultation_id, **values)
        title = f"意見{said.number}を受け付けました"
        return _address(consultation), title, "締切りまでは、変更も取下げもできます。"

    if done := web.create_once(form, actor().person_id, act):
        return done
    closed = None if form.is_posted else _why_closed(consultation)
    return closed or _render_comment(consultation, form)


@blueprint.route(
    "/consultations/<uuid:consultation_id>/comments/<int:number>", methods=["GET", "POST"]
)
@access(Permission.COMMENT_EDIT, write=Permission.COMMENT_EDIT)
def edit_comment(consultation_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Change what the own organisation said."""
    said, consultation = _find_own(web.read_session(), consultation_id, number)
    initial = {name: getattr(said, name) for name in _COMMENT}
    form = Form(RevisionSchema(), web.posted_form(), initial)
    if not form.is_posted and (closed := _why_closed(consultation)):
        return closed
    done = web.complete(
        form,
        lambda session, **data: services.revise_comment(
            session, actor(), consultation_id, number, **data
        ),
        notice=(f"意見{number}を変更しました",),
        target=_address(consultation),
    )
    return done or _render_comment(consultation, form, said)


@blueprint.route(
    "/consultations/<uuid:consultation_id>/comments/<int:number>/withdraw",
    methods=["GET", "POST"],
)
@access(Permission.COMMENT_EDIT, write=Permission.COMMENT_EDIT)
def withdraw_comment(consultation_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Ask once more, then take the comment back."""
    said, consultation = _find_own(web.read_session(), consultation_id, number)
    form = Form(WithdrawalSchema(), web.posted_form(), {"version": said.version})
    if not form.is_posted and (closed := _why_closed(consultation)):
        return closed
    done = web.complete(
        form,
        lambda session, **data: services.withdraw_comment(
            session, actor(), consultation_id, number, **data
        ),
        notice=(f"意見{number}を取り下げました",),
        target=_address(consultation),
    )
    return done or web.render_page(
        "specifications/consultation/withdraw.html",
        form.status,
        form=form,
        said=said,
        consultation=consultation,
        version=consultation.specification_version,
    )


def _render_comment(
    consultation: Consultation, form: Form, said: ConsultationComment | None = None
) -> ResponseReturnValue:
    version = consultation.specification_version
    wanted = form.value("requirement_id").strip()
    return web.render_page(
        "specifications/consultation/comment.html",
        form.status,
        form=form,
        said=said,
        consultation=consultation,
        version=version,
        requirement=specifications.find_requirement(web.read_session(), version.id, wanted),
        proposals=ProposalKind.choices(),
    )


def _why_closed(consultation: Consultation) -> ResponseReturnValue | None:
    """Lead to the page of the consultation, with the reason, when no comment can come now."""
    try:
        services.require_open(web.read_session(), consultation)
    except GuardFailed as error:
        web.leave_notice("warn", "いまは意見を受け付けていません", error.message)
        return web.see_other(_address(consultation))
    return None


def _find(session: Session, consultation_id: uuid.UUID) -> Consultation:
    consultation = queries.get_consultation(session, consultation_id)
    if consultation is None:
        raise NotFound
    return consultation


def _find_visible(session: Session, code: str, label: str) -> Consultation:
    version = specifications.find_version(session, code, label)
    consultation = queries.find_consultation(session, version.id) if version else None
    if consultation is None or consultation.phase_at(now(session)) is Phase.WITHDRAWN:
        raise NotFound
    return consultation


def _find_own(
    session: Session, consultation_id: uuid.UUID, number: int
) -> tuple[ConsultationComment, Consultation]:
    consultation = _find(session, consultation_id)
    said = queries.find_comment(session, consultation_id, number)
    if said is None:
        raise NotFound
    require(session, actor(), Permission.COMMENT_EDIT, said)
    return said, consultation


def _mine(session: Session, consultation: Consultation) -> list[ConsultationComment]:
    organisation_id = actor().organisation_id
    if organisation_id is None or not can(actor(), Permission.SPECIFICATION_COMMENT):
        return []
    return queries.list_comments_of(session, organisation_id, consultation.id)


def _earlier(session: Session, version: SpecificationVersion) -> SpecificationVersion | None:
    """Return the version to compare with, when the actor may read both."""
    try:
        versions = visible_versions(session, version.specification)[::-1]
    except NotFound:
        return None
    return version_before(version, versions) if version in versions else None


def _address(consultation: Consultation) -> str:
    version = consultation.specification_version
    return url_for("consultations.show", code=version.specification.code, label=version.label)


class _Pages:
    """The pages of published comments."""

    def __init__(self, code: str, label: str, number: int, page_count: int) -> None:
        self._code, self._label = code, label
        self.number, self.page_count = number, page_count

    def href(self, number: int) -> str:
        """Return the address of a page."""
        page = number if number > 1 else None
        return url_for("consultations.show", code=self._code, label=self._label, page=page)
