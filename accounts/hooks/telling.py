"""What a message says: how far the catalog has changed, and nothing else."""

import uuid
from datetime import UTC

from sqlmodel import Session

from accounts.hooks.models import MessageKind, Webhook, WebhookMessage
from core import changes
from core.db import now
from core.documents import canonical_json


def make_message(session: Session, webhook: Webhook, kind: MessageKind) -> WebhookMessage:
    """Add a message about the feed as it is now.

    What changed is read from the feed, where the reader's own rights count: the message holds no name,
    no price and no secret, so that whoever gets hold of it learns nothing.
    """
    feed, moment = changes.read_state(session), now(session)
    content = {
        "type": kind.value,
        "timestamp": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {"epoch": feed.epoch, "sequence": feed.head},
    }
    message = WebhookMessage(
        id=uuid.uuid4(),
        created_at=moment,
        webhook_id=webhook.id,
        kind=kind,
        epoch=feed.epoch,
        sequence=feed.head,
        body=canonical_json(content).decode(),
        is_single=kind is MessageKind.TEST,
        due_at=moment,
    )
    session.add(message)
    session.flush()
    return message
