"""What a reader sends from the page of conditions: the conditions, and what to keep of them."""

from marshmallow import fields

from catalog.schemas import ComparisonQuerySchema, CostQuerySchema
from core import fields as forms
from core.fields import FormSchema


class KeepingSchema(FormSchema):
    """Whether the conditions are kept, and what is paid today; never part of an address."""

    keep = fields.String(load_default="")
    baseline_yearly = forms.yen("今の契約の1年の費用（税込）", required=False)
    baseline_ends_on = forms.day("今の契約の最後の日", required=False)


class ComparisonFormSchema(ComparisonQuerySchema, KeepingSchema):
    """The conditions of a comparison."""


class CostFormSchema(CostQuerySchema, KeepingSchema):
    """The conditions of one service's cost."""


class OwnConditionsSchema(CostFormSchema):
    """The conditions that count wherever a price is shown, and the page to go back to.

    `work` is the specification whose services the quantities, options and today's contract are for;
    `opened` the one whose were in the fields when the page was opened.
    """

    next = fields.String(load_default="")
    work = fields.String(load_default="", metadata={"label": "業務"})
    opened = fields.String(load_default="")


class ForgetSchema(FormSchema):
    """What is forgotten is the reader's own; only the page to go back to is sent."""

    next = fields.String(load_default="")
