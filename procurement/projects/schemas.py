"""What people type about a project."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from catalog.schemas import LONGEST_OPTIONS, QuantitiesSchema
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    lines,
    whole,
    yen,
)
from core.state_machine import LabelledCode
from procurement.bodies.models import ContractCategory
from procurement.projects.models import ContractTermBasis
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
    category = choice("契約の種類", ContractCategory)


class ProjectEditSchema(VersionSchema, ProjectSchema):
    """The same, over a version that was read."""


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

    confirmed = checked("確認しました")


class LockSchema(VersionSchema):
    """The confirm page of the lock."""

    confirmed = checked("検索条件と候補の数を確認しました")


class ReasonSchema(VersionSchema):
    """A reason, such as of an exclusion."""

    reason = reason_field()


class EndSchema(ConfirmSchema):
    """The end of a project, with its reason."""

    reason = reason_field()


class Decision(LabelledCode):
    """What an approver may decide."""

    APPROVE = "approve", "この内容で決裁する"
    RETURN = "return", "担当者に差し戻す"


class DecisionSchema(VersionSchema):
    """An approver's decision on a choice or a request; returning needs a reason."""

    decision = choice("決裁", Decision)
    reason = lines("差し戻す理由", maximum=1_000, required=False)

    @validates_schema
    def _check_reason(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data.get("decision") is Decision.RETURN and not data.get("reason", "").strip():
            raise ValidationError("差し戻す理由を入力してください。", "reason")
