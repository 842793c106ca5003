"""Pure: what an import would add, change and remove, compared with requirements that stand now."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from catalog.specifications.models import Requirement, RequirementDraft
from catalog.specifications.words import TARGET_LABELS

_CLASSES = ("class_designated_city", "class_core_city", "class_other")


@dataclass(frozen=True, slots=True)
class Change:
    """A requirement that would be different: its id, name and the parts that change."""

    requirement_id: str
    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportEffect:
    """Which requirements an import would add, change and remove; how many stay as they are."""

    added: tuple[RequirementDraft, ...]
    changed: tuple[Change, ...]
    removed: tuple[Requirement, ...]
    same: int


def compare_import(
    drafts: Sequence[RequirementDraft], replaced: Sequence[Requirement]
) -> ImportEffect:
    """Compare what a file holds with the requirements that stand now, by their ids."""
    before = {each.requirement_id: each for each in replaced}
    ids = {each.requirement_id for each in drafts}
    kept = [(each, before[each.requirement_id]) for each in drafts if each.requirement_id in before]
    changed = [
        Change(draft.requirement_id, draft.name, parts)
        for draft, requirement in kept
        if (parts := _changed_parts(draft, requirement))
    ]
    return ImportEffect(
        added=tuple(each for each in drafts if each.requirement_id not in before),
        changed=tuple(changed),
        removed=tuple(each for each in replaced if each.requirement_id not in ids),
        same=len(kept) - len(changed),
    )


def _changed_parts(draft: RequirementDraft, requirement: Requirement) -> tuple[str, ...]:
    names = [
        part.name
        for part in fields(draft)
        if getattr(draft, part.name) != getattr(requirement, part.name)
    ]
    labels = ["実装区分" if name in _CLASSES else TARGET_LABELS[name] for name in names]
    return tuple(dict.fromkeys(labels))
