"""Acts of an organisation on its webhooks: add, change, keys, stop, resume, try, send again, delete."""

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

from sqlmodel import Session

from accounts.hooks import queries, signing
from accounts.hooks.addresses import find_fault
from accounts.hooks.models import (
    MessageAction,
    MessageKind,
    Signature,
    StopReason,
    Webhook,
    WebhookAction,
    WebhookKey,
    WebhookMessage,
)
from accounts.hooks.telling import make_message
from accounts.identity import Actor
from accounts.models import Organisation
from accounts.permissions import Permission, require
from core import audit, changes, sealing
from core.config import Settings
from core.db import now
from core.errors import Conflict, Invalid, NotFound, TooMany

PURPOSE = "webhook_key"
OVERLAP = timedelta(hours=24)
MOST_WEBHOOKS = 10
SINGLES_PER_HOUR = 20
_MANAGE = Permission.WEBHOOK_MANAGE


def create(
    session: Session,
    actor: Actor,
    settings: Settings,
    *,
    name: str,
    address: str,
    signature: Signature,
) -> Webhook:
    """Add a webhook that is told of changes from now on; raises Invalid for address or number."""
    actor = require(session, actor, _MANAGE)
    _judge(settings, address)
    owner = session.get(Organisation, actor.organisation_id, with_for_update=True)
    if owner is None:
        raise NotFound
    if len(queries.list_own(session, owner.id)) >= MOST_WEBHOOKS:
        raise Invalid(
            {"name": f"通知先は{MOST_WEBHOOKS}件までです。使わないものを削除してください。"}
        )
    feed = changes.read_state(session)
    webhook = Webhook(
        owner_id=owner.id,
        name=name,
        address=address,
        signature=signature,
        told_epoch=feed.epoch,
        told_sequence=feed.head,
        due_at=now(session),
    )
    session.add(webhook)
    session.flush()
    _add_key(session, settings, webhook)
    _record(session, actor, webhook, "webhook.create")
    return webhook


def edit(
    session: Session,
    actor: Actor,
    settings: Settings,
    webhook_id: uuid.UUID,
    *,
    name: str,
    address: str,
    version: int | None = None,
) -> Webhook:
    """Change name and address; what waits is then tried at the new address at once."""
    webhook, actor = _own(session, actor, webhook_id)
    _judge(settings, address)
    moved = webhook.address != address
    webhook.revise(version, name=name, address=address)
    if moved:
        _hurry(session, webhook)
    _record(session, actor, webhook, "webhook.edit")
    return webhook


def reveal(session: Session, actor: Actor, settings: Settings, webhook_id: uuid.UUID) -> str:
    """Return the newest shared key, once; raises Conflict afterwards."""
    webhook, actor = _own(session, actor, webhook_id)
    newest = queries.list_keys(session, webhook_id)[0]
    if webhook.signature is not Signature.HMAC:
        raise Conflict("この通知先は公開鍵で確かめます。秘密の鍵はNarabiの外に出しません。")
    if newest.shown_at is not None:
        raise Conflict("この鍵は表示しました。控えがないときは、鍵を作り直してください。")
    newest.revise(shown_at=now(session))
    _record(session, actor, webhook, "webhook.reveal_key")
    return signing.word_shared(open_key(settings, newest))


def rotate(session: Session, actor: Actor, settings: Settings, webhook_id: uuid.UUID) -> Webhook:
    """Make a new key; the present one signs beside it for a day, an older one no more."""
    webhook, actor = _own(session, actor, webhook_id)
    newest, *older = queries.list_keys(session, webhook_id)
    queries.delete_keys(session, [each.id for each in older])
    newest.revise(ends_at=now(session) + OVERLAP)
    _add_key(session, settings, webhook)
    _record(session, actor, webhook, "webhook.rotate_key")
    return webhook


def end_former_key(session: Session, actor: Actor, webhook_id: uuid.UUID) -> None:
    """Let only the newest key sign from now on; raises Conflict when it already does."""
    webhook, actor = _own(session, actor, webhook_id)
    _, *older = queries.list_keys(session, webhook_id)
    if not older:
        raise Conflict("前の鍵は、もう使われていません。")
    queries.delete_keys(session, [each.id for each in older])
    _record(session, actor, webhook, "webhook.end_key")


def stop(session: Session, actor: Actor, webhook_id: uuid.UUID) -> Webhook:
    """Send nothing more until it is resumed; what waits is given up."""
    webhook, actor = _own(session, actor, webhook_id)
    halt(session, webhook, StopReason.OWNER)
    _record(session, actor, webhook, "webhook.stop")
    return webhook


def halt(session: Session, webhook: Webhook, reason: StopReason) -> None:
    """Stop a webhook for a reason, with what waits for it."""
    webhook.apply(WebhookAction.STOP, stop_reason=reason, stopped_at=now(session))
    for each in queries.list_waiting(session, webhook.id):
        each.apply(MessageAction.FAIL)


def resume(session: Session, actor: Actor, webhook_id: uuid.UUID) -> Webhook:
    """Send again; what changed meanwhile is told at once in one message."""
    webhook, actor = _own(session, actor, webhook_id)
    webhook.apply(WebhookAction.RESUME, stop_reason=None, stopped_at=None)
    webhook.failures, webhook.last_ms = 0, 0
    webhook.due_at = now(session)
    _record(session, actor, webhook, "webhook.resume")
    return webhook


def delete(session: Session, actor: Actor, webhook_id: uuid.UUID) -> None:
    """Delete a webhook with its keys and its log; the trail keeps that it was."""
    webhook, actor = _own(session, actor, webhook_id)
    _record(session, actor, webhook, "webhook.delete")
    queries.delete_webhook(session, webhook.id)


def send_test(session: Session, actor: Actor, webhook_id: uuid.UUID) -> WebhookMessage:
    """Send a message of its own kind, once; raises Conflict or TooMany."""
    webhook, actor = _own(session, actor, webhook_id)
    _spare(session, webhook)
    message = make_message(session, webhook, MessageKind.TEST)
    _record(session, actor, webhook, "webhook.test")
    return message


def resend(
    session: Session, actor: Actor, webhook_id: uuid.UUID, message_id: uuid.UUID
) -> WebhookMessage:
    """Send a message that is done once more, as it was; raises WrongState, Conflict or TooMany."""
    webhook, actor = _own(session, actor, webhook_id)
    message = session.get(WebhookMessage, message_id, with_for_update=True)
    if message is None or message.webhook_id != webhook.id:
        raise NotFound
    message.expect(MessageAction.RESEND)
    _spare(session, webhook)
    message.apply(MessageAction.RESEND, is_single=True, due_at=now(session))
    _record(session, actor, webhook, "webhook.resend")
    return message


def seal_anew(session: Session, settings: Settings) -> None:
    """Seal by the newest key what a former one has sealed: only then can the former one go."""
    for each in queries.list_all_keys(session):
        if not sealing.is_newest(settings, each.sealed):
            plain = open_key(settings, each)
            each.sealed = sealing.seal(settings, PURPOSE, each.id, plain)


def open_key(settings: Settings, key: WebhookKey) -> bytes:
    """Return what signs; the caller has checked the right, or is the sender."""
    return sealing.unseal(settings, PURPOSE, key.id, key.sealed)


def _judge(settings: Settings, address: str) -> None:
    if fault := find_fault(address, settings.webhook_origins):
        raise Invalid({"address": fault})


def _own(session: Session, actor: Actor, webhook_id: uuid.UUID) -> tuple[Webhook, Actor]:
    webhook = queries.lock_webhook(session, webhook_id)
    if webhook is None:
        raise NotFound
    return webhook, require(session, actor, _MANAGE, webhook)


def _add_key(session: Session, settings: Settings, webhook: Webhook) -> None:
    key, row_id = signing.new_key(), uuid.uuid4()
    session.add(
        WebhookKey(
            id=row_id,
            created_at=now(session),
            webhook_id=webhook.id,
            sealed=sealing.seal(settings, PURPOSE, row_id, key),
            public_key=signing.word_public(webhook.signature, key),
        )
    )
    session.flush()


def _hurry(session: Session, webhook: Webhook) -> None:
    webhook.due_at = now(session)
    for each in queries.list_waiting(session, webhook.id):
        each.due_at = now(session)


def _spare(session: Session, webhook: Webhook) -> None:
    """Refuse to be a hammer: one message that is tried once at a time, and so many in an hour."""
    if any(each.is_single for each in queries.list_waiting(session, webhook.id)):
        raise Conflict("前に頼まれた通知を送っています。結果が出てから、もう一度送ってください。")
    an_hour_ago = now(session) - timedelta(hours=1)
    if queries.count_tries_since(session, webhook.id, an_hour_ago) >= SINGLES_PER_HOUR:
        raise TooMany(
            f"試しの通知と再送は、1時間に{SINGLES_PER_HOUR}回までです。時間をおいてください。"
        )


def _record(session: Session, actor: Actor, webhook: Webhook, action: str) -> None:
    audit.record(
        session,
        actor,
        action,
        "Webhook",
        webhook.id,
        owner_id=webhook.owner_id,
        name=webhook.name,
        # An address may carry a token of the receiver: the trail keeps its host only.
        host=urlsplit(webhook.address).hostname or "",
    )
