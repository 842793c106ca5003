"""The JSON of a body's own requests and contracts, as its clerks read them."""

from marshmallow import fields

from catalog import api_fields as f
from core.fields import FormSchema
from procurement.bodies.methods import Ground
from procurement.contracts.models import ContractState, RequestState
from procurement.selection.models import PriceSource, SelectionMethod


class SellerSchema(FormSchema):
    """The vendor that is asked."""

    id = f.identifier()
    name = f.text()
    corporate_number = f.text("法人番号（13桁）")


class RequestOutlineSchema(FormSchema):
    """A usage-contract request as a list shows it."""

    id = f.identifier()
    project_id = f.identifier()
    number = f.optional("依頼書の番号。決裁までnull")
    state = f.code(RequestState)
    seller = fields.Nested(SellerSchema, required=True)
    sent_at = f.moment()
    answer_due_at = f.moment()
    answered_at = f.moment()


class RequestPageSchema(FormSchema):
    """A page of requests; `next` is the cursor of the following one."""

    items = fields.List(fields.Nested(RequestOutlineSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")


class ChoiceSchema(FormSchema):
    """What was chosen and decided, over the whole term."""

    listing_version_id = f.identifier()
    method = f.code(SelectionMethod)
    ground = fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": [*(each.value for each in Ground), None]},
    )
    price_source = f.code(PriceSource)
    total_with_tax = f.number("円・税込")
    total_without_tax = f.number("円・税抜")
    decided_at = f.moment()


class RequestSchema(RequestOutlineSchema):
    """A request whole; `payload_sha256` is the hash of what was decided and sent."""

    choice = fields.Nested(ChoiceSchema, required=True)
    payload_sha256 = f.optional("決裁までnull")
    approved_at = f.moment()
    return_reason = f.optional()
    answer_reason = f.optional("事業者が辞退した理由")
    withdrawn_at = f.moment()
    withdrawal_reason = f.optional()
    contract_id = f.identifier(nullable=True)
    page = f.text("画面のアドレス")


class ContractSchema(FormSchema):
    """A contract that both sides settled outside this product."""

    id = f.identifier()
    request_id = f.identifier()
    project_id = f.identifier()
    number = f.text("団体の契約番号")
    state = f.code(ContractState)
    seller = fields.Nested(SellerSchema, required=True)
    listing_version_id = f.identifier()
    signed_on = f.day()
    starts_on = f.day()
    ends_on = f.day()
    signed_record_sha256 = f.digest()
    confirmed_at = f.moment()
    page = f.text("画面のアドレス")


class ContractPageSchema(FormSchema):
    """A page of contracts; `next` is the cursor of the following one."""

    items = fields.List(fields.Nested(ContractSchema), required=True)
    next = f.optional("次のページのcursor。最後のページではnull")
