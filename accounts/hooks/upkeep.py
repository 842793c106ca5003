"""Nightly upkeep of webhooks: what was told long ago is forgotten."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.hooks import queries
from core import outbox
from core.clock import day_in_japan, end_of_day
from core.db import now

PRUNE = "webhooks.prune"
KEPT = timedelta(days=30)


def _prune(session: Session, _payload: Mapping[str, Any]) -> None:
    queries.prune(session, now(session) - KEPT)
    outbox.publish_next(session, PRUNE, end_of_day(day_in_japan(now(session))))


HANDLERS: Mapping[str, outbox.Handler] = {PRUNE: _prune}
