"""Nightly upkeep of webhooks: what was told long ago is forgotten, keys are sealed by the newest key."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.hooks import queries, services
from core import outbox
from core.clock import day_in_japan, end_of_day
from core.config import Settings
from core.db import now

PRUNE = "webhooks.prune"
KEPT = timedelta(days=30)


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handler of the nightly message."""

    def prune_nightly(session: Session, _payload: Mapping[str, Any]) -> None:
        queries.prune(session, now(session) - KEPT)
        services.seal_anew(session, settings)
        outbox.publish_next(session, PRUNE, end_of_day(day_in_japan(now(session))))

    return {PRUNE: prune_nightly}
