"""The answer pages: one set of fields per requirement, named by its position."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, cast

from marshmallow import ValidationError, validates_schema

from catalog.offerings.models import ConformanceAnswer
from catalog.offerings.rules import allowed_answers
from catalog.offerings.schemas import GroupSchema, web_address
from catalog.offerings.services.drafts import AnswerValues
from catalog.specifications.models import Requirement
from catalog.terms import Answer
from core.fields import day, lines, option


class AnswersSchema(GroupSchema):
    """What stands beside the answers; `answers_schema` adds a set of fields per requirement."""

    requirements: Sequence[Requirement] = ()

    @validates_schema
    def check_answers(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse a condition without its date, and notes or dates without an answer."""
        errors: dict[str, list[str]] = {}
        for requirement in self.requirements:
            number, position = requirement.requirement_id, requirement.position
            answer = data.get(f"answer_{position}")
            if answer == Answer.CONDITIONAL and data.get(f"due_{position}") is None:
                sentence = f"{number}に適合する日を入力してください。"
                errors[f"due_{position}"] = [sentence]
            elif not answer and any(
                data.get(f"{name}_{position}") for name in ("note", "due", "evidence")
            ):
                sentence = f"{number}の回答を選択してください。書いた説明は残っています。"
                errors[f"answer_{position}"] = [sentence]
        if errors:
            raise ValidationError(errors)


def answers_schema(requirements: Sequence[Requirement]) -> AnswersSchema:
    """Return a schema for the requirements of one page."""
    declared: dict[str, Any] = {"requirements": tuple(requirements)}
    for requirement in requirements:
        number, position = requirement.requirement_id, requirement.position
        codes = [each.value for each in allowed_answers(requirement)]
        declared[f"answer_{position}"] = option(f"{number}の回答", codes, required=False)
        declared[f"note_{position}"] = lines(f"{number}の説明", maximum=2_000, required=False)
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
