"""Waiting for news of the feed: one thread per process asks while anybody waits."""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core import changes, db
from core.changes import State

LONGEST = 20
_EVERY_SECONDS = 0.1
_log = structlog.get_logger()


class Watch:
    """Those of this process who wait; `most` of them, for each holds a thread of the server.

    `is_ending` tells that the server wants to stop: then nobody waits any longer.
    """

    def __init__(self, most: int = 2) -> None:
        self.most = most
        self.is_ending: Callable[[], bool] = lambda: False
        self._turn = threading.Condition()
        self._waiting = 0
        self._seen: State | None = None
        self._is_watched = False

    def wait_beyond(self, held: State, seconds: float) -> None:
        """Return when the feed is no longer at this state, at the latest after so many seconds.

        Returns at once when as many as may are already waiting. Holds no connection meanwhile.
        """
        with self._turn:
            if self._waiting >= self.most or self.is_ending():
                return
            self._waiting += 1
            try:
                if not self._is_watched:
                    self._is_watched, self._seen = True, None
                    threading.Thread(target=self._watch, name="feed-watch", daemon=True).start()
                self._turn.wait_for(lambda: self._is_over(held), seconds)
            finally:
                self._waiting -= 1

    def _is_over(self, held: State) -> bool:
        if not self._is_watched:
            return True
        seen = self._seen
        return seen is not None and (seen.epoch != held.epoch or seen.head > held.head)

    def _watch(self) -> None:
        pause = threading.Event()
        while True:
            try:
                with db.reading() as session:
                    seen = changes.read_state(session)
            except SQLAlchemyError as error:  # those who wait are answered in the end
                _log.warning("feed.database_away", error=repr(error))
                seen = None
            with self._turn:
                if seen is not None and seen != self._seen:
                    self._seen = seen
                    self._turn.notify_all()
                if not self._waiting or self.is_ending():
                    self._is_watched = False
                    self._turn.notify_all()
                    return
            pause.wait(_EVERY_SECONDS)


WATCH = Watch()
