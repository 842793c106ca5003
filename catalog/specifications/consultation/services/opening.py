"""Open a consultation on a draft, move its days, say who may read the text meanwhile."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications import queries as specifications
from catalog.specifications.consultation import queries
from catalog.specifications.consultation.models import Consultation, Phase
from catalog.specifications.consultation.services.records import (
    lock,
    person,
    record,
    require_unpublished,
)
from catalog.specifications.models import (
    SpecificationAction,
    SpecificationState,
    SpecificationVersion,
)
from core import outbox
from core.clock import day_in_japan, start_of_day
from core.db import now
from core.errors import Conflict, GuardFailed, Invalid

CONSULTATION_OPENED = "consultation.opened"


def open_consultation(
    session: Session,
    actor: Actor,
    subject: SpecificationVersion,
    *,
    version: int,
    opens_on: date,
    closes_on: date,
    about: str = "",
) -> Consultation:
    """Put a draft out for comments from 00:00 JST of the first day to the end of the last one."""
    fresh = require(session, actor, Permission.SPECIFICATION_CONSULT, subject)
    _check_period(opens_on, closes_on, first=day_in_japan(now(session)))
    if not specifications.count_requirements(session, [subject.id])[subject.id]:
        raise GuardFailed([("main", "要件が1件もありません。要件の表を取り込んでください。")])
    subject.apply(SpecificationAction.CONSULT, version)
    made = Consultation(
        specification_version_id=subject.id,
        opens_on=opens_on,
        closes_on=closes_on,
        about=about,
        opened_by_id=person(fresh),
    )
    session.add(made)
    session.flush()
    record(session, actor, "open", made, opens_on=str(opens_on), closes_on=str(closes_on))
    _call(session, made)
    return made


def change_period(
    session: Session,
    actor: Actor,
    consultation_id: uuid.UUID,
    *,
    version: int,
    opens_on: date,
    closes_on: date,
    about: str = "",
) -> Consultation:
    """Move the days; a period that has begun keeps its first day, and never ends in the past."""
    consultation = lock(session, consultation_id)
    require(session, actor, Permission.SPECIFICATION_CONSULT, consultation.specification_version)
    require_unpublished(session, consultation)
    today = day_in_japan(now(session))
    begun = consultation.opens_on <= today
    if begun and opens_on != consultation.opens_on:
        raise Invalid({"opens_on": "募集は始まっているため、始まる日は変えられません。"})
    _check_period(opens_on, closes_on, first=consultation.opens_on if begun else today)
    if closes_on < today:
        raise Invalid({"closes_on": "締切りの日は、今日以後の日付にしてください。"})
    opened_before, before = consultation.opens_on, consultation.closes_on
    consultation.revise(version, opens_on=opens_on, closes_on=closes_on, about=about)
    record(
        session,
        actor,
        "change_period",
        consultation,
        opens_on=str(opens_on),
        closes_on=str(closes_on),
        closed_before_on=str(before),
    )
    if (opens_on, closes_on) != (opened_before, before):
        _call(session, consultation)
    return consultation


def _call(session: Session, consultation: Consultation) -> None:
    """Send a message for those concerned, delivered when the text may be read."""
    payload = {
        "consultation_id": consultation.id,
        "opens_on": consultation.opens_on.isoformat(),
        "closes_on": consultation.closes_on.isoformat(),
    }
    due_at = max(now(session), start_of_day(consultation.opens_on))
    outbox.publish(session, CONSULTATION_OPENED, payload, due_at=due_at)


def _check_period(opens_on: date, closes_on: date, *, first: date) -> None:
    if opens_on < first:
        raise Invalid({"opens_on": "始まる日は、今日以後の日付にしてください。"})
    if closes_on < opens_on:
        raise Invalid({"closes_on": "締切りの日は、始まる日以後の日付にしてください。"})


def is_readable(session: Session, subject: SpecificationVersion) -> bool:
    """Tell whether everyone may read the draft: only while its consultation is open."""
    return bool(readable_versions(session, [subject]))


def readable_versions(
    session: Session, versions: Sequence[SpecificationVersion]
) -> frozenset[uuid.UUID]:
    """Return the ids of those versions whose consultation is open at this moment."""
    asked = [each.id for each in versions if each.state is SpecificationState.CONSULTATION]
    found = queries.list_consultations_of(session, asked) if asked else []
    return frozenset(
        each.specification_version_id for each in found if each.phase_at(now(session)) is Phase.OPEN
    )


def shown_with(
    session: Session, subject: SpecificationVersion, *, with_past: bool = False
) -> dict[str, Any]:
    """Return the consultation on a version and its phase for a page, None for a version without one.

    A past one, whose version has been approved, only if asked for.
    """
    is_running = subject.state is SpecificationState.CONSULTATION
    wanted = is_running or with_past
    consultation = queries.find_consultation(session, subject.id) if wanted else None
    phase = consultation.phase_at(now(session)) if consultation else None
    return {"consultation": consultation, "phase": phase}


def require_text_may_change(session: Session, subject: SpecificationVersion) -> None:
    """Raise Conflict while people comment on the text: it stays as they read it."""
    if is_readable(session, subject):
        raise Conflict(
            f"{subject.title}は意見の募集中なので、要件を取り込み直せません。"
            "締切りを過ぎてから取り込んでください。"
        )
