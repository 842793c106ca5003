"""What the public page of a listing shows of conformance: tallies and rows per chapter. Pure."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.conformance import Outcome, judge_answer
from catalog.offerings.content import answer_entries, requirement_entries
from catalog.offerings.models import ConformanceAnswer
from catalog.specifications.models import Requirement
from catalog.terms import RequirementClass


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One requirement with the vendor's answer; None is unanswered."""

    requirement: Requirement
    requirement_class: RequirementClass
    answer: ConformanceAnswer | None


@dataclass(frozen=True, slots=True)
class ChapterTally:
    """A chapter: how many requirements of each class are met, and how many have no answer."""

    title: str
    met: Mapping[RequirementClass, int]
    total: Mapping[RequirementClass, int]
    unanswered: int
    rows: tuple[ShownAnswer, ...]

    def share(self, requirement_class: RequirementClass) -> str:
        """Return 58／58, empty where the chapter has none of the class."""
        total = self.total[requirement_class]
        return f"{self.met[requirement_class]}／{total}" if total else ""


def tally_chapters(
    requirements: Sequence[Requirement], answers: Mapping[uuid.UUID, ConformanceAnswer]
) -> list[ChapterTally]:
    """Return chapters in the order of the specification; a class is the strictest of all bodies."""
    given = answer_entries(answers)
    chapters: dict[str, list[tuple[ShownAnswer, Outcome]]] = {}
    for row, entry in zip(requirements, requirement_entries(requirements), strict=True):
        requirement_class = entry.class_for(None)
        if requirement_class is None:
            continue
        outcome = judge_answer(requirement_class, given.get(entry.id))
        shown = ShownAnswer(row, requirement_class, answers.get(row.id))
        chapters.setdefault(row.chapter, []).append((shown, outcome))
    return [_tally(title, members) for title, members in chapters.items()]


def _tally(title: str, members: list[tuple[ShownAnswer, Outcome]]) -> ChapterTally:
    met = dict.fromkeys(RequirementClass, 0)
    total = dict.fromkeys(RequirementClass, 0)
    for shown, outcome in members:
        total[shown.requirement_class] += 1
        met[shown.requirement_class] += outcome is Outcome.MET
    return ChapterTally(
        title=title,
        met=met,
        total=total,
        unanswered=sum(outcome is Outcome.UNANSWERED for _, outcome in members),
        rows=tuple(shown for shown, _ in members),
    )
