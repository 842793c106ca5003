"""What is typed in a review: who reviews, opinions, questions, the decision."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields, validate

from catalog.certification.models import Opinion
from catalog.conformance import Issue
from catalog.offerings.schemas import web_address
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    lines,
    option,
    row,
    whole,
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

    first_id = row("1人目の審査員")
    second_id = row("2人目の審査員")


class OpinionSchema(FormSchema):
    """A reviewer's opinion with its ground."""

    opinion = choice("意見", Opinion)
    reason = lines("理由", maximum=2_000)
    confirmed = checked("提出された内容を自分で確認したこと")


class RequestInfoSchema(FormSchema):
    """What the vendor has to explain or mend."""

    reason = lines("説明や修正を求める内容", maximum=2_000)
    due_on = day("回答の期限")
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


class ActSchema(FormSchema):
    """What every page of an act sends: the version that was read, the tick, perhaps the password."""

    version = whole("版")
    confirmed = checked("内容を確かめたこと")
    password = _password()


class DeclareSchema(ActSchema):
    """A reviewer's declaration on interests."""

    conflict = option("利害関係", ("no", "yes"))
    words = lines("利害関係の内容", maximum=2_000, required=False)


class ReassignSchema(ActSchema):
    """Who takes a place of the pair."""

    person_id = row("新しい審査員")
    reason = lines("理由", maximum=2_000)


class ReasonSchema(ActSchema):
    """An act that needs a reason."""

    reason = lines("理由", maximum=2_000)


class NoteSchema(ActSchema):
    """An act with words that may be left out."""

    reason = lines("補足", maximum=2_000, required=False)


class FindingSchema(ActSchema):
    """A finding."""

    words = lines("指摘の内容", maximum=2_000)


class ReplySchema(FormSchema):
    """The vendor's answer to a finding."""

    words = lines("回答", maximum=2_000)


class JudgeFindingSchema(FormSchema):
    """The reviewer's next word on a finding."""

    words = lines("内容", maximum=2_000, required=False)
    step = option("指摘の扱い", ("accept", "ask_again", "withdraw"))


class AppealDecisionSchema(ActSchema):
    """The decision on an appeal."""

    outcome = option("決定", ("uphold", "dismiss"))
    reason = lines("理由", maximum=2_000)


class ReportSchema(ActSchema):
    """The vendor's report that a condition is met."""

    requirement_id = line("要件", maximum=60)
    met_on = day("満たした日")
    note = lines("説明", maximum=2_000)
    evidence_url = web_address("証拠のアドレス")


class JudgeSchema(ActSchema):
    """A reviewer's word on a report."""

    outcome = option("確認の結果", ("met", "open"))
    note = lines("補足", maximum=2_000, required=False)
