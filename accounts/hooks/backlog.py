"""What of webhooks is undelivered, as figures that an alarm watches."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from accounts.hooks import queries
from core.db import now


def read_figures(session: Session) -> Mapping[str, tuple[str, float]]:
    """Return each figure with its words; seconds and counts (3 statements).

    Late is our own doing, undelivered the receivers': one of them that is down for three days raises it.
    """
    due, since = queries.measure_due(session)
    waiting, oldest = queries.measure_undelivered(session)
    active, failing = queries.count_active(session)
    return {
        "webhooks_due": ("Webhooks to which something has to be sent now", due),
        "webhooks_lag_seconds": ("How long the longest of them is due", _age(session, since)),
        "webhooks_active": ("Webhooks that are not stopped", active),
        "webhooks_failing": ("Active webhooks whose last try failed", failing),
        "webhooks_undelivered": ("Messages that their receiver has not taken yet", waiting),
        "webhooks_undelivered_seconds": ("Age of the oldest of them", _age(session, oldest)),
    }


def _age(session: Session, moment: datetime | None) -> float:
    return (now(session) - moment).total_seconds() if moment else 0.0
