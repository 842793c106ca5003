"""Conditions of a certificate: the vendor reports that one is met, a reviewer confirms."""

import uuid
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.certification.after_models import ConditionReport, ReportAction, ReportState
from catalog.certification.models import Certification, ReviewAction, ReviewState, has_lapsed
from catalog.certification.queries import proceedings as queries
from catalog.certification.services.conditions import lapse_of
from catalog.certification.services.expiry import announce
from catalog.certification.services.measures import has_open_conditions
from catalog.certification.services.records import check_reason, check_state, lock, record
from catalog.certification.services.telling import (
    News,
    Task,
    tell,
    tell_leads,
    tell_reviewers,
    tell_users,
)
from core.clock import day_in_japan
from core.db import now
from core.errors import Conflict, Invalid, NotFound

_STATES = (ReviewState.CONDITIONAL, ReviewState.SUSPENDED)


def report_condition(
    session: Session,
    actor: Actor,
    certification: Certification,
    *,
    requirement_id: str,
    met_on: date,
    note: str,
    evidence_url: str = "",
) -> ConditionReport:
    """Tell that a condition (by the ministry's id) is met since a day; raises Conflict while a report stands."""
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_REPORT, review)
    check_state(review, *_STATES)
    moment = now(session)
    if actor.person_id is None:
        raise NotFound
    if not any(each["requirement_id"] == requirement_id for each in review.conditions):
        raise Invalid({"requirement_id": "条件の付いた要件を一覧から選択してください。"})
    check_reason(note, "note")
    if met_on > day_in_japan(moment):
        raise Invalid({"met_on": "満たした日は今日以前の日付にしてください。"})
    for each in queries.list_reports(session, review.id):
        if each.requirement_id == requirement_id and each.state is not ReportState.RETURNED:
            raise Conflict(f"この条件の報告はもう出されています（{each.state.label}）。")
    made = ConditionReport(
        certification_id=review.id,
        owner_id=review.owner_id,
        requirement_id=requirement_id,
        note=note,
        evidence_url=evidence_url,
        met_on=met_on,
        reported_by_id=actor.person_id,
        reported_at=moment,
    )
    session.add(made)
    session.flush()
    _date_lapse(session, review)
    record(session, actor, "report_condition", review, requirement_id=requirement_id, note=note)
    tell_reviewers(session, review, Task.JUDGE_REPORT)
    tell_leads(session, review, Task.JUDGE_REPORT, apart=review.assigned_ids)
    return made


def judge_report(
    session: Session,
    actor: Actor,
    certification: Certification,
    report_id: uuid.UUID,
    *,
    is_met: bool,
    note: str,
) -> Certification:
    """Confirm a report or hand it back with words; the last confirmed one makes the certificate plain."""
    review = lock(session, certification)
    actor = require(session, actor, Permission.CERTIFICATION_CONFIRM, review)
    check_state(review, *_STATES)
    report = session.get(ConditionReport, report_id, with_for_update=True)
    if report is None or report.certification_id != review.id:
        raise NotFound
    if not is_met:
        check_reason(note, "note")
    version = review.offering_version
    moment = now(session)
    judged: dict[str, Any] = {
        "judged_by_id": actor.person_id,
        "judged_at": moment,
        "judged_note": note,
    }
    report.apply(ReportAction.CONFIRM if is_met else ReportAction.RETURN, **judged)
    if is_met:
        _fulfil(review, report, day_in_japan(moment))
    has_moved = _date_lapse(session, review)
    if is_met or has_moved:
        announce(session, review, version)
    if has_lapsed(review, moment):
        tell_users(session, review)
    record(
        session,
        actor,
        "judge_report",
        review,
        requirement_id=report.requirement_id,
        is_met=is_met,
        note=note,
    )
    tell(session, review, News.CONDITION_JUDGED, name=version.name)
    return review


def _date_lapse(session: Session, review: Certification) -> bool:
    """Note when the certificate lapses now; tells whether that moved."""
    lapses_at = lapse_of(review.conditions, queries.list_reports(session, review.id))
    if lapses_at == review.lapses_at:
        return False
    review.revise(lapses_at=lapses_at)
    return True


def _fulfil(review: Certification, report: ConditionReport, today: date) -> None:
    conditions = [
        {**each, "fulfilled_on": today.isoformat()}
        if each["requirement_id"] == report.requirement_id
        else each
        for each in review.conditions
    ]
    review.revise(conditions=conditions)
    if review.state is ReviewState.CONDITIONAL and not has_open_conditions(review):
        review.apply(ReviewAction.FULFIL)
