"""How long a receiver asks to be left alone, as RFC 9110 10.2.3 lets it say."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=1)
_ASKING = frozenset({429, 503})


def read_patience(status: int | None, value: str, moment: datetime) -> timedelta | None:
    """Return the pause that Retry-After asks for, at most a day; None where it asks for none.

    It is seconds or an HTTP date; one in the past and one that cannot be read ask for none. A receiver
    that names a year would otherwise never be tried again, and never be stopped.
    """
    if status not in _ASKING:
        return None
    pause = _read_pause(value.strip(), moment)
    return min(pause, LONGEST) if pause and pause > timedelta() else None


def _read_pause(value: str, moment: datetime) -> timedelta | None:
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), int(LONGEST.total_seconds())))
    try:
        return parsedate_to_datetime(value) - moment
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
