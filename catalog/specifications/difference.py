"""Pure: what differs between any two versions of a specification.

A requirement is the same one in both versions when its id is, or when predecessor ids lead from one
to the other. It can differ in several ways at once.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, Protocol, TypeVar

from catalog.terms import RequirementClass, RequirementKind
from core.state_machine import LabelledCode


class Comparable(Protocol):
    """What is compared of a requirement; the revision's own remarks (改定種別) are not."""

    @property
    def requirement_id(self) -> str:
        """The ministry's id."""

    @property
    def predecessor_requirement_id(self) -> str:
        """The id in the version before, where it was another."""

    @property
    def chapter(self) -> str:
        """The first part of the path."""

    @property
    def section(self) -> str:
        """The second part of the path."""

    @property
    def subsection(self) -> str:
        """The third part of the path."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def text(self) -> str:
        """The requirement itself."""

    @property
    def rationale(self) -> str:
        """Why it is required."""

    @property
    def kind(self) -> RequirementKind:
        """Function, form, data, link or non-functional."""

    @property
    def classes(self) -> tuple[RequirementClass, RequirementClass, RequirementClass]:
        """The classes for designated cities, core cities and other bodies."""

    @property
    def conformity_date(self) -> date | None:
        """From when it counts."""


R = TypeVar("R", bound=Comparable)


class ChangeKind(LabelledCode):
    """In which way a requirement differs."""

    ADDED = "added", "追加"
    REMOVED = "removed", "削除"
    CHANGED = "changed", "文の変更"
    RECLASSIFIED = "reclassified", "実装区分の変更"
    REDATED = "redated", "適合基準日の変更"
    MOVED = "moved", "位置の変更"
    RENAMED = "renamed", "要件IDの変更"


@dataclass(frozen=True, slots=True)
class Change(Generic[R]):
    """One requirement that differs, in the newer version at `place` (a removed one: in the older).

    Places count from 0. `split_from` names the older requirement that continues under another id.
    """

    kinds: tuple[ChangeKind, ...]
    before: R | None
    after: R | None
    place: int
    split_from: str = ""

    @property
    def subject(self) -> R:
        """The requirement as it is now, or as it was last."""
        found = self.after if self.after is not None else self.before
        if found is None:
            raise ValueError("a change without a requirement")
        return found


@dataclass(frozen=True, slots=True)
class Difference(Generic[R]):
    """All changes, in the order of the newer version with removals where they stood; `same` is the rest."""

    changes: tuple[Change[R], ...]
    same: int

    @property
    def counts(self) -> dict[ChangeKind, int]:
        """How many requirements differ in each way; one counts in every way in which it differs."""
        found = Counter(kind for change in self.changes for kind in change.kinds)
        return {kind: found[kind] for kind in ChangeKind}


Step = Iterable[tuple[str, str]]


def trace_origins(first_ids: Iterable[str], steps: Iterable[Step]) -> dict[str, str]:
    """Return for the ids of the last version the ids that they had in the first.

    A step is the pairs (id, predecessor id) of the next version. What a version in between lacks is
    traced no further.
    """
    origins = {each: each for each in first_ids}
    for step in steps:
        following = {}
        for own, predecessor in step:
            origin = origins.get(predecessor) or origins.get(own)
            if origin is not None:
                following[own] = origin
        origins = following
    return origins


def compare(
    before: Sequence[R], after: Sequence[R], origins: Mapping[str, str] | None = None
) -> Difference[R]:
    """Compare two versions; `origins` leads from the ids of the second to those of the first.

    Without origins the second is taken to follow the first directly.
    """
    if origins is None:
        pairs = ((each.requirement_id, each.predecessor_requirement_id) for each in after)
        origins = trace_origins((each.requirement_id for each in before), [pairs])
    places = {each.requirement_id: place for place, each in enumerate(before)}
    matched, splits = _match(after, places, origins)
    in_order = _longest_rising([place for place in matched if place is not None])
    changes: list[tuple[tuple[int, int], Change[R]]] = []
    for place, (each, old) in enumerate(zip(after, matched, strict=True)):
        if old is None:
            split_from = splits.get(each.requirement_id, "")
            found = Change((ChangeKind.ADDED,), None, each, place, split_from)
        else:
            kinds = tuple(_kinds(before[old], each, is_in_order=old in in_order))
            found = Change(kinds, before[old], each, place)
        if found.kinds:
            changes.append(((place, 1), found))
    changes += _removals(before, matched)
    changes.sort(key=lambda item: item[0])
    same = sum(old is not None for old in matched) - sum(
        change.before is not None and change.after is not None for _, change in changes
    )
    return Difference(tuple(change for _, change in changes), same)


def _match(
    after: Sequence[R], places: Mapping[str, int], origins: Mapping[str, str]
) -> tuple[list[int | None], dict[str, str]]:
    """Pair each requirement with at most one older one.

    First claim has the same id, then what predecessor ids lead to, then an id that came back.
    """
    wanted = [origins.get(each.requirement_id, each.requirement_id) for each in after]
    holders: dict[str, int] = {}

    def claim(index: int) -> int:
        own = after[index].requirement_id
        if own != wanted[index]:
            return 1
        return 0 if own in origins else 2

    for index in sorted(range(len(after)), key=claim):
        holders.setdefault(wanted[index], index)
    matched: list[int | None] = []
    splits: dict[str, str] = {}
    for index, (each, origin) in enumerate(zip(after, wanted, strict=True)):
        if holders[origin] == index:
            matched.append(places.get(origin))
            continue
        own = each.requirement_id
        matched.append(places[own] if own in places and own not in holders else None)
        if own != origin:
            splits[own] = origin
    return matched, splits


def _kinds(before: R, after: R, *, is_in_order: bool) -> Iterator[ChangeKind]:
    if _words(before) != _words(after):
        yield ChangeKind.CHANGED
    if before.classes != after.classes:
        yield ChangeKind.RECLASSIFIED
    if before.conformity_date != after.conformity_date:
        yield ChangeKind.REDATED
    if path_of(before) != path_of(after) or not is_in_order:
        yield ChangeKind.MOVED
    if before.requirement_id != after.requirement_id:
        yield ChangeKind.RENAMED


def _words(requirement: Comparable) -> tuple[str, ...]:
    return (requirement.name, requirement.text, requirement.rationale, requirement.kind.value)


def path_of(requirement: Comparable) -> tuple[str, str, str]:
    """Return where a requirement stands: chapter, section, subsection."""
    return (requirement.chapter, requirement.section, requirement.subsection)


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """Return the most numbers that stand in rising order: what keeps its order while others move."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        before[number] = ends[at - 1] if at else None
        ends[at : at + 1] = [number]
    kept = set()
    last = ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept


def _removals(
    before: Sequence[R], matched: Sequence[int | None]
) -> Iterator[tuple[tuple[int, int], Change[R]]]:
    """Give what is gone, placed right after the older neighbour that is still there."""
    now_at = {old: place for place, old in enumerate(matched) if old is not None}
    anchor = -1
    for old, each in enumerate(before):
        if old in now_at:
            anchor = now_at[old]
        else:
            yield (anchor, 2), Change((ChangeKind.REMOVED,), each, None, old)


def apply_difference(before: Sequence[R], difference: Difference[R]) -> list[R]:
    """Return the newer version from the older one and the difference."""
    gone = {each.before.requirement_id for each in difference.changes if each.before is not None}
    rest = iter([each for each in before if each.requirement_id not in gone])
    placed = {each.place: each.after for each in difference.changes if each.after is not None}
    return [
        placed[place] if place in placed else next(rest)
        for place in range(len(placed) + difference.same)
    ]
