"""Pages on the body's side while quotes are awaited: questions, answers, a later deadline."""

import uuid
from functools import partial
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from accounts.queries import list_people
from core import web
from core.errors import NotFound
from core.forms import Form
from core.japanese import format_datetime
from procurement.projects.schemas import Decision
from procurement.quoting import queries, services
from procurement.quoting.models import QuoteRound
from procurement.quoting.schemas import (
    AnswerSchema,
    ExtensionDecisionSchema,
    ExtensionSchema,
    PlainConfirmSchema,
)
from procurement.quoting.views.frame import (
    blueprint,
    explain_early,
    is_open,
    load_round,
    read_round,
    round_url,
)

_P = Permission


@blueprint.route("/quote-rounds/<uuid:round_id>/questions", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_READ, write=_P.QUESTION_ANSWER)
def questions(round_id: uuid.UUID) -> ResponseReturnValue:
    """List the questions without who asked; publish all answers at once to everybody."""
    found = read_round(round_id)
    form = Form(PlainConfirmSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session: services.publish_answers(session, actor(), load_round(session, round_id)),
        notice=("答えを、依頼先のすべてに公開しました",),
        target=url_for("quoting.questions", round_id=round_id),
    )
    asked = queries.list_questions(web.read_session(), found.id)
    return done or web.render_page(
        "quoting/questions.html",
        form.status,
        form=form,
        round_row=found,
        questions=asked,
        ready=[each for each in asked if each.published_at is None and each.answer],
        is_open=is_open(found),
    )


@blueprint.route(
    "/quote-rounds/<uuid:round_id>/questions/<uuid:question_id>", methods=["GET", "POST"]
)
@access(_P.QUESTION_ANSWER, write=_P.QUESTION_ANSWER)
def answer(round_id: uuid.UUID, question_id: uuid.UUID) -> ResponseReturnValue:
    """Edit the question so that it names nobody, and answer it."""
    found = read_round(round_id, _P.QUESTION_ANSWER)
    session = web.read_session()
    question = queries.get_question(session, question_id)
    if question is None or question.round_id != found.id:
        raise NotFound
    back = url_for("quoting.questions", round_id=round_id)
    if not is_open(found) or question.published_at is not None:
        sentence = "答えを公開したか、締切を過ぎたため、この質問の答えは変えられません。"
        return explain_early("答えは、今は書けません", sentence, back, round_row=found)
    initial = question.model_dump(include={"version", "answer"})
    initial["published_text"] = question.published_text or question.original
    form = Form(AnswerSchema(), web.posted_form(), initial)

    def do(writing: Session, **said: Any) -> object:
        held = queries.get_question(writing, question_id)
        if held is None:
            raise NotFound
        return services.answer_question(writing, actor(), held, **said)

    done = web.complete(form, do, notice=("答えを保存しました。まだ公開していません",), target=back)
    return done or web.render_page(
        "quoting/answer.html", form.status, form=form, round_row=found, question=question
    )


@blueprint.route("/quote-rounds/<uuid:round_id>/extend", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_EDIT, write=_P.QUOTE_ROUND_EDIT)
def extend(round_id: uuid.UUID) -> ResponseReturnValue:
    """Propose a later deadline for everybody."""
    found = read_round(round_id)
    if sentence := _why_not_extended(found):
        return explain_early(
            "締切を延ばす案は、今は作れません", sentence, round_url(round_id), round_row=found
        )
    form = Form(ExtensionSchema(), web.posted_form())

    def do(session: Session, **said: Any) -> object:
        return services.propose_extension(session, actor(), load_round(session, round_id), **said)

    notice = ("締切を延ばす案を決裁者に提出しました", "決裁されるまで、締切は変わりません。")
    done = web.complete(form, do, notice=notice, target=round_url(round_id))
    return done or web.render_page("quoting/extend.html", form.status, form=form, round_row=found)


def _why_not_extended(found: QuoteRound) -> str:
    if not is_open(found):
        return "延ばせるのは、依頼した後、締切の前だけです。"
    waiting = queries.open_extension(web.read_session(), found)
    if waiting is None:
        return ""
    return (
        f"締切を{format_datetime(waiting.deadline_at)}に延ばす案が、決裁を待っています。"
        "直すときは、決裁者に差し戻してもらってから、作り直してください。"
    )


@blueprint.route("/quote-rounds/<uuid:round_id>/extension", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_DECIDE, write=_P.QUOTE_ROUND_DECIDE)
def decide_extension(round_id: uuid.UUID) -> ResponseReturnValue:
    """Approve the later deadline as another person, or return it."""
    found = read_round(round_id)
    extension = queries.open_extension(web.read_session(), found)
    if extension is None or not is_open(found):
        sentence = "決裁を待っている延長の案がないか、締切を過ぎています。"
        return explain_early(
            "延長は、今は決裁できません", sentence, round_url(round_id), round_row=found
        )
    form = Form(ExtensionDecisionSchema(), web.posted_form())
    if form.is_posted and (done := form.submit(partial(_decide, round_id))):
        web.leave_notice("done", *done)
        return web.see_other(round_url(round_id))
    session = web.refresh_read_session()
    return web.render_page(
        "quoting/extension.html",
        form.status,
        form=form,
        round_row=found,
        extension=queries.open_extension(session, found) or extension,
        people=list_people(session, [extension.proposed_by_id]),
        is_own=extension.proposed_by_id == actor().person_id,
        decisions=Decision.choices(),
    )


def _decide(round_id: uuid.UUID, session: Session, data: dict[str, Any]) -> tuple[str, ...]:
    found, extension_id = load_round(session, round_id), data["extension_id"]
    if data["decision"] is Decision.RETURN:
        said = {"extension_id": extension_id, "reason": data["reason"]}
        services.return_extension(session, actor(), found, **said)
        return "締切を延ばす案を差し戻しました", "締切は変わりません。"
    services.approve_extension(session, actor(), found, extension_id=extension_id)
    return ("締切を延ばし、依頼先のすべてに知らせました",)
