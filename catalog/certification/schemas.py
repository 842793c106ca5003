"""What is typed in a review: who reviews, opinions, questions, the decision."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields, validate

from catalog.certification.models import Opinion
from catalog.conformance import Issue
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    lines,
    whole,
)


def _person(label: str) -> fields.UUID:
    sentence = f"{label}を選択してください。"
    return fields.UUID(
        required=True,
        metadata={"label": label},
        error_messages={"required": sentence, "invalid_uuid": sentence, "null": sentence},
    )


def _password() -> fields.String:
    return fields.String(
        load_default="",
        metadata={"label": "パスワード"},
        validate=validate.Length(max=200, error="パスワードは200文字以内で入力してください。"),
    )


class SubmitSchema(FormSchema):
    """The declaration with a submission."""

    confirmed = checked("提出する内容は事実のとおりです")


class AssignSchema(FormSchema):
    """The two reviewers."""

    first_id = _person("1人目の審査員")
    second_id = _person("2人目の審査員")


class OpinionSchema(FormSchema):
    """A reviewer's opinion with its ground; the box declares that no interests conflict."""

    opinion = choice("意見", Opinion)
    reason = lines("理由", maximum=2_000)
    confirmed = checked("この事業者と利害関係がないこと、提出された内容を自分で確認したこと")


class RequestInfoSchema(FormSchema):
    """What the vendor has to explain or mend."""

    reason = lines("説明や修正を求める内容", maximum=2_000)
    confirmed = checked("審査を止めて事業者に差し戻すことを確認しました")


class ClaimSchema(FormSchema):
    """Publication before the decision."""

    confirmed = checked("審査員の意見を読み、公開してよいことを確認しました")


class DecisionSchema(FormSchema):
    """The lead's decision; conditions are added per requirement by `decision_schema`."""

    decision = choice("決定", Opinion)
    valid_until = day("有効期限", required=False)
    reason = lines("理由", maximum=2_000, required=False)
    version = whole("版")
    confirmed = checked("要件ごとの結果と、2人の審査員の意見を確認しました")
    password = _password()


def decision_schema(issues: Iterable[Issue]) -> Schema:
    """Return the decision with a due day and words for each requirement that may be a condition."""
    conditions: dict[str, Any] = {}
    for issue in issues:
        number, position = issue.requirement.id, issue.requirement.position
        conditions[f"due_{position}"] = day(f"{number}の期限", required=False)
        conditions[f"text_{position}"] = line(f"{number}の条件", maximum=300, required=False)
    made: Schema = DecisionSchema.from_dict(conditions)()
    return made
