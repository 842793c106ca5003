"""Requests counted in shares: each worker takes some of the shared count at once and gives them out.

A share is a fiftieth of the limit. However many workers and nodes there are, together they let
through at most the limit; what a worker has taken and not given out is lost to the others until
the span ends: at most a share less one for each further worker. Most reads so write nothing.
"""

import threading
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import OperationalError

from accounts.throttling import Limit, count
from core import clock
from core.config import Settings
from core.db import transaction

_SHARES = 50
_MOST_HELD = 20_000
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a limit: requests, and seconds until it begins anew."""

    limit: Limit
    left: int
    seconds: int
    is_over: bool


@dataclass(slots=True)
class _Share:
    until: datetime
    here: int  # requests that this worker may still let through
    elsewhere: int  # requests that nobody has taken yet, when last seen


class Leases:
    """The shares that this worker holds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, int, str], _Share] = {}

    def take(self, settings: Settings, limit: Limit, source: str) -> Standing | None:
        """Take one request of a source; None when the database cannot count: then nobody is refused."""
        name = (limit.kind, limit.most, source)
        with self._lock:
            share = self._held.get(name)
            if share and share.until > clock.utcnow() and (share.here or not share.elsewhere):
                return _give(limit, share)
        try:
            taken = _take_share(settings, limit, source)
        except OperationalError as error:
            _log.warning("limits.uncounted", error=repr(error.orig))
            return None
        with self._lock:
            self._forget_ended()
            held = self._held.get(name)
            if held and held.until == taken.until:  # another thread has just taken one, too
                taken.here += held.here
            self._held[name] = taken
            return _give(limit, taken)

    def forget(self) -> None:
        """Give all shares up."""
        with self._lock:
            self._held.clear()

    def _forget_ended(self) -> None:
        if len(self._held) >= _MOST_HELD:
            moment = clock.utcnow()
            self._held = {name: each for name, each in self._held.items() if each.until > moment}


def _take_share(settings: Settings, limit: Limit, source: str) -> _Share:
    size = max(1, limit.most // _SHARES)
    with transaction() as session:
        counted = count(session, settings, limit, source, size)
    free = limit.most - (counted.tries - size)
    return _Share(
        counted.began_at + limit.span, max(0, min(size, free)), max(0, limit.most - counted.tries)
    )


def _give(limit: Limit, share: _Share) -> Standing:
    seconds = max(1, -int((clock.utcnow() - share.until).total_seconds() // 1))
    is_over = share.here == 0
    share.here -= not is_over
    return Standing(limit, share.here + share.elsewhere, seconds, is_over)
