"""An organisation's webhooks over the API, for its programs with the scope webhook.manage."""

import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, url_for
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.hooks import queries, services
from accounts.hooks.api_schemas import (
    WebhookAnswerSchema,
    WebhookChangeSchema,
    WebhookListSchema,
    WebhookMessageListSchema,
    WebhookMessageSchema,
    WebhookMessagesQuerySchema,
    WebhookWithSecretSchema,
)
from accounts.hooks.models import (
    MessageState,
    OwnFilter,
    Signature,
    Webhook,
    WebhookAttempt,
    WebhookKey,
    WebhookMessage,
)
from accounts.hooks.schemas import NewWebhookSchema
from accounts.identity import Scope
from accounts.permissions import Permission, require
from core import api, web
from core.api_writes import Answer, acting, check_match
from core.errors import NotFound

blueprint = Blueprint("webhooks_api", __name__, url_prefix="/api/v1/webhooks")
_READ, _MANAGE = Permission.WEBHOOK_READ, Permission.WEBHOOK_MANAGE
_SCOPE = Scope.WEBHOOK_MANAGE.value
_MATCH = (412, 428)
_OWN = (OwnFilter.OWN_ORGANISATION,)
_ONE = "/<uuid:webhook_id>"


@blueprint.get("")
@access(_READ)
@api.endpoint(
    "自組織の通知先の一覧", answer=WebhookListSchema, adds=_OWN, needs=_SCOPE, problems=(401, 403)
)
def list_webhooks(query: dict[str, Any]) -> dict[str, Any]:
    """Answer all webhooks of the organisation; there are ten at most."""
    del query
    found = queries.list_own(web.read_session(), actor().organisation_id)
    return {"items": [describe(each, each.keys) for each in found]}


@blueprint.post("")
@access(_MANAGE, write=_MANAGE)
@acting(
    "通知先の登録", needs=_SCOPE, body=NewWebhookSchema, answer=WebhookWithSecretSchema, status=201
)
def create_webhook(session: Session, query: dict[str, Any], body: dict[str, Any]) -> Answer:
    """Add a webhook; a shared key is told here and never again."""
    del query
    made = services.create(session, actor(), settings(), **body)
    secret = None
    if made.signature is Signature.HMAC:
        secret = services.reveal(session, actor(), settings(), made.id)
    return _answer(session, made, secret=secret)


@blueprint.get(_ONE)
@access(_READ)
@api.endpoint("通知先1件", answer=WebhookAnswerSchema, needs=_SCOPE, problems=(401, 403, 404))
def show_webhook(webhook_id: uuid.UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer one webhook; its ETag is what a change has to match."""
    del query
    webhook = _own(web.read_session(), webhook_id)
    return describe(webhook, webhook.keys)


@blueprint.patch(_ONE)
@access(_MANAGE, write=_MANAGE)
@acting(
    "通知先の変更",
    needs=_SCOPE,
    body=WebhookChangeSchema,
    answer=WebhookAnswerSchema,
    problems=_MATCH,
)
def change_webhook(
    session: Session, webhook_id: uuid.UUID, query: dict[str, Any], body: dict[str, Any]
) -> Answer:
    """Change name, address or both."""
    del query
    webhook = _held(session, webhook_id)
    values = {"name": webhook.name, "address": webhook.address, **body}
    changed = services.edit(session, actor(), settings(), webhook_id, **values)
    return _answer(session, changed)


@blueprint.delete(_ONE)
@access(_MANAGE, write=_MANAGE)
@acting("通知先の削除", needs=_SCOPE, status=204, problems=_MATCH)
def delete_webhook(session: Session, webhook_id: uuid.UUID, query: dict[str, Any]) -> Answer:
    """Delete a webhook with its keys and its log."""
    del query
    _held(session, webhook_id)
    services.delete(session, actor(), webhook_id)
    return Answer(None)


@blueprint.post(f"{_ONE}/key")
@access(_MANAGE, write=_MANAGE)
@acting("鍵の作り直し", needs=_SCOPE, answer=WebhookWithSecretSchema, status=201)
def rotate_key(session: Session, webhook_id: uuid.UUID, query: dict[str, Any]) -> Answer:
    """Make a new key, which is told here; the former one signs beside it for a day."""
    del query
    webhook = services.rotate(session, actor(), settings(), webhook_id)
    secret = None
    if webhook.signature is Signature.HMAC:
        secret = services.reveal(session, actor(), settings(), webhook_id)
    return _answer(session, webhook, secret=secret)


@blueprint.post(f"{_ONE}/stop")
@access(_MANAGE, write=_MANAGE)
@acting("通知の停止", needs=_SCOPE, answer=WebhookAnswerSchema, problems=(409,))
def stop_webhook(session: Session, webhook_id: uuid.UUID, query: dict[str, Any]) -> Answer:
    """Send nothing more until it is resumed."""
    del query
    return _answer(session, services.stop(session, actor(), webhook_id))


@blueprint.post(f"{_ONE}/resume")
@access(_MANAGE, write=_MANAGE)
@acting("通知の再開", needs=_SCOPE, answer=WebhookAnswerSchema, problems=(409,))
def resume_webhook(session: Session, webhook_id: uuid.UUID, query: dict[str, Any]) -> Answer:
    """Send again, what changed meanwhile in one message."""
    del query
    return _answer(session, services.resume(session, actor(), webhook_id))


@blueprint.post(f"{_ONE}/test")
@access(_MANAGE, write=_MANAGE)
@acting("試しの通知", needs=_SCOPE, answer=WebhookMessageSchema, status=202, problems=(409, 429))
def send_test(session: Session, webhook_id: uuid.UUID, query: dict[str, Any]) -> Answer:
    """Send a message of the type webhook.test within seconds; its log tells what came of it."""
    del query
    return Answer(_describe_message(services.send_test(session, actor(), webhook_id), []))


@blueprint.get(f"{_ONE}/messages")
@access(_READ)
@api.endpoint(
    "送信の記録",
    query=WebhookMessagesQuerySchema,
    answer=WebhookMessageListSchema,
    adds=_OWN,
    needs=_SCOPE,
    problems=(401, 403, 404),
)
def list_messages(webhook_id: uuid.UUID, query: dict[str, Any]) -> Response:
    """Answer a page of the log, the newest first, and up to where the receiver was told."""
    session, limit = web.read_session(), query["limit"]
    webhook = _own(session, webhook_id)
    found = queries.list_messages(session, webhook_id, limit + 1, _read_place(query["cursor"]))
    shown, last = found[:limit], found[limit - 1 : limit]
    following = (
        api.make_cursor(last[0].created_at.isoformat(), str(last[0].id))
        if len(found) > limit
        else None
    )
    content = {
        "told": {"epoch": webhook.told_epoch, "sequence": webhook.told_sequence},
        "items": [_describe_message(each, each.attempts) for each in shown],
        "next": following,
    }
    response = api.json_response(content)
    return api.link_next(response, cursor=following) if following else response


@blueprint.post(f"{_ONE}/messages/<uuid:message_id>/resend")
@access(_MANAGE, write=_MANAGE)
@acting("再送", needs=_SCOPE, answer=WebhookMessageSchema, status=202, problems=(409, 429))
def resend_message(
    session: Session, webhook_id: uuid.UUID, message_id: uuid.UUID, query: dict[str, Any]
) -> Answer:
    """Send a message once more, as it was."""
    del query
    sent = services.resend(session, actor(), webhook_id, message_id)
    return Answer(_describe_message(sent, queries.list_attempts(session, message_id)))


def describe(webhook: Webhook, keys: list[WebhookKey]) -> dict[str, Any]:
    """Return a webhook as its owner reads it: what the sender notes by itself is in the log."""
    return {
        "id": str(webhook.id),
        "name": webhook.name,
        "address": webhook.address,
        "signature": webhook.signature.value,
        "state": webhook.state.value,
        "stop_reason": webhook.stop_reason.value if webhook.stop_reason else None,
        "stopped_at": _moment(webhook.stopped_at),
        "keys": [
            {"public_key": each.public_key or None, "ends_at": _moment(each.ends_at)}
            for each in keys
        ],
    }


def _answer(session: Session, webhook: Webhook, **told: str | None) -> Answer:
    content = describe(webhook, queries.list_keys(session, webhook.id))
    location = url_for("webhooks_api.show_webhook", webhook_id=webhook.id)
    return Answer({**content, **told}, location if told else "")


def _describe_message(message: WebhookMessage, attempts: list[WebhookAttempt]) -> dict[str, Any]:
    return {
        "id": str(message.id),
        "webhook_id": message.public_id,
        "type": message.kind.value,
        "sequence": message.sequence,
        "state": message.state.value,
        "created_at": _moment(message.created_at),
        "due_at": _moment(message.due_at) if message.state is MessageState.WAITING else None,
        "attempts": [
            {
                "at": _moment(each.created_at),
                "status": each.status,
                "reason": each.reason or None,
                "milliseconds": each.ms,
                "retry_after_seconds": each.asked_seconds,
            }
            for each in attempts
        ],
    }


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _read_place(cursor: str | None) -> tuple[datetime, uuid.UUID] | None:
    if cursor is None:
        return None
    moment, row_id = api.read_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(moment), uuid.UUID(row_id)
    except ValueError:
        raise api.BadParameters([("cursor", "cursorを読み取れません。")]) from None


def _own(session: Session, webhook_id: uuid.UUID) -> Webhook:
    webhook = queries.get_webhook(session, webhook_id)
    if webhook is None:
        raise NotFound
    require(session, actor(), _READ, webhook)
    return webhook


def _held(session: Session, webhook_id: uuid.UUID) -> Webhook:
    """Hold a webhook and refuse a change that was made from another text of it."""
    webhook = queries.lock_webhook(session, webhook_id)
    if webhook is None:
        raise NotFound
    require(session, actor(), _MANAGE, webhook)
    check_match(describe(webhook, queries.list_keys(session, webhook_id)))
    return webhook
