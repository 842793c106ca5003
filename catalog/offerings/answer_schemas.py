"""The answer pages: one set of fields per requirement, named by its position."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, cast

from marshmallow import ValidationError, validates_schema

from catalog.offerings.answer_rules import (
    EXPLAINED,
    LONGEST_NOTE,
    AnswerValues,
    Fault,
    allowed_answers,
    find_problem,
)
from catalog.offerings.models import ConformanceAnswer
from catalog.offerings.schemas import GroupSchema, web_address
from catalog.specifications.models import Requirement
from catalog.terms import Answer
from core.fields import FormSchema, day, line, lines, option, row, whole

KEPT = ("table", "stored")
PARTS = ("answer", "note", "due", "evidence")


class AnswersSchema(GroupSchema):
    """What stands beside the answers; `answers_schema` adds a set of fields per requirement."""

    requirements: Sequence[Requirement] = ()
    drafts = line("途中の入力の印", maximum=64, required=False)

    @validates_schema
    def check_answers(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse answers that do not fit their requirement, and words without an answer."""
        errors: dict[str, list[str]] = {}
        given = read_answers(self.requirements, data)
        for requirement in self.requirements:
            number, position = requirement.requirement_id, requirement.position
            values = given[requirement.id]
            problem = find_problem(requirement, values.answer, values)
            if problem is not None:
                errors[f"{problem.part}_{position}"] = [problem.sentence]
            elif values.answer is None and (values.note or values.due_on or values.evidence_url):
                sentence = f"{number}の回答を選択してください。書いた説明は残っています。"
                errors[f"answer_{position}"] = [sentence]
        if errors:
            raise ValidationError(errors)


class SheetSchema(FormSchema):
    """A table of answers to read; the file itself is checked by its content."""


class PlanSchema(FormSchema):
    """A confirmed table; `plan_schema` adds a choice per conflict."""

    version = whole("版", minimum=1)
    drafts = line("途中の入力の印", maximum=64, required=False)


def plan_schema(conflicts: Sequence[Requirement]) -> PlanSchema:
    """Return a schema that asks for each conflict which answer stays."""
    declared: dict[str, Any] = {"rest": option("残りの要件", KEPT, required=False)}
    for requirement in conflicts:
        label = f"{requirement.requirement_id}で残す回答"
        declared[f"kept_{requirement.position}"] = option(label, KEPT, required=False)
    return cast("PlanSchema", type("PlanSchema", (PlanSchema,), declared)())


class EvidenceSchema(FormSchema):
    """A file beside an answer; the file itself is checked by its content."""


REST_ANSWERS = (
    Answer.CONFORMS,
    Answer.ALTERNATIVE,
    Answer.NOT_CONFORMING,
    Answer.NOT_APPLICABLE,
    Answer.NOT_IMPLEMENTED,
)
EARLIER = "earlier"


class RestSchema(FormSchema):
    """One answer for the rest of a chapter."""

    version = whole("版", minimum=1)
    answer = option("回答", [EARLIER, *(each.value for each in REST_ANSWERS)])
    note = lines("説明", maximum=LONGEST_NOTE, required=False)

    @validates_schema
    def check_note(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse an alternative or an exclusion without an explanation."""
        if data.get("answer") in {each.value for each in EXPLAINED} and not data.get("note"):
            raise ValidationError("この回答を選ぶときは、説明を入力してください。", "note")


class CopySchema(FormSchema):
    """The version of the specification to which an offering is carried."""

    specification_version_id = row("写す先の版")


def name_faults(
    requirements: Sequence[Requirement], typed: Mapping[str, str], errors: Mapping[str, str]
) -> dict[str, str]:
    """Return the code of each refused field of an answer page."""
    known = {str(each.position): each for each in requirements}
    codes: dict[str, str] = {}
    for field in errors:
        part, _, position = field.rpartition("_")
        if position not in known or part not in PARTS:
            continue
        is_blank = not typed.get(field, "").strip()
        codes[field] = _fault_of(part, is_blank=is_blank).value
    return codes


def _fault_of(part: str, *, is_blank: bool) -> Fault:
    if part == "answer":
        return Fault.ANSWER_MISSING if is_blank else Fault.NOT_ALLOWED
    if part == "due":
        return Fault.DUE_MISSING if is_blank else Fault.DUE_IMPOSSIBLE
    return Fault.NOTE_MISSING if part == "note" and is_blank else Fault.UNREADABLE


def answers_schema(requirements: Sequence[Requirement]) -> AnswersSchema:
    """Return a schema for the requirements of one page."""
    declared: dict[str, Any] = {"requirements": tuple(requirements)}
    for requirement in requirements:
        number, position = requirement.requirement_id, requirement.position
        codes = [each.value for each in allowed_answers(requirement)]
        declared[f"answer_{position}"] = option(f"{number}の回答", codes, required=False)
        declared[f"note_{position}"] = lines(
            f"{number}の説明", maximum=LONGEST_NOTE, required=False
        )
        declared[f"due_{position}"] = day(f"{number}に適合する日", required=False)
        declared[f"evidence_{position}"] = web_address(f"{number}の証拠のアドレス")
    return cast("AnswersSchema", type("AnswersSchema", (AnswersSchema,), declared)())


def answer_form_values(
    requirements: Sequence[Requirement], answers: Mapping[uuid.UUID, ConformanceAnswer]
) -> dict[str, Any]:
    """Return what an answer page shows of stored answers; radios take lists."""
    values: dict[str, Any] = {}
    for requirement in requirements:
        row, position = answers.get(requirement.id), requirement.position
        values[f"answer_{position}"] = [row.answer.value] if row else []
        values[f"note_{position}"] = row.note if row else ""
        values[f"due_{position}"] = row.due_on if row else None
        values[f"evidence_{position}"] = row.evidence_url if row else ""
    return values


def typed_values(requirement: Requirement, posted: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed about one requirement, as it was typed."""
    typed = {part: posted.get(f"{part}_{requirement.position}", "").strip() for part in PARTS}
    return {part: text.replace("\r\n", "\n") for part, text in typed.items()}


def stored_as_typed(answer: ConformanceAnswer | None) -> dict[str, str]:
    """Return a stored answer as its page shows it."""
    if answer is None:
        return dict.fromkeys(PARTS, "")
    return {
        "answer": answer.answer.value,
        "note": answer.note,
        "due": answer.due_on.isoformat() if answer.due_on else "",
        "evidence": answer.evidence_url,
    }


def draft_form_values(requirement: Requirement, typed: Mapping[str, str]) -> dict[str, Any]:
    """Return what an answer page shows of a draft; radios take lists."""
    values: dict[str, Any] = {
        f"{part}_{requirement.position}": typed.get(part, "") for part in PARTS
    }
    name = f"answer_{requirement.position}"
    return {**values, name: [values[name]] if values[name] else []}


def read_answers(
    requirements: Sequence[Requirement], data: Mapping[str, Any]
) -> dict[uuid.UUID, AnswerValues]:
    """Return the loaded values as answers by requirement row."""
    return {
        each.id: AnswerValues(
            answer=Answer(code) if (code := data.get(f"answer_{each.position}")) else None,
            note=data.get(f"note_{each.position}", ""),
            due_on=data.get(f"due_{each.position}"),
            evidence_url=data.get(f"evidence_{each.position}", ""),
        )
        for each in requirements
    }
