"""Prices that stand for one another: no case may have two, and no case between them none. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise

from catalog.price_plan import ComponentKind, Interval
from catalog.terms import SizeClass
from core.japanese import format_date

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Variant:
    """A row of a price list with the bodies and the time for which it counts; no bounds: all, always."""

    row: int
    kind: ComponentKind
    name: str
    interval: Interval
    sizes: frozenset[SizeClass] = frozenset()
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def is_bounded(self) -> bool:
        """Tell whether it counts for some bodies or some time only."""
        return bool(self.sizes or self.valid_from or self.valid_to)

    @property
    def covered(self) -> frozenset[SizeClass]:
        """The classes of bodies for which it counts."""
        return self.sizes or frozenset(SizeClass)

    @property
    def starts(self) -> date:
        """The first day on which it counts."""
        return self.valid_from or date.min

    @property
    def ends(self) -> date:
        """The last day on which it counts."""
        return self.valid_to or date.max


def check_variants(rows: Iterable[Variant]) -> dict[str, str]:
    """Give a sentence by field for every overlap and gap among rows of one kind and name."""
    errors: dict[str, str] = {}
    for group in _group(rows).values():
        if not any(each.is_bounded for each in group):
            errors |= _find_twins(group)
            continue
        found = _find_rhythms(group) or _find_overlaps(group)
        found = found or {**_find_time_gaps(group), **_find_size_gaps(group)}
        errors |= found
    return errors


def _find_twins(group: Sequence[Variant]) -> dict[str, str]:
    """Find rows of one name that count for everybody and always: they would be added together."""
    return {
        f"name_{each.row}": (
            f"{each.row}行目の名前は{group[0].row}行目と同じです。両方が足されるので、"
            "別の名前にするか、対象の人口か期間を分けてください。"
        )
        for each in group[1:]
    }


def _find_rhythms(group: Sequence[Variant]) -> dict[str, str]:
    first = group[0]
    return {
        f"interval_{each.row}": (
            f"{each.row}行目の「{each.name}」の回数は、{first.row}行目と同じ"
            f"「{first.interval.label}」にするか、名前を変えてください。"
        )
        for each in group[1:]
        if each.interval is not first.interval
    }


def _find_overlaps(group: Sequence[Variant]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for one, other in combinations(group, 2):
        sizes = one.covered & other.covered
        first, last = max(one.starts, other.starts), min(one.ends, other.ends)
        if not sizes or first > last:
            continue
        whom = _name_sizes(sizes)
        when = "" if first == date.min else f"{format_date(first)}から"
        when += "" if last == date.max else f"{format_date(last)}まで"
        field = "sizes" if len(sizes) < len(SizeClass) else "valid_from"
        errors.setdefault(
            f"{field}_{other.row}",
            f"{other.row}行目の「{other.name}」は、{one.row}行目と重なっています"
            f"（{whom}{f'、{when}' if when else ''}）。対象の人口か期間を分けてください。",
        )
    return errors


def _find_time_gaps(group: Sequence[Variant]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for size in SizeClass:
        rows = sorted((e for e in group if size in e.covered), key=lambda e: e.starts)
        for before, after in pairwise(rows):
            if before.ends + _DAY < after.starts:
                first, last = format_date(before.ends + _DAY), format_date(after.starts - _DAY)
                errors.setdefault(
                    f"valid_from_{after.row}",
                    f"「{after.name}」は、{first}から{last}までの料金がありません。"
                    f"{after.row}行目の料金の始まる日を{first}にするか、その期間の行を足してください。",
                )
    return errors


def _find_size_gaps(group: Sequence[Variant]) -> dict[str, str]:
    """Find classes between the smallest and the largest that no row covers; options may be for some."""
    if group[0].kind is ComponentKind.OPTION:
        return {}
    order = list(SizeClass)
    covered = {order.index(size) for each in group for size in each.covered}
    missing = [order[n] for n in range(min(covered), max(covered)) if n not in covered]
    if not missing:
        return {}
    return {f"sizes_{group[-1].row}": explain_size_gap(group[0].name, missing)}


def explain_size_gap(name: str, missing: Iterable[SizeClass]) -> str:
    """Say for which bodies a component has no price, and what to do."""
    return (
        f"「{name}」は、{_name_sizes(missing)}の団体の料金がありません。"
        "その人口の行を足してください。見積が必要なときは単価を空欄に、かからないときは0円にします。"
    )


def find_unpriced(rows: Iterable[Variant], claimed: Iterable[str]) -> list[str]:
    """Give a sentence for every component without a price for a class the service claims to serve.

    Plans of one kind share the classes out under names of their own when none counts twice: such a
    plan lacks only what no other plan covers. What is owed beside another has to cover all.
    """
    wanted = [size for size in SizeClass if size.value in set(claimed)]
    coverage = {
        key: frozenset(size for each in group for size in each.covered)
        for key, group in _group(rows).items()
        if key[0] is not ComponentKind.OPTION
    }
    lacking: dict[tuple[ComponentKind, tuple[SizeClass, ...]], list[str]] = {}
    for (kind, name), covered in coverage.items():
        plans = [
            other
            for (other_kind, _), other in coverage.items()
            if other_kind is kind and not other & covered
        ]
        missing = tuple(size for size in wanted if size not in covered.union(*plans))
        if missing:
            lacking.setdefault((kind, missing), []).append(name)
    return [explain_size_gap("」か「".join(names), sizes) for (_, sizes), names in lacking.items()]


def find_open_ends(rows: Iterable[Variant], today: date) -> list[str]:
    """Give a sentence for every component that has no price after a day, or none before one."""
    found = list(rows)
    sentences = [_say_end(whose, day) for whose, day in list_open_ends(found)]
    for group in _group(found).values():
        for day, whose in _bounds_of(group, starts=True):
            if day > today:
                sentences.append(
                    f"{whose}は、{format_date(day)}より前の料金がありません。"
                    "いまの料金があるときは、その行を足してください。"
                )
    return sentences


def list_open_ends(rows: Iterable[Variant]) -> list[tuple[str, date]]:
    """Give (component, last day) of every component that has no price after a day."""
    return [
        (whose, day)
        for group in _group(rows).values()
        for day, whose in _bounds_of(group, starts=False)
        if day != date.max
    ]


def _bounds_of(group: Sequence[Variant], *, starts: bool) -> list[tuple[date, str]]:
    """Give the first or the last days of a component, each with the bodies for which it is so."""
    found: dict[date, list[SizeClass]] = {}
    for size in SizeClass:
        own = [each for each in group if size in each.covered]
        if own:
            day = min(e.starts for e in own) if starts else max(e.ends for e in own)
            found.setdefault(day, []).append(size)
    covered = {size for each in group for size in each.covered}
    return [(day, _name_part(group, sizes, covered)) for day, sizes in sorted(found.items())]


def _group(rows: Iterable[Variant]) -> dict[tuple[ComponentKind, str], list[Variant]]:
    groups: dict[tuple[ComponentKind, str], list[Variant]] = {}
    for each in rows:
        groups.setdefault((each.kind, each.name), []).append(each)
    return groups


def _name_part(
    group: Sequence[Variant], sizes: Sequence[SizeClass], covered: set[SizeClass]
) -> str:
    whom = "" if set(sizes) == covered else f"（{_name_sizes(sizes)}の団体）"
    return f"「{group[0].name}」{whom}"


def _say_end(whose: str, day: date) -> str:
    return (
        f"{whose}は、{format_date(day)}より後の料金がありません。同じ料金が続くときは終わる日を空欄に、"
        "変わるときは次の料金の行を足してください。このままでは、その後の費用は見積が必要になります。"
    )


def _name_sizes(sizes: Iterable[SizeClass]) -> str:
    found = set(sizes)
    if len(found) == len(SizeClass):
        return "すべての人口"
    return "、".join(size.label for size in SizeClass if size in found)
