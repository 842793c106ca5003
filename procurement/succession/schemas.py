"""What a lead types about a succession."""

import uuid
from typing import Any

from marshmallow import ValidationError, fields

from core.fields import FormSchema, checked, lines, whole
from vendors.field_types import CorporateNumber

EVERYTHING = "all"


class Scope(fields.Field[uuid.UUID | None]):
    """The offering that goes over, or None for the whole company; it must be chosen."""

    def _deserialize(self, value: Any, *_rest: Any, **_kwargs: Any) -> uuid.UUID | None:
        if value == EVERYTHING:
            return None
        try:
            return uuid.UUID(str(value))
        except ValueError as error:
            raise ValidationError("引き継ぐものは一覧から選択してください。") from error


class ProposeSchema(FormSchema):
    """Who takes over what, and why."""

    corporate_number = CorporateNumber(
        required=True,
        metadata={"label": "引き継ぐ事業者の法人番号"},
        error_messages={"required": "引き継ぐ事業者の法人番号を入力してください。"},
    )
    offering_id = Scope(
        required=True,
        metadata={"label": "引き継ぐもの"},
        error_messages={"required": "引き継ぐものを選択してください。"},
    )
    reason = lines("理由", maximum=2000)


class ConfirmSchema(FormSchema):
    """The second lead's confirmation, with the password when the sign-in is old."""

    confirmed = checked("根拠の文書と影響を確かめました")
    password = fields.String(load_default="", metadata={"label": "パスワード"})
    version = whole("版", minimum=1)


class DropSchema(FormSchema):
    """The end of a proposal."""

    version = whole("版", minimum=1)
