"""Pure: which requirements of a review or a certificate a reader sees: filter, chapter, words."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.certification.assessment import UNANSWERED, Assessment
from catalog.certification.checks import CheckOutcome
from catalog.certification.outline import Row
from catalog.specifications.outline import Choice, is_about
from catalog.terms import UNANSWERED_LABEL, Answer, RequirementClass
from core.errors import NotFound
from core.japanese import fold_kana

ALL = "all"
REVIEW_FILTERS = {
    ALL: "すべて",
    "must": "実装必須・実装不可",
    "person": "人の確認が要る",
    "fail": "自動チェックで不備",
    "blocking": "認証を妨げる",
    "conditions": "条件になる",
    "for_review": "代替手段の確認",
    "unanswered": UNANSWERED_LABEL,
    "findings": "指摘がある",
}
ANSWER_FILTERS = {
    ALL: "すべて",
    **{each.value: each.label for each in Answer},
    UNANSWERED: UNANSWERED_LABEL,
}
NO_CHAPTER = "章のない要件"
_LONGEST_WORDS = 100
_DUTIES = frozenset({RequirementClass.MUST, RequirementClass.MUST_NOT})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asks for; chapter 0 is all of them."""

    show: str = ALL
    chapter: int = 0
    words: str = ""

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything is left out."""
        return self.show != ALL or bool(self.chapter or self.words)


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows that are left and what else may be chosen."""

    wish: Wish
    rows: Sequence[Row]
    filters: Sequence[Choice]
    chapters: Sequence[Choice]


def read_wish(given: Mapping[str, str], filters: Collection[str]) -> Wish:
    """Read the wish from a query; raises NotFound for a filter or chapter that cannot be."""
    show, chapter = given.get("show") or ALL, given.get("chapter") or "0"
    if show not in filters or not (chapter.isascii() and chapter.isdigit() and len(chapter) < 6):
        raise NotFound
    return Wish(show, int(chapter), given.get("q", "")[:_LONGEST_WORDS].strip())


def narrow(
    rows: Sequence[Row], labels: Mapping[str, str], kept: Mapping[str, Collection[str]], wish: Wish
) -> Shown:
    """Give the rows that a wish leaves; `kept` are the requirement ids of each filter but all.

    Chapters carry the number that they have in the specification, as where the vendor answers.
    Raises NotFound for a chapter beyond the last one.
    """
    names = list(dict.fromkeys(row.requirement.chapter for row in rows))
    if wish.chapter > len(names):
        raise NotFound
    numbers = {name: number for number, name in enumerate(names, start=1)}
    terms = [fold_kana(word) for word in wish.words.split()]
    matching = [row for row in rows if is_about(row.requirement, terms)]

    def is_kept(row: Row, show: str) -> bool:
        return show == ALL or row.requirement.requirement_id in kept[show]

    in_chapter = [row for row in matching if wish.chapter in {0, numbers[row.requirement.chapter]}]
    by_chapter = Counter(row.requirement.chapter for row in matching if is_kept(row, wish.show))
    return Shown(
        wish,
        [row for row in in_chapter if is_kept(row, wish.show)],
        [
            Choice(value, label, sum(is_kept(row, value) for row in in_chapter), value == wish.show)
            for value, label in labels.items()
        ],
        [
            Choice(str(number), name or NO_CHAPTER, by_chapter[name], number == wish.chapter)
            for name, number in numbers.items()
        ],
    )


def narrow_review(rows: Sequence[Row], assessment: Assessment, wish: Wish) -> Shown:
    """Give the rows of a review that a wish leaves."""
    rolled = assessment.roll_up
    remarked: dict[CheckOutcome, set[str]] = {each: set() for each in CheckOutcome}
    for check in assessment.checks:
        for remark in check.remarks:
            if remark.requirement:
                remarked[remark.outcome].add(remark.requirement.id)
    for_review = {issue.requirement.id for issue in rolled.for_review}
    kept: dict[str, Collection[str]] = {
        "must": _ids(row for row in rows if row.requirement_class in _DUTIES),
        "person": remarked[CheckOutcome.PERSON] | for_review,
        "fail": remarked[CheckOutcome.FAIL],
        "blocking": {issue.requirement.id for issue in rolled.blocking},
        "conditions": {issue.requirement.id for issue in rolled.conditions},
        "for_review": for_review,
        "unanswered": _ids(row for row in rows if row.answer is None),
        "findings": _ids(row for row in rows if row.findings),
    }
    return narrow(rows, REVIEW_FILTERS, kept, wish)


def narrow_certificate(rows: Sequence[Row], wish: Wish) -> Shown:
    """Give the rows of a certificate that a wish leaves; answers that nobody gave are no choice."""
    kept: dict[str, set[str]] = {value: set() for value in ANSWER_FILTERS}
    for row in rows:
        kept[row.answer_code].add(row.requirement.requirement_id)
    labels = {
        value: label
        for value, label in ANSWER_FILTERS.items()
        if value in {ALL, wish.show} or kept[value]
    }
    return narrow(rows, labels, kept, wish)


def _ids(rows: Iterable[Row]) -> set[str]:
    return {row.requirement.requirement_id for row in rows}
