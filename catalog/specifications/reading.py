"""How one table is read: its columns, its class words or levels, and everything that is unclear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.specifications.chosen_levels import ChosenLevels, plan_chosen
from catalog.specifications.classes import (
    WordClasses,
)
from catalog.specifications.columns import (
    find_heading,
    known_headings,
    place_columns,
)
from catalog.specifications.ids import begin_with_ids, like_ids
from catalog.specifications.layout import Layout, Question, read_layout
from catalog.specifications.mapping import CLASS_TARGETS, ColumnMapping, fold_word
from catalog.specifications.planning import Plan, plan_classes
from catalog.specifications.unseen import as_told, ask_about_unseen
from catalog.specifications.words import (
    KIND_WORDS,
    TARGET_LABELS,
)
from catalog.terms import RequirementKind
from core.tables import Table, TableRow, column_letter


@dataclass(frozen=True, slots=True)
class Reading:
    """A table with its heading found and its columns placed; `unclear` says what nobody knows.

    `doubtful` are the parts for which several columns came into question, `excluded` the numbers of
    rows that were told not to be read.
    """

    layout: Layout
    columns: Mapping[str, tuple[int, ...]]
    plan: Plan
    kinds: Mapping[str, RequirementKind]
    unclear: tuple[Question, ...]
    doubtful: frozenset[str] = frozenset()
    excluded: tuple[int, ...] = ()
    chosen: ChosenLevels | None = None

    @property
    def sheet(self) -> str:
        """The sheet's name; empty for a CSV file."""
        return self.layout.table.sheet or ""

    @property
    def heading_row(self) -> int:
        """The number of the first row of the heading; 0 without one."""
        return next(iter(self.layout.heading_rows), 0)

    @property
    def headings(self) -> tuple[str, ...]:
        """One text per column."""
        return self.layout.headings

    @property
    def rows(self) -> tuple[TableRow, ...]:
        """The rows under the heading."""
        return self.layout.body

    def heading_of(self, target: str) -> str:
        """Return the heading of the column that feeds a target, or the target's own name."""
        indices = self.columns.get(target, ())
        if not indices and target.startswith("class") and self.plan.reader is not None:
            indices = self.plan.reader.columns
        return self.headings[indices[0]] if indices else TARGET_LABELS[target]

    @property
    def used(self) -> set[int]:
        """The columns that feed something."""
        own = {index for indices in self.columns.values() for index in indices}
        own |= {self.chosen.column, *self.chosen.meanings.values()} if self.chosen else set()
        return own | set(self.plan.reader.columns if self.plan.reader else ())

    @property
    def ignored(self) -> tuple[str, ...]:
        """Headings of columns that feed nothing though something stands in them."""
        return tuple(
            text
            for index, text in enumerate(self.headings)
            if index not in self.used and self.layout.texts(index)
        )

    @property
    def shape(self) -> frozenset[tuple[str, str]]:
        """What the columns are and feed: equal for sheets that are alike."""
        named = [
            (target, fold_word(self.headings[i]))
            for target, each in self.columns.items()
            for i in each
        ]
        levels = self.plan.reader.columns if self.plan.reader else ()
        return frozenset(
            [*named, *(("class", fold_word(self.headings[index])) for index in levels)]
        )


def read_columns(table: Table, told: ColumnMapping | None = None) -> Reading:
    """Find the heading and place every column, as told first and as recognised then."""
    told = told or ColumnMapping()
    layout = read_layout(as_told(table, told), told)
    layout, excluded, unknown = _only_told(layout, told)
    placed = place_columns(layout, told)
    plan = plan_classes(layout, placed, told)
    chosen, absent = plan_chosen(layout, told)
    columns = dict(placed.columns)
    for target in ("class", *CLASS_TARGETS):
        if target in columns and not isinstance(plan.reader, WordClasses | None):
            del columns[target]
    columns.pop("level", None)
    used = {index for indices in columns.values() for index in indices}
    used |= set(plan.reader.columns if plan.reader else ())
    return Reading(
        layout=layout,
        columns=columns,
        plan=plan,
        kinds={**KIND_WORDS, **told.kinds},
        unclear=(
            *layout.questions,
            *placed.questions,
            *_missing(columns, layout),
            *plan.questions,
            *unknown,
            *absent,
            *ask_about_unseen(layout, used, told),
        ),
        excluded=excluded,
        chosen=chosen,
        doubtful=frozenset(placed.doubtful),
    )


def _only_told(
    layout: Layout, told: ColumnMapping
) -> tuple[Layout, tuple[int, ...], list[Question]]:
    """Leave out the rows that do not say one of the words that were told."""
    questions: list[Question] = []
    excluded: set[int] = set()
    for heading, words in told.only.items():
        index = find_heading(layout.headings, heading)
        if index is None:
            sentence = f"対応表の見出し「{heading}」が表にありません。{known_headings(layout)}"
            questions.append(Question(sentence, {"only": {"（表の見出し）": list(words)}}))
            continue
        wanted = {fold_word(word) for word in words}
        cells = {row.number: (*row.cells, "")[min(index, len(row.cells))] for row in layout.body}
        excluded |= {number for number, cell in cells.items() if fold_word(cell) not in wanted}
    body = tuple(row for row in layout.body if row.number not in excluded)
    return replace(layout, body=body), tuple(sorted(excluded)), questions


def _missing(columns: Mapping[str, Sequence[int]], layout: Layout) -> list[Question]:
    used = {index for indices in columns.values() for index in indices}
    ids = [
        index
        for index in range(len(layout.headings))
        if index not in used and like_ids(layout.texts(index))
    ]
    before_text = [
        (index, first)
        for index in range(len(layout.headings))
        if "text" not in columns or index in columns["text"]
        if (first := begin_with_ids(layout.texts(index)))
    ]
    questions = []
    for target in ("requirement_id", "text"):
        if target in columns:
            continue
        sentence = f"{TARGET_LABELS[target]}の列が分かりません。選んでください。"
        named = "（表の見出し）"
        if target == "requirement_id" and len(ids) == 1:
            named = layout.headings[ids[0]]
            sentence += f"「{named}」（{layout.texts(ids[0])[0]}など）でしょうか。"
        if "requirement_id" not in columns and not ids and before_text:
            index, first = before_text[0]
            named = layout.headings[index]
            sentence += (
                f"「{named}」の文の初めにあるもの（{first}など）でしょうか。"
                "そうなら、要件IDと本文の両方にこの列を選んでください。"
            )
        if layout.table.faults:
            row, column = min(layout.table.faults)
            sentence += (
                f"計算式の結果が保存されていないセル（{column_letter(column)}{row}など）があります。"
                "Excelで開いて保存し直してください。"
            )
        example = {"columns": {target: named}}
        questions.append(Question(f"{sentence}{known_headings(layout)}", example))
    return questions
