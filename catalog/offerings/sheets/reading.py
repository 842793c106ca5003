"""A file of offerings: its tables found, its columns placed, its rows as texts by field."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from catalog.offerings.sheets.columns import (
    BY_TARGET,
    GUIDE_SHEET,
    NOTE,
    PRICE_COLUMNS,
    SAMPLE_KEY,
    Part,
    is_own_heading,
    recognise,
)
from catalog.offerings.sheets.mapping import SheetMapping
from core.documents import guard_formula
from core.tables import Table, TableError, TableRow, column_letter, read_sheets

_LOOKED_THROUGH = 20  # rows in which a heading may stand
_PRICE_TARGETS = frozenset(each.target for each in PRICE_COLUMNS)
Place = tuple[str, int, int]  # sheet, row, column index


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """One column with a heading: what it feeds, if anything, and a text that stands in it."""

    index: int
    heading: str
    target: str
    example: str


@dataclass(frozen=True)
class ReadTable:
    """One table with its heading found."""

    table: Table
    heading_row: int
    columns: tuple[ReadColumn, ...]

    @property
    def sheet(self) -> str:
        """The sheet's name; empty for a CSV file."""
        return self.table.sheet or ""

    @cached_property
    def targets(self) -> frozenset[str]:
        """What its columns feed."""
        return frozenset(each.target for each in self.columns if each.target)

    @property
    def rows(self) -> Iterator[TableRow]:
        """The rows under the heading."""
        return (row for row in self.table.rows if row.number > self.heading_row)

    @property
    def unread(self) -> tuple[str, ...]:
        """Headings of columns that feed nothing though something stands in them."""
        return tuple(each.heading for each in self.columns if not each.target and each.example)


@dataclass(frozen=True, slots=True)
class Item:
    """One row: the texts of its cells by target, and those that are only added to the text."""

    table: ReadTable
    number: int
    cells: Mapping[str, str]
    notes: tuple[tuple[ReadColumn, str], ...] = ()

    @property
    def key(self) -> str:
        """What joins its prices to it; its own row where the table has no such column."""
        return self.cells.get("key", "") if "key" in self.table.targets else f"{self.number}行目"

    def column(self, target: str) -> ReadColumn | None:
        """Return the column that feeds a target."""
        return next((each for each in self.table.columns if each.target == target), None)

    def place(self, column: ReadColumn | None) -> Place:
        """Return where a cell is."""
        return (self.table.sheet, self.number, -1 if column is None else column.index)

    def address(self, column: ReadColumn | None) -> str:
        """Return what a spreadsheet shows beside its formula bar."""
        return "" if column is None else f"{column_letter(column.index)}{self.number}"


@dataclass(frozen=True)
class Reading:
    """A file with its columns placed; `questions` say what a person has to tell first."""

    offerings: ReadTable
    prices: ReadTable | None
    questions: tuple[str, ...]
    is_own: bool
    unread_sheets: tuple[str, ...] = field(default=())

    @property
    def has_prices(self) -> bool:
        """Tell whether the file speaks of prices at all."""
        return self.prices is not None or "component_kind" in self.offerings.targets

    @property
    def tables(self) -> tuple[ReadTable, ...]:
        """The tables that are read."""
        return (self.offerings, self.prices) if self.prices else (self.offerings,)


def read_book(content: bytes, filename: str, mapping: SheetMapping | None = None) -> Reading:
    """Read a CSV or XLSX file; raises TableError only when it is no table at all.

    Headings that nobody told about are recognised; unless all are those of the template, a person
    has to confirm them.
    """
    told = mapping or SheetMapping()
    tables = [each for each in read_sheets(content, filename) if each.rows]
    named = [each for each in tables if each.sheet != GUIDE_SHEET]
    if not named:
        reason = f"「{filename}」に表がありません。サービスの行のあるファイルを選んでください。"
        raise TableError(row=None, column=None, value=None, reason=reason)
    found = [_place(each, told.columns) for each in named]
    prices = next((each for each in found if _is_prices(each)), None)
    rest = [each for each in found if each is not prices]
    if not rest:
        rest, prices = found, None
    offerings = max(rest, key=lambda each: ("name" in each.targets, len(each.targets)))
    if prices is not None and told.prices:
        prices = _place(prices.table, told.prices)
    read = [offerings] if prices is None else [offerings, prices]
    is_own = all(is_own_heading(column.heading) for each in read for column in each.columns)
    return Reading(
        offerings=offerings,
        prices=prices,
        questions=tuple(_ask(offerings, prices, told)),
        is_own=is_own,
        unread_sheets=tuple(each.sheet for each in found if each not in read),
    )


def read_items(table: ReadTable, dropped: frozenset[Place] = frozenset()) -> list[Item]:
    """Return the rows of a table without the cells that a person dropped."""
    items = []
    for row in table.rows:
        cells: dict[str, str] = {}
        notes = []
        for column in table.columns:
            here = (table.sheet, row.number, column.index)
            if not column.target or here in dropped:
                continue
            text = _plain(row.cells[column.index]) if column.index < len(row.cells) else ""
            if column.target == NOTE:
                notes.append((column, text))
            else:
                cells[column.target] = text
        if any(cells.values()) or any(text for _, text in notes):
            items.append(Item(table, row.number, cells, tuple(notes)))
    return items


def is_sample(item: Item) -> bool:
    """Tell whether a row is the sample of the template."""
    return "key" in item.table.targets and item.key == SAMPLE_KEY


def _plain(cell: str) -> str:
    text = cell.replace("\r\n", "\n").strip()
    # What our own CSV guarded against formulas comes back as it was.
    return text[1:] if text[:1] == "'" and guard_formula(text[1:]) == text else text


def _place(table: Table, told: Mapping[str, str]) -> ReadTable:
    heading = _find_heading(table.rows, told)
    names: Counter[str] = Counter()
    examples = _examples(table.rows, heading)
    headings = []
    for index, cell in enumerate(heading.cells):
        text = " ".join(cell.split())
        if not text and index not in examples:
            continue
        text = text or f"{column_letter(index)}列（見出しなし）"
        names[text] += 1
        headings.append((index, text if names[text] == 1 else f"{text}（{names[text]}つ目）"))
    guesses = {text: recognise(text) for _, text in headings}
    if "component_kind" not in guesses.values():
        guesses = {k: "" if _is_price(v) else v for k, v in guesses.items()}
    columns = tuple(
        ReadColumn(index, text, told.get(text, guesses[text]), examples.get(index, ""))
        for index, text in headings
    )
    return ReadTable(table, heading.number, columns)


def _is_price(target: str) -> bool:
    """Tell whether a target belongs to a price: alone, without the kind, it says nothing."""
    return bool(target) and BY_TARGET[target].part is Part.PRICE


def _find_heading(rows: Sequence[TableRow], told: Mapping[str, str]) -> TableRow:
    def known(row: TableRow) -> int:
        return sum(bool(cell) and (cell in told or bool(recognise(cell))) for cell in row.cells)

    first = rows[:_LOOKED_THROUGH]
    best = max(first, key=known)
    if known(best) >= 2:
        return best
    return next((row for row in first if sum(map(bool, row.cells)) > 1), rows[0])


def _examples(rows: Iterable[TableRow], heading: TableRow) -> dict[int, str]:
    found: dict[int, str] = {}
    for row in rows:
        if row.number > heading.number:
            for index, cell in enumerate(row.cells):
                if cell.strip():
                    found.setdefault(index, " ".join(cell.split()))
    return found


def _is_prices(table: ReadTable) -> bool:
    return "component_kind" in table.targets and not table.targets - _PRICE_TARGETS


def _ask(offerings: ReadTable, prices: ReadTable | None, told: SheetMapping) -> Iterator[str]:
    for table in (offerings, prices) if prices else (offerings,):
        counts = Counter(each.target for each in table.columns if each.target not in ("", NOTE))
        for target, count in counts.items():
            if count > 1:
                names = "」と「".join(c.heading for c in table.columns if c.target == target)
                label = BY_TARGET[target].heading
                yield f"「{label}」に「{names}」の{count}列が当てられています。1列だけ選んでください。"
    if "name" not in offerings.targets:
        yield "「サービスの名称」の列が分かりません。どの列か選んでください。"
    if "specification" not in offerings.targets and not told.specification:
        yield "標準仕様書の列がありません。下で、全部の行に使う標準仕様書を選んでください。"
    if prices is not None and not {"key"} <= (offerings.targets & prices.targets):
        yield "料金の表とサービスの表を結ぶ「キー」の列が分かりません。両方の表で選んでください。"
