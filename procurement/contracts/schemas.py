"""What people type about a usage-contract request and a contract."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    lines,
)
from core.state_machine import LabelledCode
from procurement.contracts.models import BidderList
from procurement.projects.schemas import DecisionSchema, VersionSchema

_EMAIL = validate.Email(error="メールアドレスは name@example.jp の形で入力してください。")


class RequestSchema(FormSchema):
    """Who asks, whom to ask back, until when, and the body's list of bidders."""

    sender_name = line("差出人の職と氏名", maximum=100)
    contact_department = line("問い合わせ先の部署", maximum=100)
    contact_name = line("問い合わせ先の担当者", maximum=100)
    contact_phone = line("電話番号", maximum=40)
    contact_email = line("メールアドレス", maximum=254)
    answer_due_on = day("回答の期限")
    bidder_list = choice("入札参加資格者名簿", BidderList)
    bidder_list_note = line("名簿についての理由", maximum=500, required=False)
    message = lines("そのほかの条件", maximum=2_000, required=False)

    @validates_schema
    def _check_email(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data.get("contact_email"):
            try:
                _EMAIL(data["contact_email"])
            except ValidationError as error:
                raise ValidationError(error.messages, "contact_email") from error


class RequestEditSchema(VersionSchema, RequestSchema):
    """The same, over a version that was read."""


class ConfirmSchema(VersionSchema):
    """A confirm page without a password."""

    confirmed = checked()


class SendSchema(VersionSchema):
    """The confirm page of a legal act; the password when the sign-in is older than ten minutes."""

    confirmed = checked("依頼書の内容と送信先を確認しました")
    password = fields.String(load_default="", metadata={"label": "パスワード"})


class RequestDecision(LabelledCode):
    """What an approver may decide on a request: sending may be a visit of its own."""

    SEND = "send", "この内容で決裁し、すぐに事業者へ送信する"
    APPROVE = "approve", "この内容で決裁する（送信はあとで行う）"
    RETURN = "return", "担当者に差し戻す"


class RequestDecisionSchema(DecisionSchema):
    """The decision on a request; the password where it is sent and the sign-in is not recent."""

    decision = choice("決裁", RequestDecision)
    password = fields.String(load_default="", metadata={"label": "パスワード"})


class ReasonSchema(ConfirmSchema):
    """An act that needs a reason."""

    reason = lines("理由", maximum=1_000)


class ContractSchema(VersionSchema):
    """Number, dates and the hash of the signed record; the record itself is hashed and not kept."""

    number = line("契約番号", maximum=60)
    signed_on = day("契約日")
    starts_on = day("利用の始まり")
    ends_on = day("利用の終わり")
    signed_record_sha256 = line("署名済みの契約書のSHA-256", maximum=100, required=False)
    term_note = lines("期間について確かめた結果", maximum=1_000, required=False)
