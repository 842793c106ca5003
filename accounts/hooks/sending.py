"""The sender of webhooks: claims what is due, posts it beside the outbox, notes what came back.

A thread of its own with two small pools: a receiver that failed or was slow the last time waits among
its like, so that it delays neither the others nor the mail. A webhook has one message under way at a
time; what changes meanwhile is in the next one, which says up to where. A kill leaves a claim that
ends by itself, and the same message is sent again: at least once.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlmodel import Session

from accounts import notices
from accounts.hooks import queries
from accounts.hooks.models import (
    MessageAction,
    MessageKind,
    MessageState,
    StopReason,
    Webhook,
    WebhookAttempt,
    WebhookMessage,
    WebhookState,
)
from accounts.hooks.patience import read_patience
from accounts.hooks.services import halt, open_key
from accounts.hooks.signing import make_headers
from accounts.hooks.telling import make_message
from accounts.models import Role
from core import audit
from core.config import Settings
from core.db import now, reading, transaction
from core.http import Limits, OutboundError, post
from core.sealing import SealBrokenError

# Standard Webhooks 1.0: at once, then after these pauses, 75 hours and 35 minutes in all.
PAUSES = tuple(
    timedelta(seconds=each)
    for each in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
JITTER = 0.1
BETWEEN = timedelta(seconds=5)  # what changes within it is told in one message
LIMITS = Limits(seconds=10, body_bytes=65_536)
LANES = {False: 8, True: 2}  # is slow -> how many at once
_CLAIM = timedelta(seconds=60)
_GONE = 410
_ROUND_SECONDS = 0.5
_OWNERS = (Role.VENDOR_ADMIN, Role.CLERK, Role.APPROVER, Role.COORDINATOR)
_TOLD = {
    StopReason.GONE: "更新の通知先（Webhook）が「もうありません」と答えたので、通知を止めました",
    StopReason.UNREACHED: "更新の通知先（Webhook）に75時間届かないので、通知を止めました",
}

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """One message on its way."""

    webhook_id: uuid.UUID
    message_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back: a status, or why nothing usable did."""

    status: int | None
    reason: str
    ms: int
    retry_after: str = ""


class Sender:
    """Sends what is due, until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools = {slow: ThreadPoolExecutor(most) for slow, most in LANES.items()}
        self._under_way: dict[bool, set[Future[None]]] = {slow: set() for slow in LANES}

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set, and once when it is set already; ends when all is noted."""
        while True:
            try:
                self.send_due()
            except Exception as error:  # noqa: BLE001 - most likely the database is away: asked again
                _log.warning("webhooks.round_failed", error=repr(error))
            if stop.wait(_ROUND_SECONDS):
                break
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def send_due(self) -> list[Future[None]]:
        """Begin to send to as many webhooks as there is room for."""
        begun = []
        for is_slow, pool in self._pools.items():
            under_way = {each for each in self._under_way[is_slow] if not each.done()}
            tasks = claim(is_slow=is_slow, limit=LANES[is_slow] - len(under_way))
            started = [pool.submit(self._deliver, each) for each in tasks]
            self._under_way[is_slow] = under_way | set(started)
            begun += started
        return begun

    def _deliver(self, task: Task) -> None:
        try:
            deliver(self._settings, task)
        except Exception as error:  # noqa: BLE001 - the claim ends by itself and it is tried again
            _log.warning("webhooks.failed", webhook_id=str(task.webhook_id), error=repr(error))


def claim(*, is_slow: bool, limit: int) -> list[Task]:
    """Take webhooks to which something has to be sent; no other worker takes them for a minute."""
    if limit <= 0:
        return []
    with reading() as session:
        if not queries.list_due(session, is_slow=is_slow, limit=1):
            return []
    with transaction() as session:
        tasks = []
        for webhook in queries.list_due(session, is_slow=is_slow, limit=limit, lock=True):
            message = _choose(session, webhook)
            if message is not None:
                webhook.claimed_until = now(session) + _CLAIM
                tasks.append(Task(webhook.id, message.id))
        return tasks


def _choose(session: Session, webhook: Webhook) -> WebhookMessage | None:
    """Return what is due: what was asked for, what failed before, else what has changed since."""
    waiting = queries.list_waiting(session, webhook.id)
    due = [each for each in waiting if each.due_at <= now(session)]
    if due:
        return due[0]
    if waiting:
        return None
    return make_message(session, webhook, MessageKind.CHANGED)


def deliver(settings: Settings, task: Task) -> None:
    """Post one message outside of any transaction, and note what came back."""
    with reading() as session:
        webhook = queries.get_webhook(session, task.webhook_id)
        message = session.get(WebhookMessage, task.message_id)
        if webhook is None or message is None or message.state is not MessageState.WAITING:
            return  # deleted or stopped since it was claimed
        send = _prepare(session, settings, webhook, message)
    outcome = send()
    with transaction() as session:
        note(session, task, outcome)


def _prepare(
    session: Session, settings: Settings, webhook: Webhook, message: WebhookMessage
) -> Callable[[], Outcome]:
    body, address = message.body.encode(), webhook.address
    try:
        keys = [open_key(settings, each) for each in queries.list_keys(session, webhook.id)]
    except SealBrokenError:
        return lambda: Outcome(None, "key", 0)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Narabi-Webhook/1",
        **make_headers(webhook.signature, keys, message.public_id, now(session), body),
    }
    return lambda: _post(settings, address, body, headers)


def _post(settings: Settings, address: str, body: bytes, headers: dict[str, str]) -> Outcome:
    begun, status, reason, retry_after = time.monotonic(), None, "", ""
    inward = frozenset(settings.webhook_origins)
    try:
        response = post(address, body, headers, inward=inward, limits=LIMITS)
        status, retry_after = response.status_code, response.headers.get("Retry-After", "")
    except OutboundError as error:
        reason = error.reason
    return Outcome(status, reason, int((time.monotonic() - begun) * 1000), retry_after)


def note(session: Session, task: Task, outcome: Outcome) -> None:
    """Write down a try and what follows from it: done, again later, or the end."""
    webhook = session.get(Webhook, task.webhook_id, with_for_update=True)
    message = session.get(WebhookMessage, task.message_id, with_for_update=True)
    if webhook is None or message is None:
        return  # deleted meanwhile
    asked = read_patience(outcome.status, outcome.retry_after, now(session))
    attempt = WebhookAttempt(
        message_id=message.id,
        created_at=now(session),
        status=outcome.status,
        reason=outcome.reason,
        ms=outcome.ms,
        asked_seconds=int(asked.total_seconds()) if asked else None,
    )
    session.add(attempt)
    message.tries += 1
    webhook.claimed_until, webhook.last_ms = None, outcome.ms
    if message.state is not MessageState.WAITING:
        return  # stopped meanwhile, or another worker was faster
    if attempt.is_accepted:
        _note_success(session, webhook, message)
    else:
        _note_failure(session, webhook, message, outcome, asked or timedelta())


def _note_success(session: Session, webhook: Webhook, message: WebhookMessage) -> None:
    message.apply(MessageAction.DELIVER)
    webhook.failures = 0
    if not message.is_single:
        webhook.told_epoch, webhook.told_sequence = message.epoch, message.sequence
        webhook.due_at = now(session) + BETWEEN


def _note_failure(
    session: Session,
    webhook: Webhook,
    message: WebhookMessage,
    outcome: Outcome,
    asked: timedelta,
) -> None:
    webhook.failures += 1
    is_last = message.is_single or message.tries > len(PAUSES)
    if outcome.status == _GONE and webhook.state is WebhookState.ACTIVE:
        _stop(session, webhook, StopReason.GONE)
    elif is_last and not message.is_single:
        _stop(session, webhook, StopReason.UNREACHED)
    elif is_last or outcome.status == _GONE:
        message.apply(MessageAction.FAIL)
    else:
        # Never sooner than the receiver asked for, nor than everybody is tried again.
        due_at = now(session) + lengthen(max(PAUSES[message.tries - 1], asked))
        webhook.due_at = message.due_at = due_at


def lengthen(pause: timedelta) -> timedelta:
    """Return a pause with up to a tenth more, so that many receivers are not asked at once again."""
    return pause * (1 + random.uniform(0, JITTER))  # noqa: S311 - spreads load, guards nothing


def _stop(session: Session, webhook: Webhook, reason: StopReason) -> None:
    halt(session, webhook, reason)
    audit.record(
        session,
        audit.System(organisation_id=webhook.owner_id),
        "webhook.stop",
        "Webhook",
        webhook.id,
        owner_id=webhook.owner_id,
        reason=reason.value,
    )
    notices.tell_organisation(
        session,
        webhook.owner_id,
        "webhook_stopped",
        _TOLD[reason],
        f"/webhooks/{webhook.id}",
        roles=_OWNERS,
    )
