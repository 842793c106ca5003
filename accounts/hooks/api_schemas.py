"""What programs say and read of webhooks."""

from collections.abc import Iterable
from enum import StrEnum

from marshmallow import fields, validate

from accounts.hooks.models import MessageKind, MessageState, Signature, StopReason, WebhookState
from accounts.hooks.schemas import WebhookSchema
from core.fields import FormSchema

_PAGE, _LONGEST_PAGE = 20, 100


def _codes(values: Iterable[StrEnum]) -> validate.OneOf:
    return validate.OneOf([each.value for each in values])


class WebhookChangeSchema(WebhookSchema):
    """Name, address or both."""

    def __init__(self) -> None:
        super().__init__(partial=True)


class WebhookKeySchema(FormSchema):
    """A key that signs: its public half, null for a shared key, and until when it does."""

    public_key = fields.String(required=True, allow_none=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)


class WebhookAnswerSchema(FormSchema):
    """A webhook as its owner has set it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True)
    signature = fields.String(required=True, validate=_codes(Signature))
    state = fields.String(required=True, validate=_codes(WebhookState))
    stop_reason = fields.String(required=True, allow_none=True, validate=_codes(StopReason))
    stopped_at = fields.AwareDateTime(required=True, allow_none=True)
    keys = fields.List(fields.Nested(WebhookKeySchema), required=True)


class WebhookWithSecretSchema(WebhookAnswerSchema):
    """A webhook with its new shared key, told this once; null where there is a pair."""

    secret = fields.String(required=True, allow_none=True)


class WebhookListSchema(FormSchema):
    """All webhooks of the organisation."""

    items = fields.List(fields.Nested(WebhookAnswerSchema), required=True)


class WebhookAttemptSchema(FormSchema):
    """One try: the status that was answered, or why nothing usable was."""

    at = fields.AwareDateTime(required=True)
    status = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    milliseconds = fields.Integer(required=True)
    retry_after_seconds = fields.Integer(required=True, allow_none=True)


class WebhookMessageSchema(FormSchema):
    """One message; `webhook_id` is the header of that name, the same at every try."""

    id = fields.UUID(required=True)
    webhook_id = fields.String(required=True)
    type = fields.String(required=True, validate=_codes(MessageKind))
    sequence = fields.Integer(required=True)
    state = fields.String(required=True, validate=_codes(MessageState))
    created_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(WebhookAttemptSchema), required=True)


class WebhookToldSchema(FormSchema):
    """Up to where a receiver has confirmed."""

    epoch = fields.String(required=True)
    sequence = fields.Integer(required=True)


class WebhookMessageListSchema(FormSchema):
    """A page of the log, the newest first."""

    told = fields.Nested(WebhookToldSchema, required=True)
    items = fields.List(fields.Nested(WebhookMessageSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class WebhookMessagesQuerySchema(FormSchema):
    """Which page of the log."""

    limit = fields.Integer(
        load_default=_PAGE,
        validate=validate.Range(
            1, _LONGEST_PAGE, error=f"limitは1から{_LONGEST_PAGE}までにしてください。"
        ),
    )
    cursor = fields.String(
        load_default=None,
        validate=validate.Length(1, 400),
        metadata={"description": "前の答えのnext"},
    )
