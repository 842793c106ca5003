"""The list of local public bodies as people send it: the whole file is checked, then taken or refused."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from accounts.schemas import BodySchema
from core.tables import Table, TableError, TableErrors, TableRow, read_table

_REQUIRED = ("code", "name", "prefecture", "kind")


def read_bodies(content: bytes, filename: str) -> list[dict[str, Any]]:
    """Return the values of every body in a CSV or XLSX file, by column name.

    Raises TableErrors with every refused cell; TableError when it is no table at all.
    """
    table = read_table(content, filename)
    columns = _read_heading(table)
    schema, bodies, errors, seen = BodySchema(), [], [], dict[str, int]()
    for row in table.rows[1:]:
        texts = {
            name: row.cells[index] if index < len(row.cells) else ""
            for index, name in columns.items()
        }
        errors += _extra_cells(row, len(columns))
        try:
            values = schema.load({name: text for name, text in texts.items() if text.strip()})
        except ValidationError as error:
            messages = error.normalized_messages()  # type: ignore[no-untyped-call]
            errors += _refused_cells(row, texts, messages)
            continue
        first = seen.setdefault(values["code"], row.number)
        if first != row.number:
            reason = f"団体コードが{first}行目と同じです。どちらかの行を削除してください。"
            errors.append(_cell_error(row, "code", texts, reason))
        bodies.append(values)
    if errors:
        raise TableErrors(errors)
    return bodies


def _read_heading(table: Table) -> dict[int, str]:
    heading = table.rows[0] if table.rows else TableRow(1, ())
    names = [cell.strip() for cell in heading.cells]
    known = BodySchema().fields
    errors = [
        TableError(row=heading.number, column=name, value=name, reason=reason)
        for name, reason in (
            *(
                (n, "この列は受け付けていません。列を削除してください。")
                for n in names
                if n not in known
            ),
            *((n, "この列がありません。列を足してください。") for n in _REQUIRED if n not in names),
            *(
                (n, "同じ名前の列が2つあります。")
                for n in dict.fromkeys(names)
                if names.count(n) > 1
            ),
        )
    ]
    if errors:
        raise TableErrors(errors)
    return dict(enumerate(names))


def _extra_cells(row: TableRow, width: int) -> list[TableError]:
    return [
        TableError(
            row=row.number,
            column=None,
            value=cell,
            reason="見出しのない列に値があります。値を消してください。",
        )
        for cell in row.cells[width:]
        if cell.strip()
    ]


def _refused_cells(
    row: TableRow, texts: Mapping[str, str], messages: Mapping[str, Any]
) -> list[TableError]:
    return [
        _cell_error(row, column, texts, str(sentences[0])) for column, sentences in messages.items()
    ]


def _cell_error(row: TableRow, column: str, texts: Mapping[str, str], reason: str) -> TableError:
    return TableError(row=row.number, column=column, value=texts.get(column, ""), reason=reason)
