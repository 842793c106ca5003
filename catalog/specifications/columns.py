"""Which column of a table feeds what: as told, by its heading, and by what stands in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.specifications.ids import like_ids
from catalog.specifications.layout import SEPARATOR, Layout, Question, heading_words
from catalog.specifications.levels import order_of_values
from catalog.specifications.mapping import CLASS_TARGETS, ColumnMapping, fold_word
from catalog.specifications.words import (
    CLASS_WORDS,
    KIND_WORDS,
    OTHER_BODIES,
    STRONG_HEADINGS,
    TARGET_LABELS,
    WEAK_HEADINGS,
)
from core.tables import column_letter

Columns = dict[str, tuple[int, ...]]
_LETTER = re.compile(r"([A-Z]{1,2})列?")
_KNOWN_SHARE = 0.6
_MOST_CLASS_WORDS = 12
_CLASSES = ("class", *CLASS_TARGETS)
_JOINED = ("枝番", "枝番号", "branch", "subid", "enhancement")


@dataclass(frozen=True, slots=True)
class Placed:
    """The columns of a table by what they feed, and what could not be decided."""

    columns: Columns = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)

    @property
    def used(self) -> set[int]:
        """All columns that feed something."""
        return {index for indices in self.columns.values() for index in indices}


def place_columns(layout: Layout, told: ColumnMapping) -> Placed:
    """Place every column of a table; several candidates that content cannot part are asked about."""
    placed = Placed()
    for target, texts in told.columns.items():
        found = [find_heading(layout.headings, text) for text in texts or ()]
        for text, index in zip(texts or (), found, strict=True):
            if index is None:
                sentence = f"対応表の見出し「{text}」が表にありません。{known_headings(layout)}"
                placed.questions.append(Question(sentence, {"columns": {target: "…"}}))
        if found and None not in found:
            placed.columns[target] = tuple(index for index in found if index is not None)
    words = [heading_words(heading) for heading in layout.headings]
    for headings in (STRONG_HEADINGS, WEAK_HEADINGS):
        for target, known in headings.items():
            if target not in placed.columns and target not in told.columns:
                hits = [i for i, each in enumerate(words) if i not in placed.used]
                hits = [i for i in hits if known.intersection(words[i])]
                is_weak = headings is WEAK_HEADINGS
                _place(layout, placed, target, _likely(layout, target, hits, told, is_weak=is_weak))
    _place_other_bodies(words, placed, told)
    _join_branch(layout, words, placed, told)
    _prefer_longer_text(layout, words, placed, told)
    return placed


def find_heading(headings: Sequence[str], text: str) -> int | None:
    """Return the column of a heading as somebody wrote it: whole, its last part, or its letter."""
    wanted = fold_word(text)
    whole = [i for i, heading in enumerate(headings) if fold_word(heading) == wanted]
    if whole:
        return whole[0]
    parts = [i for i, heading in enumerate(headings) if wanted in heading_words(heading)]
    if len(parts) == 1:
        return parts[0]
    letter = _LETTER.fullmatch(text.strip().upper())
    letters = [column_letter(index) for index in range(len(headings))]
    return letters.index(letter[1]) if letter and letter[1] in letters else None


def known_headings(layout: Layout) -> str:
    """Say which headings a table has."""
    shown = [heading for heading in layout.headings if not heading.startswith("（")]
    return f"表の見出し：{'、'.join(shown) or 'なし'}"


def _place(layout: Layout, placed: Placed, target: str, hits: Sequence[int]) -> None:
    if len(hits) > 1 and target == "text":
        lengths = {index: _mean_length(layout, index) for index in hits}
        longest = max(hits, key=lambda index: lengths[index])
        if all(lengths[each] * 2 < lengths[longest] for each in hits if each != longest):
            hits = [longest]
    if len(hits) > 1:
        names = [layout.headings[index] for index in hits]
        label = TARGET_LABELS[target]
        sentence = f"「{'」と「'.join(names)}」のどれが{label}の列か分かりません。選んでください。"
        placed.questions.append(Question(sentence, {"columns": {target: names[0]}}))
        placed.doubtful.add(target)
    if hits:
        placed.columns[target] = (hits[0],)


def _likely(
    layout: Layout, target: str, hits: list[int], told: ColumnMapping, *, is_weak: bool
) -> list[int]:
    """Return the columns whose content agrees with their heading, where the heading only hints."""
    if is_weak or len(hits) > 1:
        hits = [index for index in hits if _fits(layout, target, index, told)]
    if target == "class":
        return [index for index in hits if not body_of(layout.headings[index])]
    if is_weak and target == "requirement_id" and len(hits) > 1:
        return [index for index in hits if not _counts_rows(layout, index)] or hits
    return hits


def _counts_rows(layout: Layout, index: int) -> bool:
    """Tell whether a column only numbers the rows: 1, 2, 3 …"""
    texts = layout.texts(index)
    return texts == [str(number) for number in range(1, len(texts) + 1)]


def _fits(layout: Layout, target: str, index: int, told: ColumnMapping) -> bool:
    """Tell whether the content of a column agrees with what its heading only hints at."""
    texts = layout.texts(index)
    if not layout.body:
        return True
    match target:
        case "requirement_id":
            return len(texts) > 0 and len(set(texts)) > 0.9 * len(texts) - 1
        case "class":
            is_told = any(fold_word(text) in told.classes for text in texts)
            return is_told or looks_like_classes(texts) or bool(order_of_values(texts))
        case "text":
            return _mean_length(layout, index) >= 4 and not like_ids(texts)
        case "kind":
            return any(fold_word(text) in KIND_WORDS for text in texts)
    return True


def looks_like_classes(texts: Sequence[str]) -> bool:
    """Tell whether most cells hold a class word, and only a few different ones."""
    words = [fold_word(text) for text in texts]
    known = sum(word in CLASS_WORDS or word in "○〇◯△" for word in words)
    return (
        bool(words) and known >= _KNOWN_SHARE * len(words) and len(set(words)) <= _MOST_CLASS_WORDS
    )


def _mean_length(layout: Layout, index: int) -> float:
    texts = layout.texts(index)
    return sum(map(len, texts)) / len(texts) if texts else 0.0


def _place_other_bodies(
    words: Sequence[Sequence[str]], placed: Placed, told: ColumnMapping
) -> None:
    """その他 beside 指定都市 or 中核市 is the third kind of body."""
    siblings = {"class_designated_city", "class_core_city"} & set(placed.columns)
    if not siblings or "class_other" in placed.columns or "class_other" in told.columns:
        return
    hits = [i for i, each in enumerate(words) if OTHER_BODIES.intersection(each)]
    if len(hits) == 1:
        placed.columns["class_other"] = (hits[0],)


def _join_branch(
    layout: Layout, words: Sequence[Sequence[str]], placed: Placed, told: ColumnMapping
) -> None:
    """A branch number makes an id unique where the id alone is not."""
    if "requirement_id" in told.columns or "requirement_id" not in placed.columns:
        return
    branches = [i for i, each in enumerate(words) if set(each).intersection(_JOINED)]
    texts = layout.texts(placed.columns["requirement_id"][0])
    if len(branches) == 1 and len(set(texts)) < len(texts):
        placed.columns["requirement_id"] = (*placed.columns["requirement_id"], branches[0])


def _prefer_longer_text(
    layout: Layout, words: Sequence[Sequence[str]], placed: Placed, told: ColumnMapping
) -> None:
    """Where Requirement is a short title beside a long Description, the description is the text."""
    if (
        {"text", "name"} & set(told.columns)
        or "text" not in placed.columns
        or "name" in placed.columns
    ):
        return
    short = placed.columns["text"][0]
    weak = WEAK_HEADINGS["text"]
    longer = [
        index
        for index, each in enumerate(words)
        if index not in placed.used
        and weak.intersection(each)
        and _mean_length(layout, index) > 2.5 * _mean_length(layout, short)
    ]
    if len(longer) == 1:
        placed.columns["name"], placed.columns["text"] = (short,), (longer[0],)


def body_of(heading: str) -> str:
    """Return the kind of body over which a column stands as one of its classes: 指定都市／必須."""
    *heads, last = heading.split(SEPARATOR)
    if not heads or fold_word(last) not in CLASS_WORDS:
        return ""
    words = {fold_word(head) for head in heads}
    found = (each for each in CLASS_TARGETS if STRONG_HEADINGS[each] & words)
    return next(found, "class_other" if OTHER_BODIES & words else "")


def class_targets_of(columns: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the one column of the class for all bodies, or the three of their own; else nothing."""
    own = [columns[target][0] for target in CLASS_TARGETS if target in columns]
    if len(own) == len(CLASS_TARGETS):
        return tuple(own)
    if "class" in columns:
        common = columns["class"][0]
        if not own:
            return (common,)
        return tuple(columns.get(target, (common,))[0] for target in CLASS_TARGETS)
    return ()


def partial_bodies(columns: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Return the kinds of body without a class where others have one."""
    missing = [target for target in CLASS_TARGETS if target not in columns]
    is_partial = "class" not in columns and 0 < len(missing) < len(CLASS_TARGETS)
    return missing if is_partial else []
