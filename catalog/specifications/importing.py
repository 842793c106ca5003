"""Read a ministry's table into checked requirements; every error of the file at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from marshmallow import ValidationError

from catalog.specifications.mapping import (
    CLASS_TARGETS,
    ColumnMapping,
    Reading,
    class_column,
    fold_word,
    read_columns,
)
from catalog.specifications.models import RequirementDraft
from catalog.specifications.schemas import RequirementSchema
from catalog.specifications.words import ABOLISHED_WORDS
from catalog.terms import RequirementClass, RequirementKind
from core.documents import guard_formula
from core.errors import Invalid
from core.tables import TableError, TableRow, read_table

_ONE_LINE = ("chapter", "section", "subsection", "name", "change_type")
_TEXTS = ("requirement_id", *_ONE_LINE, "text", "rationale", "predecessor_requirement_id")
_NO_DATE = frozenset({"", "-", "ー", "―", "－", "—", "なし"})
_NAME_FROM_TEXT = 40
_CLASS_WORDS = "実装必須、標準オプション、実装不可"


class SpecificationImportError(Invalid):
    """A file cannot be imported: `unclear` questions or `errors` with row, column, value, reason."""

    code = "specification_import"
    title = "取り込めません"
    meaning = "標準仕様書のファイルを取り込めません。"
    remedy = "挙げられた行と列を直し、ファイル全体を送り直してください。"

    def __init__(self, errors: Sequence[TableError], unclear: Sequence[str] = ()) -> None:
        sentences = [*unclear, *(str(error) for error in errors)]
        super().__init__({"file": sentences[0]}, "\n".join(sentences))
        self.table_errors = tuple(errors)
        self.unclear = tuple(unclear)


@dataclass(frozen=True, slots=True)
class ImportedTable:
    """What a file holds: the requirements that are sound, the errors, the rows left out on purpose."""

    reading: Reading
    drafts: tuple[RequirementDraft, ...]
    errors: tuple[TableError, ...]
    abolished: int

    @property
    def is_clear(self) -> bool:
        """Tell whether all of it may be imported."""
        return not (self.errors or self.reading.unclear) and bool(self.drafts)

    def require_clear(self) -> tuple[RequirementDraft, ...]:
        """Return the requirements; raises SpecificationImportError with everything that is wrong."""
        if self.is_clear:
            return self.drafts
        nothing = TableError(
            row=None, column=None, value=None, reason="要件の行がありません。表を確かめてください。"
        )
        found = self.errors or (() if self.reading.unclear else (nothing,))
        raise SpecificationImportError(found, self.reading.unclear)


def read_requirements(
    content: bytes, filename: str, mapping: ColumnMapping | None = None
) -> ImportedTable:
    """Read a CSV or XLSX file; raises TableError only when it cannot be read as a table at all.

    The rows are checked as far as the columns are known, so that one look shows everything.
    """
    told = mapping or ColumnMapping()
    table = read_table(content, filename, sheet=told.sheet or None)
    reading = read_columns(table, told)
    drafts: list[RequirementDraft] = []
    errors: list[TableError] = []
    abolished = 0
    if not reading.unclear:
        check = _RowCheck(reading)
        for row in reading.rows:
            if check.is_abolished(row):
                abolished += 1
                continue
            draft, found = check.read(row)
            errors += found
            if draft is not None:
                drafts.append(draft)
    return ImportedTable(reading, tuple(drafts), tuple(errors), abolished)


class _RowCheck:
    """Checks the rows of one table, remembering the ids that it has seen."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._schema = RequirementSchema()
        self._rows_of_id: dict[str, int] = {}

    def is_abolished(self, row: TableRow) -> bool:
        """Tell whether the ministry abolished the requirement in this version."""
        return fold_word(self._cell(row, "change_type")) in ABOLISHED_WORDS

    def read(self, row: TableRow) -> tuple[RequirementDraft | None, list[TableError]]:
        """Return the requirement of a row, or what is wrong with it."""
        values: dict[str, Any] = {name: self._cell(row, name) for name in _TEXTS}
        for name in _ONE_LINE:
            values[name] = " ".join(values[name].split())
        if "name" not in self._reading.columns:
            values["name"] = _name_from(values["text"])
        day = self._cell(row, "conformity_date")
        values["conformity_date"] = None if day.strip() in _NO_DATE else day
        errors = self._read_codes(row, values)
        known = {error.column for error in errors}
        try:
            draft = RequirementDraft(**self._schema.load(values))
        except ValidationError as error:
            errors += [
                found
                for found in self._named(row, cast("dict[str, Any]", error.messages))
                if found.column not in known
            ]
            draft = None
        errors += self._check_unique(row, values["requirement_id"].strip())
        return (None if errors else draft), errors

    def _cell(self, row: TableRow, target: str) -> str:
        index = self._reading.columns.get(target)
        cell = row.cells[index] if index is not None and index < len(row.cells) else ""
        # What our own CSV guarded against formulas comes back as it was.
        return cell[1:] if cell[:1] == "'" and guard_formula(cell[1:]) == cell else cell

    def _read_codes(self, row: TableRow, values: dict[str, Any]) -> list[TableError]:
        errors: dict[str, TableError] = {}
        for target in CLASS_TARGETS:
            index = class_column(self._reading.columns, target)
            cell = row.cells[index] if index is not None and index < len(row.cells) else ""
            code = self._reading.classes.get(fold_word(cell))
            # A code that stands in keeps the other cells of the row checked.
            values[target] = (code or RequirementClass.MUST).value
            if code is None:
                column = self._reading.heading_of(target)
                errors[column] = self._unknown(row, column, cell, _CLASS_WORDS)
        written = self._cell(row, "kind")
        kind = self._reading.kinds.get(fold_word(written))
        values["kind"] = (kind or RequirementKind.FUNCTION).value
        if kind is None and written.strip():
            words = "、".join(each.label for each in RequirementKind)
            column = self._reading.heading_of("kind")
            errors[column] = self._unknown(row, column, written, words)
        return list(errors.values())

    def _unknown(self, row: TableRow, column: str, value: str, words: str) -> TableError:
        shown = " ".join(value.split())
        what = f"「{shown}」は分からない言葉です。" if shown else "空です。"
        return TableError(
            row=row.number,
            column=column,
            value=value,
            reason=f"{what}{words}のどれかにしてください。",
        )

    def _named(self, row: TableRow, messages: Mapping[str, Any]) -> list[TableError]:
        return [
            TableError(
                row=row.number,
                column=self._reading.heading_of(name),
                value=self._cell(row, name),
                reason=str(sentences[0]),
            )
            for name, sentences in messages.items()
        ]

    def _check_unique(self, row: TableRow, requirement_id: str) -> list[TableError]:
        first = self._rows_of_id.setdefault(requirement_id, row.number)
        if not requirement_id or first == row.number:
            return []
        reason = (
            f"「{requirement_id}」は{first}行目にもあります。要件IDは1つの版で1回だけ使えます。"
        )
        column = self._reading.heading_of("requirement_id")
        return [TableError(row=row.number, column=column, value=requirement_id, reason=reason)]


def _name_from(text: str) -> str:
    first = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return first if len(first) <= _NAME_FROM_TEXT else f"{first[:_NAME_FROM_TEXT]}…"
