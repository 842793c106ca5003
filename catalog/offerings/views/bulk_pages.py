"""Pages that treat many answers at once: the rest of a chapter, and a copy to another specification."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.offerings import services
from catalog.offerings.answer_rules import AnswerValues, allowed_answers
from catalog.offerings.answer_schemas import EARLIER, REST_ANSWERS, CopySchema, RestSchema
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.offerings.rules import explain_refusal
from catalog.offerings.views.frame import blueprint, offering_for
from catalog.offerings.views.statement import Statement, load_statement
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.queries import list_versions_of
from catalog.terms import Answer
from core import web
from core.errors import WrongState
from core.forms import Form

_EDIT = Permission.OFFERING_EDIT


@blueprint.route(
    "/offerings/<uuid:offering_version_id>/answers/<int:chapter>/rest", methods=["GET", "POST"]
)
@access(_EDIT, write=_EDIT)
def answer_rest(offering_version_id: uuid.UUID, chapter: int) -> ResponseReturnValue:
    """Give all unanswered requirements of a chapter one answer."""
    statement = load_statement(web.read_session(), offering_version_id, _EDIT)
    title, members = statement.chapter(chapter)
    if not statement.is_editable:
        raise WrongState("提出したあとは、回答を変えられません。", state=statement.version.state)
    form = Form(RestSchema(), web.posted_form(), {"version": statement.version.version})
    back = url_for(
        "vendor_offerings.edit_answers", offering_version_id=offering_version_id, chapter=chapter
    )

    def save(session: Session, data: dict[str, Any]) -> tuple[int, int]:
        given = data["answer"]
        return services.answer_rest(
            session,
            actor(),
            offering_for(session, offering_version_id, _EDIT),
            version=data["version"],
            chapter=title,
            values=None if given == EARLIER else AnswerValues(Answer(given), data["note"]),
        )

    saved = form.submit(save) if form.is_posted else None
    if saved is not None:
        count, kept = saved
        words = "一件ずつ直すこともできます。"
        if kept:
            words = f"書きかけの{kept}件はそのままです。一件ずつ確かめて保存してください。"
        web.leave_notice("done", f"{count}件の要件に回答しました", words)
        return web.see_other(back)
    rest = [each for each in members if each.id not in statement.answers]
    return web.render_page(
        "offerings/answer_rest.html",
        form.status,
        form=form,
        version=statement.version,
        chapter_title=title or "章のない要件",
        rest=rest,
        choices=_rest_choices(statement, rest),
        back_href=back,
    )


def _rest_choices(statement: Statement, rest: list[Any]) -> list[tuple[str, str]]:
    """Return the answers that fit some of the requirements, with how many each fits."""
    choices = []
    earlier = sum(statement.earlier_answer(each) is not None for each in rest)
    if earlier:
        choices.append((EARLIER, f"前の版と同じ回答（{earlier}件）"))
    for answer in REST_ANSWERS:
        count = sum(answer in allowed_answers(each) for each in rest)
        if count:
            choices.append((answer.value, f"{answer.label}（{count}件）"))
    return choices


@blueprint.route("/offerings/<uuid:offering_version_id>/copy", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def copy_to_specification(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Carry a published offering to another version of its specification."""
    session = web.read_session()
    base = offering_for(session, offering_version_id, _EDIT)
    if base.state not in {OfferState.PUBLISHED, OfferState.SUPERSEDED}:
        raise WrongState("公開した版だけを、標準仕様書の別の版へ写せます。", state=base.state)
    form = Form(CopySchema(), web.posted_form())

    def copy(writing: Session, data: dict[str, Any]) -> OfferingVersion:
        row = offering_for(writing, offering_version_id, _EDIT)
        return services.copy_to_specification(writing, actor(), row, **data)

    made = form.submit(copy) if form.is_posted else None
    if made is not None:
        web.leave_notice(
            "done",
            "新しい版の下書きを作りました",
            "変わった要件に回答し、料金を入力してください。",
        )
        return web.see_other(url_for("vendor_offerings.list_answers", offering_version_id=made.id))
    return web.render_page(
        "offerings/copy.html",
        form.status,
        form=form,
        version=base,
        targets=[(each, services.plan_copy(session, base, each)) for each in _targets(base)],
    )


def _targets(base: OfferingVersion) -> list[SpecificationVersion]:
    versions = list_versions_of(web.read_session(), base.specification_version.specification_id)
    return [
        each
        for each in versions
        if each.id != base.specification_version_id and explain_refusal(each) is None
    ]
