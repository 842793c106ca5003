"""What people and programs say of a webhook."""

from accounts.hooks.models import Signature
from core.fields import FormSchema, checked, choice, line


class WebhookSchema(FormSchema):
    """Name and address of a receiver."""

    name = line("名前", maximum=60)
    address = line("通知先のアドレス", maximum=500)


class NewWebhookSchema(WebhookSchema):
    """A new receiver, and how it knows our messages."""

    signature = choice("確かめ方", Signature)


class EmptySchema(FormSchema):
    """An act that needs no words."""


class RotateSchema(FormSchema):
    """A new key."""

    confirmed = checked("前の鍵が24時間で終わることを確かめました")


class DeleteSchema(FormSchema):
    """The end of a webhook."""

    confirmed = checked("この通知先を削除することを確かめました")
