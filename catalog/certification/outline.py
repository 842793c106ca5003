"""What the pages of a review show: rows to read, filters, the way so far."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.certification.assessment import Assessment, strictest_class
from catalog.certification.models import DECIDED_STATES, Certification, Finding, ReviewState
from catalog.conformance import Issue
from catalog.offerings.models import ConformanceAnswer
from catalog.offerings.rules import group_by_chapter
from catalog.offerings.views.frame import ANSWERS_PER_PAGE
from catalog.specifications.models import Requirement
from catalog.terms import RequirementClass


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement with its answer and what there is to judge."""

    requirement: Requirement
    requirement_class: RequirementClass
    answer: ConformanceAnswer | None
    issue: Issue | None
    findings: tuple[Finding, ...] = ()

    @property
    def answer_code(self) -> str:
        """The answer for its mark."""
        return self.answer.answer.value if self.answer else "unanswered"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, for the vertical list."""

    label: str
    state: str
    name: str | None = None
    at: datetime | None = None
    reason: str | None = None


def rows_of(assessment: Assessment, findings: Sequence[Finding] = ()) -> list[Row]:
    """Give every requirement in the order of the specification, with the findings on it."""
    issues = assessment.issues
    by_row: dict[uuid.UUID | None, list[Finding]] = {}
    for finding in findings:
        by_row.setdefault(finding.requirement_id, []).append(finding)
    return [
        Row(
            requirement,
            strictest_class(requirement),
            assessment.answers.get(requirement.id),
            issues.get(requirement.requirement_id),
            tuple(by_row.get(requirement.id, ())),
        )
        for requirement in assessment.requirements
    ]


def places_of(requirements: Sequence[Requirement]) -> dict[uuid.UUID, tuple[int, int]]:
    """Give for each requirement the chapter and page on which the vendor answers it."""
    places = {}
    for number, (_, members) in enumerate(group_by_chapter(requirements), start=1):
        for index, each in enumerate(members):
            places[each.id] = (number, index // ANSWERS_PER_PAGE + 1)
    return places


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
    here = "waiting" if is_waiting else "now"
    for position, label in enumerate(_LABELS):
        place = "done" if position < reached else here if position == reached else "waiting"
        steps.append(Step(label, place, name=_note(position, filed, reviewers)))
    if is_waiting:
        reason = certification.offering_version.return_reason
        steps.insert(reached + 1, Step("事業者の説明を待つ", "returned", reason=reason))
    return steps


def _note(position: int, filed: int, reviewers: Sequence[str]) -> str | None:
    if position == 0:
        return "、".join(reviewers) or None
    return f"提出された意見 {filed}件" if position == 2 else None
