"""The JSON of a body's own projects: what its clerks read, never 予定価格, never a sealed quote."""

from marshmallow import fields, validate

from catalog import api_fields as f
from catalog.terms import CertificationState
from core.fields import FormSchema
from procurement.bodies.models import ContractCategory
from procurement.projects.models import ConditionKind, ContractTermBasis, ProjectState

MAXIMUM_PAGE = 100
_LIMIT = f"1以上{MAXIMUM_PAGE}以下の数字で指定してください。"
_REVISION = "1以上の数字で指定してください。"


class PageQuerySchema(FormSchema):
    """How many rows, and after which."""

    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, MAXIMUM_PAGE, error=_LIMIT),
        error_messages={"invalid": _LIMIT},
    )
    cursor = fields.String(
        load_default=None, validate=validate.Length(1, 400), metadata=f.about("前の答えのnext")
    )


class RevisionQuerySchema(FormSchema):
    """Which locked search."""

    revision = fields.Integer(
        load_default=None,
        validate=validate.Range(1, 999_999, error=_REVISION),
        error_messages={"invalid": _REVISION},
        metadata=f.about("検索の記録の番号。ないときは最新"),
    )


class ProjectOutlineSchema(FormSchema):
    """A project as a list shows it."""

    id = f.identifier()
    number = f.text("案件の番号")
    title = f.text()
    state = f.code(ProjectState)
    starts_on = f.day()
    term_months = f.number()
    created_at = f.moment(nullable=False)
    updated_at = f.moment(nullable=False)


class ProjectPageSchema(FormSchema):
    """A page of projects; `next` is the cursor of the following one."""

    items = fields.List(fields.Nested(ProjectOutlineSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


class ConditionSchema(FormSchema):
    """What the body asks of a service, in its own words."""

    key = f.text()
    kind = f.code(ConditionKind)
    text = f.text()


class EvidenceOutlineSchema(FormSchema):
    """A locked search; `sha256` is that of the bytes at its own address."""

    revision = f.number()
    sha256 = f.digest()
    locked_at = f.moment(nullable=False)
    catalog_sequence = f.number("確定したときの公開情報の番号")
    catalog_epoch = f.text()


class ProjectSchema(ProjectOutlineSchema):
    """A project whole; amounts are yen with tax, as the body wrote them."""

    need = f.text()
    term_basis = f.code(ContractTermBasis)
    category = f.code(ContractCategory)
    budget_line = f.optional()
    budget_fiscal_year = f.number(nullable=True)
    budget_amount = f.number("円・税込", nullable=True)
    burden_limit = f.number("債務負担行為の限度額。円・税込", nullable=True)
    burden_voted_on = f.day()
    burden_until = f.day()
    end_reason = f.optional("選ばずに終えた理由")
    specification_version_id = f.identifier(nullable=True)
    conditions = fields.List(fields.Nested(ConditionSchema), required=True)
    evidence = fields.List(fields.Nested(EvidenceOutlineSchema), required=True)
    page = f.text("画面のアドレス")


class ExclusionSchema(FormSchema):
    """Why a candidate was taken out."""

    reason = f.text()
    condition_key = f.optional("満たさない条件。条件を確定する前の除外ではnull")
    excluded_at = f.moment(nullable=False)


class CandidateSchema(FormSchema):
    """One locked hit in its order, as it was when the search was locked."""

    id = f.identifier()
    rank = f.number()
    offering_id = f.identifier()
    listing_id = f.identifier()
    listing_version_id = f.identifier()
    name = f.text()
    maker = f.text()
    seller = f.text()
    certification = f.code(CertificationState, "確定したときの認証の状態")
    listing_sha256 = f.digest()
    offering_sha256 = f.digest()
    exclusion = fields.Nested(ExclusionSchema, required=True, allow_none=True)


class CandidatesSchema(FormSchema):
    """All candidates of a locked search (at most 100)."""

    revision = f.number()
    evidence_sha256 = f.digest()
    items = fields.List(fields.Nested(CandidateSchema), required=True)
