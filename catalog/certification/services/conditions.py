"""The conditions of a conditional certificate: what must be met by when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.certification.assessment import Assessment
from catalog.certification.models import Opinion
from catalog.conformance import Issue
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
