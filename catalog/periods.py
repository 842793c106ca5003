"""The months of a contract, and which days of them a price is charged for. Pure."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from catalog.price_plan import ComponentKind, Interval, PartMonth, PriceComponent, Term
from core.japanese import fiscal_year

MONTHS_PER_YEAR = 12
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Give the number of days."""
        return (self.end - self.start).days + 1

    @property
    def is_calendar_month(self) -> bool:
        """Tell whether it is a calendar month, no day less."""
        return self.start.day == 1 and self.days == days_of_month(self.start)


@dataclass(frozen=True, slots=True)
class Slot:
    """When a component is due: in which period, for which days, and whether single days are priced."""

    period: int
    span: Span
    by_days: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """A term with the periods in which it is counted."""

    term: Term
    part_month: PartMonth
    periods: tuple[Span, ...]

    @property
    def years(self) -> list[int]:
        """Give the fiscal year of each period."""
        return [fiscal_year(each.start) for each in self.periods]


def make_schedule(term: Term, part_month: PartMonth) -> Schedule:
    """Give a term cut into periods."""
    return Schedule(term, part_month, list_periods(term, part_month))


def list_periods(term: Term, part_month: PartMonth) -> tuple[Span, ...]:
    """Give the periods that are counted; the first day of each decides its fiscal year.

    They are contract months, or, where a part of a month is charged by days, calendar months.
    """
    starts = term.month_starts()
    if part_month is PartMonth.DAYS and term.start.day > 1:
        starts = (term.start, *_list_firsts(term.start, term.end))
    ends = [after - _DAY for _, after in pairwise(starts)]
    return tuple(Span(*each) for each in zip(starts, [*ends, term.end], strict=True))


def list_slots(component: PriceComponent, schedule: Schedule) -> list[Slot]:
    """Give when a component is due over a term.

    One-time charges fall on the first day, yearly ones on the first day of each contract year
    begun, exit charges in the last period, all others in each period.
    """
    periods, last = schedule.periods, len(schedule.periods) - 1
    if component.kind is ComponentKind.EXIT:
        return [Slot(last, periods[last])]
    if component.interval is Interval.ONCE:
        return [Slot(0, periods[0])]
    if component.interval is Interval.YEAR:
        return _list_years(schedule.term, periods)
    by_days = schedule.part_month is PartMonth.DAYS
    return [Slot(number, span, by_days) for number, span in enumerate(periods)]


def cover(slot: Slot, component: PriceComponent) -> Span | None:
    """Give the days of a slot for which a price counts; whole or nothing unless days are priced."""
    if not slot.by_days:
        return slot.span if component.is_valid_on(slot.span.start) else None
    start = max(slot.span.start, component.valid_from or date.min)
    end = min(slot.span.end, component.valid_to or date.max)
    return Span(start, end) if start <= end else None


def leave(slot: Slot, taken: Span) -> list[Slot]:
    """Give what is left of a slot without the days that were taken from it."""
    left = []
    if slot.span.start < taken.start:
        left.append(Slot(slot.period, Span(slot.span.start, taken.start - _DAY), slot.by_days))
    if taken.end < slot.span.end:
        left.append(Slot(slot.period, Span(taken.end + _DAY, slot.span.end), slot.by_days))
    return left


def price_days(amount: int, span: Span) -> int:
    """Give the part of a month's yen for some of its days, so that the parts add up to the month.

    From a day to the end of the month it is days over the days of the month, fractions of a yen
    dropped; days that end earlier cost what remains of that.
    """
    whole = days_of_month(span.start)
    return amount * (whole - span.start.day + 1) // whole - amount * (whole - span.end.day) // whole


def days_of_month(day: date) -> int:
    """Give how many days the calendar month of a day has."""
    return monthrange(day.year, day.month)[1]


def _list_firsts(after: date, until: date) -> list[date]:
    """Give the first days of the calendar months that begin after a day, up to another one."""
    found: list[date] = []
    day = after
    while True:
        day = day.replace(day=1) + timedelta(days=days_of_month(day))
        if day > until:
            return found
        found.append(day)


def _list_years(term: Term, periods: Sequence[Span]) -> list[Slot]:
    begins = term.month_starts()[::MONTHS_PER_YEAR]
    slots = []
    for number, span in enumerate(periods):
        found = [day for day in begins if span.start <= day <= span.end]
        slots += [Slot(number, Span(day, span.end)) for day in found]
    return slots
