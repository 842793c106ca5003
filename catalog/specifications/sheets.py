"""Which sheets of a workbook are read: as told, the only one that fits, or all that are alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.specifications.classes import MarkClasses, MatrixClasses, TextClasses, WordClasses
from catalog.specifications.columns import find_heading
from catalog.specifications.layout import Question
from catalog.specifications.levels import LevelClasses
from catalog.specifications.mapping import ColumnMapping, fold_word
from catalog.specifications.nested_sheets import ask_about_levels
from catalog.specifications.reading import Reading, read_columns
from core.documents import sha256_hex
from core.tables import Table, TableError


@dataclass(frozen=True, slots=True)
class Book:
    """The sheets of a file that are read, all that it has, and everything that is unclear.

    While `is_open`, the sheets are only those that come into question.
    """

    readings: tuple[Reading, ...]
    sheets: tuple[str, ...]
    unclear: tuple[Question, ...]
    is_open: bool = False

    @property
    def fingerprint(self) -> str:
        """A hash of the headings: equal for the next file of the same shape."""
        headings = [fold_word(heading) for heading in self.readings[0].headings]
        return sha256_hex("\n".join(headings).encode())


def choose_sheets(tables: Sequence[Table], told: ColumnMapping, filename: str) -> Book:
    """Read the sheets that were told, or else choose; sheets that differ are asked about."""
    names = tuple(table.sheet for table in tables if table.sheet is not None)
    full = [table for table in tables if table.rows]
    if not full:
        raise TableError(
            row=None,
            column=None,
            value=None,
            reason=f"「{filename}」に表がありません。要件の行のあるファイルを選んでください。",
        )
    if told.levels.sheets and names:
        return _told_sheets(tables, names, told.with_sheets(*told.levels.sheets), filename)
    if told.sheets and names:
        return _told_sheets(tables, names, told, filename)
    readings = [_read_as_told(table, told, among=len(full)) for table in full]
    if len(readings) == 1:
        return Book(tuple(readings), names, readings[0].unclear)
    fitting = [each for each in readings if _fits(each)]
    if not fitting:
        best = max(readings, key=lambda each: len(each.columns))
        return Book((best,), names, best.unclear)
    lacking = [each for each in readings if not _fits(each) and _is_likely(each)]
    return _choose_among(fitting, lacking, names)


def _fits(reading: Reading) -> bool:
    return {"requirement_id", "text"} <= set(reading.columns)


def _choose_among(
    fitting: Sequence[Reading], lacking: Sequence[Reading], names: tuple[str, ...]
) -> Book:
    if lacking:
        return Book(tuple(fitting), names, (_ask_which(fitting, lacking),), is_open=True)
    if len({each.shape for each in fitting}) == 1:
        asked = ask_about_levels(fitting)
        return Book(tuple(fitting), names, (*_questions(fitting), *asked))
    shown = "」「".join(each.sheet for each in fitting)
    question = Question(
        f"要件の表らしいシートが複数あり、列が違います：「{shown}」。読むシートを選んでください。",
        {"sheets": [each.sheet for each in fitting]},
    )
    return Book(tuple(fitting), names, (question,), is_open=True)


def _is_likely(reading: Reading) -> bool:
    """Tell whether a sheet has ids and classes like a table of requirements, though its text is not found."""
    has_class = isinstance(reading.plan.reader, WordClasses | MarkClasses | MatrixClasses)
    return "requirement_id" in reading.columns and has_class and bool(reading.rows)


def _ask_which(fitting: Sequence[Reading], lacking: Sequence[Reading]) -> Question:
    first = lacking[0]
    sentence = (
        f"シート「{'」「'.join(each.sheet for each in lacking)}」にも要件IDと実装区分がありますが、"
        "機能要件（本文）の列が分かりません。読むシートを選んでください。"
        "そのシートも読むなら、対応表の by_sheet に本文の列を書いてください"
        f"（「{first.sheet}」の見出し：{'、'.join(first.headings)}）。"
    )
    every = [each.sheet for each in (*fitting, *lacking)]
    example = {"sheets": every, "by_sheet": {first.sheet: {"columns": {"text": "（表の見出し）"}}}}
    return Question(sentence, example)


def _told_sheets(
    tables: Sequence[Table], names: Sequence[str], told: ColumnMapping, filename: str
) -> Book:
    by_name = {table.sheet: table for table in tables}
    absent = [name for name in told.sheets if name not in by_name]
    if absent:
        raise TableError(
            row=None,
            column=None,
            value=None,
            reason=f"「{filename}」にシート「{absent[0]}」がありません。"
            f"シート：{'、'.join(names)}。シートの名前を確かめてください。",
        )
    readings = [_read_as_told(by_name[name], told, among=len(told.sheets)) for name in told.sheets]
    return Book(tuple(readings), tuple(names), _questions(readings))


def _read_as_told(table: Table, told: ColumnMapping, *, among: int) -> Reading:
    """Read a sheet as told; headings that only others `among` the sheets have are guessed anew here."""
    name = table.sheet or ""
    own = told.for_sheet(name)
    reading = read_columns(table, own)
    if name in told.by_sheet or among == 1:
        return reading
    columns = {
        target: texts
        for target, texts in own.columns.items()
        if texts is None or all(find_heading(reading.headings, each) is not None for each in texts)
    }
    return reading if columns == own.columns else read_columns(table, replace(own, columns=columns))


def _questions(readings: Sequence[Reading]) -> tuple[Question, ...]:
    by_sentence = {str(each): each for reading in readings for each in reading.unclear}
    return tuple(by_sentence.values())


def mapping_as_read(book: Book, told: ColumnMapping) -> ColumnMapping:
    """Return the mapping by which a file was read: what was told, and what was guessed."""
    reading = book.readings[0]
    names = reading.headings
    columns = {
        target: tuple(names[index] for index in indices)
        for target, indices in reading.columns.items()
        if target not in reading.doubtful
    }
    sheets = () if book.is_open else tuple(each.sheet for each in book.readings if each.sheet)
    ignored = {target: None for target, each in told.columns.items() if each is None}
    found = replace(
        told,
        columns={**ignored, **columns},
        sheets=sheets,
    )
    values = {fold_word(each) for each in reading.plan.values}
    match reading.plan.reader:
        case WordClasses(words=words):
            meanings = {word: words[word] for word in values if word in words}
            return replace(found, classes={**told.classes, **meanings})
        case LevelClasses() as reader:
            heads = tuple(names[index] for index in reader.columns)
            order = reader.keys if reader.is_single else ()
            nested = None if reader.nested else False
            return replace(
                found, levels=replace(told.levels, columns=heads, order=order, nested=nested)
            )
        case MarkClasses(marks=marks) | MatrixClasses(marks=marks):
            return replace(found, class_columns={names[i]: code for i, code in marks.items()})
        case TextClasses() if not reading.plan.questions:
            return replace(found, class_from_text=True)
    return found
