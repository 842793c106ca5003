"""The table of a version's answers: written for a spreadsheet and read back, checked as a whole."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from marshmallow import ValidationError

from catalog.offerings.answer_plan import SheetRow, current_values, mark_of, plain
from catalog.offerings.answer_rules import (
    LONGEST_NOTE,
    AnswerValues,
    Fault,
    allowed_answers,
    find_problem,
)
from catalog.offerings.models import ConformanceAnswer
from catalog.offerings.schemas import web_address
from catalog.specifications.models import Requirement
from catalog.specifications.outline import class_words
from catalog.terms import Answer
from core.documents import Sheet, guard_formula
from core.japanese import JapaneseTextError, clean_text, parse_date
from core.tables import Table, TableError, TableErrors, column_letter

NUMBER, ANSWER, NOTE, DUE, ADDRESS, MARK = (
    "要件ID", "回答", "説明", "適合する日", "証拠のアドレス", "確認用（変えないでください）",
)  # fmt: skip
HEADER = (
    NUMBER, "章", "名称", "要件", "実装区分", "適合基準日", "前の版からの変更",
    ANSWER, NOTE, DUE, ADDRESS, "証拠のファイル", MARK,
)  # fmt: skip
_WIDTHS = (14, 18, 24, 50, 16, 14, 18, 14, 40, 14, 30, 24, 12)
_TAKEN = (ANSWER, NOTE, DUE, ADDRESS)
_Refuse = Callable[[str, Fault, str], None]
_LONGEST_TEXT = 4_000
_HEADER_WITHIN = 10  # rows


class AnswerSheetError(TableError):
    """A cell of a table of answers that cannot be taken."""

    def __init__(self, place: "_Place", value: str | None, fault: Fault, sentence: str) -> None:
        super().__init__(
            row=place.row,
            column=place.title,
            value=value,
            reason=sentence,
            address=None if place.column is None else f"{column_letter(place.column)}{place.row}",
        )
        self.fault = fault


@dataclass(frozen=True, slots=True)
class _Place:
    row: int
    column: int | None
    title: str


# --- out ---------------------------------------------------------------------------------------------


def sheet_of(
    requirements: Sequence[Requirement],
    answers: Mapping[uuid.UUID, ConformanceAnswer],
    changes: Mapping[uuid.UUID, str],
) -> Sheet:
    """Return the table with drop-downs; `changes` says in words what changed since a copy."""
    rows = [_row(each, answers.get(each.id), changes.get(each.id, "")) for each in requirements]
    return Sheet("回答", HEADER, rows, _WIDTHS, list(_drop_downs(requirements)))


def _row(
    requirement: Requirement, answer: ConformanceAnswer | None, change: str
) -> list[str | date | None]:
    values = current_values(answer)
    return [
        requirement.requirement_id,
        requirement.chapter,
        requirement.name,
        _shorten(requirement.text),
        class_words(requirement),
        requirement.conformity_date,
        change,
        values.answer.label if values.answer else "",
        values.note,
        values.due_on,
        values.evidence_url,
        _shorten("、".join(each.name for each in answer.evidence)) if answer else "",
        mark_of(values),
    ]


def _shorten(text: str) -> str:
    """Return a text that fits a cell, with a mark where it was cut."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _drop_downs(
    requirements: Sequence[Requirement],
) -> Iterator[tuple[int, int, int, Sequence[str]]]:
    row = 1
    for allowed, members in groupby(requirements, key=allowed_answers):
        count = len(list(members))
        column = HEADER.index(ANSWER)
        yield column, row, row + count - 1, [each.label for each in allowed]
        row += count


# --- in ----------------------------------------------------------------------------------------------


def read_sheet(
    table: Table,
    requirements: Sequence[Requirement],
    answers: Mapping[uuid.UUID, ConformanceAnswer],
    *,
    is_text: bool = False,
) -> list[SheetRow]:
    """Return the rows of a table; a column that it lacks keeps what is stored.

    `is_text` takes away the apostrophe that a CSV has before what a spreadsheet would run. Raises
    TableErrors with everything that is wrong, by cell.
    """
    head, columns = _find_header(table)
    known = {each.requirement_id: each for each in requirements}
    reader = _Reader(columns, known, answers, is_text=is_text)
    errors: list[TableError] = []
    found: list[SheetRow] = []
    for row in table.rows:
        if row.number > head:
            read, wrong = reader.read(row.number, row.cells)
            errors += wrong
            found += [read] if read else []
    if errors:
        raise TableErrors(errors)
    return found


def _find_header(table: Table) -> tuple[int, dict[str, int]]:
    for row in table.rows[:_HEADER_WITHIN]:
        titles = [plain(cell) for cell in row.cells]
        if NUMBER in titles:
            return row.number, _read_header(row.number, titles)
    reason = (
        f"「{NUMBER}」と「{ANSWER}」の見出しがありません。ダウンロードした表に記入してください。"
    )
    raise TableErrors([TableError(row=1, column=None, value=None, reason=reason)])


def _read_header(row: int, titles: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    errors: list[TableError] = []
    for index, title in enumerate(titles):
        if not title:
            continue
        reason = ""
        if title not in HEADER:
            reason = f"「{title}」という列は受け付けていません。列を削除してください。"
        elif title in columns:
            reason = f"「{title}」の列が二つあります。一つにしてください。"
        if reason:
            address = f"{column_letter(index)}{row}"
            errors.append(
                TableError(row=row, column=title, value=title, reason=reason, address=address)
            )
        columns.setdefault(title, index)
    if ANSWER not in columns:
        reason = f"「{ANSWER}」の列がありません。ダウンロードした表に記入してください。"
        errors.append(TableError(row=row, column=None, value=None, reason=reason))
    if errors:
        raise TableErrors(errors)
    return columns


class _Reader:
    """Reads rows one by one and remembers which requirements it has seen."""

    def __init__(
        self,
        columns: Mapping[str, int],
        known: Mapping[str, Requirement],
        answers: Mapping[uuid.UUID, ConformanceAnswer],
        *,
        is_text: bool,
    ) -> None:
        self._columns, self._known, self._answers = columns, known, answers
        self._is_text = is_text
        self._seen: dict[str, int] = {}

    def read(
        self, number: int, cells: Sequence[str]
    ) -> tuple[SheetRow | None, list[AnswerSheetError]]:
        """Return the row, or everything that is wrong with it; neither for an empty one."""
        written = {title: self._cell(cells, title) for title in self._columns}
        if not any(written[title] for title in (NUMBER, *_TAKEN) if title in written):
            return None, []
        requirement = self._known.get(written[NUMBER])
        if requirement is None or written[NUMBER] in self._seen:
            return None, [self._refuse_number(number, written[NUMBER])]
        self._seen[written[NUMBER]] = number
        values, errors = self._values(number, requirement, written)
        if errors:
            return None, errors
        return SheetRow(requirement.id, values, written.get(MARK, "")), []

    def _cell(self, cells: Sequence[str], title: str) -> str:
        index = self._columns[title]
        text = cells[index] if index < len(cells) else ""
        if self._is_text and text.startswith("'") and guard_formula(text[1:]) == text:
            text = text[1:]
        return plain(text) if title != NOTE else _lines(text)

    def _refuse_number(self, number: int, written: str) -> AnswerSheetError:
        place = _Place(number, self._columns[NUMBER], NUMBER)
        if written in self._seen:
            sentence = f"「{written}」は{self._seen[written]}行目にもあります。一行にしてください。"
            return AnswerSheetError(place, written, Fault.REPEATED, sentence)
        sentence = f"「{written}」という要件は、この版の標準仕様書にありません。"
        if not written:
            sentence = "要件IDがありません。回答を消すか、要件IDを入力してください。"
        return AnswerSheetError(place, written, Fault.UNKNOWN_REQUIREMENT, sentence)

    def _values(
        self, number: int, requirement: Requirement, written: Mapping[str, str]
    ) -> tuple[AnswerValues, list[AnswerSheetError]]:
        stored = current_values(self._answers.get(requirement.id))
        errors: list[AnswerSheetError] = []

        def refuse(title: str, fault: Fault, sentence: str) -> None:
            place = _Place(number, self._columns.get(title), title)
            errors.append(AnswerSheetError(place, written.get(title, ""), fault, sentence))

        answer = _read_answer(written[ANSWER], requirement, refuse)
        note = _read_note(written.get(NOTE, stored.note), refuse)
        due_on = _read_due(written.get(DUE), stored.due_on, refuse)
        address = _read_address(written.get(ADDRESS, stored.evidence_url), refuse)
        if (
            answer is None
            and NOTE in written
            and (note or written.get(DUE) or written.get(ADDRESS))
        ):
            if not errors:
                sentence = f"{requirement.requirement_id}の回答を選択してください。"
                refuse(ANSWER, Fault.ANSWER_MISSING, sentence)
        elif answer is None:
            note, due_on, address = "", None, ""
        values = AnswerValues(
            answer, note, due_on if answer is Answer.CONDITIONAL else None, address
        )
        problem = find_problem(requirement, answer, values)
        if problem is not None and not errors:
            title = {"answer": ANSWER, "note": NOTE, "due": DUE}[problem.part]
            refuse(title, problem.fault, _say_allowed(requirement, problem.fault, problem.sentence))
        return values, errors


def _say_allowed(requirement: Requirement, fault: Fault, sentence: str) -> str:
    if fault is not Fault.NOT_ALLOWED:
        return sentence
    words = "、".join(each.label for each in allowed_answers(requirement))
    return f"{requirement.requirement_id}の回答は{words}のどれかにしてください。"


def _read_answer(text: str, requirement: Requirement, refuse: _Refuse) -> Answer | None:
    if not text:
        return None
    for each in Answer:
        if text in (each.label, each.value):
            return each
    words = "、".join(each.label for each in allowed_answers(requirement))
    refuse(
        ANSWER,
        Fault.UNKNOWN_ANSWER,
        f"「{text}」は回答にありません。{words}のどれかにしてください。",
    )
    return None


def _read_note(text: str, refuse: _Refuse) -> str:
    try:
        note = clean_text(text, label=NOTE)
    except JapaneseTextError as error:
        refuse(NOTE, Fault.UNREADABLE, str(error))
        return ""
    if len(note) > LONGEST_NOTE:
        sentence = f"説明は{LONGEST_NOTE}文字以内にしてください。現在{len(note)}文字です。"
        refuse(NOTE, Fault.UNREADABLE, sentence)
    return note


def _read_due(text: str | None, stored: date | None, refuse: _Refuse) -> date | None:
    if text is None:
        return stored
    if not text:
        return None
    try:
        return parse_date(text, label=DUE)
    except JapaneseTextError as error:
        refuse(DUE, Fault.DUE_IMPOSSIBLE, str(error))
        return None


def _read_address(text: str, refuse: _Refuse) -> str:
    if not text:
        return ""
    try:
        return str(web_address(ADDRESS).deserialize(text))
    except ValidationError as error:
        refuse(ADDRESS, Fault.UNREADABLE, str(next(iter(error.messages))))
        return ""


def _lines(text: str) -> str:
    return plain(text.replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n"))
