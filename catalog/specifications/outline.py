"""Pure: what of a version a reader sees: chapters, matches, one page, the state on a day."""

import re
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.specifications.models import (
    Requirement,
    RequirementDraft,
    SpecificationState,
    SpecificationVersion,
)
from catalog.terms import BodyClass, RequirementClass, RequirementKind
from core.japanese import fold_kana

PAGE_SIZE = 50
_EXCERPT = 160
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Choice:
    """A chapter or class with the number of requirements that the other conditions leave."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asks of a version."""

    words: str = ""
    chapter: str = ""
    classes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    page: int = 1

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything is left out."""
        return bool(self.words or self.chapter or self.classes or self.kinds)


@dataclass(frozen=True, slots=True)
class Outline:
    """One page of requirements and what the panel beside it says."""

    wish: Wish
    requirements: tuple[Requirement, ...]
    chapters: tuple[Choice, ...]
    classes: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    found: int
    total: int

    @property
    def page_count(self) -> int:
        """How many pages there are; an empty answer is one page."""
        return max(1, -(-self.found // PAGE_SIZE))


def outline(requirements: Sequence[Requirement], wish: Wish) -> Outline:
    """Answer a reader's wish over all requirements of a version."""
    terms = [fold_kana(word) for word in wish.words.split()]
    matching = [each for each in requirements if is_about(each, terms)]
    tests = _tests(wish)

    def left(*names: str) -> list[Requirement]:
        return [each for each in matching if all(tests[name](each) for name in names)]

    shown = left("chapter", "class", "kind")
    first = (wish.page - 1) * PAGE_SIZE
    chapters = dict.fromkeys(each.chapter for each in requirements if each.chapter)
    by_chapter = Counter(each.chapter for each in left("class", "kind"))
    by_class = Counter(one for each in left("chapter", "kind") for one in set(each.classes))
    by_kind = Counter(each.kind for each in left("chapter", "class"))
    return Outline(
        wish=wish,
        requirements=tuple(shown[first : first + PAGE_SIZE]),
        chapters=tuple(
            Choice(name, name, by_chapter[name], name == wish.chapter) for name in chapters
        ),
        classes=tuple(
            Choice(each.value, each.short_label, by_class[each], each.value in wish.classes)
            for each in RequirementClass
        ),
        kinds=tuple(
            Choice(each.value, each.label, by_kind[each], each.value in wish.kinds)
            for each in RequirementKind
        ),
        found=len(shown),
        total=len(requirements),
    )


def narrow(requirements: Sequence[Requirement], wish: Wish) -> list[Requirement]:
    """Return every requirement that a wish leaves, whatever its page."""
    terms = [fold_kana(word) for word in wish.words.split()]
    tests = _tests(wish).values()
    return [
        each for each in requirements if is_about(each, terms) and all(test(each) for test in tests)
    ]


def _tests(wish: Wish) -> dict[str, Callable[[Requirement], bool]]:
    return {
        "chapter": lambda each: wish.chapter in ("", each.chapter),
        "class": lambda each: _is_of(each, wish.classes),
        "kind": lambda each: not wish.kinds or each.kind.value in wish.kinds,
    }


def _is_of(requirement: Requirement, classes: Sequence[str]) -> bool:
    return not classes or any(each.value in classes for each in requirement.classes)


def is_about(requirement: Requirement, terms: Sequence[str]) -> bool:
    """Tell whether a requirement holds all of these words, folded as by fold_kana."""
    if not terms:
        return True
    parts = ("requirement_id", "chapter", "section", "subsection", "name", "text", "rationale")
    text = fold_kana(" ".join(getattr(requirement, part) for part in parts))
    return all(term in text for term in terms)


def excerpt(text: str, words: str = "") -> str:
    """Return the part of a text around the first word looked for, or its beginning.

    Letters that nobody sees, in a file that is refused for them, are shown by their number.
    """
    flat = _UNSEEN.sub(lambda match: f"（U+{ord(match[0]):04X}）", " ".join(text.split()))
    if len(flat) <= _EXCERPT:
        return flat
    places = [flat.find(word) for word in words.split()]
    first = max(0, min((place for place in places if place >= 0), default=0) - _EXCERPT // 4)
    last = first + _EXCERPT
    return f"{'…' if first else ''}{flat[first:last]}{'…' if last < len(flat) else ''}"


def class_words(requirement: Requirement | RequirementDraft) -> str:
    """Return the class in words: one for all bodies, or one per kind of body."""
    classes = requirement.classes
    if len(set(classes)) == 1:
        return classes[0].short_label
    pairs = zip(BodyClass, classes, strict=True)
    return "／".join(f"{kind.label}は{each.short_label}" for kind, each in pairs)


def states_on(
    versions: Sequence[SpecificationVersion], moment: datetime
) -> dict[uuid.UUID, SpecificationState]:
    """Return the states at a moment: of one specification only the newest effective one counts."""
    states = {version.id: version.state_at(moment) for version in versions}
    effective = [v for v in versions if states[v.id] is SpecificationState.EFFECTIVE]
    for version in effective:
        later = [
            other
            for other in effective
            if other.specification_id == version.specification_id and other.place > version.place
        ]
        if later:
            states[version.id] = SpecificationState.SUPERSEDED
    return states
