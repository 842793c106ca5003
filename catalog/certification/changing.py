"""What changed between two contents of an offering version: submissions, or two versions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from catalog.certification.models import Certification
from catalog.offerings.content import offering_content
from catalog.offerings.queries import list_answers
from catalog.terms import HOSTING_PROVIDERS, Answer, Network, SizeClass, answer_label
from core.japanese import format_date
from core.text_difference import Segment, compare_texts

Content = Mapping[str, Any]

LABELS = {
    "name": "サービスの名称",
    "kana": "名称の読み",
    "summary": "一行の説明",
    "description": "サービスの説明",
    "features": "主な機能",
    "hosting_provider": "設置する基盤",
    "hosting_region": "設置する地域",
    "networks": "回線",
    "size_classes": "対応する人口規模",
    "import_formats": "取り込めるデータの形式",
    "export_formats": "取り出せるデータの形式",
    "api_specification": "外部連携（API）の仕様",
}
_LABELS_OF: Mapping[str, Mapping[str, str]] = {
    "hosting_provider": {each.code: each.label for each in HOSTING_PROVIDERS},
    "networks": {each.value: each.label for each in Network},
    "size_classes": {each.value: each.label for each in SizeClass},
}


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


def compare_contents(before: Content, after: Content) -> list[Change]:
    """Give what differs: fields first, then answers by the ministry's requirement id."""
    fields = [
        Change(label, compare_texts(say_field(before, name), say_field(after, name)))
        for name, label in LABELS.items()
        if before.get(name) != after.get(name)
    ]
    return [*fields, *_compare_answers(before.get("answers", {}), after.get("answers", {}))]


def changes_between(session: Session, base: Certification, review: Certification) -> list[Change]:
    """Give what changed from the version that a certificate covers to the one under review."""
    versions = (base.offering_version, review.offering_version)
    answers = list_answers(session, [version.id for version in versions])
    before, after = (offering_content(each, answers[each.id]) for each in versions)
    return compare_contents(before, after)


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


def say_field(content: Content, name: str) -> str:
    """Give a field of a content in words."""
    value = content.get(name)
    listed = value if isinstance(value, list) else [] if value is None else [value]
    labels = _LABELS_OF.get(name, {})
    return "\n".join(labels.get(str(each), str(each)) for each in listed)


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
