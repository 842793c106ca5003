"""What keeps a version from publication: its text, its source, its days, its people."""

import uuid
from collections.abc import Mapping
from datetime import date

from sqlmodel import Session

from catalog.specifications import queries
from catalog.specifications.consultation import services as consultations
from catalog.specifications.models import SpecificationVersion
from core.clock import day_in_japan
from core.db import now
from core.japanese import format_date

_FIRST_DAY = date(2000, 1, 1)  # no standard specification is older
_NO_DOCUMENT = (
    "元の文書「{}」の中身を確かめられません。"
    "文書のファイルを付けるか、版の情報でURLを入力してください。"
)
_LABELS = {
    "published_on": "府省が公表した日",
    "applies_from": "適用の始まる日",
    "transition_ends_on": "経過措置の終わる日",
}


def date_faults(days: Mapping[str, date | None], today: date) -> dict[str, str]:
    """Return by field why the days of a version cannot all be true."""
    published, start, end = (days.get(name) for name in _LABELS)
    found = {
        name: f"{label}の{format_date(day)}は古すぎます。年を確かめてください。"
        for name, label in _LABELS.items()
        if (day := days.get(name)) and day < _FIRST_DAY
    }
    if published and published > today:
        found["published_on"] = "府省が公表した日は、今日までの日付にしてください。"
    if published and start and start < published:
        sentence = f"適用の始まる日は、府省が公表した日（{format_date(published)}）以後の日付に"
        found.setdefault("applies_from", f"{sentence}してください。")
    if start and end and end < start:
        sentence = f"経過措置の終わる日は、適用の始まる日（{format_date(start)}）以後の日付に"
        found.setdefault("transition_ends_on", f"{sentence}してください。")
    if end and end < today:
        sentence = f"経過措置の終わる日（{format_date(end)}）は過ぎています。"
        found.setdefault(
            "transition_ends_on", f"{sentence}今日以後の日付にするか、空欄にしてください。"
        )
    return found


def days_of(version: SpecificationVersion) -> dict[str, date | None]:
    """Return the days of a version by their fields."""
    return {name: getattr(version, name) for name in _LABELS}


def missing_for_publication(
    session: Session, subject: SpecificationVersion, publisher_id: uuid.UUID | None
) -> list[tuple[str, str]]:
    """List everything that keeps this person from publishing the version."""
    edit = "version-facts"
    today = day_in_japan(now(session))
    counts = queries.count_requirements(session, [subject.id])[subject.id]
    has_document = bool(subject.source_url) or queries.find_source(session, subject.id) is not None
    start = subject.applies_from
    found = [
        (not counts, edit, "要件が1件もありません。要件の表を取り込んでください。"),
        (start is None, edit, "適用の始まる日がありません。版の情報で入力してください。"),
        (
            not subject.source_name,
            edit,
            "府省が採択したことの分かる元の文書がありません。版の情報で入力してください。",
        ),
        (
            bool(subject.source_name) and not has_document,
            edit,
            _NO_DOCUMENT.format(subject.source_name),
        ),
        (
            start is not None and start < today and subject.published_on is None,
            edit,
            "適用がもう始まっている版です。府省が公表した日を、版の情報で入力してください。",
        ),
    ]
    missing = [(anchor, sentence) for is_missing, anchor, sentence in found if is_missing]
    missing += [(edit, sentence) for sentence in date_faults(days_of(subject), today).values()]
    missing += _missing_people(session, subject, publisher_id)
    return missing + consultations.missing_for_approval(session, subject)


def _missing_people(
    session: Session, subject: SpecificationVersion, publisher_id: uuid.UUID | None
) -> list[tuple[str, str]]:
    if subject.last_editor_id is None:
        sentence = (
            "最後に編集した人の記録がありません。審査員が版の情報を確かめて保存してください。"
        )
        return [("main", sentence)]
    if publisher_id is None:
        return []
    if subject.last_editor_id == publisher_id:
        sentence = "この版を最後に編集した人は公表できません。別の主任審査員に頼んでください。"
        return [("main", sentence)]
    if queries.find_importer_id(session, subject.id) == publisher_id:
        sentence = "この版の要件を取り込んだ人は公表できません。別の主任審査員に頼んでください。"
        return [("main", sentence)]
    return []
