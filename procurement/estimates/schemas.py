"""What people type about an estimated price."""

from marshmallow import fields

from core.fields import FormSchema, checked, lines, row, yen
from procurement.projects.schemas import ConfirmSchema, VersionSchema, reason_field


class OpenSchema(FormSchema):
    """Who reads it besides the person who begins."""

    reader_ids = fields.List(
        fields.UUID(error_messages={"invalid_uuid": "見られる人は一覧から選択してください。"}),
        load_default=list,
        metadata={"label": "見られる人"},
    )


class EstimateSchema(VersionSchema):
    """The price with tax over the whole term, and how it was found."""

    amount = yen("予定価格（税込）", minimum=1)
    basis = lines("算定の根拠", maximum=2_000)


class FixSchema(ConfirmSchema):
    """The confirm page before it can no longer change."""

    confirmed = checked("金額と算定の根拠を確認しました")


class ReaderSchema(FormSchema):
    """One person who is named or struck out."""

    person_id = row("見られる人")


class HandOverSchema(ReaderSchema):
    """Who is named when all named people have left, and why."""

    reason = reason_field("引継ぎの理由")


class SheetSchema(FormSchema):
    """The sheet is drawn at the press of a button: nothing is typed."""
