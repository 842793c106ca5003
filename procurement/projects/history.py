"""Audit events of a case in words, for its timeline."""

import uuid
from collections.abc import Mapping
from typing import Any

from accounts.models import Person
from core.audit import AuditDetail, AuditEvent, Outcome

_WORDS = {
    "project.create": "案件を始めました",
    "project.edit": "必要と予算を変更しました",
    "project.search": "検索の条件を保存しました",
    "project.cost_conditions": "費用の計算の条件を保存しました",
    "evidence.lock": "検索結果を確定しました",
    "candidate.exclude": "候補から除外しました",
    "candidate.restore": "除外を取り消しました",
    "project.compare": "候補の比較を終えました",
    "selection.propose": "選定の案を提出しました",
    "selection.approve": "選定を決裁しました",
    "selection.return": "選定の案を差し戻しました",
    "project.find_none": "適するサービスなしとして終えました",
    "project.cancel": "案件を中止しました",
    "evidence.export": "証跡一式をダウンロードしました",
    "request.create": "依頼書を作りました",
    "request.edit": "依頼書を変更しました",
    "request.submit": "依頼書を決裁者に提出しました",
    "request.approve": "依頼書を決裁しました",
    "request.return": "依頼書を差し戻しました",
    "request.send": "依頼を送信しました",
    "request.accept": "事業者が承諾しました",
    "request.decline": "事業者が辞退しました",
    "request.withdraw": "依頼を取り下げました",
    "request.lapse": "回答の期限が過ぎました",
    "contract.register": "契約を記録しました",
}
_ATTEMPTS = {
    "project.decide": "選定の決裁",
    "project.edit": "案件の変更",
    "request.edit": "依頼書の変更",
    "request.decide": "依頼書の決裁",
    "request.send": "依頼の送信",
    "request.answer": "依頼への回答",
    "contract.register": "契約の記録",
}


def describe_event(
    event: AuditEvent, detail: AuditDetail, people: Mapping[uuid.UUID, Person]
) -> dict[str, Any]:
    """Return one event as the timeline macro shows it; refused and conflicting attempts too."""
    done = event.outcome is Outcome.DONE
    words = _WORDS if done else _ATTEMPTS
    values = detail.detail
    person = people.get(event.person_id) if event.person_id else None
    return {
        "at": event.occurred_at,
        "what": _with_number(words.get(event.action, event.action), values),
        "who": person.name if person else "システム",
        "reason": values.get("reason") if done else values.get("message"),
        "hash": values.get("sha256"),
        "href": None,
        "href_label": None,
        "refused": not done,
    }


def _with_number(words: str, values: Mapping[str, Any]) -> str:
    revision = values.get("revision")
    number = f"第{revision}回" if revision else values.get("number")
    return f"{words}（{number}）" if number else words
