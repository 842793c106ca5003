"""Pages and cells with rows: accreditations, and formats per category of data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, cast

from marshmallow import ValidationError, post_load, validates_schema

from catalog.offerings.schemas import GroupSchema
from catalog.terms import AccreditationKind, DataConformity
from core.fields import choice, day, line, whole
from core.japanese import normalise_nfc
from core.state_machine import LabelledCode

BLANK_ROWS = 2
SEPARATOR = "｜"


@dataclass(frozen=True, slots=True)
class Part:
    """One column of the rows; `codes` give the words to choose from."""

    name: str
    label: str
    declare: Callable[[str], Any]
    codes: type[LabelledCode] | None = None
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class RowKind:
    """Rows of one kind: the column that holds them, their parts, and how many there may be."""

    target: str
    parts: Sequence[Part]
    maximum: int
    unique: Sequence[str]
    twice: str


ACCREDITATIONS = RowKind(
    target="accreditations",
    parts=(
        Part("kind", "種類", lambda label: choice(label, AccreditationKind, required=False), AccreditationKind),
        Part("number", "番号", lambda label: line(label, maximum=60, required=False)),
        Part("body", "認証した機関", lambda label: line(label, maximum=100, required=False)),
        Part("scope", "対象の範囲", lambda label: line(label, maximum=300, required=False)),
        Part("expires_on", "有効期限", lambda label: day(label, required=False)),
    ),
    maximum=14,
    unique=("kind", "number"),
    twice="種類と番号",
)  # fmt: skip
CATEGORIES = RowKind(
    target="data_categories",
    parts=(
        Part("name", "データの種類", lambda label: line(label, maximum=60, required=False)),
        Part("imports", "取り込める形式", lambda label: line(label, maximum=200, required=False), is_required=False),
        Part("exports", "取り出せる形式", lambda label: line(label, maximum=200, required=False)),
        Part("conformity", "データ要件との関係", lambda label: choice(label, DataConformity, required=False), DataConformity),
    ),
    maximum=20,
    unique=("name",),
    twice="データの種類",
)  # fmt: skip
ROW_KINDS: Mapping[str, RowKind] = {each.target: each for each in (ACCREDITATIONS, CATEGORIES)}


class RowsSchema(GroupSchema):
    """What stands beside the rows; `rows_schema` adds them."""

    kind: RowKind
    rows = whole("行の数", required=False, minimum=1, maximum=100)

    @validates_schema
    def check_rows(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse rows that are begun and not finished, and rows that say the same twice."""
        errors: dict[str, list[str]] = {}
        seen: dict[tuple[Any, ...], int] = {}
        for number in self.numbers:
            if self._is_blank(data, number):
                continue
            for part in self.kind.parts:
                if part.is_required and data.get(f"{part.name}_{number}") in (None, ""):
                    verb = "選択" if part.codes else "入力"
                    sentence = f"{number}行目の{part.label}を{verb}してください。"
                    errors[f"{part.name}_{number}"] = [sentence]
            key = tuple(data.get(f"{name}_{number}") for name in self.kind.unique)
            first = seen.setdefault(key, number)
            if first != number and all(key):
                sentence = (
                    f"{number}行目の{self.kind.twice}は{first}行目と同じです。"
                    "一行にまとめるか、空欄にしてください。"
                )
                errors.setdefault(f"{self.kind.unique[-1]}_{number}", [sentence])
        if errors:
            raise ValidationError(errors)

    @post_load
    def collect(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Gather the rows in their order as they are stored."""
        data[self.kind.target] = [
            {part.name: _stored(data.get(f"{part.name}_{number}")) for part in self.kind.parts}
            for number in self.numbers
            if not self._is_blank(data, number)
        ]
        return data

    @property
    def numbers(self) -> range:
        """The numbers of the rows."""
        first = self.kind.parts[0].name
        return range(1, sum(name.startswith(f"{first}_") for name in self.fields) + 1)

    def _is_blank(self, data: Mapping[str, Any], number: int) -> bool:
        values = (data.get(f"{part.name}_{number}") for part in self.kind.parts)
        return all(value in (None, "") for value in values)


def rows_schema(kind: RowKind, rows: int) -> RowsSchema:
    """Return a schema with so many rows of a kind."""
    return _declare(kind.target, rows)()


@lru_cache(maxsize=sum(each.maximum for each in ROW_KINDS.values()))
def _declare(target: str, rows: int) -> type[RowsSchema]:
    kind = ROW_KINDS[target]
    declared: dict[str, Any] = {"kind": kind}
    for number in range(1, rows + 1):
        for part in kind.parts:
            declared[f"{part.name}_{number}"] = part.declare(f"{number}行目の{part.label}")
    return type("RowsSchema", (RowsSchema,), declared)


@lru_cache(maxsize=8)
def _reader(target: str, rows: int) -> RowsSchema:
    """Return the schema of cells with so many rows; a file has thousands of cells of few kinds."""
    return _declare(target, rows)()


def row_values(kind: RowKind, rows: Sequence[Mapping[str, Any]], version: int) -> dict[str, Any]:
    """Return what a page with rows shows of stored ones."""
    values: dict[str, Any] = {"version": version}
    for number, row in enumerate(rows, start=1):
        for part in kind.parts:
            text = row[part.name]
            is_day = part.name == "expires_on" and text
            values[f"{part.name}_{number}"] = date.fromisoformat(text) if is_day else text
    return values


def write_rows(kind: RowKind, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return stored rows as the text of a cell: one line a row, parts with words for codes."""
    return "\n".join(
        f" {SEPARATOR} ".join(
            part.codes(row[part.name]).label if part.codes else str(row[part.name])
            for part in kind.parts
        )
        for row in rows
    )


def read_rows(kind: RowKind, text: str) -> list[dict[str, Any]]:
    """Return the rows of a cell; raises ValidationError with one sentence."""
    lines = [each for each in normalise_nfc(text).splitlines() if each.strip()]
    if not lines:
        return []
    if len(lines) > kind.maximum:
        raise ValidationError(f"{kind.maximum}行までです。今は{len(lines)}行です。")
    posted: dict[str, Any] = {"version": "1"}
    for number, each in enumerate(lines, start=1):
        cells = [cell.strip() for cell in each.replace("|", SEPARATOR).split(SEPARATOR)]
        if len(cells) != len(kind.parts):
            order = SEPARATOR.join(part.label for part in kind.parts)
            raise ValidationError(
                f"{number}行目は「{order}」の順に、{len(kind.parts)}つを「{SEPARATOR}」で区切ってください。"
                f"今は{len(cells)}つです。"
            )
        for part, cell in zip(kind.parts, cells, strict=True):
            if cell:
                posted[f"{part.name}_{number}"] = _code(part, cell, number)
    try:
        loaded = _reader(kind.target, len(lines)).load(posted)
    except ValidationError as error:
        sentences = [
            sentence
            for found in cast("dict[str, list[str]]", error.messages).values()
            for sentence in found
        ]
        raise ValidationError(sentences[0]) from error
    found: list[dict[str, Any]] = loaded[kind.target]
    return found


def _code(part: Part, cell: str, number: int) -> str:
    if part.codes is None:
        return cell
    for each in part.codes:
        if cell in {each.value, each.label}:
            return each.value
    choices = "、".join(each.label for each in part.codes)
    raise ValidationError(f"{number}行目の「{cell}」は選べません。{choices}から選んでください。")


def _stored(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)
