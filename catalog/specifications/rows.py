"""Which rows of a table are requirements, headings between them, continuations or notes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.specifications.classes import ConstantClass, TextClasses
from catalog.specifications.ids import id_parts, ids_of_rows, plain_id, split_id
from catalog.specifications.layout import Question
from catalog.specifications.levels import NO_CLASSES, Classes, Problem
from catalog.specifications.mapping import (
    HEADING,
    INHERIT,
    REQUIREMENT,
    SKIP,
    ColumnMapping,
    fold_word,
)
from catalog.specifications.reading import Reading
from catalog.specifications.words import ABOLISHED_WORDS, TOTAL_WORDS
from catalog.terms import RequirementClass
from core.tables import TableRow

_PATH = ("chapter", "section", "subsection")
_SINGLE = (
    "name",
    "rationale",
    "change_type",
    "kind",
    "conformity_date",
    "predecessor_requirement_id",
)
_NOTE = re.compile(
    r"[※＊*]|注[）)：:\s0-9０-９]|[（(]注|備考|出典|凡例|note\b|source\b", re.IGNORECASE
)
_NOTE_MARK = re.compile(r"[※＊*]|注[）)：:\s0-9０-９]|[（(]注|notes?\s*[:：0-9]", re.IGNORECASE)
_FOOTNOTE = re.compile(r"[※＊*]|注[0-9０-９]*$")
# A lone 削除 may be a function; in brackets it stands for what was there.
_GONE = re.compile(
    r"\s*(?:欠番|withdrawn"
    r"|[\[(（【]\s*(?:欠番|廃止|削除|withdrawn|deleted|removed|moved|reserved|eliminated|obsolete)"
    r"(?![a-z])[^\])）】]*[\])）】])\s*[.。]?\s*",
    re.IGNORECASE,
)
_NUMERIC = re.compile(r"[0-9０-９,.，．%％件項目()（）\s]*")
_ID_LIKE = re.compile(r"[A-Za-z0-9.\-_()/－]+")
_NUMBERS = re.compile(r"[0-9]+(?:[.．-][0-9]+)*")
_FEW_NAMES = 0.2
_LONGEST_HEADING = 60


@dataclass(slots=True)
class Item:
    """One requirement of a table before it is checked; its class may have been inherited."""

    row: TableRow
    values: dict[str, str]
    classes: Classes
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class Left:
    """The numbers of rows that are no requirements, by what they are."""

    headings: list[int] = field(default_factory=list)
    continued: list[int] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    abolished: list[int] = field(default_factory=list)
    without_class: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    excluded: list[int] = field(default_factory=list)


class RowReader:
    """Walks over the rows of one table and gives its requirements in order."""

    def __init__(self, reading: Reading, told: ColumnMapping) -> None:
        self._reading = reading
        self._told = told
        self._columns = reading.columns
        self._headings = ["", "", ""]
        self._path = ["", "", ""]
        self._name = ""
        self._last: Item | None = None
        self._is_dropping = False  # what follows an abolished row goes with it
        self._by_parts: dict[tuple[str, ...], Classes] = {}
        id_columns = self._columns.get("requirement_id", ())
        self._splits_text = bool(id_columns) and id_columns == self._columns.get("text")
        self._ids = ids_of_rows(reading.rows, id_columns, before_text=self._splits_text)
        self._parents = self._find_parents()
        self.doubtful_parents: list[str] = []
        self._fills_names = self._names_are_merged()
        self.left = Left(excluded=list(reading.excluded))

    def items(self) -> Iterator[Item]:
        """Give every requirement, its continuations joined to it."""
        for row in self._reading.rows:
            if (item := self._read(row)) is None:
                continue
            if self._last is not None:
                yield self._last
            self._last = item
        if self._last is not None:
            yield self._last

    def _find_parents(self) -> set[tuple[str, ...]]:
        ids = map(id_parts, self._ids.values())
        return {parts[:length] for parts in ids for length in range(1, len(parts))}

    def _names_are_merged(self) -> bool:
        if self._told.fill_down is not None:
            return "name" in self._told.fill_down
        rows = self._reading.rows
        blank = sum(not self._cell(row, "name") for row in rows if self._cell(row, "text"))
        return "name" in self._columns and blank > _FEW_NAMES * len(rows) > 0

    def _cell(self, row: TableRow, target: str) -> str:
        parts = [
            row.cells[index].strip()
            for index in self._columns.get(target, ())
            if index < len(row.cells) and row.cells[index].strip()
        ]
        mark = "\n" if target in ("text", "rationale") else " "
        return mark.join(dict.fromkeys(parts)) or self._told.constants.get(target, "")

    def _text_of(self, row: TableRow) -> str:
        text = self._cell(row, "text")
        return split_id(text)[1] if self._splits_text else text

    def _is_merged(self, row: TableRow, target: str) -> bool:
        indices = self._columns.get(target, ())
        return bool(indices) and all(index in row.merged for index in indices)

    def _read(self, row: TableRow) -> Item | None:
        requirement_id, text = self._ids[row.number], self._text_of(row)
        reader = self._reading.plan.reader
        classes, problems = reader.read(row.cells) if reader else (NO_CLASSES, [])
        if self._is_faulty(row):
            return self._start(row, requirement_id, text, classes, problems)
        if self._is_abolished(row, text):
            self.left.abolished.append(row.number)
            self._is_dropping = True
            return None
        if self._is_band(row):
            self._take_heading(row, next(cell for cell in row.cells if cell.strip()))
            return None
        says_class = bool(problems) or any(classes)
        of_row = says_class and bool(reader and reader.columns) and not self._in_text()
        if _is_total(row) or (not of_row and _FOOTNOTE.match(requirement_id)):
            self.left.notes.append(row.number)
            return None
        if not requirement_id and not of_row:
            self._take_rest(row, text)
        elif self._last is not None and self._is_merged(row, "requirement_id"):
            self._continue(row, classes, problems)
        elif not of_row and self._is_heading(requirement_id, text, says_class=says_class):
            title = self._cell(row, "name") or text or self._first_unread(row)
            depth = len(id_parts(requirement_id))
            self._take_heading(row, f"{requirement_id} {title}", depth=depth)
        else:
            self._is_dropping = False
            return self._start(row, requirement_id, text, classes, problems)
        return None

    def _is_heading(self, requirement_id: str, text: str, *, says_class: bool) -> bool:
        """Tell whether a row with an id only heads those whose ids begin with it."""
        if id_parts(requirement_id) not in self._parents:
            return False
        if not text:
            return True
        is_constant = isinstance(self._reading.plan.reader, ConstantClass)
        if (says_class and not is_constant) or self._told.parents == REQUIREMENT:
            return False
        if self._told.parents == HEADING:
            return True
        is_short = len(text) <= _LONGEST_HEADING
        if is_short and (is_constant or self._told.none not in ("", SKIP)):
            self.doubtful_parents.append(requirement_id)
        return is_short and not self._told.none and not is_constant

    def _is_faulty(self, row: TableRow) -> bool:
        """Tell whether a cell that is read holds a formula without a value."""
        faults = self._reading.layout.table.faults
        return bool(faults) and any((row.number, column) in faults for column in self._reading.used)

    def _is_abolished(self, row: TableRow, text: str) -> bool:
        """Tell whether a row only says that there is no such requirement any more."""
        word = fold_word(self._cell(row, "change_type"))
        return word in ABOLISHED_WORDS or _GONE.fullmatch(text) is not None

    def _first_unread(self, row: TableRow) -> str:
        own = self._reading.used
        return next((c for i, c in enumerate(row.cells) if c.strip() and i not in own), "")

    def questions(self) -> tuple[Question, ...]:
        """Ask what the rows themselves leave open; known once all items are given."""
        if not self.doubtful_parents:
            return ()
        ids = "、".join(self.doubtful_parents[:5])
        sentence = (
            f"「{ids}」など{len(self.doubtful_parents)}行は、IDが下の行のIDの初めと同じで、区分がありません。"
            "見出しか要件か分かりません。選んでください（heading か requirement）。"
        )
        return (Question(sentence, {"parents": HEADING}),)

    def _in_text(self) -> bool:
        return isinstance(self._reading.plan.reader, TextClasses)

    def _is_band(self, row: TableRow) -> bool:
        """Tell whether a row is one text over the width of the table: a heading or a note."""
        texts = {index: cell.strip() for index, cell in enumerate(row.cells) if cell.strip()}
        if len(set(texts.values())) != 1:
            return False
        if len(texts) > 2:
            return True
        index, text = next(iter(texts.items()))
        if index in self._columns.get("text", ()):
            return False
        if index in self._columns.get("requirement_id", ()):
            return _ID_LIKE.fullmatch(plain_id(text)) is None
        paths = [self._columns.get(target, ()) for target in _PATH]
        return len(texts) == 1 and not any(index in each for each in paths) and index == 0

    def _take_heading(self, row: TableRow, title: str, depth: int = 0) -> None:
        text = " ".join(title.split())
        if not depth:
            if _NOTE.match(text):
                self.left.notes.append(row.number)
                return
            number = _NUMBERS.match(text)
            depth = len(re.split(r"[.．-]", number[0])) if number else 1
        self.left.headings.append(row.number)
        self._is_dropping = False
        level = min(depth, 3) - 1
        self._headings[level:] = [text, *([""] * (2 - level))]
        self._path = ["", "", ""]

    def _take_rest(self, row: TableRow, text: str) -> None:
        """Take a row without id and class: more text of the requirement above, a path, or a note."""
        path = [self._cell(row, target) for target in _PATH]
        name = self._cell(row, "name")
        if self._is_dropping and text:
            self.left.abolished.append(row.number)
        elif text and self._last is not None and not self._says_new(row, name, text):
            self._join(row, self._last, text)
        elif any(_NOTE_MARK.match(each) for each in path) and not text and not name:
            self.left.notes.append(row.number)
        elif any(path) and not text and not name:
            self.left.headings.append(row.number)
            self._follow_path(row)
        elif name and not self._is_merged(row, "name"):
            self._take_heading(row, name)
        else:
            self.left.notes.append(row.number)

    def _says_new(self, row: TableRow, name: str, text: str) -> bool:
        """Tell whether a row without id is a note, or has a name of its own: a heading."""
        if _NOTE.match(text):
            return True
        goes_on = self._last is not None and name in ("", self._last.values["name"])
        return not goes_on and not self._is_merged(row, "name")

    def _continue(self, row: TableRow, classes: Classes, problems: list[Problem]) -> None:
        """Join a row whose id is merged with the one above to it."""
        last = self._last
        if last is None or self._is_dropping:
            self.left.abolished.append(row.number)
            return
        last.problems += problems
        if any(classes) and any(last.classes) and classes != last.classes:
            column = (self._reading.plan.reader.columns if self._reading.plan.reader else (0,))[0]
            reason = (
                f"結合した要件ID「{last.values['requirement_id']}」の中で実装区分が分かれています。"
                "結合を解き、行ごとに要件IDを付けてください。"
            )
            last.problems.append(
                Problem(column, row.cells[column] if column < len(row.cells) else "", reason)
            )
        text = self._cell(row, "text")
        if text and not self._is_merged(row, "text"):
            self._join(row, last, text)

    def _join(self, row: TableRow, item: Item, text: str) -> None:
        item.values["text"] = f"{item.values['text']}\n{text}".strip()
        self.left.continued.append(row.number)

    def _start(
        self,
        row: TableRow,
        requirement_id: str,
        text: str,
        classes: Classes,
        problems: list[Problem],
    ) -> Item | None:
        values = {target: self._cell(row, target) for target in _SINGLE}
        values |= dict(zip(_PATH, self._follow_path(row), strict=True))
        if chosen := self._reading.chosen:
            text = chosen.add_to(text, row.cells)
            problems = [*problems, *filter(None, [chosen.problem(row.cells)])]
        prefix = self._told.id_prefix if requirement_id else ""
        values |= {"requirement_id": f"{prefix}{requirement_id}", "text": text}
        if not values["name"] and self._fills_names:
            values["name"] = self._name
        self._name = values["name"]
        if not problems and None in classes:
            classes, problems = self._without_class(row, requirement_id, classes)
            if not any(classes) and not problems:
                self.left.without_class.append(row.number)
                return None
        self._by_parts[id_parts(requirement_id)] = classes
        return Item(row, values, classes, problems)

    def _without_class(
        self, row: TableRow, requirement_id: str, classes: Classes
    ) -> tuple[Classes, list[Problem]]:
        """Return the classes of a row that lacks some, as told; a problem where nothing is told."""
        told = self._told.none
        if told == SKIP and not any(classes):
            return classes, []
        if told == INHERIT:
            inherited = self._inherited(requirement_id)
            if any(inherited):
                return inherited, []
        if told and told not in (SKIP, INHERIT):
            meant = RequirementClass(told)
            first, second, third = (each or meant for each in classes)
            return (first, second, third), []
        return classes, [self._no_class_problem(row)]

    def _inherited(self, requirement_id: str) -> Classes:
        parts = id_parts(requirement_id)
        for length in range(len(parts) - 1, 0, -1):
            if parts[:length] in self._by_parts:
                return self._by_parts[parts[:length]]
        return self._last.classes if self._last else NO_CLASSES

    def _no_class_problem(self, row: TableRow) -> Problem:
        reader = self._reading.plan.reader
        columns = reader.columns if reader else ()
        blank = [c for c in columns if c >= len(row.cells) or not row.cells[c].strip()]
        column = (blank or list(columns) or [0])[0]
        if self._in_text():
            reason = "本文に MUST、SHALL、SHOULD、MAY のどれもないため、実装区分が分かりません。"
        else:
            reason = "実装区分が空です。"
        remedy = (
            "値を入れるか、区分のない行の扱い（対応表の none）を選んでください。"
            "表の後の行なら、表の最後の行（last_row）を書いてください。"
        )
        return Problem(
            column, row.cells[column] if column < len(row.cells) else "", reason + remedy
        )

    def _follow_path(self, row: TableRow) -> tuple[str, str, str]:
        """Return chapter, section and subsection: a blank one goes on where those over it do, too."""
        own = [" ".join(self._cell(row, target).split()) for target in _PATH]
        forced = self._told.fill_down or ()
        carries = True
        for level, target in enumerate(_PATH):
            if own[level]:
                carries = False
                self._path[level] = own[level]
            elif not carries and target not in forced:
                self._path[level] = ""
        if not any(target in self._columns or target in self._told.constants for target in _PATH):
            self._path = list(self._headings)
        found = (
            [path or heading for path, heading in zip(self._path, self._headings, strict=True)]
            if not any(self._path)
            else self._path
        )
        first, second, third = found
        return first, second, third


def _is_total(row: TableRow) -> bool:
    """Tell whether a row only counts the rows over it."""
    texts = [cell.strip() for cell in row.cells if cell.strip()]
    is_named = bool(texts) and fold_word(texts[0]) in TOTAL_WORDS
    return is_named and all(
        _NUMERIC.fullmatch(text) or fold_word(text) in TOTAL_WORDS for text in texts[1:]
    )


def describe(left: Sequence[Left]) -> Mapping[str, int]:
    """Count the rows that are no requirements, in the words of the page."""
    names = {
        "headings": "見出しの行",
        "continued": "前の要件の続きの行",
        "notes": "注などの行",
        "abolished": "廃止・削除の行（取り込まない）",
        "without_class": "区分のない行（取り込まない）",
        "repeated": "下の段階のシートと同じ要件の行",
        "excluded": "読まないとした行",
    }
    counts = {
        label: sum(len(getattr(each, name)) for each in left) for name, label in names.items()
    }
    return {label: count for label, count in counts.items() if count}
