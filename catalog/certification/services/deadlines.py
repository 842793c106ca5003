"""What days do to an open review: a question becomes overdue, the automatic checks turn."""

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from catalog.certification import queries
from catalog.certification.assessment import check_answers
from catalog.certification.checks import CheckOutcome, sum_up
from catalog.certification.models import OPEN_STATES, Certification, ReviewState
from catalog.certification.services.telling import News, Task, tell, tell_leads, tell_reviewers
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import list_answers
from catalog.specifications.queries import list_requirements
from core import outbox
from core.clock import day_in_japan, end_of_day, start_of_day
from core.db import now

INFO_NEAR = "certification.info_near"
INFO_DUE = "certification.info_due"
CHECKS_TURN = "certification.checks_turn"
DAYS_BEFORE = (7, 1)


def announce_question(session: Session, review: Certification, due_on: date) -> None:
    """Send messages to be delivered before the day by which the vendor answers, and after it."""
    details = {"certification_id": review.id, "due_on": due_on.isoformat()}
    outbox.publish(session, INFO_DUE, details, due_at=end_of_day(due_on))
    for days in DAYS_BEFORE:
        due_at = start_of_day(due_on - timedelta(days=days))
        if due_at > now(session):
            outbox.publish(session, INFO_NEAR, details, due_at=due_at)


def remind_of_question(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.info_near`: remind the vendor of a question without an answer."""
    found = _find_waiting(session, payload)
    if found is not None and found.info_due_on and found.info_due_on >= day_in_japan(now(session)):
        name = found.offering_version.name
        tell(session, found, News.INFO_NEAR, name=name, due_on=found.info_due_on)


def announce_overdue_question(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.info_due`: tell the vendor, the reviewers and the leads."""
    found = _find_waiting(session, payload)
    if found is not None:
        tell(session, found, News.INFO_DUE, name=found.offering_version.name)
        tell_reviewers(session, found, Task.INFO_DUE)
        tell_leads(session, found, Task.INFO_DUE, apart=found.assigned_ids)


def _find_waiting(session: Session, payload: Mapping[str, Any]) -> Certification | None:
    """Return the review if it still waits for the answer to the same question."""
    found = queries.get_certification(session, uuid.UUID(payload["certification_id"]))
    if found is None or found.state is not ReviewState.INFO_REQUESTED or found.info_due_on is None:
        return None
    return found if found.info_due_on.isoformat() == payload["due_on"] else None


def judge_checks(session: Session, review: Certification, version: OfferingVersion) -> CheckOutcome:
    """Return what the automatic checks amount to today, and have them run again when that turns.

    A date of conformity comes, a promised day passes, a text becomes public or its transition ends.
    """
    answers = list_answers(session, [version.id])[version.id]
    requirements = list_requirements(session, version.specification_version_id)
    specification = version.specification_version
    ends_on = specification.transition_ends_on
    days = {
        *(each.conformity_date for each in requirements),
        *(each.due_on for each in answers.values()),
        specification.published_on,
        ends_on + timedelta(days=1) if ends_on else None,
    }
    today = day_in_japan(now(session))
    outcome = sum_up(check_answers(requirements, answers, specification, today))
    for day in sorted(each for each in days if each and each > today):
        if sum_up(check_answers(requirements, answers, specification, day)) is not outcome:
            details = {"certification_id": review.id, "sha256": version.content_sha256}
            outbox.publish(session, CHECKS_TURN, details, due_at=start_of_day(day))
            break
    return outcome


def turn_checks(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.checks_turn`: let the queue say what the checks say today."""
    found = queries.lock_certification(session, uuid.UUID(payload["certification_id"]))
    if found is None or found.state not in OPEN_STATES:
        return
    if found.evaluated_sha256 == payload["sha256"]:
        found.revise(check_outcome=judge_checks(session, found, found.offering_version))


HANDLERS = {
    INFO_NEAR: remind_of_question,
    INFO_DUE: announce_overdue_question,
    CHECKS_TURN: turn_checks,
}
