"""Read a ministry's table into checked requirements; every error of the file at once."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, cast

from marshmallow import ValidationError

from catalog.specifications.days import read_day
from catalog.specifications.layout import Question
from catalog.specifications.mapping import CLASS_TARGETS, ColumnMapping, fold_word
from catalog.specifications.models import MOST_REQUIREMENTS, RequirementDraft
from catalog.specifications.nested_sheets import SheetLevels
from catalog.specifications.reading import Reading
from catalog.specifications.rows import Item, Left, RowReader
from catalog.specifications.schemas import RequirementSchema, is_plainly_sound
from catalog.specifications.sheets import Book, choose_sheets, mapping_as_read
from catalog.terms import RequirementClass, RequirementKind
from core.documents import guard_formula
from core.errors import Invalid
from core.japanese import JapaneseTextError
from core.tables import Progress, TableError, column_letter, read_sheets

Recall = Callable[[str], ColumnMapping | None]
_ONE_LINE = ("chapter", "section", "subsection", "name", "change_type")
_NAME_FROM_TEXT = 40
_STEP = 100
# What a spreadsheet makes of ids such as 1-1, 3/4, 12E3.
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_SPOILT = re.compile(
    rf"\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}(?:[T ][\d:]+)?|\d{{1,2}}月\d{{1,2}}日|\d{{1,2}}-(?:{_MONTHS})"
    rf"|(?:{_MONTHS})-\d{{2}}|\d\.\d+e\+?\d+|\de\+\d+",
    re.IGNORECASE,
)
_SHORTENED = re.compile(r"(?:\d+\.)*\d+\.[1-9]")
_ANY_CLASS = (
    RequirementClass.MUST.value
)  # stands in where the class is wrong, so that the rest is checked


class SpecificationImportError(Invalid):
    """A file cannot be imported: `unclear` questions or `errors` with row, column, value, reason."""

    code = "specification_import"
    title = "取り込めません"
    meaning = "標準仕様書のファイルを取り込めません。"
    remedy = "挙げられた行と列を直し、ファイル全体を送り直してください。"

    def __init__(self, errors: Sequence[TableError], unclear: Sequence[Question] = ()) -> None:
        sentences = [*map(str, unclear), *(str(error) for error in errors)]
        super().__init__({"file": sentences[0]}, "\n".join(sentences))
        self.table_errors = tuple(errors)
        self.unclear = tuple(unclear)


@dataclass(frozen=True, slots=True)
class ImportedTable:
    """What a file holds: the requirements that are sound, the errors, the rows left out on purpose."""

    book: Book
    told: ColumnMapping
    fingerprint: str
    drafts: tuple[RequirementDraft, ...] = ()
    errors: tuple[TableError, ...] = ()
    left: tuple[Left, ...] = ()

    @property
    def reading(self) -> Reading:
        """How the first sheet is read; the others are like it."""
        return self.book.readings[0]

    @property
    def unclear(self) -> tuple[Question, ...]:
        """What must be told before the rows can be read."""
        return self.book.unclear

    @property
    def mapping(self) -> ColumnMapping:
        """The mapping as the file was read: what was told, and what was guessed."""
        return mapping_as_read(self.book, self.told)

    @property
    def abolished(self) -> int:
        """How many requirements the ministry abolished in this version."""
        return sum(len(each.abolished) for each in self.left)

    @property
    def is_clear(self) -> bool:
        """Tell whether all of it may be imported."""
        return not (self.errors or self.unclear) and bool(self.drafts)

    def require_clear(self) -> tuple[RequirementDraft, ...]:
        """Return the requirements; raises SpecificationImportError with everything that is wrong."""
        if self.is_clear:
            return self.drafts
        nothing = TableError(
            row=None, column=None, value=None, reason="要件の行がありません。表を確かめてください。"
        )
        found = self.errors or (() if self.unclear else (nothing,))
        raise SpecificationImportError(found, self.unclear)


def read_requirements(
    content: bytes,
    filename: str,
    mapping: ColumnMapping | None = None,
    *,
    recall: Recall | None = None,
    opened: Progress | None = None,
    progress: Progress | None = None,
) -> ImportedTable:
    """Read a CSV or XLSX file; raises TableError only when it cannot be read as a table at all.

    The rows are checked as far as the columns are known, so that one look shows everything.
    Where no mapping is told, `recall` may know the one that was saved for the same headings.
    `opened` is told how many rows of all sheets are read, `progress` how many of all are checked.
    """
    tables = read_sheets(content, filename, progress=opened)
    book = choose_sheets(tables, ColumnMapping(), filename)
    fingerprint = book.fingerprint
    if mapping is None and recall is not None:
        mapping = recall(fingerprint)
        if mapping is not None and not set(mapping.sheets) <= set(book.sheets):
            mapping = mapping.with_sheets()
    told = mapping or ColumnMapping()
    if mapping is not None:
        book = choose_sheets(tables, told, filename)
    if book.unclear:
        return ImportedTable(book, told, fingerprint)
    total = sum(len(reading.rows) for reading in book.readings)
    check = _Check(told, lambda count: progress(count, total) if progress else None)
    drafts: list[RequirementDraft] = []
    errors: list[TableError] = []
    left: list[Left] = []
    unclear: list[Question] = []
    for reading in book.readings:
        own = told.for_sheet(reading.sheet)
        rows = RowReader(reading, own)
        check.begin_sheet(rows.left, own)
        for item in rows.items():
            draft, found = check.read(reading, item)
            errors += found
            if draft is not None:
                drafts.append(draft)
        left.append(rows.left)
        unclear += rows.questions()
    errors += check.gaps()
    errors += too_many(check.count - sum(len(each.repeated) for each in left))
    if unclear:
        by_sentence = {str(each): each for each in unclear}
        return ImportedTable(
            replace(book, unclear=tuple(by_sentence.values())), told, fingerprint, left=tuple(left)
        )
    return ImportedTable(book, told, fingerprint, tuple(drafts), tuple(errors), tuple(left))


def too_many(count: int) -> list[TableError]:
    """Return the error of a file with more requirements than a version may have."""
    if count <= MOST_REQUIREMENTS:
        return []
    reason = (
        f"要件が{count:,}件あります。1つの版に取り込めるのは{MOST_REQUIREMENTS:,}件までです。"
        "業務や章ごとにファイルを分け、別の仕様書コードで取り込んでください。"
    )
    return [TableError(row=None, column=None, value=None, reason=reason)]


@dataclass(slots=True)
class _Check:
    """Checks the requirements of one file, remembering the ids that it has seen."""

    told: ColumnMapping
    progress: Callable[[int], None]
    schema: RequirementSchema = field(default_factory=RequirementSchema)
    seen: dict[str, str] = field(default_factory=dict)
    count: int = 0
    levels: SheetLevels = field(default_factory=SheetLevels)
    left: Left = field(default_factory=Left)

    def begin_sheet(self, left: Left, told: ColumnMapping) -> None:
        """Go on to the next sheet; what it repeats of a lower level is told in `left`."""
        self.levels.begin()
        self.told = told
        self.left = left

    def gaps(self) -> list[TableError]:
        """Return what a sheet of a lower level has and one of a higher level lacks."""
        if not self.told.levels.sheets or self.told.levels.nested is False:
            return []
        reason = "「{}」はシート「{}」にありますが、シート「{}」にありません。上の段階は下の段階を含みます。"
        return [
            TableError(row=None, column=None, value=each[0], reason=reason.format(*each))
            for each in self.levels.gaps(self.told.levels.sheets)
        ]

    def read(
        self, reading: Reading, item: Item
    ) -> tuple[RequirementDraft | None, list[TableError]]:
        """Return the requirement of an item, or what is wrong with it."""
        self.count += 1
        if self.count % _STEP == 0:
            self.progress(self.count)
        cells = _Cells(reading, item)
        if self.told.levels.sheets:
            own = item.values["requirement_id"].strip()
            repeated = self.levels.repeats(own, item.values["text"], cells.place)
            if repeated is not None:
                self.left.repeated.append(item.row.number)
                return None, [cells.error_of("text", "", repeated)] if repeated else []
        values: dict[str, Any] = {name: _unguarded(text) for name, text in item.values.items()}
        for name in _ONE_LINE:
            values[name] = " ".join(values[name].split())
        if "name" not in reading.columns:
            values["name"] = _name_from(values["text"])
        for target, code in zip(CLASS_TARGETS, item.classes, strict=True):
            values[target] = code.value if code else _ANY_CLASS
        errors = [cells.error(each.column, each.value, each.reason) for each in item.problems]
        errors += self._read_kind(cells, values)
        errors += self._read_day(cells, values)
        errors += cells.faults()
        known = {error.column for error in errors}
        draft = None
        try:
            draft = self._load(values, item)
        except ValidationError as error:
            messages = cast("dict[str, Any]", error.messages)
            errors += [e for e in cells.named(messages) if e.column not in known]
        errors += self._check_id(cells, values["requirement_id"].strip())
        return (None if errors else draft), errors

    def _load(self, values: dict[str, Any], item: Item) -> RequirementDraft:
        first, second, third = item.classes
        if first and second and third and is_plainly_sound(values):
            ready = values | dict(zip(CLASS_TARGETS, item.classes, strict=True))
            day = values["conformity_date"]
            ready["conformity_date"] = day and date.fromisoformat(day)
            return RequirementDraft(**ready | {"kind": RequirementKind(values["kind"])})
        return RequirementDraft(**self.schema.load(values))

    def _read_kind(self, cells: "_Cells", values: dict[str, Any]) -> list[TableError]:
        written = values["kind"]
        kind = cells.reading.kinds.get(fold_word(written)) if written else None
        if written in {each.value for each in RequirementKind}:
            kind = RequirementKind(written)
        if not written:
            kind = kind_of_sheet(cells.reading.sheet)
        values["kind"] = (kind or RequirementKind.FUNCTION).value
        if kind is not None:
            return []
        words = "、".join(each.label for each in RequirementKind)
        reason = f"「{written}」は分からない言葉です。{words}のどれかにしてください。"
        return [cells.error_of("kind", written, reason)]

    def _read_day(self, cells: "_Cells", values: dict[str, Any]) -> list[TableError]:
        written = values["conformity_date"]
        try:
            day = read_day(written, self.told.date_order, self.told.dates)
        except JapaneseTextError as error:
            values["conformity_date"] = None
            return [cells.error_of("conformity_date", written, str(error))]
        values["conformity_date"] = None if day is None else day.isoformat()
        return []

    def _check_id(self, cells: "_Cells", requirement_id: str) -> list[TableError]:
        if _SPOILT.fullmatch(requirement_id.removeprefix(self.told.id_prefix)):
            reason = (
                f"要件ID「{requirement_id}」は、表計算ソフトが日付や指数に変えたものらしく、元のIDが分かりません。"
                "列の書式を文字列にして、元のIDを入れ直してください。"
            )
            return [cells.error_of("requirement_id", requirement_id, reason)]
        here = cells.place
        first = self.seen.setdefault(requirement_id, here)
        if not requirement_id or first == here:
            return []
        reason = f"「{requirement_id}」は{first}にもあります。要件IDは1つの版で1回だけ使えます。"
        if cells.reading.sheet and f"シート「{cells.reading.sheet}」" not in first:
            reason += "番号がシートごとに付いているなら、対応表の by_sheet に id_prefix を書いてください。"
        if _SHORTENED.fullmatch(requirement_id):
            reason += "1.10のような番号が数として1.1になったのなら、列の書式を文字列にして入れ直してください。"
        return [cells.error_of("requirement_id", requirement_id, reason)]


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of one requirement, for naming them in errors."""

    reading: Reading
    item: Item

    @property
    def place(self) -> str:
        """Where the row is, as people say it."""
        sheet = f"シート「{self.reading.sheet}」の" if self.reading.sheet else ""
        return f"{sheet}{self.item.row.number}行目"

    def error(self, column: int, value: str, reason: str) -> TableError:
        """Return an error in one column."""
        return self._error(column, self.reading.headings[column], value, reason)

    def error_of(self, target: str, value: str, reason: str) -> TableError:
        """Return an error in the column that feeds a target, whether or not there is one."""
        indices = self.reading.columns.get(target, ())
        return self._error(
            indices[0] if indices else None, self.reading.heading_of(target), value, reason
        )

    def named(self, messages: Mapping[str, Any]) -> list[TableError]:
        """Return the errors of the schema, by the columns of the table."""
        return [
            self.error_of(name, self.item.values.get(name, ""), str(sentences[0]))
            for name, sentences in messages.items()
            # A name that is made from the text lacks only because the text does.
            if name != "name" or name in self.reading.columns
        ]

    def faults(self) -> list[TableError]:
        """Return the cells of this row that hold no value though a column is read there."""
        faults = self.reading.layout.table.faults
        number = self.item.row.number
        return (
            [
                self.error(column, cell, faults[number, column])
                for column, cell in enumerate(self.item.row.cells)
                if (number, column) in faults and column in self.reading.used
            ]
            if faults
            else []
        )

    def _error(self, column: int | None, heading: str, value: str, reason: str) -> TableError:
        number = self.item.row.number
        return TableError(
            row=number,
            column=heading,
            value=value,
            reason=reason,
            sheet=self.reading.sheet or None,
            address=None if column is None else f"{column_letter(column)}{number}",
        )


def kind_of_sheet(name: str) -> RequirementKind:
    """Return the kind that a sheet's name speaks of; function where it says nothing."""
    for word, kind in (
        ("非機能", RequirementKind.NON_FUNCTIONAL),
        ("帳票", RequirementKind.FORM),
        ("連携", RequirementKind.LINK),
        ("データ", RequirementKind.DATA),
    ):
        if word in name:
            return kind
    return RequirementKind.FUNCTION


def _unguarded(cell: str) -> str:
    # What our own CSV guarded against formulas comes back as it was.
    return cell[1:] if cell[:1] == "'" and guard_formula(cell[1:]) == cell else cell


def _name_from(text: str) -> str:
    first = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return first if len(first) <= _NAME_FROM_TEXT else f"{first[:_NAME_FROM_TEXT]}…"
