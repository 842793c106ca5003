"""The shapes of the specifications in the API."""

from marshmallow import fields, validate

from catalog import api_fields as f
from catalog.api_pages import PageQuerySchema, asked_codes
from catalog.specifications.difference import ChangeKind
from catalog.specifications.models import (
    LifecycleStage,
    Pattern,
    SpecificationState,
    StudyOutcome,
)
from catalog.terms import RequirementClass, RequirementKind
from core.fields import FormSchema

_SHOWN = [each for each in SpecificationState if each is not SpecificationState.DRAFT]


class RequirementsQuerySchema(PageQuerySchema):
    """Which requirements: the same conditions as on the page of the version."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata=f.about("含むことば。空白で区切る"),
    )
    chapter = fields.String(
        load_default="", validate=validate.Length(max=400), metadata=f.about("大項目")
    )
    requirement_class = asked_codes(RequirementClass, "実装区分", data_key="class")
    kind = asked_codes(RequirementKind, "種別")


class ChangesQuerySchema(FormSchema):
    """What to compare with, and which differences."""

    since = fields.String(
        data_key="from",
        load_default=None,
        validate=validate.Length(1, 40),
        metadata=f.about("比べる版。なければひとつ前の版"),
    )


class SourceSchema(FormSchema):
    """The ministry's document of a version."""

    name = f.text()
    url = f.text()
    sha256 = f.text("受け取った文書のSHA-256。保存していないときは空")


class VersionSchema(FormSchema):
    """A version of a standard specification; only the newest effective one is `effective`."""

    id = f.identifier()
    label = f.text("版の名前")
    state = f.code(_SHOWN)
    published_on = f.day("府省が公表した日")
    applies_from = f.day("適用の始まる日（0時、日本時間）")
    transition_ends_on = f.day("経過措置の終わる日")
    source = fields.Nested(SourceSchema, required=True)
    attribution = f.text("出典の書き方")


class SpecificationFactsSchema(FormSchema):
    """What all versions of a specification share."""

    code = f.text("標準仕様書のコード")
    name = f.text()
    field = f.text("業務。ないときは空")
    ministry = f.text("所管府省")
    pattern = f.code(Pattern, "政策上の型")
    accepts_offerings = f.truth()
    offering_refusal = f.optional("サービスの登録を受け付けない理由。受け付けるときはnull")
    is_sample = f.truth()


class LifecycleSourceSchema(FormSchema):
    """Where it is written how far a specification has come."""

    name = f.text()
    url = f.optional()


class LifecycleSchema(FormSchema):
    """How far a candidate for commonalisation has come."""

    stage = f.code(LifecycleStage, "共通化の段階。情報がないときはnull", nullable=True)
    outcome = f.code(StudyOutcome, "実現性の調査の結果。ないときはnull", nullable=True)
    as_of = f.day(nullable=False)
    source = fields.Nested(LifecycleSourceSchema, required=True)
    note = f.optional()


class SpecificationSchema(SpecificationFactsSchema):
    """A specification with its versions, newest first; one without any has no requirements yet."""

    lifecycle = fields.Nested(LifecycleSchema, required=True, allow_none=True)
    versions = fields.List(fields.Nested(VersionSchema), required=True)


class WholeSpecificationSchema(SpecificationSchema):
    """The same with all that was recorded of its way, newest first."""

    lifecycle_history = fields.List(fields.Nested(LifecycleSchema), required=True)


class SpecificationPageSchema(FormSchema):
    """A page of specifications by code."""

    items = fields.List(fields.Nested(SpecificationSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


class CountsSchema(FormSchema):
    """How many requirements there are of each class that counts for most bodies."""

    must = f.number("実装必須")
    may = f.number("標準オプション")
    must_not = f.number("実装不可")


class WholeVersionSchema(FormSchema):
    """A version with its specification and the number of its requirements."""

    specification = fields.Nested(SpecificationFactsSchema, required=True)
    version = fields.Nested(VersionSchema, required=True)
    requirement_counts = fields.Nested(
        CountsSchema, required=True, metadata=f.about("その他の団体についての実装区分ごとの件数")
    )


class ClassSchema(FormSchema):
    """The class of a requirement for each kind of body."""

    designated_city = f.code(RequirementClass, "指定都市")
    core_city = f.code(RequirementClass, "中核市")
    other = f.code(RequirementClass, "その他の団体")


class RequirementSchema(FormSchema):
    """One requirement; its id is unique within the version and is not to be taken apart."""

    requirement_id = f.text("要件ID（機能ID）")
    chapter = f.text("大項目。ないときは空")
    section = f.text("中項目。ないときは空")
    subsection = f.text("小項目。ないときは空")
    name = f.text("機能名称。ないときは空")
    text = f.text("要件の本文")
    kind = f.code(RequirementKind)
    requirement_class = fields.Nested(ClassSchema, required=True, data_key="class")
    rationale = f.text("考え方・理由。ないときは空")
    conformity_date = f.day("適合基準日。ないときはnullで、はじめから数える")
    change_type = f.text("改定種別。ないときは空")
    predecessor_requirement_id = f.text("前の版の要件ID。同じときは空")


class RequirementPageSchema(FormSchema):
    """A page of requirements in the order of the specification."""

    found = f.number("条件に合う要件の件数")
    total = f.number("この版の要件の件数")
    items = fields.List(fields.Nested(RequirementSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


class PastSchema(FormSchema):
    """A requirement in one published version."""

    version = f.text()
    state = f.code(_SHOWN)
    requirement = fields.Nested(RequirementSchema, required=True)


class RequirementWithHistorySchema(FormSchema):
    """One requirement, and what it was in every published version, newest first."""

    specification = fields.Nested(SpecificationFactsSchema, required=True)
    version = fields.Nested(VersionSchema, required=True)
    requirement = fields.Nested(RequirementSchema, required=True)
    history = fields.List(fields.Nested(PastSchema), required=True)


class ChangedWordsSchema(FormSchema):
    """Texts that differ as runs of `[same|added|removed, text]`; what does not differ is absent."""

    name = fields.List(fields.List(fields.String()))
    text = fields.List(fields.List(fields.String()))
    rationale = fields.List(fields.List(fields.String()))


class DifferenceSchema(FormSchema):
    """One requirement that differs; `before` is null for an added, `after` for a removed one."""

    requirement_id = f.text()
    kinds = fields.List(f.code(ChangeKind), required=True)
    split_from = f.optional("分かれた元の要件ID。なければnull")
    before = fields.Nested(RequirementSchema, required=True, allow_none=True)
    after = fields.Nested(RequirementSchema, required=True, allow_none=True)
    words = fields.Nested(ChangedWordsSchema, required=True)


class DifferencesSchema(FormSchema):
    """What differs between two versions; of the only version there is nothing to compare with."""

    specification = fields.Nested(SpecificationFactsSchema, required=True)
    before = fields.Nested(VersionSchema, required=True, allow_none=True, data_key="from")
    after = fields.Nested(VersionSchema, required=True, data_key="to")
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata=f.about("種類ごとの件数"),
    )
    same = f.number("違いのない要件の件数")
    changes = fields.List(fields.Nested(DifferenceSchema), required=True)
