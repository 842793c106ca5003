"""The only readers of the clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

JST = ZoneInfo("Asia/Tokyo")

_fixed: datetime | None = None


def utcnow() -> datetime:
    """Return the present moment as aware UTC, or the moment fixed by a test."""
    return _fixed if _fixed is not None else datetime.now(UTC)


def today_jst() -> date:
    """Return the calendar day in Japan."""
    return day_in_japan(utcnow())


def day_in_japan(moment: datetime) -> date:
    """Return the Japanese calendar day of an aware moment."""
    return moment.astimezone(JST).date()


def start_of_day(day: date) -> datetime:
    """Return 00:00 Japanese time of a day as aware UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=JST).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """Return the first moment after a Japanese day as aware UTC."""
    return start_of_day(day + timedelta(days=1))


def is_fixed() -> bool:
    """Tell whether a test holds the clock."""
    return _fixed is not None


@contextmanager
def fixed_at(moment: datetime) -> Iterator[None]:
    """Hold the clock at one aware moment; for tests and for rehearsals of later days."""
    global _fixed  # noqa: PLW0603 - the one switch of the one clock
    before, _fixed = _fixed, moment.astimezone(UTC)
    try:
        yield
    finally:
        _fixed = before
