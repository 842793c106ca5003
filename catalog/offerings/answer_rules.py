"""Pure: what an answer to a requirement must say, with a code and a sentence for every fault.

Evidence is demanded where an 実装必須 is said to be met (適合) and of every 代替手段. Without it a
statement is taken, and a person looks at it before it is certified.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from catalog.offerings.models import ConformanceAnswer
from catalog.specifications.models import Requirement
from catalog.terms import Answer, BodyClass, RequirementClass, answers_for_any
from core.errors import Invalid
from core.state_machine import LabelledCode

LONGEST_NOTE = 2_000
EXPLAINED = frozenset({Answer.ALTERNATIVE, Answer.NOT_APPLICABLE})


class Fault(LabelledCode):
    """What can be wrong with an answer."""

    UNKNOWN_REQUIREMENT = "unknown_requirement", "この版にない要件"
    REPEATED = "repeated", "同じ要件が二度ある"
    UNKNOWN_ANSWER = "unknown_answer", "回答にない言葉"
    NOT_ALLOWED = "answer_not_allowed", "実装区分に合わない回答"
    ANSWER_MISSING = "answer_missing", "回答がない"
    DUE_MISSING = "due_missing", "適合する日がない"
    DUE_IMPOSSIBLE = "due_impossible", "適合する日が日付でない"
    NOTE_MISSING = "note_missing", "説明がない"
    UNREADABLE = "unreadable", "保存できない文字や長さ"


@dataclass(frozen=True, slots=True)
class AnswerValues:
    """One answer as given: None withdraws it; a condition needs its date."""

    answer: Answer | None
    note: str = ""
    due_on: date | None = None
    evidence_url: str = ""


class Given(Protocol):
    """An answer as given or as stored."""

    @property
    def note(self) -> str:
        """The explanation."""

    @property
    def due_on(self) -> date | None:
        """When a condition will be met."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: the part of the answer, its code and a sentence that says how to mend it."""

    part: str
    fault: Fault
    sentence: str


class AnswersRefused(Invalid):
    """Answers that do not fit the version of the specification, each by field and code."""

    code = "answers_refused"
    title = "標準仕様書に合わない回答があります"
    meaning = "回答が、標準仕様書のその版の要件に合いません。"
    remedy = "errors の field と code が指す回答を直して、送り直してください。"


def classes_of(requirement: Requirement) -> tuple[RequirementClass, ...]:
    """Give the classes of a requirement over all kinds of body, the strictest first."""
    found = {requirement.class_for(body) for body in BodyClass}
    order = (RequirementClass.MUST, RequirementClass.MUST_NOT, RequirementClass.MAY)
    return tuple(each for each in order if each in found)


def allowed_answers(requirement: Requirement) -> tuple[Answer, ...]:
    """Give the answers that a requirement allows."""
    return answers_for_any(classes_of(requirement))


def needs_answer(requirement: Requirement) -> bool:
    """Tell whether a submission needs an answer: 実装必須 and 実装不可 do, options do not."""
    return classes_of(requirement)[0] is not RequirementClass.MAY


def wants_evidence(requirement: Requirement, answer: Answer | None) -> bool:
    """Tell whether a person has to look when an answer comes without evidence."""
    if answer is Answer.ALTERNATIVE:
        return True
    return answer is Answer.CONFORMS and classes_of(requirement)[0] is RequirementClass.MUST


def find_problem(requirement: Requirement, answer: Answer | None, given: Given) -> Problem | None:
    """Give what is wrong with an answer, None if nothing; no answer at all is no fault."""
    number = requirement.requirement_id
    if answer is None:
        return None
    if answer not in allowed_answers(requirement):
        return Problem("answer", Fault.NOT_ALLOWED, f"{number}の回答は一覧から選択してください。")
    if answer is Answer.CONDITIONAL and given.due_on is None:
        return Problem("due", Fault.DUE_MISSING, f"{number}に適合する日を入力してください。")
    if answer in EXPLAINED and not given.note.strip():
        return Problem("note", Fault.NOTE_MISSING, missing_note(requirement, answer))
    return None


def missing_note(requirement: Requirement, answer: Answer) -> str:
    """Say that an answer has to be explained."""
    number = requirement.requirement_id
    if answer is Answer.ALTERNATIVE:
        return f"{number}の代替手段を説明してください。"
    return f"{number}が対象外である理由を説明してください。"


def refuse_problems(found: Iterable[tuple[Requirement, Problem]]) -> None:
    """Raise AnswersRefused with every problem by the field of its page; nothing without any."""
    by_field = {f"{problem.part}_{requirement.position}": problem for requirement, problem in found}
    if by_field:
        raise AnswersRefused(
            {field: problem.sentence for field, problem in by_field.items()},
            codes={field: problem.fault.value for field, problem in by_field.items()},
        )


def find_gap(requirement: Requirement, answer: ConformanceAnswer | None) -> Problem | None:
    """Give what a submission still needs of one requirement, None if nothing."""
    if answer is not None:
        return find_problem(requirement, answer.answer, answer)
    if not needs_answer(requirement):
        return None
    sentence = f"{requirement.requirement_id}に回答してください。"
    return Problem("answer", Fault.ANSWER_MISSING, sentence)


# --- copies to another version of the specification ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """In which ways a requirement differs from the version that an offering was copied from."""

    kinds: tuple[str, ...]
    before_id: UUID | None


def read_marks(stored: Mapping[str, Mapping[str, object]] | None) -> dict[UUID, Mark]:
    """Return the stored marks of a copy by requirement row."""
    marks = {}
    for key, value in (stored or {}).items():
        before = value.get("before")
        kinds = value.get("kinds")
        named = tuple(str(each) for each in kinds) if isinstance(kinds, list) else ()
        marks[UUID(key)] = Mark(named, UUID(str(before)) if before else None)
    return marks
