"""How the columns and words of a ministry's table become requirements: guessed, or as told."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.specifications.words import (
    CLASS_WORDS,
    KIND_WORDS,
    STRONG_HEADINGS,
    TARGET_LABELS,
    WEAK_HEADINGS,
)
from catalog.terms import RequirementClass, RequirementKind
from core.errors import Invalid
from core.tables import Table, TableRow

CLASS_TARGETS = ("class_designated_city", "class_core_city", "class_other")
_HEADING_ROWS = 30
_CIRCLES = frozenset("○〇◯")
_DOUBLE_CIRCLE = "◎"


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which heading feeds which part of a requirement, and what the words in the cells mean.

    A column told to be None is not read, even if its heading would be recognised.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    classes: Mapping[str, RequirementClass] = field(default_factory=dict)
    kinds: Mapping[str, RequirementKind] = field(default_factory=dict)
    sheet: str = ""

    @classmethod
    def from_json(cls, value: Any) -> "ColumnMapping":
        """Read what to_json() wrote or a person typed; raises Invalid naming what is unknown."""
        if not isinstance(value, dict) or set(value) - {"columns", "classes", "kinds", "sheet"}:
            raise _refuse("対応表は columns、classes、kinds、sheet を持つJSONの組にしてください。")
        columns = _texts(value.get("columns", {}), "columns")
        unknown = sorted(set(columns) - set(TARGET_LABELS))
        if unknown:
            known = "、".join(TARGET_LABELS)
            raise _refuse(f"columns の「{unknown[0]}」はありません。使える名前：{known}")
        return cls(
            columns=columns,
            classes=_coded(value.get("classes", {}), "classes", RequirementClass),
            kinds=_coded(value.get("kinds", {}), "kinds", RequirementKind),
            sheet=str(value.get("sheet") or ""),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form that a mapping file and the upload hold."""
        return {
            "columns": dict(self.columns),
            "classes": {word: code.value for word, code in self.classes.items()},
            "kinds": {word: code.value for word, code in self.kinds.items()},
            "sheet": self.sheet,
        }


def _refuse(sentence: str) -> Invalid:
    return Invalid({"mapping": sentence})


def _texts(value: Any, name: str) -> dict[str, str | None]:
    if not isinstance(value, dict) or not all(
        item is None or isinstance(item, str) for item in value.values()
    ):
        raise _refuse(f"対応表の {name} は、名前と見出しの組にしてください。")
    return value


def _coded(value: Any, name: str, codes: type[Any]) -> dict[str, Any]:
    known = {member.value: member for member in codes}
    found = {}
    for word, code in _texts(value, name).items():
        if code not in known:
            allowed = "、".join(known)
            raise _refuse(f"{name} の「{word}」は {allowed} のどれかにしてください。")
        found[fold_word(word)] = known[code]
    return found


@dataclass(frozen=True, slots=True)
class Reading:
    """A table with its heading found and its columns placed; `unclear` says what nobody knows."""

    heading_row: int
    headings: tuple[str, ...]
    rows: tuple[TableRow, ...]
    columns: Mapping[str, int]
    classes: Mapping[str, RequirementClass]
    kinds: Mapping[str, RequirementKind]
    class_values: tuple[str, ...]
    unclear: tuple[str, ...]

    def heading_of(self, target: str) -> str:
        """Return the heading of the column that feeds a target, or the target's own name."""
        index = self.columns.get(target, self.columns.get("class"))
        if not target.startswith("class") and target not in self.columns:
            index = None
        return TARGET_LABELS[target] if index is None else self.headings[index]

    @property
    def ignored(self) -> tuple[str, ...]:
        """Headings that feed nothing."""
        used = set(self.columns.values())
        return tuple(text for index, text in enumerate(self.headings) if index not in used)


def fold_word(text: str) -> str:
    """Return a heading or cell word for comparison: width, case, blanks and brackets do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_\-・/()\[\]「」【】:：※.,、。]", "", plain)


def read_columns(table: Table, told: ColumnMapping | None = None) -> Reading:
    """Find the heading and place every column, as told first and by recognised headings then."""
    told = told or ColumnMapping()
    rows = table.rows
    position = _find_heading(rows, [text for text in told.columns.values() if text])
    headings = _name_headings(rows[position].cells if rows else ())
    columns, unclear = _place_columns(headings, told.columns)
    body = tuple(row for row in rows[position + 1 :] if row.cells != rows[position].cells)
    values = _class_values(body, columns)
    classes, doubt = _class_words(values, told.classes)
    return Reading(
        heading_row=rows[position].number if rows else 1,
        headings=headings,
        rows=body,
        columns=columns,
        classes=classes,
        kinds={**KIND_WORDS, **told.kinds},
        class_values=values,
        unclear=(*unclear, *_missing(columns, headings), *doubt),
    )


def _find_heading(rows: Sequence[TableRow], told: Sequence[str]) -> int:
    known = {word for words in STRONG_HEADINGS.values() for word in words}
    wanted = {fold_word(text) for text in told}

    def score(row: TableRow) -> int:
        words = {fold_word(cell) for cell in row.cells}
        return len(words & known) + 100 * len(words & wanted)

    scores = [score(row) for row in rows[:_HEADING_ROWS]]
    best = max(scores, default=0)
    return scores.index(best) if best else 0


def _name_headings(cells: Sequence[str]) -> tuple[str, ...]:
    texts = [" ".join(cell.split()) for cell in cells]
    return tuple(
        text if text and texts.count(text) == 1 else f"{text}（{column_letter(index)}列）"
        for index, text in enumerate(texts)
    )


def column_letter(index: int) -> str:
    """Return the letters a spreadsheet shows over a column; 0 is A."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _place_columns(
    headings: Sequence[str], told: Mapping[str, str | None]
) -> tuple[dict[str, int], list[str]]:
    folded = [fold_word(text) for text in headings]
    columns: dict[str, int] = {}
    unclear: list[str] = []
    for target, text in told.items():
        if text is None:
            continue
        if fold_word(text) in folded:
            columns[target] = folded.index(fold_word(text))
        else:
            unclear.append(f"対応表の見出し「{text}」が表にありません。{_list(headings)}")
    for headings_of in (STRONG_HEADINGS, WEAK_HEADINGS):
        for target, words in headings_of.items():
            if target in columns or target in told:
                continue
            hits = [i for i, word in enumerate(folded) if word in words]
            hits = [i for i in hits if i not in columns.values()]
            if len(hits) > 1:
                names = "」と「".join(headings[i] for i in hits)
                label = TARGET_LABELS[target]
                unclear.append(f"「{names}」のどれが{label}の列か分かりません。選んでください。")
            if hits:
                columns[target] = hits[0]
    return columns, unclear


def _list(headings: Sequence[str]) -> str:
    return f"表の見出し：{'、'.join(headings) or 'なし'}"


def _missing(columns: Mapping[str, int], headings: Sequence[str]) -> list[str]:
    missing = [target for target in ("requirement_id", "text") if target not in columns]
    if "class" not in columns:
        parts = [target for target in CLASS_TARGETS if target not in columns]
        missing += ["class"] if len(parts) == len(CLASS_TARGETS) else parts
    return [
        f"{TARGET_LABELS[target]}の列が分かりません。選んでください。{_list(headings)}"
        for target in missing
    ]


def class_column(columns: Mapping[str, int], target: str) -> int | None:
    """Return the column of a body's class: its own, or else the one for all bodies."""
    return columns.get(target, columns.get("class"))


def _class_values(rows: Sequence[TableRow], columns: Mapping[str, int]) -> tuple[str, ...]:
    places = {class_column(columns, target) for target in CLASS_TARGETS} - {None}
    found: dict[str, None] = {}
    for row in rows:
        for index in sorted(index for index in places if index is not None):
            if index < len(row.cells) and row.cells[index].strip():
                found.setdefault(" ".join(row.cells[index].split()))
    return tuple(found)


def _class_words(
    values: Sequence[str], told: Mapping[str, RequirementClass]
) -> tuple[dict[str, RequirementClass], list[str]]:
    """Return what the class words mean; a lone ○ is doubtful: must in one table, may in another."""
    words = {**CLASS_WORDS, **told}
    folded = {fold_word(value): value for value in values}
    doubt = []
    for circle in _CIRCLES & set(folded) - set(told):
        if _DOUBLE_CIRCLE in folded:
            words[circle] = RequirementClass.MAY
        else:
            doubt.append(
                f"実装区分の「{folded[circle]}」が実装必須か標準オプションか分かりません"
                "（◎がないため）。選んでください。"
            )
    return words, doubt
