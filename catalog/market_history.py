"""How many services held a certificate at the end of each month, from their certificates alone. Pure."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.clock import JST

MONTHS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class HeldSpan:
    """From when to when a certificate counted for everyone; `is_replaced`: a newer one followed."""

    offering_id: uuid.UUID
    maker_id: uuid.UUID
    specification_version_id: uuid.UUID
    starts: datetime
    ends: datetime | None
    is_replaced: bool = False


@dataclass(frozen=True, slots=True)
class MonthCount:
    """One month: services and makers with a certificate at its end (or now), first certificates in it."""

    month: date
    is_now: bool
    services: int
    makers: int
    begun: int


def count_months(
    spans: Sequence[HeldSpan],
    specification_version_id: uuid.UUID,
    moment: datetime,
    listed: Collection[uuid.UUID],
) -> list[MonthCount]:
    """Return the last months up to now, none before the first certificate for the version.

    Who was listed in the past nobody keeps; of now only the `listed` software counts.
    """
    mine = [
        (each, _end(each, spans))
        for each in spans
        if each.specification_version_id == specification_version_id
    ]
    if not mine:
        return []
    first = min(each.starts for each, _ in mine)
    points = _month_points(moment)
    return [
        _count(mine, month, point, None if point < moment else listed)
        for month, point in points
        if point >= first
    ]


def _end(span: HeldSpan, spans: Sequence[HeldSpan]) -> datetime | None:
    """Return when a certificate stopped to count; a replaced one when the next of the software began."""
    if not span.is_replaced:
        return span.ends
    later = [
        each.starts
        for each in spans
        if each.offering_id == span.offering_id and each.starts > span.starts
    ]
    return min([*later, *([span.ends] if span.ends else [])], default=None)


def _month_points(moment: datetime) -> list[tuple[date, datetime]]:
    """Return each month with the moment of which it is counted: its end, or now; the oldest first."""
    month = moment.astimezone(JST).date().replace(day=1)
    points = [(month, moment)]
    for _ in range(MONTHS_SHOWN):
        ended = datetime(month.year, month.month, 1, tzinfo=JST) - timedelta(microseconds=1)
        month = ended.date().replace(day=1)
        points.append((month, ended))
    return points[::-1]


def _count(
    spans: Sequence[tuple[HeldSpan, datetime | None]],
    month: date,
    point: datetime,
    listed: Collection[uuid.UUID] | None,
) -> MonthCount:
    held = [
        each
        for each, end in spans
        if each.starts <= point
        and (end is None or point < end)
        and (listed is None or each.offering_id in listed)
    ]
    firsts: dict[uuid.UUID, datetime] = {}
    for each, _ in spans:
        firsts[each.offering_id] = min(each.starts, firsts.get(each.offering_id, each.starts))
    begun = [
        each
        for each in firsts.values()
        if each <= point and each.astimezone(JST).date().replace(day=1) == month
    ]
    return MonthCount(
        month=month,
        is_now=listed is not None,
        services=len({each.offering_id for each in held}),
        makers=len({each.maker_id for each in held}),
        begun=len(begun),
    )
