"""What the body says to everybody while quotes are awaited: answers to questions, a later deadline."""

import uuid
from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core.clock import day_in_japan
from core.db import now
from core.errors import Conflict, Forbidden, GuardFailed, Invalid, NotFound
from procurement.quoting import queries
from procurement.quoting.models import Question, QuoteExtension, QuoteRound
from procurement.quoting.services.answering import require_open
from procurement.quoting.services.frame import closing_of, hold_round, record, tell_invited


def answer_question(
    session: Session,
    actor: Actor,
    question: Question,
    *,
    version: int,
    published_text: str,
    answer: str,
) -> Question:
    """Keep the words to publish: the question as everybody may read it, and the answer."""
    held = hold_round(session, question.round_id)
    actor = require(session, actor, Permission.QUESTION_ANSWER, held)
    require_open(session, held)
    question.revise(version, published_text=published_text, answer=answer)
    record(session, actor, held, "question.answer")
    return question


def publish_answers(session: Session, actor: Actor, round_: QuoteRound) -> int:
    """Publish all answers at once to everybody who is asked; returns how many."""
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUESTION_ANSWER, held)
    require_open(session, held)
    waiting = [
        each
        for each in queries.list_questions(session, held.id)
        if each.published_at is None and each.answer
    ]
    if not waiting:
        raise GuardFailed([("main", "公開する答えがありません。先に答えを書いてください。")])
    for each in waiting:
        each.revise(published_at=now(session), answered_by_id=actor.person_id)
    invitations = queries.list_invitations(session, held.id)
    tell_invited(session, invitations, "見積依頼の質問に答えました", held.deadline_at)
    record(session, actor, held, "question.publish", answers=len(waiting))
    return len(waiting)


def propose_extension(
    session: Session, actor: Actor, round_: QuoteRound, *, deadline_on: date, reason: str
) -> QuoteExtension:
    """Propose a later deadline for everybody; another person approves it before the present one."""
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUOTE_ROUND_EDIT, held)
    require_open(session, held)
    if actor.person_id is None:
        raise NotFound
    if deadline_on <= day_in_japan(held.deadline_at):
        raise Invalid({"deadline_on": "新しい締切は、今の締切より後の日付にしてください。"})
    if queries.open_extension(session, held) is not None:
        raise Conflict("決裁を待っている延長の案があります。")
    made = QuoteExtension(
        round_id=held.id,
        owner_id=held.owner_id,
        previous_deadline_at=held.deadline_at,
        deadline_at=closing_of(deadline_on),
        reason=reason,
        proposed_by_id=actor.person_id,
    )
    session.add(made)
    session.flush()
    record(session, actor, held, "quote_round.propose_extension", reason=reason)
    return made


def approve_extension(
    session: Session, actor: Actor, round_: QuoteRound, *, extension_id: uuid.UUID
) -> QuoteRound:
    """Approve the proposed deadline as another person, before the present one has come; tell all."""
    held, actor, extension = _begin_decision(session, actor, round_, extension_id)
    extension.revise(approved_by_id=actor.person_id, approved_at=now(session))
    held.revise(deadline_at=extension.deadline_at)
    invitations = queries.list_invitations(session, held.id)
    tell_invited(session, invitations, "見積の締切が延びました", held.deadline_at)
    until = held.deadline_at.isoformat()
    record(session, actor, held, "quote_round.extend", reason=extension.reason, until=until)
    return held


def return_extension(
    session: Session, actor: Actor, round_: QuoteRound, *, extension_id: uuid.UUID, reason: str
) -> QuoteRound:
    """Return the proposed deadline with a reason, so that the clerk proposes another or leaves it."""
    held, actor, extension = _begin_decision(session, actor, round_, extension_id)
    extension.revise(returned_at=now(session), return_reason=reason)
    record(session, actor, held, "quote_round.return_extension", reason=reason)
    return held


def _begin_decision(
    session: Session, actor: Actor, round_: QuoteRound, extension_id: uuid.UUID
) -> tuple[QuoteRound, Actor, QuoteExtension]:
    """Hold the round and give the proposal that was read; one that took its place is not decided."""
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUOTE_ROUND_DECIDE, held)
    require_open(session, held)
    extension = queries.open_extension(session, held)
    if extension is None:
        raise Conflict("決裁を待っている延長の案はありません。")
    if extension.id != extension_id:
        raise GuardFailed([("main", "案が作り直されています。今の案を読んで、決裁してください。")])
    if actor.person_id == extension.proposed_by_id:
        raise Forbidden("延長の案を作った人は決裁できません。別の決裁者に頼んでください。")
    return held, actor, extension
