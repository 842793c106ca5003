"""The JSON of drafts as wholes, of their answers, and of what they lack."""

from marshmallow import fields, validate

from catalog import api_fields as f
from catalog.offerings.api.groups import PARTS
from catalog.offerings.api.shapes import make_shape
from catalog.offerings.models import OfferState
from catalog.offerings.rules import Group
from catalog.terms import Answer, EvidenceKind
from core.fields import FormSchema

MAXIMUM_PAGE = 100
MAXIMUM_ANSWERS = 2_000
_LIMIT = f"1以上{MAXIMUM_PAGE}以下の数字で指定してください。"
_NUMBER = "要件ID（省庁の番号）"


class DraftsQuerySchema(FormSchema):
    """How many drafts, and after which."""

    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, MAXIMUM_PAGE, error=_LIMIT),
        error_messages={"invalid": _LIMIT},
    )
    cursor = fields.String(
        load_default=None, validate=validate.Length(1, 400), metadata=f.about("前の答えのnext")
    )


class DraftSpecificationSchema(FormSchema):
    """The version of the standard specification that a draft answers."""

    code = f.text("標準仕様書のコード")
    name = f.text()
    version = f.text()


class DraftOutlineSchema(FormSchema):
    """A version of the company's own software that is not public."""

    id = f.identifier()
    offering_id = f.identifier()
    number = f.number("サービスの何番目の版か")
    state = f.code(OfferState, "approvedの版は、事業者が画面で公開する")
    is_editable = f.truth()
    name = f.text()
    specification = fields.Nested(DraftSpecificationSchema, required=True)


class DraftPageSchema(FormSchema):
    """A page of drafts; `next` is the cursor of the following one."""

    items = fields.List(fields.Nested(DraftOutlineSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


GroupsSchema = make_shape(
    "DraftGroupsSchema",
    {part.group.value: fields.Nested(part.body, required=True) for part in PARTS},
)


class DraftSchema(DraftOutlineSchema):
    """A draft whole, but for its answers."""

    specification_version_id = f.identifier()
    return_reason = f.optional("差し戻しの理由。差し戻されていないときはnull")
    answered = f.number("回答した要件の数")
    requirements = f.number("要件の数")
    missing = f.number("提出に足りないものの数")
    page = f.text("画面のアドレス。提出と公開は画面でだけできる")
    groups = fields.Nested(GroupsSchema, required=True)


class MissingItemSchema(FormSchema):
    """One thing that a submission needs."""

    group = f.code(Group)
    field = f.text("groupの中の項目。answersでは回答の項目")
    requirement_id = f.optional(f"{_NUMBER}。回答でないときはnull")
    message = f.text("どう直すか")
    page = f.text("画面の、その項目のアドレス")


class MissingSchema(FormSchema):
    """Everything that a draft lacks before a person can submit it."""

    is_complete = f.truth()
    items = fields.List(fields.Nested(MissingItemSchema), required=True)


class EvidenceSchema(FormSchema):
    """A file that stands beside an answer; people and programs put it there."""

    id = f.identifier()
    name = f.text()
    kind = f.code(EvidenceKind)
    size = f.number("バイト")
    sha256 = f.digest()


class EvidenceFilesSchema(FormSchema):
    """All files beside an answer."""

    items = fields.List(fields.Nested(EvidenceSchema), required=True)


class EvidenceQuerySchema(FormSchema):
    """The name of a file whose bytes are the body."""

    name = fields.String(
        required=True,
        validate=validate.Length(1, 400),
        metadata=f.about(
            "ファイルの名前。終わりは.pdf、.png、.xlsx、.csvのどれか（percent-encodingしたUTF-8）"
        ),
        error_messages={"required": "ファイルの名前をnameに指定してください。"},
    )


class DraftAnswerSchema(FormSchema):
    """A requirement with the answer that a draft gives; nulls where it gives none."""

    id = f.identifier()
    requirement_id = f.text(_NUMBER)
    chapter = f.text()
    name = f.text()
    allowed = fields.List(f.code(Answer), required=True, metadata=f.about("この要件に選べる回答"))
    is_required = f.truth()
    answer = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([each.value for each in Answer]),
        metadata=f.about("まだ回答していないときはnull"),
    )
    note = f.optional()
    due_on = f.day()
    evidence_url = f.optional()
    evidence = fields.List(fields.Nested(EvidenceSchema), required=True)


class DraftAnswersSchema(FormSchema):
    """All requirements of the specification in their order, each with the answer."""

    items = fields.List(fields.Nested(DraftAnswerSchema), required=True)


def _may(words: str, label: str) -> fields.String:
    return fields.String(
        required=True,
        allow_none=True,
        metadata=f.about(words),
        error_messages={
            "required": f"{label}を送ってください。ないときはnullです。",
            "invalid": f"{label}は文字で送ってください。",
        },
    )


class AnswerBody(FormSchema):
    """One answer; `answer` null takes it back."""

    answer = _may("回答のコード。nullは回答を取り消す", "回答")
    note = _may("説明", "説明")
    due_on = _may("適合する日（conditionalのとき）", "適合する日")
    evidence_url = _may("証拠のアドレス（https）", "証拠のアドレス")


class NamedAnswerBody(AnswerBody):
    """One answer of several."""

    requirement_id = fields.String(
        required=True,
        metadata=f.about(_NUMBER),
        error_messages={
            "required": "要件IDを送ってください。",
            "invalid": "要件IDは文字で送ってください。",
            "null": "要件IDを送ってください。",
        },
    )


class AnswersBody(FormSchema):
    """Answers to some requirements; those not named stay as they are."""

    answers = fields.List(
        fields.Nested(NamedAnswerBody),
        required=True,
        validate=validate.Length(
            1, MAXIMUM_ANSWERS, error=f"回答は1件以上{MAXIMUM_ANSWERS:,}件までです。"
        ),
        error_messages={
            "required": "回答を送ってください。",
            "invalid": "回答は配列で送ってください。",
        },
    )
