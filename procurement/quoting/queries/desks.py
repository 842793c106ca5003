"""What waits on somebody's desk around requests for quotes, in one statement each."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from core.db import now
from procurement.projects.models import Project
from procurement.quoting.models import (
    LIVE_STATES,
    Question,
    Quote,
    QuoteExtension,
    QuoteInvitation,
    QuoteRound,
    RoundState,
)

MAXIMUM = 500
_OWNED: Any = joinedload(QuoteRound.project, innerjoin=True).joinedload(  # type: ignore[arg-type]
    Project.owner,  # type: ignore[arg-type]
    innerjoin=True,
)


def list_live(session: Session, project_ids: Sequence[uuid.UUID]) -> list[QuoteRound]:
    """Return the rounds of these projects that are drafted, decided on or out."""
    statement = (
        select(QuoteRound)
        .where(
            col(QuoteRound.project_id).in_(project_ids),
            col(QuoteRound.state).in_(LIVE_STATES),
        )
        .options(_OWNED)
        .order_by(col(QuoteRound.created_at), col(QuoteRound.id))
        .limit(MAXIMUM)
    )
    return list(session.exec(statement))


def count_unanswered(session: Session, rounds: Sequence[QuoteRound]) -> dict[uuid.UUID, int]:
    """Count the questions of the rounds that are out to which no answer is published."""
    out = _ids_out(rounds)
    if not out:
        return {}
    statement = (
        select(Question.round_id, func.count(col(Question.id)))
        .where(col(Question.round_id).in_(out), col(Question.published_at).is_(None))
        .group_by(col(Question.round_id))
    )
    return dict(session.exec(statement).all())


def find_extended(session: Session, rounds: Sequence[QuoteRound]) -> set[uuid.UUID]:
    """Return the rounds for which a later deadline is proposed and not yet approved."""
    out = _ids_out(rounds)
    if not out:
        return set()
    statement = (
        select(QuoteExtension.round_id)
        .join(QuoteRound, col(QuoteRound.id) == QuoteExtension.round_id)
        .where(
            col(QuoteExtension.round_id).in_(out),
            col(QuoteExtension.approved_by_id).is_(None),
            col(QuoteExtension.returned_at).is_(None),
            QuoteExtension.previous_deadline_at == QuoteRound.deadline_at,
        )
    )
    return set(session.exec(statement))


def list_to_quote(session: Session, organisation_id: uuid.UUID) -> list[QuoteInvitation]:
    """Return the requests to a vendor that are open and have neither quote nor refusal, by deadline."""
    statement = (
        select(QuoteInvitation)
        .join(QuoteRound, col(QuoteRound.id) == QuoteInvitation.round_id)
        .where(*open_to(organisation_id, now(session)))
        .options(
            joinedload(QuoteInvitation.round, innerjoin=True).options(_OWNED)  # type: ignore[arg-type]
        )
        .order_by(col(QuoteRound.deadline_at), col(QuoteInvitation.id))
        .limit(MAXIMUM)
    )
    return list(session.exec(statement))


def open_to(organisation_id: uuid.UUID, moment: datetime) -> tuple[Any, ...]:
    """Return what holds for an invitation and its round while the vendor has to hand in a quote."""
    handed_in = exists().where(
        col(Quote.invitation_id) == QuoteInvitation.id, col(Quote.withdrawn_at).is_(None)
    )
    return (
        QuoteInvitation.addressee_id == organisation_id,
        QuoteRound.state == RoundState.SENT,
        col(QuoteRound.deadline_at) >= moment,
        col(QuoteInvitation.declined_at).is_(None),
        ~handed_in,
    )


def _ids_out(rounds: Sequence[QuoteRound]) -> list[uuid.UUID]:
    return [each.id for each in rounds if each.state is RoundState.SENT]
