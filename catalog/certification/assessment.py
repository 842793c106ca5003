"""What a submission amounts to today, and the numbers that a certificate keeps."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sqlmodel import Session

from catalog.certification.checks import Check, CheckOutcome, SpecificationDates, run_checks, sum_up
from catalog.certification.models import REVIEWERS, Certification, Recommendation
from catalog.conformance import Issue, RequirementEntry, RollUp, roll_up
from catalog.offerings.content import (
    answer_entries,
    hash_content,
    offering_content,
    requirement_entries,
)
from catalog.offerings.models import ConformanceAnswer, OfferingVersion
from catalog.offerings.queries import list_answers
from catalog.specifications.models import Requirement, SpecificationVersion
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer, BodyClass, RequirementClass
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed

UNANSWERED = "unanswered"
COUNTED = (*(answer.value for answer in Answer), UNANSWERED)
_STRICTEST_FIRST = (RequirementClass.MUST, RequirementClass.MUST_NOT, RequirementClass.MAY)


@dataclass(frozen=True)
class Assessment:
    """Requirements and answers of a review by requirement row, and what they amount to on a day.

    What is worked out from them is worked out when it is asked for, once.
    """

    version: OfferingVersion
    requirements: Sequence[Requirement]
    answers: Mapping[uuid.UUID, ConformanceAnswer]
    day: date

    @cached_property
    def roll_up(self) -> RollUp:
        """What the answers amount to."""
        return roll_up(self._entries, answer_entries(self.answers), self.day)

    @cached_property
    def content_sha256(self) -> str:
        """The hash of the content as it is now."""
        return hash_content(offering_content(self.version, self.answers))

    @cached_property
    def checks(self) -> Sequence[Check]:
        """The automatic checks."""
        return _run(self._entries, self.answers, self.version.specification_version, self.day)

    @cached_property
    def _entries(self) -> list[RequirementEntry]:
        return requirement_entries(self.requirements)

    @property
    def check_outcome(self) -> CheckOutcome:
        """What the automatic checks amount to."""
        return sum_up(self.checks)

    @property
    def issues(self) -> dict[str, Issue]:
        """What a reviewer must look at, by the ministry's requirement id."""
        rolled = self.roll_up
        found = (*rolled.blocking, *rolled.conditions, *rolled.for_review)
        return {issue.requirement.id: issue for issue in found}


def assess(
    session: Session, certification: Certification, *, with_evidence: bool = True
) -> Assessment:
    """Return what the answers under review amount to today (2 statements).

    Raises GuardFailed for a specification version without requirements. Without the evidence
    files neither hash nor checks may be asked for.
    """
    version = certification.offering_version
    requirements = list_requirements(session, certification.specification_version_id)
    answers = list_answers(session, [version.id], with_evidence=with_evidence)[version.id]
    if not requirements:
        raise GuardFailed([("main", "この標準仕様書の版には要件がないので、審査できません。")])
    return Assessment(version, requirements, answers, day_in_japan(now(session)))


def check_answers(
    requirements: Sequence[Requirement],
    answers: Mapping[uuid.UUID, ConformanceAnswer],
    version: SpecificationVersion,
    today: date,
) -> list[Check]:
    """Run the automatic checks on stored answers; nothing is written."""
    return _run(requirement_entries(requirements), answers, version, today)


def _run(
    entries: Sequence[RequirementEntry],
    answers: Mapping[uuid.UUID, ConformanceAnswer],
    version: SpecificationVersion,
    today: date,
) -> list[Check]:
    return run_checks(
        entries,
        answer_entries(answers),
        {row.requirement.requirement_id for row in answers.values() if row.has_evidence},
        SpecificationDates(version.published_on, version.transition_ends_on),
        today,
    )


def strictest_class(requirement: Requirement) -> RequirementClass:
    """Give the strictest class over all kinds of body, as the roll-up counts it."""
    found = {requirement.class_for(body) for body in BodyClass}
    return next(each for each in _STRICTEST_FIRST if each in found)


def tally(assessment: Assessment) -> dict[str, Any]:
    """Give the numbers of answers per class and per chapter, as the certificate keeps them."""
    classes: dict[str, Counter[str]] = {}
    chapters: dict[str, Counter[str]] = {}
    for requirement in assessment.requirements:
        row = assessment.answers.get(requirement.id)
        answer = row.answer.value if row else UNANSWERED
        classes.setdefault(strictest_class(requirement).value, Counter())[answer] += 1
        chapters.setdefault(requirement.chapter, Counter())[answer] += 1
    return {
        "verdict": assessment.roll_up.verdict.value,
        "classes": [
            {"class": each.value, **_counts(classes[each.value])}
            for each in RequirementClass
            if each.value in classes
        ],
        "chapters": [{"chapter": name, **_counts(found)} for name, found in chapters.items()],
    }


def _counts(found: Counter[str]) -> dict[str, int]:
    return {"total": found.total(), **{name: found[name] for name in COUNTED}}


def visible_opinions(
    certification: Certification, opinions: Iterable[Recommendation], reader_id: uuid.UUID | None
) -> list[Recommendation]:
    """Give the opinions that a reader may see: a reviewer the colleague's after filing, others both.

    Whoever is assigned counts as reviewer, whatever other role they hold. Nobody else reads the
    first opinion while the second one is open: who knew it could still choose the second reviewer.
    """
    filed = list(opinions)
    if reader_id not in certification.assigned_ids:
        is_open = certification.decided_at is None and len(filed) < REVIEWERS
        return [] if is_open else filed
    own = any(opinion.reviewer_id == reader_id for opinion in filed)
    return filed if own else []
