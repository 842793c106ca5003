"""Where a table's heading stands: titles above it, heads of groups, headings of several rows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.specifications.levels import level_family
from catalog.specifications.mapping import ColumnMapping, fold_word
from catalog.specifications.words import CLASS_WORDS, STRONG_HEADINGS, WEAK_HEADINGS
from core.tables import Table, TableRow, column_letter

_SEARCHED_ROWS = 100
_MOST_HEADING_ROWS = 3
_LONGEST_SUBHEAD = 40
_STRONG = {word: target for target, words in STRONG_HEADINGS.items() for word in words}
_WEAK = {word for words in WEAK_HEADINGS.values() for word in words}
_BRACKETS = re.compile(r"[（(](.*?)[)）]")
SEPARATOR = "／"


@dataclass(frozen=True, slots=True)
class Question:
    """What is unclear in a table, and a piece of a mapping that would settle it."""

    sentence: str
    example: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Layout:
    """A table with its heading found: one text per column, the rows under it, the rest around it."""

    table: Table
    heading_rows: tuple[int, ...]
    headings: tuple[str, ...]
    body: tuple[TableRow, ...]
    around: tuple[TableRow, ...]
    questions: tuple[Question, ...]

    def texts(self, index: int) -> list[str]:
        """Return the texts of a column that are not blank."""
        cells = (row.cells[index].strip() for row in self.body if index < len(row.cells))
        return [cell for cell in cells if cell]


def read_layout(table: Table, told: ColumnMapping) -> Layout:
    """Find the heading of a table; what cannot be decided becomes a question."""
    rows = [row for row in table.rows if not told.last_row or row.number <= told.last_row]
    if not rows:
        return Layout(table, (1,), (), (), (), ())
    if told.no_heading:
        return _without_heading(table, rows)
    place = _told_place(rows, told)
    first, depth = place or _find_place(rows, told)
    heading = rows[first : first + depth]
    combined = _combine(heading)
    body, questions = _read_body(rows[first + depth :], combined, heading, told)
    if place is None and not _names_columns(combined, _wanted(told)):
        questions.append(_ask_for_heading(heading[0].number))
    dropped = _doubled_columns(combined, body)
    return Layout(
        table=table,
        heading_rows=tuple(row.number for row in heading),
        headings=_name_headings(combined, dropped),
        body=tuple(body),
        around=tuple(rows[:first]),
        questions=tuple(questions),
    )


def _without_heading(table: Table, rows: Sequence[TableRow]) -> Layout:
    width = max(len(row.cells) for row in rows)
    headings = tuple(f"{column_letter(index)}列" for index in range(width))
    return Layout(table, (), headings, tuple(rows), (), ())


def _ask_for_heading(number: int) -> Question:
    return Question(
        f"見出しの行が分かりません（{number}行目を見出しと読みました）。見出しの行（header_rows）を書くか、"
        "見出しのない表なら対応表の no_heading を true にし、列を「A列」のように書いてください。",
        {"no_heading": True, "columns": {"requirement_id": "A列", "text": "B列", "class": "C列"}},
    )


def _wanted(told: ColumnMapping) -> set[str]:
    named = [text for texts in told.columns.values() for text in texts or ()]
    named += [*told.levels.columns, *told.class_columns]
    return {fold_word(text) for text in named}


def _told_place(rows: Sequence[TableRow], told: ColumnMapping) -> tuple[int, int] | None:
    if not told.header_rows:
        return None
    places = [i for i, row in enumerate(rows) if row.number in told.header_rows]
    return (places[0], places[-1] - places[0] + 1) if places else None


def _find_place(rows: Sequence[TableRow], told: ColumnMapping) -> tuple[int, int]:
    """Return where the heading begins and how many rows it has: the place that says the most."""
    wanted = _wanted(told)
    best, place = 0.0, (0, 1)
    for first in range(min(len(rows), _SEARCHED_ROWS)):
        for depth in range(1, _MOST_HEADING_ROWS + 1 if not _is_title(rows[first]) else 2):
            if depth > 1 and not _continues(rows, first, depth):
                break
            score = _score(_combine(rows[first : first + depth]), wanted)
            if score > best:
                best, place = score, (first, depth)
    first, depth = place
    while depth < _MOST_HEADING_ROWS and _only_parts(rows, first, depth + 1):
        depth += 1
    return first, depth


def _only_parts(rows: Sequence[TableRow], first: int, depth: int) -> bool:
    """Tell whether the next row only holds words of headings: No and 名称 under 大項目 and 中項目."""
    if not _continues(rows, first, depth):
        return False
    words = [fold_word(cell) for cell in rows[first + depth - 1].cells if cell.strip()]
    return all(word in _STRONG or word in _WEAK or word in CLASS_WORDS for word in words)


def _is_title(row: TableRow) -> bool:
    """Tell whether a row is one text in its first cell, or merged over the whole width."""
    return bool(row.cells[0].strip()) and all(
        cell.strip() in ("", row.cells[0].strip()) for cell in row.cells
    )


def _score(headings: Sequence[str], wanted: set[str]) -> float:
    words = {word for heading in headings for word in heading_words(heading)}
    targets = {_STRONG[word] for word in words & set(_STRONG)}
    levels = len(level_family(headings).columns)
    classes = len(words & set(CLASS_WORDS))
    few = 0.4 * len(words & _WEAK) + 0.5 * (classes if classes > 1 else 0)
    return len(targets) + levels + few + 100 * len(words & wanted)


def _names_columns(headings: Sequence[str], wanted: set[str]) -> bool:
    """Tell whether a row has a word that heads a column, and not only such as stand under it."""
    words = {word for heading in headings for word in heading_words(heading)}
    known = (set(_STRONG) | _WEAK) - set(CLASS_WORDS)
    return bool(words & (known | wanted)) or bool(level_family(headings).columns)


def heading_words(heading: str) -> list[str]:
    """Return the folded forms by which a heading may be known: whole, its last part, in brackets."""
    last = heading.rpartition(SEPARATOR)[2]
    words = [fold_word(heading), fold_word(last)]
    inner = _BRACKETS.search(last)
    if inner is None or _STRONG.keys() & set(words):
        return list(dict.fromkeys(words))
    within = fold_word(inner[1])
    if within in _STRONG:  # 必須区分（指定都市）
        return [*words, within]
    return [*words, fold_word(_BRACKETS.sub("", last))]  # 実装区分（◎：必須）


def _continues(rows: Sequence[TableRow], first: int, depth: int) -> bool:
    """Tell whether a row below still belongs to the heading: it only parts heads of groups."""
    if first + depth > len(rows):
        return False
    above, below = rows[first + depth - 2].cells, rows[first + depth - 1].cells
    if rows[first + depth - 1].number != rows[first + depth - 2].number + 1:
        return False
    parted = 0
    for index, cell in enumerate(below):
        text = cell.strip()
        head = above[index].strip() if index < len(above) else ""
        if not text or text == head:
            continue
        if len(text) > _LONGEST_SUBHEAD or not _in_group(above, index):
            return False
        parted += 1
    return parted > 1


def _in_group(cells: Sequence[str], index: int) -> bool:
    def at(place: int) -> str:
        return cells[place].strip() if 0 <= place < len(cells) else ""

    if not at(index):
        return True
    following = at(index + 1)
    return following == at(index) or at(index - 1) == at(index) or not following


def _combine(rows: Sequence[TableRow]) -> list[str]:
    width = max(len(row.cells) for row in rows)
    columns: list[list[str]] = [[] for _ in range(width)]
    for depth, row in enumerate(rows):
        head = ""
        for index in range(width):
            text = " ".join(row.cells[index].split()) if index < len(row.cells) else ""
            last = depth == len(rows) - 1
            # The head of a group stands in its first cell only where cells are not merged.
            head = text or ("" if last or columns[index] else head)
            if head and head not in columns[index]:
                columns[index].append(head)
    for index in range(width):  # a head carried to the right counts only over a text of its own
        if not any(index < len(row.cells) and row.cells[index].strip() for row in rows):
            columns[index] = []
    return [SEPARATOR.join(parts) for parts in columns]


def _read_body(
    rows: Sequence[TableRow],
    headings: Sequence[str],
    heading: Sequence[TableRow],
    told: ColumnMapping,
) -> tuple[list[TableRow], list[Question]]:
    """Return the rows under the heading without its repetitions; another heading is asked about."""
    own = {index: heading_words(text) for index, text in enumerate(headings) if text}
    repeated = {row.cells for row in heading}
    body, questions = [], []
    for row in rows:
        if row.cells in repeated:
            continue
        words = {i: fold_word(cell) for i, cell in enumerate(row.cells) if cell.strip()}
        known = {i: word for i, word in words.items() if word in _STRONG}
        if _repeats(known, len(words), own):
            continue
        if told.header_rows or len({_STRONG[word] for word in known.values()}) < 3:
            body.append(row)
            continue
        first, last = heading[-1].number, row.number
        questions.append(
            Question(
                f"見出しらしい行が{first}行目と{last}行目にあり、どちらの表か分かりません。"
                "読む表の見出しの行と最後の行を選んでください。",
                {"header_rows": [first], "last_row": last - 1},
            )
        )
        break
    return body, questions


def _repeats(known: Mapping[int, str], cells: int, own: Mapping[int, Sequence[str]]) -> bool:
    """Tell whether a row says the heading once more, perhaps in another language."""
    same = [
        any(_STRONG.get(each) == _STRONG[word] for each in own.get(index, ()))
        for index, word in known.items()
    ]
    return len(same) > 1 and all(same) and 2 * len(same) >= cells


def _doubled_columns(headings: Sequence[str], body: Sequence[TableRow]) -> set[int]:
    """Return columns that merging only repeats: the same heading and nothing of their own."""

    def cell(row: TableRow, index: int) -> str:
        return row.cells[index] if index < len(row.cells) else ""

    return {
        index
        for index in range(1, len(headings))
        if headings[index]
        and headings[index] == headings[index - 1]
        and all(cell(row, index) in ("", cell(row, index - 1)) for row in body)
    }


def _name_headings(combined: Sequence[str], dropped: set[int]) -> tuple[str, ...]:
    texts = ["" if index in dropped else text for index, text in enumerate(combined)]
    return tuple(
        text if text and texts.count(text) == 1 else f"{text}（{column_letter(index)}列）"
        for index, text in enumerate(texts)
    )
