"""What is said of one cost, once for the page, the workbook and the PDF: sections of words and tables. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.price_plan import QUOTE_LABEL
from core.japanese import format_amount


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell; `amount` is its number, `note` small words with it; a gap is unknown."""

    text: str
    amount: int | None = None
    note: str = ""
    is_gap: bool = False


Line = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the names of its rows in the first column; `foot` are its sums."""

    id: str
    title: str
    head: Sequence[str]
    rows: Sequence[Line]
    foot: Sequence[Line] = ()
    unit: str = ""
    note: str = ""
    is_folded: bool = False

    @property
    def numeric(self) -> frozenset[int]:
        """Give the columns that hold numbers."""
        lines = (*self.rows, *self.foot)
        return frozenset(
            at for line in lines for at, cell in enumerate(line) if cell.amount is not None
        )


@dataclass(frozen=True, slots=True)
class Section:
    """One subject: sentences, then a chart, then tables; what is private is not printed with a page."""

    id: str
    title: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    chart: Mapping[str, Any] | None = None
    warning: str = ""
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The answer in a sentence, what to ask for where there is none, and the sections in their order."""

    answer: str
    asks: Sequence[str]
    sections: Sequence[Section]

    def list_tables(self, *section_ids: str) -> list[Table]:
        """Return the tables of some sections in their order."""
        return [
            table
            for section in self.sections
            if section.id in section_ids
            for table in section.tables
        ]

    def without(self, section_id: str) -> "Report":
        """Return the same without a section."""
        return replace(self, sections=[each for each in self.sections if each.id != section_id])


def words(text: str, note: str = "") -> Cell:
    """Return a cell of words."""
    return Cell(text, note=note)


def gap(text: str) -> Cell:
    """Return a cell that says what is not known."""
    return Cell(text, is_gap=True)


def number(amount: int | None, note: str = "", unknown: str = QUOTE_LABEL) -> Cell:
    """Return a cell of a number; without one, that only a quote can tell."""
    if amount is None:
        return gap(unknown)
    return Cell(format_amount(amount), amount, note)


def difference(amount: int | None, base: int | None) -> Cell:
    """Return a cell of how much more an amount is than another, with its sign in words."""
    if amount is None or base is None:
        return gap(QUOTE_LABEL)
    more = amount - base
    if more == 0:
        return Cell("差なし", 0)
    return Cell(f"＋{format_amount(more)}" if more > 0 else format_amount(more), more)
