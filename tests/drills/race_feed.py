"""Race 12: the change feed is read while somebody commits slowly; no number is ever passed over."""

import threading
import time
import uuid
from collections.abc import Callable

from sqlalchemy import event

from bench.measures import measure
from core import changes, db
from core.config import Settings
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, on_both

WRITERS = 3
PATIENCE = 30.0
SLOW = 0.005


@measure(
    "race 12, feed read during a slow commit: rounds with another outcome",
    goal="== 0",
    unit="rounds",
    base=RACES,
)
@on_both()
def count_wrong(_database: DatabaseUnderTest, _settings: Settings) -> Play:
    """Let a mirror follow while three write, one of whom hesitates with numbers in hand."""

    def play(_number: int) -> bool:
        return is_without_gap()

    return play


def is_without_gap() -> bool:
    """Run one round; tells whether the mirror saw each number once, in order, none left out."""
    with db.reading() as session:
        start = changes.head(session)
    seen: list[int] = []
    polled = threading.Event()

    def follow() -> None:
        deadline = time.monotonic() + PATIENCE
        while len(seen) < WRITERS and time.monotonic() < deadline:
            with db.reading() as session:
                since = seen[-1] if seen else start
                seen.extend(each.sequence for each in changes.list_changes(session, since, 100))
            polled.set()

    at_once(follow, *(_writer(number == 0, polled) for number in range(WRITERS)))
    return seen == list(range(start + 1, start + WRITERS + 1))


def _writer(slow: bool, polled: threading.Event) -> Callable[[], None]:  # noqa: FBT001
    def write() -> None:
        with db.transaction() as session:
            changes.append(session, "probe", uuid.uuid4())
            if slow:
                event.listen(session, "before_commit", lambda _session: _hesitate(polled))

    return write


def _hesitate(polled: threading.Event) -> None:
    """Hold the numbers that were given until the mirror has read once more, then a little longer."""
    polled.clear()
    polled.wait(PATIENCE)
    time.sleep(SLOW)
