"""Pages on the body's side while quotes are awaited: questions, answers, a later deadline."""

import uuid
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
from procurement.quoting import queries, services
from procurement.quoting.schemas import AnswerSchema, ExtensionSchema, PlainConfirmSchema
from procurement.quoting.views.frame import (
    Act,
    blueprint,
    explain_early,
    is_open,
    load_round,
    read_round,
    round_url,
    show_act,
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
    if not is_open(found):
        sentence = "延ばせるのは、依頼した後、締切の前だけです。"
        return explain_early(
            "締切は、今は延ばせません", sentence, round_url(round_id), round_row=found
        )
    form = Form(ExtensionSchema(), web.posted_form())

    def do(session: Session, **said: Any) -> object:
        return services.propose_extension(session, actor(), load_round(session, round_id), **said)

    done = web.complete(
        form, do, notice=("締切を延ばす案を決裁者に提出しました",), target=round_url(round_id)
    )
    return done or web.render_page("quoting/extend.html", form.status, form=form, round_row=found)


@blueprint.route("/quote-rounds/<uuid:round_id>/extension", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_DECIDE, write=_P.QUOTE_ROUND_DECIDE)
def approve_extension(round_id: uuid.UUID) -> ResponseReturnValue:
    """Approve the later deadline as another person."""
    found = read_round(round_id)
    session = web.read_session()
    extension = queries.open_extension(session, found)
    if extension is None or not is_open(found):
        sentence = "決裁を待っている延長の案がないか、締切を過ぎています。"
        return explain_early(
            "延長は、今は決裁できません", sentence, round_url(round_id), round_row=found
        )
    form = Form(PlainConfirmSchema(), web.posted_form())
    people = list_people(session, [extension.proposed_by_id])
    act = Act(
        heading="見積の締切を延ばしますか",
        check="新しい締切と理由を確認しました",
        button="締切を延ばす",
        notice="締切を延ばし、依頼先のすべてに知らせました",
        warning="依頼先のすべてに同じ知らせが届きます",
        words=f"理由：{extension.reason}（案を作った人：{people[extension.proposed_by_id].name}）",
        back=round_url(round_id),
    )

    def do(writing: Session) -> object:
        return services.approve_extension(writing, actor(), load_round(writing, round_id))

    return show_act(form, act, do, round_row=found, until=extension.deadline_at)
