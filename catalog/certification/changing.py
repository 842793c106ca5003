"""What changed between two contents of an offering version: submissions, or two versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from catalog.certification.models import Certification
from catalog.offerings.content import offering_content
from catalog.offerings.queries import list_answers
from catalog.terms import Answer, answer_label
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


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field or answer; `segments` tell the words that went and came."""

    label: str
    segments: tuple[Segment, ...]


def compare_contents(before: Content, after: Content) -> list[Change]:
    """Give what differs: fields first, then answers by the ministry's requirement id."""
    fields = [
        Change(label, compare_texts(_text(before.get(name)), _text(after.get(name))))
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
    ]
    return "".join(parts)


def _compare_answers(before: Content, after: Content) -> Iterator[Change]:
    for number in sorted(before.keys() | after.keys()):
        old, new = before.get(number), after.get(number)
        if old != new:
            yield Change(number, compare_texts(describe_answer(old), describe_answer(new)))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return "" if value is None else str(value)
