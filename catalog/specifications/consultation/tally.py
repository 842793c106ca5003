"""Pure: comments counted, narrowed, and matched with others of the same words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import OrganisationKind
from catalog.specifications.consultation.models import (
    CommentState,
    ConsultationComment,
    KeepCategory,
    Outcome,
)
from core.japanese import fold_kana

PAGE_SIZE = 50
OUTCOMES: dict[str, str] = {
    Outcome.MODIFY.value: Outcome.MODIFY.label,
    **{each.value: f"修正しない：{each.label}" for each in KeepCategory},
    Outcome.SUFFICIENT.value: Outcome.SUFFICIENT.label,
}
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the comments that stand: pairs of words and number, nothing left out."""

    standing: int
    withdrawn: int
    undisposed: int
    by_outcome: tuple[tuple[str, int], ...]
    by_kind: tuple[tuple[str, int], ...]
    by_requirement: tuple[tuple[str, int], ...]


def tally(comments: Sequence[ConsultationComment]) -> Tally:
    """Count comments by outcome and category, by kind of organisation and by requirement."""
    standing = [each for each in comments if each.state is not CommentState.WITHDRAWN]
    outcomes = Counter(each.disposition.code for each in standing if each.disposition)
    kinds = Counter(each.organisation_kind for each in standing)
    requirements = Counter(each.requirement_id for each in standing)
    names = {each.requirement_id: each.subject for each in standing}
    return Tally(
        standing=len(standing),
        withdrawn=len(comments) - len(standing),
        undisposed=sum(each.state is CommentState.OPEN for each in standing),
        by_outcome=tuple((label, outcomes[code]) for code, label in OUTCOMES.items()),
        by_kind=tuple(
            (each.label, kinds[each]) for each in (OrganisationKind.BODY, OrganisationKind.VENDOR)
        ),
        by_requirement=tuple(
            (names[each], count)
            for each, count in sorted(requirements.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asks of the comments; an empty value asks for all."""

    state: str = ""
    outcome: str = ""
    kind: str = ""
    requirement_id: str | None = None
    page: int = 1

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything is left out."""
        return bool(self.state or self.outcome or self.kind or self.requirement_id is not None)


def narrow(comments: Sequence[ConsultationComment], wish: Wish) -> list[ConsultationComment]:
    """Return the comments that a reader asks for, in the same order."""
    return [
        each
        for each in comments
        if wish.state in {"", each.state.value}
        and wish.outcome in {"", each.disposition.code if each.disposition else None}
        and wish.kind in {"", each.organisation_kind.value}
        and wish.requirement_id in {None, each.requirement_id}
    ]


def alike(
    comments: Sequence[ConsultationComment], chosen: Sequence[ConsultationComment]
) -> list[ConsultationComment]:
    """Return undisposed comments that say the same on the same subject as one of those chosen."""
    said = {_words(each) for each in chosen}
    numbers = {each.number for each in chosen}
    return [
        each
        for each in comments
        if each.state is CommentState.OPEN and each.number not in numbers and _words(each) in said
    ]


def sharing(
    comments: Sequence[ConsultationComment], chosen: Sequence[ConsultationComment]
) -> list[ConsultationComment]:
    """Return the other comments that have the same disposition as one of those chosen."""
    given = {each.disposition_id for each in chosen} - {None}
    numbers = {each.number for each in chosen}
    return [
        each for each in comments if each.disposition_id in given and each.number not in numbers
    ]


def _words(comment: ConsultationComment) -> tuple[str, str, str]:
    return (
        comment.requirement_id,
        _SPACE.sub("", fold_kana(comment.text)),
        _SPACE.sub("", fold_kana(comment.suggestion)),
    )
