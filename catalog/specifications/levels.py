"""Levels that stand for classes: L1 ⊂ L2 ⊂ L3, low ⊂ moderate ⊂ high, in columns or in one."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.specifications.mapping import BODY_KEYS, Levels, fold_word
from catalog.specifications.words import LEVEL_FAMILIES, NO_TICKS, TICKS
from catalog.terms import RequirementClass

_NUMBERED = re.compile(
    r"(?P<prefix>.*(?:level|レベル|tier|段階|ランク|phase|フェーズ|stage|ステージ|grade|グレード)|l|lv|ig|al|asvsl)"
    r"(?P<number>[0-9]{1,2})"
)
_PARTS = re.compile(r"[\s,、，;；/／・|+＋&＆]+")
_KNOWN_WORDS = frozenset(word for family in LEVEL_FAMILIES for word in family)


@dataclass(frozen=True, slots=True)
class Family:
    """Headings that name levels, from the lowest: their columns and their short names."""

    columns: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()


def level_family(headings: Sequence[str]) -> Family:
    """Return the largest group of headings that name levels of one kind; none if under two."""
    found = [_numbered(headings), *(_named(headings, family) for family in LEVEL_FAMILIES)]
    return max(found, key=lambda family: len(family.columns))


def _numbered(headings: Sequence[str]) -> Family:
    by_prefix: dict[str, dict[int, int]] = {}
    for index, heading in enumerate(headings):
        parts = heading.split("／")
        for text in (fold_word(heading), fold_word(parts[-1])):
            match = _NUMBERED.fullmatch(text)
            if match:
                numbers = by_prefix.setdefault(match["prefix"], {})
                numbers.setdefault(int(match["number"]), index)
                break
    best = max(by_prefix.values(), key=len, default={})
    if len(best) < 2:
        return Family()
    order = sorted(best)
    return Family(tuple(best[number] for number in order), tuple(map(str, order)))


def _named(headings: Sequence[str], family: Sequence[str]) -> Family:
    by_rest: dict[str, dict[str, int]] = {}
    for index, heading in enumerate(headings):
        for text in (fold_word(heading), fold_word(heading.split("／")[-1])):
            word = next((w for w in family if text.endswith(w) or text.startswith(w)), None)
            if word:
                rest = text.replace(word, "", 1)
                by_rest.setdefault(rest, {}).setdefault(word, index)
                break
    best = max(by_rest.values(), key=len, default={})
    if len(best) < 2:
        return Family()
    words = [word for word in family if word in best]
    return Family(tuple(best[word] for word in words), tuple(words))


def level_parts(text: str) -> list[str]:
    """Return the levels that one cell names: LOW MODERATE HIGH, L1/L2, 1."""
    plain = unicodedata.normalize("NFKC", text)
    return [fold_word(part) for part in _PARTS.split(plain) if part.strip()]


def level_key(word: str) -> str:
    """Return the key of a level word: レベル1, L1 and 1 are the same."""
    folded = fold_word(word)
    match = _NUMBERED.fullmatch(folded)
    return match["number"] if match else folded


def order_of_values(values: Sequence[str]) -> tuple[str, ...]:
    """Return the levels that cells name, from the lowest; empty when they are no levels."""
    keys = {level_key(part) for value in values for part in level_parts(value)}
    if not keys:
        return ()
    if all(key.isdigit() and int(key) < 10 for key in keys):
        return tuple(sorted(keys, key=int))
    for family in LEVEL_FAMILIES:
        if keys <= set(family) and len(keys) > 1:
            return tuple(word for word in family if word in keys)
    return ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A cell whose content cannot be taken, by its column."""

    column: int
    value: str
    reason: str


Classes = tuple[RequirementClass | None, RequirementClass | None, RequirementClass | None]
NO_CLASSES: Classes = (None, None, None)
Found = tuple[Classes, list[Problem]]


@dataclass(frozen=True, slots=True)
class LevelClasses:
    """Reads classes from levels: `columns` has one per level, or one for all of them."""

    columns: tuple[int, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    told: Levels
    nested: bool = True
    sparse: bool = False
    ticks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def is_single(self) -> bool:
        """Tell whether one column names the levels."""
        return len(self.columns) == 1

    def read(self, cells: Sequence[str]) -> Found:
        """Return the classes of a row per kind of body, nothing when it is in no level."""
        held, problems = self._held(cells)
        if not held or problems:
            return NO_CLASSES, problems
        return self._classes_of(held), []

    def classes_from(self, level: int) -> Classes:
        """Return the classes of a requirement that a level and those above it ask for."""
        return self._classes_of(range(level, len(self.keys)))

    def _classes_of(self, held: Sequence[int]) -> Classes:
        first, second, third = (self._class_of(held, body) for body in BODY_KEYS)
        return first, second, third

    def _class_of(self, held: Sequence[int], body: str) -> RequirementClass:
        if self.told.classes:
            by_key = {level_key(name): code for name, code in self.told.classes.items()}
            codes = [by_key.get(self.keys[each], RequirementClass.MAY) for each in held]
            if self.nested:
                return codes[0]
            return min(codes, key=[*RequirementClass].index)
        limit = self.keys.index(self.key_of(self.told.must[body]))
        must = held[0] <= limit if self.nested else limit in held
        return RequirementClass.MUST if must else RequirementClass.MAY

    def key_of(self, word: str) -> str:
        """Return the key of a level as somebody wrote it: its heading, or its short name."""
        folded = fold_word(word)
        for key, name in zip(self.keys, self.names, strict=True):
            if folded in (fold_word(name), fold_word(name.split("／")[-1]), key):
                return key
        return level_key(word)

    def _held(self, cells: Sequence[str]) -> tuple[list[int], list[Problem]]:
        if self.is_single:
            return self._held_in_words(cells)
        held, problems = [], []
        for level, column in enumerate(self.columns):
            cell = cells[column].strip() if column < len(cells) else ""
            tick = self.ticks.get(fold_word(cell)) if cell else False
            if tick is None:
                reason = f"「{cell}」が段階の印か分かりません。印（○、xなど）か空欄にしてください。"
                problems.append(Problem(column, cell, reason))
            elif tick:
                held.append(level)
        if self.nested and not self.sparse and held and not problems:
            for level in range(held[0], len(self.columns)):
                if level not in held:
                    low, high = self.names[held[0]], self.names[level]
                    reason = f"「{low}」にある要件が「{high}」にありません。上の段階は下の段階を含みます。"
                    problems.append(Problem(self.columns[level], "", reason))
        return held, problems

    def _held_in_words(self, cells: Sequence[str]) -> tuple[list[int], list[Problem]]:
        column = self.columns[0]
        cell = cells[column].strip() if column < len(cells) else ""
        if not cell or self.ticks.get(fold_word(cell)) is False:
            return [], []
        keys = [level_key(part) for part in level_parts(cell)]
        unknown = [key for key in keys if key not in self.keys]
        if unknown:
            reason = (
                f"「{cell}」は分からない段階です。{'、'.join(self.names)}のどれかにしてください。"
            )
            return [], [Problem(column, cell, reason)]
        return sorted({self.keys.index(key) for key in keys}), []


def tick_meaning(values: set[str], told: Mapping[str, bool]) -> dict[str, bool]:
    """Return which of the folded cell texts tick a level; words that nobody knows are left out."""
    found = {}
    for value in values:
        word = fold_word(value)
        if word in told:
            found[word] = told[word]
        elif word in TICKS or word == "v":
            found[word] = True
        elif value.strip().casefold() in NO_TICKS or word in NO_TICKS:
            found[word] = False
    return found


def is_level_word(word: str) -> bool:
    """Tell whether a folded word names a level."""
    return word in _KNOWN_WORDS or _NUMBERED.fullmatch(word) is not None
