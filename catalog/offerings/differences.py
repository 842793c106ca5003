"""What one version says and another does not, word by word, from canonical contents. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.offerings.words import COMPONENTS_LABEL, LISTING_WORDS, OFFERING_WORDS, list_components
from catalog.terms import Answer, answer_label
from core.japanese import format_date
from core.text_difference import Segment, compare_texts

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NamedFile:
    """An evidence file as a content names it."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field or answer; `segments` tell the words that went and came.

    `removed` and `added` are the evidence files that only one of the two contents names.
    """

    label: str
    segments: tuple[Segment, ...]
    removed: tuple[NamedFile, ...] = ()
    added: tuple[NamedFile, ...] = ()


def compare_offerings(before: Content, after: Content) -> list[Change]:
    """Give what differs in the software: fields first, then answers by the ministry's requirement id."""
    answers = _compare_answers(before.get("answers", {}), after.get("answers", {}))
    return [*_compare_words(OFFERING_WORDS, before, after), *answers]


def compare_listings(before: Content, after: Content) -> list[Change]:
    """Give what differs in a seller's terms: prices first, then support, service level and exit."""
    old, new = (list_components(each.get("components", ())) for each in (before, after))
    segments = compare_texts("\n".join(old), "\n".join(new))
    prices = [Change(COMPONENTS_LABEL, segments)] if old != new else []
    return [*prices, *_compare_words(LISTING_WORDS, before, after)]


def describe_answer(answer: Mapping[str, Any] | None) -> str:
    """Give an answer of a content in words, in one text."""
    if answer is None:
        return answer_label(None)
    due = answer.get("due_on")
    parts = [
        Answer(answer["answer"]).label,
        f"（{format_date(date.fromisoformat(due))}）" if due else "",
        f"\n{answer['note']}" if answer.get("note") else "",
        f"\n証拠：{answer['evidence_url']}" if answer.get("evidence_url") else "",
        *(f"\n証拠のファイル：{each.name}" for each in files_of(answer)),
    ]
    return "".join(parts)


def files_of(answer: Mapping[str, Any] | None) -> tuple[NamedFile, ...]:
    """Give the evidence files that an answer of a content names."""
    named = (answer or {}).get("evidence_files", ())
    return tuple(NamedFile(each["name"], each["sha256"]) for each in named)


def find_named(content: Content, sha256: str) -> NamedFile | None:
    """Give the evidence file of a content with this hash under the first name that it carries."""
    answers = content.get("answers", {})
    named = (each for number in sorted(answers) for each in files_of(answers[number]))
    return next((each for each in named if each.sha256 == sha256), None)


def _compare_words(
    words: Sequence[tuple[str, Callable[[Content], str]]], before: Content, after: Content
) -> list[Change]:
    return [
        Change(label, compare_texts(old, new))
        for label, tell in words
        if (old := tell(before)) != (new := tell(after))
    ]


def _compare_answers(before: Content, after: Content) -> Iterator[Change]:
    for number in sorted(before.keys() | after.keys()):
        old, new = before.get(number), after.get(number)
        if old != new:
            yield Change(
                number,
                compare_texts(describe_answer(old), describe_answer(new)),
                removed=_without(files_of(old), files_of(new)),
                added=_without(files_of(new), files_of(old)),
            )


def _without(files: Iterable[NamedFile], others: Iterable[NamedFile]) -> tuple[NamedFile, ...]:
    known = {each.sha256 for each in others}
    return tuple(each for each in files if each.sha256 not in known)
