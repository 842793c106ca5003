"""One requirement through the published versions, with what each changed since the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.specifications.change_rows import ChangedText, changed_parts, changed_texts
from catalog.specifications.difference import Change, ChangeKind
from catalog.specifications.models import Requirement, SpecificationVersion

Past = tuple[SpecificationVersion, Requirement]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A requirement in one version, what is new in it in words, and the texts that differ."""

    version: SpecificationVersion
    requirement: Requirement
    words: str
    texts: tuple[ChangedText, ...] = ()


def tell_history(history: Sequence[Past]) -> list[HistoryRow]:
    """Say what changed in each version, newest first; each is compared with its own predecessor.

    One that was split stands twice in a version, each beside what it came from.
    """
    return [_tell(each, history[place + 1 :]) for place, each in enumerate(history)]


def _tell(past: Past, older: Sequence[Past]) -> HistoryRow:
    version, requirement = past
    before = _find_before(past, older)
    if before is None:
        return HistoryRow(version, requirement, "この版から")
    change = Change((ChangeKind.CHANGED,), before, requirement, place=0)
    changed = "、".join(changed_parts(before, requirement))
    words = f"{changed}が変わりました" if changed else "変更なし"
    return HistoryRow(version, requirement, words, tuple(changed_texts(change)))


def _find_before(past: Past, older: Sequence[Past]) -> Requirement | None:
    version, requirement = past
    names = (requirement.predecessor_requirement_id, requirement.requirement_id)
    found: Requirement | None = None
    rank = len(names)
    closest = next((each.id for each, _ in older if each.id != version.id), None)
    for each, candidate in older:
        if each.id == closest and candidate.requirement_id in names[:rank]:
            found, rank = candidate, names.index(candidate.requirement_id)
    return found
