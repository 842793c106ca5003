"""What happened when: the steps of the sample world, run in the order of their days."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count

from sqlmodel import Session

from core import clock, db

Act = Callable[[Session], None]

_OPENS = timedelta(hours=9)
_LAST_MINUTE = 8 * 60


@dataclass(slots=True)
class Timeline:
    """Steps by day; those of one day keep the order in which they were planned."""

    steps: list[tuple[date, int, Act]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def plan(self, day: date, act: Act) -> date:
        """Plan one act on a day and give the day back."""
        self.steps.append((day, next(self._numbers), act))
        return day

    def run(self, until: datetime) -> int:
        """Run every step in its own transaction at its moment, never later than `until`."""
        minute, previous = 0, date.min
        for day, _, act in sorted(self.steps, key=lambda step: step[:2]):
            minute = minute + 1 if day == previous else 0
            previous = day
            moment = clock.start_of_day(day) + _OPENS
            moment += timedelta(minutes=min(minute, _LAST_MINUTE))
            with clock.fixed_at(min(moment, until)), db.transaction() as session:
                act(session)
        return len(self.steps)


@dataclass(slots=True)
class Story:
    """The acts of one noun: each on its day, but never before the one that precedes it."""

    timeline: Timeline
    day: date

    def then(self, day: date | None, act: Act) -> None:
        """Plan the next act on a day, or on the day of the last one."""
        self.day = max(self.day, day or self.day)
        self.timeline.plan(self.day, act)
