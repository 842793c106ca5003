"""How the columns and words of a ministry's table become requirements, as a person told it."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from catalog.specifications.words import TARGET_LABELS
from catalog.terms import BodyClass, RequirementClass, RequirementKind
from core import japanese
from core.errors import Invalid

CLASS_TARGETS = ("class_designated_city", "class_core_city", "class_other")
BODY_KEYS = tuple(kind.value for kind in BodyClass)
NO_CLASS = "none"
SKIP, INHERIT = "skip", "inherit"
HEADING, REQUIREMENT = "heading", "requirement"  # a row whose id begins those of other rows
READ = "read"  # hidden rows and columns
DROP, KEEP = "drop", "keep"  # letters that are struck out
NONE_MEANINGS = (SKIP, INHERIT, *(each.value for each in RequirementClass))
DATE_ORDERS = ("ymd", "dmy", "mdy")
# What may stand for a whole column.
CONSTANTS = (
    *("class", *CLASS_TARGETS, "kind", "conformity_date"),
    *("chapter", "section", "subsection", "change_type"),
)


@lru_cache(maxsize=20_000)
def fold_word(text: str) -> str:
    """Return a heading or cell word for comparison: width, case, blanks and brackets do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_\-‐–・/／()\[\]「」【】:：※.,、。'\"*]", "", plain) or plain.strip()


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels instead of classes: each holds those before it, unless `nested` says no.

    `must` names by kind of body the level up to which a requirement is 実装必須; those above it are
    標準オプション. `classes` says it level by level instead.
    """

    columns: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    must: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, RequirementClass] = field(default_factory=dict)
    nested: bool | None = None
    sheets: tuple[str, ...] = ()
    marks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        """Tell whether it says which class a level means."""
        return bool(self.must or self.classes)


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which heading feeds which part of a requirement, and what the words in the cells mean.

    A column told to be None is not read, even if its heading would be recognised. What is not told
    is guessed. `only` names by heading the words of the rows that are read; `by_sheet` says otherwise
    for single sheets.
    """

    columns: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    classes: Mapping[str, RequirementClass | None] = field(default_factory=dict)
    kinds: Mapping[str, RequirementKind] = field(default_factory=dict)
    sheets: tuple[str, ...] = ()
    header_rows: tuple[int, ...] = ()
    last_row: int | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    class_columns: Mapping[str, RequirementClass] = field(default_factory=dict)
    class_from_text: bool = False
    levels: Levels = field(default_factory=Levels)
    none: str = ""
    date_order: str = "ymd"
    dates: Mapping[str, str] = field(default_factory=dict)
    fill_down: tuple[str, ...] | None = None
    parents: str = ""
    hidden: str = ""
    struck: str = ""
    chosen_level: str = ""
    id_prefix: str = ""
    no_heading: bool = False
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_sheet: Mapping[str, "ColumnMapping"] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Any) -> "ColumnMapping":
        """Read what to_json() wrote or a person typed; raises Invalid naming what is unknown."""
        told = dict(_mapping_of(value, "対応表"))
        if "sheet" in told:
            sheet = told.pop("sheet")
            told.setdefault("sheets", [sheet] if sheet else [])
        _known_names(told, _READERS, "対応表")
        return cls(**{name: _READERS[name](each, name) for name, each in told.items()})

    @classmethod
    def from_file(cls, content: bytes, name: str) -> "ColumnMapping":
        """Read a mapping file, JSON or TOML; raises Invalid."""
        try:
            text = content.decode("utf-8-sig")
            value = tomllib.loads(text) if name.lower().endswith(".toml") else json.loads(text)
        except ValueError as error:
            raise _refuse(
                f"「{name}」はJSONではありません。TOMLなら名前を.tomlにしてください。（{error}）"
            ) from error
        return cls.from_json(value)

    def to_json(self) -> dict[str, Any]:
        """Return the form that a mapping file and the upload hold; what is not told is left out."""
        return _plain({each.name: getattr(self, each.name) for each in fields(self)})

    def portable(self) -> "ColumnMapping":
        """Return what holds for the next file of the same shape: no places of this one."""
        by_sheet = {sheet: own.portable() for sheet, own in self.by_sheet.items()}
        return replace(self, header_rows=(), last_row=None, hidden="", struck="", by_sheet=by_sheet)

    def for_sheet(self, name: str) -> "ColumnMapping":
        """Return the mapping of one sheet: what is said for it alone stands before the rest."""
        own = self.by_sheet.get(name)
        if own is None:
            return self
        said = {
            each.name: getattr(own, each.name)
            for each in fields(own)
            if getattr(own, each.name) != getattr(_NOTHING_TOLD, each.name)
        }
        if "classes" in said:
            said["classes"] = {**self.classes, **own.classes}
        return replace(self, **{**said, "by_sheet": {}})

    def with_sheets(self, *sheets: str) -> "ColumnMapping":
        """Return the same mapping for other sheets."""
        return replace(self, sheets=sheets)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        match value:
            case Levels():
                plain: Any = _plain(
                    {each.name: getattr(value, each.name) for each in fields(value)}
                )
                if len(set(value.must.values())) == 1 and len(value.must) == len(BODY_KEYS):
                    plain["must"] = next(iter(value.must.values()))
            case Mapping() if name == "by_sheet":
                plain = {sheet: own.to_json() for sheet, own in value.items()}
            case Mapping() if name == "only":
                plain = {heading: list(words) for heading, words in value.items()}
            case Mapping():
                plain = {word: _plain_item(item, name) for word, item in value.items()}
            case _:
                plain = list(value) if isinstance(value, tuple) else value
        if plain not in ({}, [], "", None, False) or (name == "nested" and plain is False):
            found[name] = plain
    if found.get("date_order") == "ymd":
        del found["date_order"]
    return found


def _plain_item(item: Any, name: str) -> Any:
    if name == "classes" and item is None:
        return NO_CLASS
    if isinstance(item, tuple):
        return item[0] if len(item) == 1 else list(item)
    return item.value if isinstance(item, RequirementClass | RequirementKind) else item


def _refuse(sentence: str) -> Invalid:
    return Invalid({"mapping": sentence})


def _known_names(
    value: Mapping[str, Any], known: Mapping[str, Any] | Sequence[str], name: str
) -> None:
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise _refuse(f"{name}の「{unknown[0]}」はありません。使える名前：{'、'.join(known)}")


def _mapping_of(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _refuse(f"{name}は、名前と値の組（JSONの {{}}、TOMLの [表]）にしてください。")
    return value


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _refuse(f'対応表の {name} は文字にしてください。例："{name}": "…"')
    return value


def _words(value: Any, name: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(_word(each, name) for each in values)


def _one_of(known: Sequence[str]) -> Callable[[Any, str], str]:
    def read(value: Any, name: str) -> str:
        if value not in known:
            raise _refuse(f"対応表の {name} は {'、'.join(known)} のどれかにしてください。")
        return str(value)

    return read


def _truth(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(f"対応表の {name} は true か false にしてください。")
    return value


def _row_number(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _refuse(f"対応表の {name} は1からの行番号にしてください。")
    return value


def _row_numbers(value: Any, name: str) -> tuple[int, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(sorted(_row_number(each, name) for each in values))


def _columns(value: Any, name: str) -> dict[str, tuple[str, ...] | None]:
    columns = _mapping_of(value, f"対応表の {name} ")
    _known_names(columns, TARGET_LABELS, f"{name} ")
    return {
        target: None if heading in (None, "") else _words(heading, f"columns.{target}")
        for target, heading in columns.items()
    }


def _coded(codes: type[Any], *, none: bool = False) -> Callable[[Any, str], dict[str, Any]]:
    known: dict[str, Any] = {member.value: member for member in codes}
    if none:
        known[NO_CLASS] = None

    def read(value: Any, name: str) -> dict[str, Any]:
        found = {}
        for word, code in _mapping_of(value, f"対応表の {name} ").items():
            if not isinstance(code, str) or code not in known:
                raise _refuse(f"{name} の「{word}」は {'、'.join(known)} のどれかにしてください。")
            found[fold_word(word)] = known[code]
        return found

    return read


def _headings_coded(value: Any, name: str) -> dict[str, RequirementClass]:
    _coded(RequirementClass)(value, name)
    return {heading: RequirementClass(code) for heading, code in value.items()}


def _constants(value: Any, name: str) -> dict[str, str]:
    constants = _mapping_of(value, f"対応表の {name} ")
    _known_names(constants, CONSTANTS, f"{name} ")
    for target, each in constants.items():
        if target.startswith("class"):
            _one_of([one.value for one in RequirementClass])(each, f"constants.{target}")
        elif target == "kind":
            _one_of([one.value for one in RequirementKind])(each, f"constants.{target}")
        elif target == "conformity_date":
            _dates({"": each}, f"constants.{target}")
    return {target: str(each) for target, each in constants.items()}


def _dates(value: Any, name: str) -> dict[str, str]:
    found = {}
    for word, written in _mapping_of(value, f"対応表の {name} ").items():
        try:
            day = japanese.parse_date(str(written)) if written else ""
        except japanese.JapaneseTextError as error:
            raise _refuse(f"{name} の「{word}」：{error}") from error
        found[fold_word(word)] = str(day)
    return found


def _fill_down(value: Any, name: str) -> tuple[str, ...]:
    known = ("chapter", "section", "subsection", "name")
    return tuple(_one_of(known)(each, name) for each in _words(value, name))


def _must(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict):
        return dict.fromkeys(BODY_KEYS, str(value))
    _known_names(value, BODY_KEYS, f"levels.{name} ")
    if set(value) != set(BODY_KEYS):
        raise _refuse(f"levels.{name} には {'、'.join(BODY_KEYS)} をすべて書いてください。")
    return {body: str(level) for body, level in value.items()}


def _level_classes(value: Any, name: str) -> dict[str, RequirementClass]:
    _coded(RequirementClass)(value, f"levels.{name}")
    return {str(level): RequirementClass(code) for level, code in value.items()}


def _marks(value: Any, name: str) -> dict[str, bool]:
    marks = _mapping_of(value, f"対応表の levels.{name} ")
    return {fold_word(mark): _truth(each, f"levels.{name}") for mark, each in marks.items()}


def _levels(value: Any, name: str) -> Levels:
    told = _mapping_of(value, f"対応表の {name} ")
    _known_names(told, _LEVEL_READERS, f"{name} ")
    return Levels(**{key: _LEVEL_READERS[key](each, key) for key, each in told.items()})


def _only(value: Any, name: str) -> dict[str, tuple[str, ...]]:
    told = _mapping_of(value, f"対応表の {name} ")
    return {heading: _words(words, f"{name}.{heading}") for heading, words in told.items()}


def _by_sheet(value: Any, name: str) -> dict[str, ColumnMapping]:
    told = _mapping_of(value, f"対応表の {name} ")
    known = [each for each in _READERS if each not in ("sheets", "by_sheet")]
    for sheet, own in told.items():
        _known_names(_mapping_of(own, f"{name}.{sheet} "), known, f"{name}.{sheet} ")
    return {sheet: ColumnMapping.from_json(own) for sheet, own in told.items()}


_LEVEL_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "columns": _words,
    "order": lambda value, name: _words([str(each) for each in value], name),
    "must": _must,
    "classes": _level_classes,
    "nested": _truth,
    "sheets": _words,
    "marks": _marks,
}
_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "columns": _columns,
    "classes": _coded(RequirementClass, none=True),
    "kinds": _coded(RequirementKind),
    "sheets": _words,
    "header_rows": _row_numbers,
    "last_row": _row_number,
    "constants": _constants,
    "class_columns": _headings_coded,
    "class_from_text": _truth,
    "levels": _levels,
    "none": _one_of(("", *NONE_MEANINGS)),
    "date_order": _one_of(DATE_ORDERS),
    "dates": _dates,
    "fill_down": _fill_down,
    "parents": _one_of(("", HEADING, REQUIREMENT)),
    "hidden": _one_of(("", READ, SKIP)),
    "struck": _one_of(("", DROP, KEEP)),
    "chosen_level": _word,
    "id_prefix": _word,
    "no_heading": _truth,
    "only": _only,
    "by_sheet": _by_sheet,
}
_NOTHING_TOLD = ColumnMapping()
