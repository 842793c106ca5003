"""How the rows of a table say their class: in words or marks, one column each, or within the text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.specifications.levels import NO_CLASSES, Classes, Found, Problem
from catalog.specifications.mapping import ColumnMapping, fold_word
from catalog.specifications.words import BLANK_WORDS, CLASS_WORDS, MARKS, TICKS
from catalog.terms import RequirementClass
from core.tables import TableRow

_MOSTLY, _OFTEN, _MOST_WORDS = 0.6, 0.2, 12
_LONGEST_MARK = 8
_LETTER = re.compile(r"[A-Za-z0-9]{1,2}")
_CLASS_NAMES = "実装必須、標準オプション、実装不可"
_MUST, _MAY, _MUST_NOT = RequirementClass
_PHRASES = (
    (_MUST_NOT, re.compile(r"不可|禁止|実装しない|must ?not|shall ?not|prohibited")),
    (
        _MAY,
        re.compile(r"オプション|任意|選択|推奨|望ましい|optional|recommended|\bmay\b|\bshould\b"),
    ),
    (_MUST, re.compile(r"必須|必要|義務|obligat|mandatory|required|\bmust\b|\bshall\b")),
)
_MARK = r"(?:[○〇◯◎●◉△▲▽☆★□■◇◆×✕]|(?<!\w)[―－—–ー\-](?=\s*[:：=＝]))"
_LEGEND = re.compile(
    rf"(?P<mark>{_MARK})\s*(?:[:：=＝]|は|…|→|・・・)?\s*(?P<what>(?:(?!{_MARK}|\s\S{{1,4}}[:：=＝])[^、。,;\n])+)"
)
_UNSAID = re.compile(
    r"不要|必須では|対象外|該当(?:なし|しない)|not (?:required|mandatory|applicable)"
)
_UPPER = re.compile(
    r"\b(MUST NOT|SHALL NOT|MUST|SHALL|REQUIRED|SHOULD|RECOMMENDED|MAY(?! NOT)|OPTIONAL)\b"
)
_ANY_CASE = re.compile(_UPPER.pattern, re.IGNORECASE)
_JAPANESE = (
    (_MUST_NOT, re.compile(r"(?:て|で)はならない|(?:実装|構築)しないこと")),
    (_MUST, re.compile(r"こと(?:。|$)|ものとする|なければならない|必須")),
    (_MAY, re.compile(r"望ましい|てもよい|ても良い|任意")),
)


class ClassReader(Protocol):
    """Reads the classes of one row."""

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that it reads."""

    def read(self, cells: Sequence[str]) -> Found:
        """Return the classes per kind of body, None where nothing is said, and what is wrong."""


@dataclass(frozen=True, slots=True)
class WordClasses:
    """One word or mark for all bodies, or one per kind of body."""

    columns: tuple[int, ...]
    words: Mapping[str, RequirementClass | None]

    def read(self, cells: Sequence[str]) -> Found:
        """Return the classes of a row."""
        problems: dict[int, Problem] = {}
        found: list[RequirementClass | None] = []
        for column in self.columns:
            cell = cells[column].strip() if column < len(cells) else ""
            word = fold_word(cell) if cell else ""
            code = None
            if word and word in self.words:
                code = self.words[word]
            elif not is_blank(cell):
                shown = " ".join(cell.split())
                reason = (
                    f"「{shown}」は分からない言葉です。{_CLASS_NAMES}のどれかにするか、"
                    "対応表の classes に意味を書いてください。"
                )
                problems[column] = Problem(column, cell, reason)
            found.append(code)
        first, second, third = found if len(found) == 3 else found * 3
        return (first, second, third), list(problems.values())


@dataclass(frozen=True, slots=True)
class MarkClasses:
    """One column per class, of which one is ticked."""

    marks: Mapping[int, RequirementClass]
    headings: Mapping[int, str]
    ticks: Mapping[str, bool]

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns of the classes."""
        return tuple(self.marks)

    def read(self, cells: Sequence[str]) -> Found:
        """Return the class whose column is ticked; two of them are a problem."""
        ticked = []
        for column in self.marks:
            cell = cells[column].strip() if column < len(cells) else ""
            tick = self.ticks.get(fold_word(cell)) if cell else False
            if tick is None:
                reason = f"「{cell}」が印か分かりません。印（○、xなど）か空欄にしてください。"
                if len(cell) > _LONGEST_MARK:
                    reason += "本文が区分ごとの列に分かれた表は、区分ごとに行を分けてください。"
                return NO_CLASSES, [Problem(column, cell, reason)]
            if tick:
                ticked.append(column)
        if len(ticked) > 1:
            names = "」と「".join(self.headings[column] for column in ticked)
            reason = f"「{names}」の両方に印があります。一つにしてください。"
            return NO_CLASSES, [Problem(ticked[1], cells[ticked[1]], reason)]
        code = self.marks[ticked[0]] if ticked else None
        return (code, code, code), []


@dataclass(frozen=True, slots=True)
class MatrixClasses:
    """For each kind of body one column per class, of which one is ticked."""

    bodies: tuple[MarkClasses, ...]

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns of all kinds of body."""
        return tuple(column for body in self.bodies for column in body.columns)

    @property
    def marks(self) -> Mapping[int, RequirementClass]:
        """What each column says."""
        return {column: code for body in self.bodies for column, code in body.marks.items()}

    def read(self, cells: Sequence[str]) -> Found:
        """Return the classes of a row."""
        found = [body.read(cells) for body in self.bodies]
        first, second, third = (classes[0] for classes, _ in found)
        return (first, second, third), [each for _, problems in found for each in problems]


@dataclass(frozen=True, slots=True)
class TextClasses:
    """The modal verb of the text: MUST, SHALL, SHOULD, MAY, MUST NOT."""

    columns: tuple[int, ...]
    modal: re.Pattern[str]
    japanese: bool = False

    def says_several(self, cells: Sequence[str]) -> bool:
        """Tell whether the text says more than one class."""
        text = " ".join(cells[column] for column in self.columns if column < len(cells))
        words = {fold_word(each) for each in self.modal.findall(text)}
        return len({CLASS_WORDS[word] for word in words}) > 1

    def read(self, cells: Sequence[str]) -> Found:
        """Return the strongest class that the text says."""
        text = " ".join(cells[column] for column in self.columns if column < len(cells))
        code = class_of_text(text, self.modal)
        if code is None and self.japanese:
            code = next((each for each, pattern in _JAPANESE if pattern.search(text.strip())), None)
        return (code, code, code), []


@dataclass(frozen=True, slots=True)
class ConstantClass:
    """The same classes for every requirement of the table."""

    classes: Classes
    columns: tuple[int, ...] = ()

    def read(self, cells: Sequence[str]) -> Found:
        """Return the constant."""
        del cells
        return self.classes, []


def is_blank(cell: str) -> bool:
    """Tell whether a cell says that there is nothing."""
    text = cell.strip()
    return text in BLANK_WORDS or unicodedata.normalize("NFKC", text).casefold() in BLANK_WORDS


def class_of_text(text: str, modal: re.Pattern[str]) -> RequirementClass | None:
    """Return the class of a text: must before must not before may; None without a modal verb."""
    found = {fold_word(each) for each in modal.findall(text)}
    codes = {CLASS_WORDS[word] for word in found}
    return next((code for code in (_MUST, _MUST_NOT, _MAY) if code in codes), None)


def modal_of_texts(texts: Sequence[str]) -> tuple[re.Pattern[str], float]:
    """Return how modal verbs are written in a table, and the share of texts that hold one."""
    if not texts:
        return _UPPER, 0.0
    upper = sum(_UPPER.search(text) is not None for text in texts)
    if upper:
        return _UPPER, upper / len(texts)
    lower = sum(_ANY_CASE.search(text) is not None for text in texts)
    return _ANY_CASE, lower / len(texts)


def read_legend(
    rows: Iterable[TableRow], headings: Sequence[str], head: str = "", values: Sequence[str] = ()
) -> dict[str, RequirementClass]:
    """Return what ◎○△× mean where the table itself explains them, beside it or in a heading.

    `head` stands over the column of these `values`.
    """
    found = explain_tick(head, values)
    for text in headings:
        found.update(_legend_of(text))
    for row in rows:
        for cell, following in zip(row.cells, (*row.cells[1:], ""), strict=True):
            found.update(_legend_of(cell))
            if cell.strip() in MARKS:
                found.update(_legend_of(f"{cell.strip()}:{following}"))
    return found


def explain_tick(heading: str, values: Sequence[str]) -> dict[str, RequirementClass]:
    """Return what the only mark of a column means that is headed by a class: ○ under 必須."""
    code = CLASS_WORDS.get(fold_word(heading))
    marks = {fold_word(value) for value in values}
    return {mark: code for mark in marks if code and len(marks) == 1 and mark in TICKS}


def explain_letters(
    rows: Iterable[TableRow], headings: Sequence[str], values: Sequence[str]
) -> dict[str, RequirementClass | None]:
    """Return what letters or digits of a column mean where the table explains them: O: obligatory.

    None for one that it explains in words that nobody knows.
    """
    texts = [*headings, *(cell for row in rows for cell in row.cells)]
    found: dict[str, RequirementClass | None] = {}
    for value in values:
        if not _LETTER.fullmatch(value):
            continue
        pattern = re.compile(rf"(?<!\w){re.escape(value)}\s*[:：=＝]\s*(?P<what>[^、。,;；\n]+)")
        for match in filter(None, map(pattern.search, texts)):
            phrase = unicodedata.normalize("NFKC", match["what"]).casefold()
            known = None if _UNSAID.search(phrase) else _PHRASES
            code = next((code for code, words in known or () if words.search(phrase)), None)
            found[fold_word(value)] = code
    return found


def _legend_of(text: str) -> dict[str, RequirementClass]:
    found = {}
    for match in _LEGEND.finditer(text):
        phrase = unicodedata.normalize("NFKC", match["what"]).casefold()
        code = next((code for code, pattern in _PHRASES if pattern.search(phrase)), None)
        if code is not None and not _UNSAID.search(phrase):
            found[fold_word(match["mark"])] = code
    return found


def class_words(
    values: Sequence[str], told: ColumnMapping, legend: Mapping[str, RequirementClass]
) -> tuple[dict[str, RequirementClass | None], list[str]]:
    """Return what the class words mean, and the marks of which nobody knows it.

    A lone ○ is doubtful: must in one table, may in another. ◎ is must, and ○ beside it is may.
    """
    folded = {fold_word(value): value for value in values}
    words: dict[str, RequirementClass | None] = {**CLASS_WORDS, **legend, **told.classes}
    known = {*legend, *told.classes}
    doubt = []
    for word, value in folded.items():
        if word in known:
            continue
        is_letter = word in ("o", "m") and not {"o", "m"} <= set(folded)
        if word in ("○", "〇", "◯") and "◎" in folded and "△" not in folded:
            words[word] = _MAY
        elif (
            is_letter
            or (word in MARKS and word not in ("◎", "×", "✕"))
            or (word == "◎" and "△" in folded)
        ):
            doubt.append(value)
            words.pop(word, None)
    return words, doubt


def unknown_words(texts: Sequence[str], words: Mapping[str, object]) -> list[str]:
    """Return words that nobody knows but many rows say: no slips, but another vocabulary."""
    counts = Counter(text for text in texts if fold_word(text) not in words and not is_blank(text))
    if counts.total() > 1 and counts.total() >= _MOSTLY * len(texts):
        return list(counts)[:_MOST_WORDS]
    return [word for word, count in counts.items() if count > 1 and count >= _OFTEN * len(texts)]
