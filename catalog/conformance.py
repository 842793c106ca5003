"""What a vendor's answers amount to against a specification version. Pure.

The rule: an 実装必須 that is not met although its 適合基準日 has come, or any 抵触, rules out a
certificate; one that is not met and counts from a later day allows a conditional one; options only
matter for comparison.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from catalog.terms import Answer, BodyClass, RequirementClass
from core.state_machine import LabelledCode


@dataclass(frozen=True, slots=True)
class RequirementEntry:
    """One requirement of a specification version, with its class per kind of body.

    `id` is what answers are keyed by. A kind of body without a class is out of its scope. Without a
    conformity date (適合基準日) the requirement counts at once.
    """

    id: str
    position: int
    chapter: str
    subchapter: str
    name: str
    text: str
    classes: Mapping[BodyClass, RequirementClass]
    conformity_date: date | None = None

    def class_for(self, body: BodyClass | None) -> RequirementClass | None:
        """Give the class for a kind of body; for all kinds at once (None) the strictest one."""
        if body is not None:
            return self.classes.get(body)
        return next((each for each in _STRICTEST_FIRST if each in self.classes.values()), None)

    def counts_on(self, day: date) -> bool:
        """Tell whether the requirement counts on a day, the conformity date included."""
        return self.conformity_date is None or self.conformity_date <= day


@dataclass(frozen=True, slots=True)
class AnswerEntry:
    """A vendor's answer to one requirement, with its note and the date a condition will be met."""

    answer: Answer
    note: str = ""
    due: date | None = None


class Outcome(LabelledCode):
    """What one answer means for its requirement on a day."""

    MET = "met", "満たす"
    CONDITIONAL = "conditional", "条件付き"
    UNMET = "unmet", "満たさない"
    UNANSWERED = "unanswered", "未回答"


class Verdict(LabelledCode):
    """Whether a certificate can be given on these answers."""

    CERTIFIABLE = "certifiable", "認証できる"
    CONDITIONAL_ONLY = "conditional_only", "条件付き認証に限る"
    NOT_CERTIFIABLE = "not_certifiable", "認証できない"


class IssueReason(LabelledCode):
    """Why a requirement keeps a certificate from being plain."""

    VIOLATION = "violation", "実装不可の機能があります（抵触）"
    NOT_CONFORMING = "not_conforming", "実装必須に適合していません"
    CONDITION_OPEN = "condition_open", "条件がまだ満たされていません"
    ALTERNATIVE_UNEXPLAINED = "alternative_unexplained", "代替手段の説明がありません"
    OUT_OF_SCOPE = "out_of_scope", "実装必須は対象外にできません"
    ABSENCE_UNSTATED = "absence_unstated", "実装不可の機能がないことが示されていません"
    UNANSWERED = "unanswered", "回答がありません"


@dataclass(frozen=True, slots=True)
class Issue:
    """A requirement that blocks, conditions or needs a reviewer's look.

    `due` is the day by which it must be met: the conformity date or an earlier promise.
    """

    requirement: RequirementEntry
    requirement_class: RequirementClass
    answer: Answer | None
    reason: IssueReason | None
    due: date | None


@dataclass(frozen=True, slots=True)
class ClassTally:
    """Numbers of requirements of one class; the four outcomes add up to the total."""

    total: int
    met: int
    conditional: int
    unmet: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class RollUp:
    """Tallies per class, what blocks, what is due by when, and what people must judge.

    `for_review` lists alternatives (代替手段): an explained one meets an 実装必須 here, and
    reviewers decide whether the explanation holds.
    """

    tallies: Mapping[RequirementClass, ClassTally]
    blocking: tuple[Issue, ...]
    conditions: tuple[Issue, ...]
    for_review: tuple[Issue, ...]

    @property
    def verdict(self) -> Verdict:
        """Give whether these answers allow a certificate, before any reviewer's judgement."""
        if self.blocking:
            return Verdict.NOT_CERTIFIABLE
        return Verdict.CONDITIONAL_ONLY if self.conditions else Verdict.CERTIFIABLE


_STRICTEST_FIRST = (RequirementClass.MUST, RequirementClass.MUST_NOT, RequirementClass.MAY)
_MEETING = {
    RequirementClass.MUST: (Answer.CONFORMS, Answer.ALTERNATIVE),
    RequirementClass.MAY: (Answer.CONFORMS, Answer.ALTERNATIVE),
    RequirementClass.MUST_NOT: (Answer.NOT_IMPLEMENTED,),
}
_MUST_REASONS = {
    Answer.CONDITIONAL: IssueReason.CONDITION_OPEN,
    Answer.ALTERNATIVE: IssueReason.ALTERNATIVE_UNEXPLAINED,
    Answer.NOT_APPLICABLE: IssueReason.OUT_OF_SCOPE,
}


def every_body(requirement_class: RequirementClass) -> dict[BodyClass, RequirementClass]:
    """Give the classes of a requirement that is the same for all kinds of body."""
    return dict.fromkeys(BodyClass, requirement_class)


def judge_answer(requirement_class: RequirementClass, entry: AnswerEntry | None) -> Outcome:
    """Give what one answer means for a requirement of a class.

    An alternative meets only with a note. A condition is open until the vendor answers again: a
    due date that has passed proves nothing. An answer that the class does not allow meets nothing.
    """
    if entry is None:
        return Outcome.UNANSWERED
    if entry.answer is Answer.ALTERNATIVE and not entry.note.strip():
        return Outcome.UNMET
    if entry.answer in _MEETING[requirement_class]:
        return Outcome.MET
    is_condition = entry.answer is Answer.CONDITIONAL
    is_duty = requirement_class is not RequirementClass.MUST_NOT
    return Outcome.CONDITIONAL if is_condition and is_duty else Outcome.UNMET


def roll_up(
    requirements: Iterable[RequirementEntry],
    answers: Mapping[str, AnswerEntry],
    today: date,
    *,
    body: BodyClass | None = None,
) -> RollUp:
    """Give what the answers amount to on a day, for one kind of body or for all of them (None).

    Raises ValueError if no requirement applies, because nothing is certified against nothing, and
    for an answer to a requirement that is not among them.
    """
    ordered = sorted(requirements, key=lambda each: (each.position, each.id))
    strays = answers.keys() - {each.id for each in ordered}
    if strays:
        raise ValueError(f"answers to unknown requirements: {', '.join(sorted(strays))}")
    counts: Counter[tuple[RequirementClass, Outcome]] = Counter()
    blocking, conditions, for_review = [], [], []
    for requirement in ordered:
        requirement_class = requirement.class_for(body)
        if requirement_class is None:
            continue
        entry = answers.get(requirement.id)
        outcome = judge_answer(requirement_class, entry)
        counts[requirement_class, outcome] += 1
        issue = _describe(requirement, requirement_class, entry, outcome)
        if issue.reason is None:
            if issue.answer is Answer.ALTERNATIVE:
                for_review.append(issue)
        elif issue.reason is IssueReason.VIOLATION or requirement.counts_on(today):
            blocking.append(issue)
        else:
            conditions.append(issue)
    if not counts:
        raise ValueError("no requirement applies")
    tallies = {each: _tally(counts, each) for each in RequirementClass}
    return RollUp(tallies, tuple(blocking), tuple(conditions), tuple(for_review))


def _describe(
    requirement: RequirementEntry,
    requirement_class: RequirementClass,
    entry: AnswerEntry | None,
    outcome: Outcome,
) -> Issue:
    answer = entry.answer if entry else None
    dates = [day for day in (entry and entry.due, requirement.conformity_date) if day]
    reason = _find_reason(requirement_class, answer, outcome)
    return Issue(requirement, requirement_class, answer, reason, min(dates, default=None))


def _find_reason(
    requirement_class: RequirementClass, answer: Answer | None, outcome: Outcome
) -> IssueReason | None:
    """Give why a requirement is not met, None if it is met or optional."""
    if answer is Answer.VIOLATES:
        return IssueReason.VIOLATION
    if outcome is Outcome.MET or requirement_class is RequirementClass.MAY:
        return None
    if answer is None:
        return IssueReason.UNANSWERED
    if requirement_class is RequirementClass.MUST_NOT:
        return IssueReason.ABSENCE_UNSTATED
    return _MUST_REASONS.get(answer, IssueReason.NOT_CONFORMING)


def _tally(
    counts: Mapping[tuple[RequirementClass, Outcome], int], requirement_class: RequirementClass
) -> ClassTally:
    by_outcome = {each: counts.get((requirement_class, each), 0) for each in Outcome}
    return ClassTally(
        total=sum(by_outcome.values()),
        met=by_outcome[Outcome.MET],
        conditional=by_outcome[Outcome.CONDITIONAL],
        unmet=by_outcome[Outcome.UNMET],
        unanswered=by_outcome[Outcome.UNANSWERED],
    )
