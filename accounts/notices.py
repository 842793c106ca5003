"""What organisations are told by the outbox, kept for their front page."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.models import OrganisationNotice
from core import outbox
from core.db import now

ORGANISATION_TOLD = "organisation.told"
_LONGEST_TITLE = 300


def tell_organisation(
    session: Session,
    organisation_id: uuid.UUID,
    kind: str,
    title: str,
    path: str,
    *,
    due_on: date | None = None,
) -> None:
    """Send a message to an organisation with this transaction."""
    payload = {
        "organisation_id": organisation_id,
        "kind": kind,
        "title": title,
        "path": path,
        "due_on": due_on.isoformat() if due_on else None,
    }
    outbox.publish(session, ORGANISATION_TOLD, payload)


def keep_notice(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `organisation.told`: put the message on the organisation's front page."""
    due_on = payload.get("due_on")
    session.add(
        OrganisationNotice(
            organisation_id=uuid.UUID(payload["organisation_id"]),
            kind=payload["kind"],
            title=payload["title"][:_LONGEST_TITLE],
            path=payload["path"],
            due_on=date.fromisoformat(due_on) if due_on else None,
            told_at=now(session),
        )
    )


HANDLERS: Mapping[str, outbox.Handler] = {ORGANISATION_TOLD: keep_notice}
