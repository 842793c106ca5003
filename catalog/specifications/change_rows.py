"""Pure: a difference as people read it: what was and what is, with the words that changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.specifications.difference import (
    Change,
    ChangeKind,
    Comparable,
    R,
    path_of,
)
from catalog.terms import BodyClass
from core.japanese import format_date
from core.text_difference import ADDED, REMOVED, Segment, compare_texts

PAGE_SIZE = 50
_TEXTS = (("name", "名称"), ("text", "本文"), ("rationale", "考え方・理由"))


@dataclass(frozen=True, slots=True)
class ChangedText:
    """A text part with its words marked."""

    label: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class ChangedFact:
    """A fact that is another one now."""

    label: str
    before: str
    after: str


def changed_parts(before: Comparable, after: Comparable) -> list[str]:
    """Name everything that differs, for one line of a history."""
    names = [label for part, label in _TEXTS if getattr(before, part) != getattr(after, part)]
    facts = (fact.label.partition("（")[0] for fact in changed_facts(before, after))
    return [*names, *dict.fromkeys(facts)]


def changed_texts(change: Change[R]) -> list[ChangedText]:
    """Return the text parts that differ; of an added or removed requirement all that it says."""
    before, after = change.before, change.after
    pairs = [(label, getattr(before, part, ""), getattr(after, part, "")) for part, label in _TEXTS]
    return [ChangedText(label, compare_texts(old, new)) for label, old, new in pairs if old != new]


def changed_facts(before: Comparable | None, after: Comparable | None) -> list[ChangedFact]:
    """Return id, kind, classes per kind of body, conformity date and path where they differ."""
    if before is None or after is None:
        return []
    pairs = [
        ("要件ID", before.requirement_id, after.requirement_id),
        ("種別", before.kind.label, after.kind.label),
        *_class_pairs(before, after),
        ("適合基準日", say_day(before.conformity_date), say_day(after.conformity_date)),
        ("位置", say_path(before), say_path(after)),
    ]
    return [ChangedFact(label, old, new) for label, old, new in pairs if old != new]


def _class_pairs(before: Comparable, after: Comparable) -> list[tuple[str, str, str]]:
    pairs = list(zip(BodyClass, before.classes, after.classes, strict=True))
    if len(set(before.classes)) == len(set(after.classes)) == 1:
        return [("実装区分", before.classes[0].label, after.classes[0].label)]
    return [(f"実装区分（{body.label}）", old.label, new.label) for body, old, new in pairs]


def say_day(day: date | None) -> str:
    """Return a conformity date in words."""
    return format_date(day) if day else "定めなし"


def say_path(requirement: Comparable) -> str:
    """Return where a requirement stands, in words."""
    return " ＞ ".join(part for part in path_of(requirement) if part) or "章に分かれていません"


def of_kinds(changes: Sequence[Change[R]], kinds: Sequence[ChangeKind]) -> list[Change[R]]:
    """Return the changes of any of these kinds; of all without any."""
    return [each for each in changes if not kinds or set(kinds) & set(each.kinds)]


def in_words(segments: Sequence[Segment]) -> str:
    """Return a marked text for a cell, where nothing can be underlined."""
    return "".join(_marked(segments))


def _marked(segments: Sequence[Segment]) -> Iterator[str]:
    marks = {ADDED: "【追加：{}】", REMOVED: "【削除：{}】"}
    for kind, text in segments:
        yield marks.get(kind, "{}").format(text)
