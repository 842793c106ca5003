"""Addresses that are told of changes, their keys, what is told, and every try to tell it."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text
from sqlmodel import Field

from core.models import Model, StatefulModel, UTCDateTime, enum_type, related
from core.state_machine import LabelledCode, StateMachine


class Signature(LabelledCode):
    """How a receiver knows that a message is ours (Standard Webhooks 1.0: v1 and v1a)."""

    ED25519 = "ed25519", "公開鍵で確かめる（Ed25519）"
    HMAC = "hmac", "共有の鍵で確かめる（HMAC-SHA256）"


class WebhookState(LabelledCode):
    """States of a webhook."""

    ACTIVE = "active", "通知する"
    STOPPED = "stopped", "停止中"


class WebhookAction(StrEnum):
    """Acts on a webhook."""

    STOP = "stop"
    RESUME = "resume"


class StopReason(LabelledCode):
    """Why a webhook was stopped."""

    OWNER = "owner", "組織の方が止めました"
    GONE = "gone", "通知先が410（もうありません）と答えました"
    UNREACHED = "unreached", "75時間のあいだ届きませんでした"


WEBHOOK_MACHINE = StateMachine(
    noun="通知先",
    initial=WebhookState.ACTIVE,
    transitions={
        (WebhookState.ACTIVE, WebhookAction.STOP): WebhookState.STOPPED,
        (WebhookState.STOPPED, WebhookAction.RESUME): WebhookState.ACTIVE,
    },
)


class MessageKind(LabelledCode):
    """What a message says; the code is its `type`."""

    CHANGED = "catalog.changed", "更新の通知"
    TEST = "webhook.test", "試しの通知"


class MessageState(LabelledCode):
    """States of a message."""

    WAITING = "waiting", "送信待ち"
    DELIVERED = "delivered", "届きました"
    FAILED = "failed", "届きませんでした"


class OwnFilter(LabelledCode):
    """What lists of webhooks leave out by themselves."""

    OWN_ORGANISATION = "own_organisation", "トークンの組織のものだけ"


class MessageAction(StrEnum):
    """Acts on a message."""

    DELIVER = "deliver"
    FAIL = "fail"
    RESEND = "resend"


MESSAGE_MACHINE = StateMachine(
    noun="通知",
    initial=MessageState.WAITING,
    transitions={
        (MessageState.WAITING, MessageAction.DELIVER): MessageState.DELIVERED,
        (MessageState.WAITING, MessageAction.FAIL): MessageState.FAILED,
        (MessageState.DELIVERED, MessageAction.RESEND): MessageState.WAITING,
        (MessageState.FAILED, MessageAction.RESEND): MessageState.WAITING,
    },
)


class Webhook(StatefulModel, table=True):
    """An address of an organisation that is told "changed up to sequence N", one message at a time.

    `told_epoch` and `told_sequence` are what it has confirmed. The sender alone writes `due_at` (not
    before), `claimed_until` (a worker is at it), `failures` (in a row) and `last_ms`; they raise no version.
    """

    MACHINE: ClassVar[StateMachine] = WEBHOOK_MACHINE
    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint(
            "(state = 'stopped') = (stop_reason IS NOT NULL) "
            "AND (state = 'stopped') = (stopped_at IS NOT NULL)",
            "stopped_whole",
        ),
        Index("ix_webhooks_due", "state", "due_at"),
    )

    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    name: str = Field(max_length=60)
    address: str = Field(max_length=500)
    signature: Signature = Field(sa_type=enum_type(Signature))
    state: WebhookState = Field(default=WebhookState.ACTIVE, sa_type=enum_type(WebhookState))
    stop_reason: StopReason | None = Field(default=None, sa_type=enum_type(StopReason))
    stopped_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    told_epoch: str = Field(max_length=36)
    told_sequence: int = Field(sa_type=BigInteger)
    due_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    claimed_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    failures: int = 0
    last_ms: int = 0

    keys: list["WebhookKey"] = related(order_by="WebhookKey.created_at.desc()")


class WebhookKey(Model, table=True):
    """A key that signs; sealed. The newest signs first, a former one beside it until `ends_at`.

    `shown_at` tells when the shared key was shown, which happens once; of a pair only the public half
    leaves the house.
    """

    __tablename__ = "webhook_keys"

    webhook_id: uuid.UUID = Field(foreign_key="webhooks.id", index=True)
    sealed: bytes = Field(sa_type=LargeBinary, repr=False)
    public_key: str = Field(default="", max_length=80)
    shown_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class WebhookMessage(StatefulModel, table=True):
    """One message, kept as it is sent, so that every further try is the same message.

    `is_single` is tried once: a test, or one that its owner sends again.
    """

    MACHINE: ClassVar[StateMachine] = MESSAGE_MACHINE
    __tablename__ = "webhook_messages"
    __table_args__ = (
        Index("ix_webhook_messages_log", "webhook_id", "created_at"),
        Index("ix_webhook_messages_due", "state", "due_at"),
    )

    webhook_id: uuid.UUID = Field(foreign_key="webhooks.id")
    kind: MessageKind = Field(sa_type=enum_type(MessageKind))
    epoch: str = Field(max_length=36)
    sequence: int = Field(sa_type=BigInteger)
    body: str = Field(sa_type=Text)
    state: MessageState = Field(default=MessageState.WAITING, sa_type=enum_type(MessageState))
    is_single: bool = False
    due_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    tries: int = 0

    attempts: list["WebhookAttempt"] = related(order_by="WebhookAttempt.created_at.desc()")

    @property
    def public_id(self) -> str:
        """The id that the receiver sees, the same at every try."""
        return f"msg_{self.id.hex}"


class WebhookAttempt(Model, table=True):
    """One try: the status that was answered, or why nothing usable was; how long it took.

    `asked_seconds` is the pause that the receiver asked for by Retry-After, as far as it is granted.
    """

    __tablename__ = "webhook_attempts"

    message_id: uuid.UUID = Field(foreign_key="webhook_messages.id", index=True)
    status: int | None = None
    reason: str = Field(default="", max_length=20)
    ms: int = 0
    asked_seconds: int | None = None

    @property
    def is_accepted(self) -> bool:
        """Tell whether the receiver took the message: any status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300
