"""Offerings side by side: answers per requirement and terms, from plain values. Pure.

Nothing is ranked or scored. A gap is a value of its own, and a filter only leaves rows out: counts
stay those of the whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from catalog.conformance import AnswerEntry, RequirementEntry
from catalog.terms import Answer, BodyClass, CertificationState, RequirementClass, answer_label

FEWEST_OFFERINGS = 2
MOST_OFFERINGS = 5
UNKNOWN_LABEL = CertificationState.UNKNOWN.label


@dataclass(frozen=True, slots=True)
class ComparedOffering:
    """One column: an offering version's answers by requirement id; a missing one is unanswered."""

    id: str
    name: str
    answers: Mapping[str, AnswerEntry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One offering's answer to one requirement; no entry means unanswered."""

    offering_id: str
    entry: AnswerEntry | None

    @property
    def answer(self) -> Answer | None:
        """Give the answer, None if there is none."""
        return self.entry.answer if self.entry else None

    @property
    def label(self) -> str:
        """Give the word to show, also for a missing answer."""
        return answer_label(self.answer)

    @property
    def note(self) -> str:
        """Give the vendor's note, empty if there is none."""
        return self.entry.note if self.entry else ""

    @property
    def due(self) -> date | None:
        """Give the date from which the offering will conform."""
        return self.entry.due if self.entry else None

    @property
    def is_unanswered(self) -> bool:
        """Tell whether the vendor has given no answer."""
        return self.entry is None


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement across the offerings; without a class it is out of scope for the body.

    It differs if answers or their due dates do: notes always do and do not count. It has a gap if an
    offering has no answer.
    """

    requirement: RequirementEntry
    requirement_class: RequirementClass | None
    offerings: tuple[ComparedOffering, ...]
    entries: tuple[AnswerEntry | None, ...]
    differs: bool
    has_gap: bool

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Give the answers in the order of the offerings."""
        pairs = zip(self.offerings, self.entries, strict=True)
        return tuple(Cell(each.id, entry) for each, entry in pairs)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter with the rows to show; its counts are of all its rows."""

    title: str
    rows: tuple[Row, ...]
    total: int
    differing: int
    with_gaps: int

    @property
    def is_folded(self) -> bool:
        """Tell whether a filter left no row, so that the chapter is one line."""
        return not self.rows


@dataclass(frozen=True, slots=True)
class RequirementMatrix:
    """The comparison of 2 to 5 offerings for one kind of body; counts are of the whole."""

    body: BodyClass
    offerings: tuple[ComparedOffering, ...]
    chapters: tuple[Chapter, ...]

    @property
    def total(self) -> int:
        """Give the number of requirements compared."""
        return sum(chapter.total for chapter in self.chapters)

    @property
    def differing(self) -> int:
        """Give the number of requirements in which the offerings differ."""
        return sum(chapter.differing for chapter in self.chapters)

    @property
    def with_gaps(self) -> int:
        """Give the number of requirements that an offering has not answered."""
        return sum(chapter.with_gaps for chapter in self.chapters)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Give the rows that the filters leave, in order."""
        return tuple(row for chapter in self.chapters for row in chapter.rows)

    @property
    def shown(self) -> int:
        """Give the number of rows that the filters leave."""
        return sum(len(chapter.rows) for chapter in self.chapters)


@dataclass(frozen=True, slots=True)
class TermCell:
    """One offering's value of one term; None was not told by the vendor."""

    offering_id: str
    value: str | None

    @property
    def is_unknown(self) -> bool:
        """Tell whether the vendor has not told it."""
        return self.value is None

    @property
    def text(self) -> str:
        """Give the words to show, also for an unknown value."""
        return UNKNOWN_LABEL if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class TermRow:
    """One term across the offerings."""

    key: str
    label: str
    cells: tuple[TermCell, ...]

    @property
    def differs(self) -> bool:
        """Tell whether the values differ; an unknown value differs from any known one."""
        return len({cell.value for cell in self.cells}) > 1


def build_requirement_matrix(
    requirements: Iterable[RequirementEntry],
    offerings: Sequence[ComparedOffering],
    body: BodyClass,
) -> RequirementMatrix:
    """Set 2 to 5 offerings side by side for a kind of body, in the order of the specification.

    Raises ValueError for another number of offerings, for ids that occur twice, and for an answer
    to a requirement that is not compared.
    """
    ordered = sorted(requirements, key=lambda each: (each.position, each.id))
    _refuse_mismatch(ordered, offerings)
    compared = tuple(offerings)
    by_chapter: dict[str, list[Row]] = {}
    for requirement in ordered:
        row = _build_row(requirement, compared, body)
        by_chapter.setdefault(requirement.chapter, []).append(row)
    chapters = tuple(_build_chapter(title, rows) for title, rows in by_chapter.items())
    return RequirementMatrix(body, compared, chapters)


def cut_rows(matrix: RequirementMatrix, first: int, count: int) -> RequirementMatrix:
    """Give at most `count` rows after the first ones, for one page of a long table.

    Chapters without a row in between are left out; one that a filter emptied stays in its place.
    """
    chapters, before = [], 0
    for chapter in matrix.chapters:
        start, end = first - before, first + count - before
        rows = chapter.rows[max(0, start) : max(0, end)]
        if rows or (chapter.is_folded and start <= 0 < end):
            chapters.append(replace(chapter, rows=rows))
        before += len(chapter.rows)
    return replace(matrix, chapters=tuple(chapters))


def filter_rows(
    matrix: RequirementMatrix,
    *,
    only_differences: bool = False,
    only_gaps: bool = False,
    classes: frozenset[RequirementClass] | None = None,
    used: frozenset[str] | None = None,
) -> RequirementMatrix:
    """Leave out rows without differences or gaps, of other classes, or of options not in use.

    Of `used`, the ids of the options in use, must and must not are never left out: they count for
    every body. Chapters and counts stay.
    """

    def is_kept(row: Row) -> bool:
        return (
            (row.differs or not only_differences)
            and (row.has_gap or not only_gaps)
            and (classes is None or row.requirement_class in classes)
            and (used is None or _counts(row, used))
        )

    chapters = tuple(
        replace(chapter, rows=tuple(row for row in chapter.rows if is_kept(row)))
        for chapter in matrix.chapters
    )
    return replace(matrix, chapters=chapters)


def build_terms_table(
    labels: Mapping[str, str], columns: Sequence[tuple[str, Mapping[str, str | None]]]
) -> tuple[TermRow, ...]:
    """Set terms side by side: labels by key in order, and per offering id its values by key.

    A missing or blank value is unknown, which is shown in words. Keys without a label are ignored.
    """
    return tuple(
        TermRow(key, label, tuple(_build_term_cell(each, values, key) for each, values in columns))
        for key, label in labels.items()
    )


def _refuse_mismatch(
    requirements: Sequence[RequirementEntry], offerings: Sequence[ComparedOffering]
) -> None:
    if not FEWEST_OFFERINGS <= len(offerings) <= MOST_OFFERINGS:
        raise ValueError(f"a comparison has 2 to 5 offerings: {len(offerings)}")
    if len({each.id for each in offerings}) != len(offerings):
        raise ValueError("an offering is compared with itself")
    known = {each.id for each in requirements}
    if len(known) != len(requirements):
        raise ValueError("a requirement occurs twice")
    for each in offerings:
        strays = each.answers.keys() - known
        if strays:
            raise ValueError(f"answers to unknown requirements: {', '.join(sorted(strays))}")


def _build_row(
    requirement: RequirementEntry, offerings: tuple[ComparedOffering, ...], body: BodyClass
) -> Row:
    entries = tuple([each.answers.get(requirement.id) for each in offerings])
    return Row(
        requirement=requirement,
        requirement_class=requirement.classes.get(body),
        offerings=offerings,
        entries=entries,
        differs=_is_mixed(entries),
        has_gap=None in entries,
    )


def _counts(row: Row, used: frozenset[str]) -> bool:
    if row.requirement_class is RequirementClass.MAY:
        return row.requirement.id in used
    return row.requirement_class is not None


def _is_mixed(entries: Sequence[AnswerEntry | None]) -> bool:
    return len({(each.answer, each.due) if each else None for each in entries}) > 1


def _build_chapter(title: str, rows: Sequence[Row]) -> Chapter:
    return Chapter(
        title=title,
        rows=tuple(rows),
        total=len(rows),
        differing=sum(row.differs for row in rows),
        with_gaps=sum(row.has_gap for row in rows),
    )


def _build_term_cell(offering_id: str, values: Mapping[str, str | None], key: str) -> TermCell:
    value = (values.get(key) or "").strip()
    return TermCell(offering_id, value or None)
