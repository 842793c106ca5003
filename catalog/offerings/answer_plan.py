"""Pure: what a table of answers would change, seen from three sides.

Every row of a table carries a short mark of the answer as it was written out (確認用). With it a row
that nobody touched is told from one that was changed here, there, or on both sides.
"""

import unicodedata
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.offerings.answer_rules import AnswerValues
from catalog.offerings.models import ConformanceAnswer
from catalog.specifications.models import Requirement
from catalog.terms import Answer
from core.documents import canonical_json, sha256_hex
from core.japanese import JapaneseTextError, parse_date


@dataclass(frozen=True, slots=True)
class SheetRow:
    """What a table says about one requirement; `mark` is of the answer that it was made from."""

    requirement_id: uuid.UUID
    values: AnswerValues
    mark: str

    def to_json(self) -> dict[str, str | None]:
        """Return the row as it waits in the database."""
        values = self.values
        return {
            "requirement_id": str(self.requirement_id),
            "answer": values.answer.value if values.answer else None,
            "note": values.note,
            "due_on": values.due_on.isoformat() if values.due_on else None,
            "evidence_url": values.evidence_url,
            "mark": self.mark,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, str | None]) -> "SheetRow":
        """Return a row that waited in the database."""
        answer, due_on = row["answer"], row["due_on"]
        values = AnswerValues(
            Answer(answer) if answer else None,
            row["note"] or "",
            date.fromisoformat(due_on) if due_on else None,
            row["evidence_url"] or "",
        )
        return cls(uuid.UUID(row["requirement_id"] or ""), values, row["mark"] or "")


@dataclass(frozen=True, slots=True)
class SheetChange:
    """A requirement whose answer the table would change.

    A conflict when it changed here as well, or when its sender has typed something else about it
    and not saved it yet: that stands in `typed`.
    """

    requirement: Requirement
    now: AnswerValues
    then: AnswerValues
    changed_here: bool
    typed: Mapping[str, str] | None = None

    @property
    def is_conflict(self) -> bool:
        """Tell whether the sender has to choose."""
        return self.changed_here or self.typed is not None

    @property
    def typed_words(self) -> tuple[str, ...]:
        """The draft in words: the answer, then what else was typed."""
        if self.typed is None:
            return ()
        code = self.typed.get("answer", "")
        label = Answer(code).label if code in set(Answer) else "回答は選んでいません"
        rest = (self.typed.get(part, "") for part in ("due", "note", "evidence"))
        return (label, *(words for words in rest if words))


def mark_of(values: AnswerValues) -> str:
    """Return the short mark of an answer."""
    due_on = values.due_on.isoformat() if values.due_on else ""
    answer = values.answer.value if values.answer else ""
    content = [answer, plain(values.note), due_on, values.evidence_url]
    return sha256_hex(canonical_json(content))[:10]


def current_values(answer: ConformanceAnswer | None) -> AnswerValues:
    """Return what is stored, as a table compares it."""
    if answer is None:
        return AnswerValues(None)
    return AnswerValues(answer.answer, answer.note, answer.due_on, answer.evidence_url)


def plain(text: str) -> str:
    """Return a text as it is compared: NFC, without blanks at its ends."""
    return unicodedata.normalize("NFC", text).strip()


def plan_changes(
    rows: Iterable[SheetRow],
    requirements: Sequence[Requirement],
    answers: Mapping[uuid.UUID, ConformanceAnswer],
    drafts: Mapping[uuid.UUID, Mapping[str, str]] | None = None,
) -> list[SheetChange]:
    """Return what a table would change, in the order of the specification.

    `drafts` is what its sender typed and has not saved, by requirement row.

    A row as it was written out changes nothing, whatever happened here since. A row that both sides
    changed, or that carries no mark and differs from an answer, is a conflict; so is a row about
    which something else is typed.
    """
    by_id = {row.requirement_id: row for row in rows}
    changes = []
    for requirement in requirements:
        row = by_id.get(requirement.id)
        now = current_values(answers.get(requirement.id))
        if row is None or mark_of(row.values) in (mark_of(now), row.mark):
            continue
        is_known = row.mark == mark_of(now) or (not row.mark and now.answer is None)
        typed = (drafts or {}).get(requirement.id)
        differs = typed is not None and not _says_the_same(typed, row.values)
        changes.append(
            SheetChange(requirement, now, row.values, not is_known, typed if differs else None)
        )
    return changes


def _says_the_same(typed: Mapping[str, str], values: AnswerValues) -> bool:
    """Tell whether a draft is what a table says; a date may be typed in any way that is read."""
    try:
        due_on = parse_date(typed.get("due", ""), label="") if typed.get("due") else None
    except JapaneseTextError:
        return False
    is_due = values.answer is Answer.CONDITIONAL
    return (
        typed.get("answer", "") == (values.answer.value if values.answer else "")
        and plain(typed.get("note", "")) == plain(values.note)
        and (due_on if is_due else None) == values.due_on
        and typed.get("evidence", "").strip() == values.evidence_url
    )
