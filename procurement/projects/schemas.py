"""What people type about a project."""

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from catalog.schemas import LONGEST_OPTIONS, QuantitiesSchema
from core.fields import (
    FormSchema,
    checked,
    choice,
    code,
    day,
    line,
    lines,
    option,
    whole,
    yen,
)
from core.state_machine import LabelledCode
from procurement.bodies.models import ContractCategory
from procurement.projects.evaluation_models import (
    ALL_WEIGHTS,
    LONGEST_NOTE,
    MAXIMUM_CRITERIA,
    MAXIMUM_POINTS,
    EvaluationBasis,
)
from procurement.projects.models import (
    FROZEN_FIELDS,
    FROZEN_WORDS,
    LONGEST_CONDITION,
    TYPED_KINDS,
    ContractTermBasis,
)
from procurement.projects.weighing import EvaluationView, score_field
from search.queries import LABELS

LONGEST_TERM = 120


def reason_field(label: str = "理由") -> fields.Field[str]:
    """Declare a reason that an act cannot do without."""
    return lines(label, maximum=1_000)


class VersionSchema(FormSchema):
    """The version of the row that the reader saw."""

    version = whole("版", minimum=1)


class ProjectSchema(FormSchema):
    """Need, term and budget of a project."""

    title = line("件名", maximum=120)
    need = lines("必要なこと", maximum=2_000)
    specification_version_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"label": "標準仕様書"},
        error_messages={"invalid_uuid": "標準仕様書は一覧から選択してください。"},
    )
    starts_on = day("利用の始まり")
    term_months = whole("利用する月数", minimum=1, maximum=LONGEST_TERM)
    term_basis = choice("期間の根拠", ContractTermBasis)
    budget_line = line("予算科目", maximum=200)
    category = choice("契約の種類", ContractCategory, required=False)
    budget_fiscal_year = whole("予算の会計年度", required=False, minimum=2000, maximum=2200)
    budget_amount = yen("予算の額", required=False)
    burden_limit = yen("債務負担行為の限度額", required=False)
    burden_voted_on = day("債務負担行為の議決の日", required=False)
    burden_until = day("債務負担行為の期間の終わり", required=False)


class ProjectEditSchema(VersionSchema, ProjectSchema):
    """The same, over a version that was read."""


class ProjectBudgetSchema(ProjectEditSchema):
    """What may still change once the search is locked: the budget and the ground of the term."""

    error_messages = {"unknown": FROZEN_WORDS}  # noqa: RUF012 - marshmallow declares it on the instance

    class Meta(ProjectEditSchema.Meta):
        """All but what the evidence holds."""

        exclude = FROZEN_FIELDS


class CostConditionsSchema(VersionSchema, QuantitiesSchema):
    """By which quantities, options and rules the costs of a project are computed."""

    options = lines("使うオプション", maximum=LONGEST_OPTIONS, required=False)


class SearchWordsSchema(FormSchema):
    """Words and facet values; the values are checked against the catalog."""

    q = line("検索語", maximum=300, required=False)
    locals().update(
        (name, fields.List(fields.String(), load_default=list, metadata={"label": label}))
        for name, label in LABELS.items()
    )
    cost_max = yen("1年の費用の上限", required=False)
    sort = fields.String(
        load_default="relevance",
        metadata={"label": "並べ替え"},
        validate=validate.OneOf(
            ["relevance", "cost", "newest"], error="並べ替えは一覧から選択してください。"
        ),
    )


class SearchSaveSchema(VersionSchema, SearchWordsSchema):
    """The query that a project keeps."""


class SearchAddressSchema(SearchWordsSchema):
    """What the address of a project's search may hold: first values of the form, and the page."""

    page = whole("ページ", minimum=1, maximum=999_999, required=False)


class ConfirmSchema(VersionSchema):
    """A confirm page: the version and the ticked box."""

    confirmed = checked()


class LockSchema(VersionSchema):
    """The confirm page of the lock."""

    confirmed = checked("検索条件と候補の数を確認しました")


MOST_CONDITIONS = 20


def _condition_lines(label: str) -> fields.Field[str]:
    field = lines(label, maximum=MOST_CONDITIONS * LONGEST_CONDITION, required=False)

    def check(value: str) -> None:
        written = [line.strip() for line in value.splitlines() if line.strip()]
        if len(written) > MOST_CONDITIONS:
            raise ValidationError(
                f"{label}の条件は{MOST_CONDITIONS}件までです。今は{len(written)}件あります。"
            )
        for number, text in enumerate(written, start=1):
            if len(text) > LONGEST_CONDITION:
                raise ValidationError(
                    f"{label}の条件は1行{LONGEST_CONDITION}文字以内で入力してください。"
                    f"{number}行目は{len(text)}文字です。"
                )

    field.validators.append(check)
    return field


class ConditionsSchema(VersionSchema):
    """What the body asks of a service, one condition a line, by what it is about."""

    locals().update((kind.value, _condition_lines(kind.label)) for kind in TYPED_KINDS)


class ExcludeSchema(VersionSchema):
    """Which candidates go, by which locked condition, and why."""

    candidate = fields.List(
        fields.UUID(
            error_messages={"invalid_uuid": "除外するサービスは一覧から選択してください。"}
        ),
        required=True,
        metadata={"label": "除外するサービス"},
        error_messages={"required": "除外するサービスを一つ以上選択してください。"},
        validate=validate.Length(min=1, error="除外するサービスを一つ以上選択してください。"),
    )
    condition = code("合わない条件")
    reason = reason_field("除外する理由")


class WeightsSchema(FormSchema):
    """By what candidates are compared, and how much each thing counts; version 0 is the first."""

    version = whole("版", minimum=0)
    basis = choice("比べ方", EvaluationBasis)
    for _number in range(1, MAXIMUM_CRITERIA + 1):
        locals()[f"name_{_number}"] = line(f"項目{_number}の名前", maximum=60, required=False)
        locals()[f"weight_{_number}"] = whole(
            f"項目{_number}の重み", minimum=1, maximum=ALL_WEIGHTS, required=False
        )
        locals()[f"how_{_number}"] = line(f"項目{_number}の見方", maximum=200, required=False)
    price_weight = whole("価格の重み", minimum=0, maximum=ALL_WEIGHTS, required=False)
    step = option("操作", ("draft", "fix"))


def score_schema(view: EvaluationView, ranks: Sequence[int]) -> VersionSchema:
    """Return the schema of the points and notes for the candidates of these ranks."""
    found: dict[str, fields.Field[Any]] = {}
    for rank in ranks:
        for each in view.typed_criteria:
            label = f"候補{rank}の「{each.name}」"
            points = whole(f"{label}の点", maximum=MAXIMUM_POINTS, required=False)
            found[score_field("points", rank, each)] = points
            note = line(f"{label}の理由", maximum=LONGEST_NOTE, required=False)
            found[score_field("note", rank, each)] = note
    made: type[VersionSchema] = type("ScoreSchema", (VersionSchema,), found)
    return made()


class EndSchema(ConfirmSchema):
    """The end of a project, with its reason."""

    reason = reason_field()


class Decision(LabelledCode):
    """What an approver may decide."""

    APPROVE = "approve", "この内容で決裁する"
    RETURN = "return", "担当者に差し戻す"


class ReasonedDecisionSchema(FormSchema):
    """An approver's decision; returning needs a reason."""

    decision = choice("決裁", Decision)
    reason = lines("差し戻す理由", maximum=1_000, required=False)

    @validates_schema
    def _check_reason(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data.get("decision") == Decision.RETURN and not data.get("reason", "").strip():
            raise ValidationError("差し戻す理由を入力してください。", "reason")


class DecisionSchema(VersionSchema, ReasonedDecisionSchema):
    """An approver's decision on the version of a choice or a request that was read."""
