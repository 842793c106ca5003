"""What of a sheet is hidden, struck out or only repeated by a mark: read as told, or asked about."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from catalog.specifications.layout import Layout, Question
from catalog.specifications.mapping import DROP, SKIP, ColumnMapping
from core.tables import Table, TableRow, column_letter

_DITTO = frozenset(("〃", "″", "同上", "（同上）"))


def as_told(table: Table, told: ColumnMapping) -> Table:
    """Return a table without its hidden rows and columns, and what is struck out, where told so.

    A mark of repetition (〃) gives way to what it repeats.
    """
    rows = table.rows
    if told.hidden == SKIP and (table.hidden_rows or table.hidden_columns):
        shown = (row for row in rows if row.number not in table.hidden_rows)
        rows = tuple(_blanked(row, table.hidden_columns) for row in shown)
    if told.struck == DROP and table.struck:
        rows = tuple(_unstruck(row, table) for row in rows)
    if any(cell.strip() in _DITTO for row in rows for cell in row.cells):
        rows = tuple(_without_ditto(rows))
    if rows is table.rows:
        return table
    return replace(table, rows=tuple(row for row in rows if any(map(str.strip, row.cells))))


def _without_ditto(rows: Iterable[TableRow]) -> Iterator[TableRow]:
    """Put in the place of 〃 and 同上 what stands in the row above."""
    above: tuple[str, ...] = ()
    for row in rows:
        cells = tuple(
            above[index] if cell.strip() in _DITTO and index < len(above) else cell
            for index, cell in enumerate(row.cells)
        )
        above = cells
        yield replace(row, cells=cells)


def _blanked(row: TableRow, columns: Collection[int]) -> TableRow:
    cells = tuple("" if i in columns else cell for i, cell in enumerate(row.cells))
    return replace(row, cells=cells)


def _unstruck(row: TableRow, table: Table) -> TableRow:
    cells = tuple(table.struck.get((row.number, i), cell) for i, cell in enumerate(row.cells))
    return replace(row, cells=cells)


def ask_about_unseen(
    layout: Layout, used: Collection[int], told: ColumnMapping
) -> tuple[Question, ...]:
    """Ask about hidden rows, hidden columns that are read, and struck letters in what is read."""
    table = layout.table
    sheet = f"シート「{table.sheet}」の" if table.sheet else ""
    rows = [row.number for row in layout.body if row.number in table.hidden_rows]
    columns = [layout.headings[index] for index in sorted(used) if index in table.hidden_columns]
    questions = []
    if not told.hidden and (rows or columns):
        what = [f"行が{len(rows)}行（{rows[0]}行目など）"] if rows else []
        what += [f"列が{len(columns)}列（{'、'.join(columns)}）"] if columns else []
        sentence = (
            f"{sheet}表に、隠れている{'と、'.join(what)}あります。"
            "読むか読まないかを選んでください（対応表の hidden に read か skip）。"
        )
        questions.append(Question(sentence, {"hidden": SKIP}))
    body = {row.number for row in layout.body}
    struck = sorted(place for place in table.struck if place[0] in body and place[1] in used)
    if not told.struck and struck:
        number, column = struck[0]
        sentence = (
            f"{sheet}表に、取消し線の引かれた文字のあるセルが{len(struck)}個"
            f"（{column_letter(column)}{number}など）あります。消されたものとして除くか、そのまま読むかを"
            "選んでください（対応表の struck に drop か keep）。"
        )
        questions.append(Question(sentence, {"struck": DROP}))
    return tuple(questions)
