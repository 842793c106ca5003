"""The conditions of a conditional certificate: what must be met by when, and when it lapses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from catalog.certification.after_models import ConditionReport, ReportState
from catalog.certification.assessment import Assessment
from catalog.certification.models import Opinion
from catalog.conformance import Issue
from core.clock import day_in_japan, end_of_day
from core.errors import Invalid
from core.japanese import format_date


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be met by when; `requirement_id` is the ministry's id."""

    requirement_id: str
    due_on: date | None
    text: str = ""


def check_conditions(
    assessment: Assessment, decision: Opinion, conditions: Sequence[Condition], today: date
) -> list[dict[str, Any]]:
    """Return the conditions as stored; raises Invalid keyed `due_POSITION` of the requirement."""
    rolled = assessment.roll_up
    possible = {issue.requirement.id: issue for issue in (*rolled.conditions, *rolled.for_review)}
    given = {each.requirement_id: each for each in conditions if each.due_on is not None}
    if decision is Opinion.CERTIFY:
        if given:
            sentence = "条件を付けるときは「条件付きで認証する」を選択してください。"
            raise Invalid({"decision": sentence})
        return []
    needed = {issue.requirement.id for issue in rolled.conditions}
    errors = {
        f"due_{issue.requirement.position}": wrong
        for number, issue in possible.items()
        if number in needed | given.keys()
        and (wrong := _explain_due(issue, given.get(number), today))
    }
    if given.keys() - possible.keys():
        errors["decision"] = "条件にできるのは、まだ満たされていない要件と代替手段だけです。"
    elif not given and not needed:
        errors["decision"] = (
            "条件がありません。「認証する」を選択するか、条件の期限を入力してください。"
        )
    if errors:
        raise Invalid(errors)
    return [_stored(possible, given, each) for each in possible if each in given]


def lapse_of(
    conditions: Sequence[Mapping[str, Any]], reports: Collection[ConditionReport] = ()
) -> datetime | None:
    """Return when a certificate stops to count: the first due date over with its condition unmet.

    A report handed in by the due date that waits for a reviewer keeps its condition from lapsing.
    """
    waiting = {
        each.requirement_id: day_in_japan(each.reported_at)
        for each in reports
        if each.state is ReportState.REPORTED
    }
    days = [
        date.fromisoformat(each["due_on"])
        for each in conditions
        if each.get("due_on")
        and not each.get("fulfilled_on")
        and not _is_timely(waiting.get(each["requirement_id"]), each["due_on"])
    ]
    return end_of_day(min(days)) if days else None


def _is_timely(reported_on: date | None, due: str) -> bool:
    return reported_on is not None and reported_on <= date.fromisoformat(due)


def _explain_due(issue: Issue, condition: Condition | None, today: date) -> str | None:
    number, latest = issue.requirement.id, issue.requirement.conformity_date
    if condition is None or condition.due_on is None:
        return f"{number}の期限を入力してください。"
    if condition.due_on <= today:
        return f"{number}の期限は明日以後の日付にしてください。"
    if issue.reason is not None and latest is not None and condition.due_on > latest:
        return f"{number}の期限は適合基準日の{format_date(latest)}以前の日付にしてください。"
    return None


def _stored(
    possible: Mapping[str, Issue], given: Mapping[str, Condition], requirement_id: str
) -> dict[str, Any]:
    condition = given[requirement_id]
    return {
        "requirement_id": requirement_id,
        "name": possible[requirement_id].requirement.name,
        "due_on": condition.due_on.isoformat() if condition.due_on else None,
        "text": condition.text,
    }
