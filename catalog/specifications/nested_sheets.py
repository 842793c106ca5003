"""One sheet per level: Low, Moderate and High each list what they ask for, the higher the lower's too."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from catalog.specifications.layout import Question
from catalog.specifications.levels import level_family
from catalog.specifications.reading import Reading


def ask_about_levels(readings: Sequence[Reading]) -> tuple[Question, ...]:
    """Ask whether sheets that are alike are levels: named so, and one holding the ids of another."""
    names = [reading.sheet for reading in readings]
    family = level_family(names)
    if len(names) < 2 or len(family.columns) < len(names):
        return ()
    held = [_ids(readings[index]) for index in family.columns]
    if not any(lower & higher for lower, higher in pairwise(held)):
        return ()
    order = [names[index] for index in family.columns]
    sentence = (
        f"シート「{'」「'.join(order)}」に同じ要件IDがあり、低い順の段階らしく読めます。どの段階までを実装必須とするか"
        "分かりません（それより上の段階は標準オプションになります）。選ぶか、読むシートを一つ選んでください。"
    )
    return (Question(sentence, {"levels": {"sheets": order, "must": order[0]}}),)


def _ids(reading: Reading) -> set[str]:
    return {text for i in reading.columns["requirement_id"] for text in reading.layout.texts(i)}


@dataclass(slots=True)
class SheetLevels:
    """What the sheets of the levels hold, lowest first: the same requirement counts once."""

    places: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    held: list[set[str]] = field(default_factory=list)

    def begin(self) -> None:
        """Go on to the sheet of the next level."""
        self.held.append(set())

    def repeats(self, requirement_id: str, text: str, place: str) -> str | None:
        """Tell whether a lower sheet has it: a sentence if it says something else, else nothing.

        Returns None for a requirement that no lower sheet has.
        """
        level = len(self.held) - 1
        is_second = requirement_id in self.held[level]
        self.held[level].add(requirement_id)
        first = self.places.setdefault(requirement_id, (level, text, place))
        if first[0] == level or is_second:
            return None
        if first[1].split() == text.split():
            return ""
        return f"「{requirement_id}」の本文が{first[2]}と違います。同じ文にしてください。"

    def gaps(self, names: Sequence[str]) -> list[tuple[str, str, str]]:
        """Return (id, the sheet that has it, the higher sheet that lacks it)."""
        return [
            (each, names[first], names[level])
            for each, (first, _, _) in self.places.items()
            for level in range(first + 1, len(self.held))
            if each not in self.held[level]
        ]
