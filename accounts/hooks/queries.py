"""Webhooks and their messages, as pages, API and sender read them."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, tuple_
from sqlalchemy.orm import selectinload
from sqlmodel import Session
from sqlmodel import select as select_rows

from accounts.hooks.models import (
    MessageState,
    Webhook,
    WebhookAttempt,
    WebhookKey,
    WebhookMessage,
    WebhookState,
)
from core import changes
from core.changes import PublicChange
from core.db import now

SLOW_MS = 2_000


def list_own(session: Session, organisation_id: uuid.UUID | None) -> list[Webhook]:
    """Return the webhooks of an organisation with their keys, by name."""
    statement = (
        select_rows(Webhook)
        .where(Webhook.owner_id == organisation_id)
        .order_by(Webhook.name, Webhook.id)  # type: ignore[arg-type]
        .options(selectinload(Webhook.keys))  # type: ignore[arg-type]
    )
    return list(session.exec(statement))


def get_webhook(session: Session, webhook_id: uuid.UUID) -> Webhook | None:
    """Return a webhook with its keys, the newest first."""
    return session.get(Webhook, webhook_id, options=[selectinload(Webhook.keys)])  # type: ignore[arg-type]


def lock_webhook(session: Session, webhook_id: uuid.UUID) -> Webhook | None:
    """Return a webhook that nobody else changes until the end of this transaction."""
    return session.get(Webhook, webhook_id, with_for_update=True)


def list_keys(session: Session, webhook_id: uuid.UUID) -> list[WebhookKey]:
    """Return the keys that sign now, the newest first."""
    statement = (
        select_rows(WebhookKey)
        .where(
            WebhookKey.webhook_id == webhook_id,
            or_(WebhookKey.ends_at.is_(None), WebhookKey.ends_at > now(session)),  # type: ignore[union-attr, operator, arg-type]
        )
        .order_by(WebhookKey.created_at.desc(), WebhookKey.id)  # type: ignore[attr-defined, arg-type]
    )
    return list(session.exec(statement))


def list_all_keys(session: Session) -> list[WebhookKey]:
    """Return the keys of all webhooks: two for each of at most ten that an organisation has."""
    return list(session.exec(select_rows(WebhookKey).order_by(WebhookKey.id)))  # type: ignore[arg-type]


def list_messages(
    session: Session,
    webhook_id: uuid.UUID,
    limit: int,
    before: tuple[datetime, uuid.UUID] | None = None,
) -> list[WebhookMessage]:
    """Return messages with their tries, the newest first."""
    statement = (
        select_rows(WebhookMessage)
        .where(WebhookMessage.webhook_id == webhook_id)
        .order_by(WebhookMessage.created_at.desc(), WebhookMessage.id.desc())  # type: ignore[attr-defined]
        .limit(limit)
        .options(selectinload(WebhookMessage.attempts))  # type: ignore[arg-type]
    )
    if before is not None:
        place = tuple_(WebhookMessage.created_at, WebhookMessage.id)  # type: ignore[arg-type]
        statement = statement.where(place < before)
    return list(session.exec(statement))


def list_attempts(session: Session, message_id: uuid.UUID) -> list[WebhookAttempt]:
    """Return the tries of a message, the newest first."""
    statement = (
        select_rows(WebhookAttempt)
        .where(WebhookAttempt.message_id == message_id)
        .order_by(WebhookAttempt.created_at.desc(), WebhookAttempt.id)  # type: ignore[attr-defined, arg-type]
    )
    return list(session.exec(statement))


def count_tries_since(session: Session, webhook_id: uuid.UUID, since: datetime) -> int:
    """Return how many messages that are tried once were asked for from a moment on."""
    statement = select(func.count()).where(
        WebhookMessage.webhook_id == webhook_id,  # type: ignore[arg-type]
        WebhookMessage.is_single,  # type: ignore[arg-type]
        WebhookMessage.due_at >= since,  # type: ignore[arg-type]
    )
    return int(session.execute(statement).scalar_one())


def list_due(session: Session, *, is_slow: bool, limit: int, lock: bool = False) -> list[Webhook]:
    """Return webhooks to which something has to be sent now, longest due first.

    Slow ones, those that failed the last time or took long, are taken apart from the others.
    """
    statement = (
        select_rows(Webhook)
        .where(_is_due(session), _is_slow() if is_slow else ~_is_slow())
        .order_by(Webhook.due_at, Webhook.id)  # type: ignore[arg-type]
        .limit(limit)
    )
    return list(session.exec(statement.with_for_update(skip_locked=True) if lock else statement))


def measure_due(session: Session) -> tuple[int, datetime | None]:
    """Return to how many webhooks something has to be sent now, and since when the longest of them waits.

    One that was told all waits from the next change on; one with a message from the next try on.
    """
    changed = PublicChange.occurred_at
    since = case((changed > Webhook.due_at, changed), else_=Webhook.due_at)  # type: ignore[arg-type]
    following = PublicChange.sequence == Webhook.told_sequence + 1
    statement = (
        select(func.count(), func.min(since))
        .select_from(Webhook)
        .outerjoin(PublicChange, following)  # type: ignore[arg-type]
        .where(_is_due(session))
    )
    count, oldest = session.execute(statement).one()
    return int(count), oldest


def measure_undelivered(session: Session) -> tuple[int, datetime | None]:
    """Return how many messages wait to be taken by their receiver, and when the oldest was made."""
    statement = select(func.count(), func.min(WebhookMessage.created_at)).where(
        WebhookMessage.state == MessageState.WAITING  # type: ignore[arg-type]
    )
    count, oldest = session.execute(statement).one()
    return int(count), oldest


def count_active(session: Session) -> tuple[int, int]:
    """Return how many webhooks are not stopped, and of how many of them the last try failed."""
    failing = func.count().filter(Webhook.failures > 0)  # type: ignore[call-overload]
    statement = select(func.count(), failing).where(Webhook.state == WebhookState.ACTIVE)  # type: ignore[arg-type]
    active, failed = session.execute(statement).one()
    return int(active), int(failed)


def _is_slow() -> ColumnElement[bool]:
    return or_(Webhook.failures > 0, Webhook.last_ms > SLOW_MS)  # type: ignore[arg-type]


def _is_due(session: Session) -> ColumnElement[bool]:
    moment = now(session)
    feed = changes.read_state(session)
    waiting = select(WebhookMessage.webhook_id).where(  # type: ignore[call-overload]
        WebhookMessage.state == MessageState.WAITING, WebhookMessage.due_at <= moment
    )
    is_behind = or_(
        Webhook.told_sequence < feed.head,  # type: ignore[arg-type]
        Webhook.told_epoch != feed.epoch,  # type: ignore[arg-type]
    )
    is_up = and_(Webhook.state == WebhookState.ACTIVE, Webhook.due_at <= moment, is_behind)  # type: ignore[arg-type]
    return and_(
        or_(Webhook.claimed_until.is_(None), Webhook.claimed_until < moment),  # type: ignore[union-attr, arg-type, operator]
        or_(Webhook.id.in_(waiting), is_up),  # type: ignore[attr-defined]
    )


def list_waiting(session: Session, webhook_id: uuid.UUID) -> list[WebhookMessage]:
    """Return the messages that are not done: those that are tried once first."""
    statement = (
        select_rows(WebhookMessage)
        .where(
            WebhookMessage.webhook_id == webhook_id, WebhookMessage.state == MessageState.WAITING
        )
        .order_by(WebhookMessage.is_single.desc(), WebhookMessage.created_at, WebhookMessage.id)  # type: ignore[attr-defined, arg-type]
    )
    return list(session.exec(statement))


def delete_webhook(session: Session, webhook_id: uuid.UUID) -> None:
    """Delete a webhook with its keys, messages and tries."""
    messages = select(WebhookMessage.id).where(WebhookMessage.webhook_id == webhook_id)  # type: ignore[call-overload]
    session.execute(delete(WebhookAttempt).where(WebhookAttempt.message_id.in_(messages)))  # type: ignore[attr-defined]
    session.execute(delete(WebhookMessage).where(WebhookMessage.webhook_id == webhook_id))  # type: ignore[arg-type]
    session.execute(delete(WebhookKey).where(WebhookKey.webhook_id == webhook_id))  # type: ignore[arg-type]
    session.execute(delete(Webhook).where(Webhook.id == webhook_id))  # type: ignore[arg-type]


def delete_keys(session: Session, key_ids: Sequence[uuid.UUID]) -> None:
    """Delete keys: what they sealed nothing else needs."""
    session.execute(delete(WebhookKey).where(WebhookKey.id.in_(key_ids)))  # type: ignore[attr-defined]


def prune(session: Session, before: datetime) -> None:
    """Forget messages that were done before a moment, with their tries, and keys that have ended."""
    old = select(WebhookMessage.id).where(  # type: ignore[call-overload]
        WebhookMessage.state != MessageState.WAITING, WebhookMessage.updated_at < before
    )
    session.execute(delete(WebhookAttempt).where(WebhookAttempt.message_id.in_(old)))  # type: ignore[attr-defined]
    session.execute(delete(WebhookMessage).where(WebhookMessage.id.in_(old)))  # type: ignore[attr-defined]
    session.execute(delete(WebhookKey).where(WebhookKey.ends_at < now(session)))  # type: ignore[operator, arg-type]
