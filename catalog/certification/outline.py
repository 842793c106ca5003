"""What the pages of a review show: rows to read, filters, the way so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.certification.assessment import Assessment, strictest_class
from catalog.certification.models import DECIDED_STATES, Certification, ReviewState
from catalog.conformance import Issue
from catalog.offerings.models import ConformanceAnswer
from catalog.specifications.models import Requirement
from catalog.terms import RequirementClass

FILTERS = {
    "all": "すべて",
    "blocking": "認証を妨げる",
    "conditions": "条件になる",
    "for_review": "代替手段の確認",
    "unanswered": "未回答",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement with its answer and what there is to judge."""

    requirement: Requirement
    requirement_class: RequirementClass
    answer: ConformanceAnswer | None
    issue: Issue | None

    @property
    def answer_code(self) -> str:
        """The answer for its mark."""
        return self.answer.answer.value if self.answer else "unanswered"


@dataclass(frozen=True, slots=True)
class Filter:
    """One choice above the rows, with the number of rows it leaves."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, for the vertical list."""

    label: str
    state: str
    name: str | None = None
    at: datetime | None = None
    reason: str | None = None


def rows_of(assessment: Assessment) -> list[Row]:
    """Give every requirement in the order of the specification."""
    issues = assessment.issues
    return [
        Row(
            requirement,
            strictest_class(requirement),
            assessment.answers.get(requirement.id),
            issues.get(requirement.requirement_id),
        )
        for requirement in assessment.requirements
    ]


def filter_rows(assessment: Assessment, chosen: str) -> tuple[list[Row], list[Filter]]:
    """Give the rows that a filter leaves, and all filters with their counts."""
    rows = rows_of(assessment)
    rolled = assessment.roll_up
    kept = {
        "all": {row.requirement.requirement_id for row in rows},
        "blocking": {issue.requirement.id for issue in rolled.blocking},
        "conditions": {issue.requirement.id for issue in rolled.conditions},
        "for_review": {issue.requirement.id for issue in rolled.for_review},
        "unanswered": {r.requirement.requirement_id for r in rows if r.answer is None},
    }
    filters = [
        Filter(value, label, len(kept[value]), value == chosen) for value, label in FILTERS.items()
    ]
    return [row for row in rows if row.requirement.requirement_id in kept[chosen]], filters


_ORDER = (
    ReviewState.SUBMITTED,
    ReviewState.ASSIGNED,
    ReviewState.UNDER_REVIEW,
    ReviewState.RECOMMENDED,
)
_LABELS = (
    "担当する審査員を決める",
    "内容を確認する",
    "2人の意見をそろえる",
    "主任審査員が決定する",
)


def steps_of(certification: Certification, filed: int, reviewers: Sequence[str]) -> list[Step]:
    """Give the way of a review; `reviewers` are names for those who may know them."""
    state = certification.state
    done = Step("提出", "done", at=certification.submitted_at)
    if state in DECIDED_STATES:
        ends = [Step(label, "done") for label in _LABELS[:-1]]
        return [done, *ends, Step(f"決定：{state.label}", "done", at=certification.decided_at)]
    is_waiting = state is ReviewState.INFO_REQUESTED
    reached = 2 if is_waiting else _ORDER.index(state)
    if state is ReviewState.ASSIGNED:
        reached = 1
    steps = [done]
    for position, label in enumerate(_LABELS):
        place = "done" if position < reached else "now" if position == reached else "waiting"
        steps.append(Step(label, place, name=_note(position, filed, reviewers)))
    if is_waiting:
        reason = certification.offering_version.return_reason
        steps.insert(reached + 1, Step("事業者の説明を待つ", "returned", reason=reason))
    return steps


def _note(position: int, filed: int, reviewers: Sequence[str]) -> str | None:
    if position == 0:
        return "、".join(reviewers) or None
    return f"提出された意見 {filed}件" if position == 2 else None
