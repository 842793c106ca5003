"""One thing that is wrong or doubtful in a file, with the place that a spreadsheet shows."""

from dataclasses import dataclass

from catalog.offerings.sheets.columns import BY_TARGET
from catalog.offerings.sheets.reading import Item, Place, ReadColumn


@dataclass(frozen=True, slots=True)
class Finding:
    """A cell with the reason in a sentence; `can_drop`: the row may stand without this cell."""

    sheet: str
    row: int
    column: str
    address: str
    value: str
    reason: str
    place: Place
    key: str
    can_drop: bool = False
    is_conflict: bool = False

    def __str__(self) -> str:
        """Return the place and the sentence, as a command prints them."""
        where = f"シート「{self.sheet}」" if self.sheet else ""
        where += f"{self.address} " if self.address else ""
        return f"{where}{self.row}行目「{self.column}」：{self.reason}"


def finding_at(
    item: Item,
    column: ReadColumn | None,
    reason: str,
    value: str,
    *,
    target: str = "",
    can_drop: bool = False,
    is_conflict: bool = False,
) -> Finding:
    """Return a finding about one cell of a row; a missing column is named by its target."""
    heading = column.heading if column else BY_TARGET[target].heading if target else ""
    return Finding(
        sheet=item.table.sheet,
        row=item.number,
        column=heading,
        address=item.address(column),
        value=value,
        reason=reason,
        place=item.place(column),
        key=item.key,
        can_drop=can_drop and column is not None,
        is_conflict=is_conflict,
    )
