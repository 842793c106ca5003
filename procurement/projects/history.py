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
    "condition.edit": "条件を保存しました",
    "evidence.lock": "検索結果を確定しました",
    "candidate.exclude": "候補から除外しました",
    "candidate.restore": "除外を取り消しました",
    "evaluation.edit": "評価の重みの下書きを保存しました",
    "evaluation.fix": "評価の重みを確定しました",
    "evaluation.unfix": "評価の重みの確定を取り消しました",
    "evaluation.score": "候補を採点しました",
    "evaluation.complete": "評価を終えました",
    "project.compare": "候補の比較を終えました",
    "paper.keep": "書類を作りました",
    "selection.propose": "選定の案を提出しました",
    "selection.approve": "選定を決裁しました",
    "selection.return": "選定の案を差し戻しました",
    "estimated_price.name": "予定価格を見られる人を決めました",
    "estimated_price.strike": "予定価格を見られる人から外しました",
    "estimated_price.hand_over": "予定価格を見られる人を引き継ぎました",
    "estimated_price.edit": "予定価格を保存しました",
    "estimated_price.fix": "予定価格を確定しました",
    "estimated_price.print": "予定価格調書を作りました",
    "estimated_price.compare": "選ぶ額を予定価格と比べました",
    "selection.record_external": "庁外決裁を記録しました",
    "project.reselect": "次の候補を選び直すことにしました",
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
    "quote_round.create": "見積依頼を作りました",
    "quote_round.edit": "見積依頼を変更しました",
    "quote_round.submit": "見積依頼を決裁者に提出しました",
    "quote_round.return": "見積依頼を差し戻しました",
    "quote_round.send": "見積依頼を決裁し、送信しました",
    "quote_round.withdraw": "見積依頼を取りやめました",
    "quote_round.propose_extension": "見積の締切を延ばす案を作りました",
    "quote_round.extend": "見積の締切を延ばしました",
    "quote_round.return_extension": "見積の締切を延ばす案を差し戻しました",
    "quote_round.mark_opening": "開封の1人目が確認しました",
    "quote_round.open": "2人で見積を開封しました",
    "question.answer": "質問の答えを書きました",
    "question.publish": "質問の答えを公開しました",
    "project.abandon_quotes": "開封した見積を使わないことにしました",
    "contract.register": "契約を記録しました",
    "contract.confirm": "契約の記録を確かめました",
    "notice.prepare": "契約の公表の案を作りました",
    "notice.publish": "契約を公表しました",
    "notice.withdraw": "契約の公表を取り下げました",
}
_ATTEMPTS = {
    "project.decide": "選定の決裁",
    "decision.record_external": "庁外決裁の記録",
    "project.edit": "案件の変更",
    "estimated_price.open": "予定価格の作成",
    "estimated_price.edit": "予定価格の変更",
    "estimated_price.print": "予定価格調書の作成",
    "estimated_price.hand_over": "予定価格の引継ぎ",
    "estimated_price.compare": "選ぶ額と予定価格の比較",
    "request.edit": "依頼書の変更",
    "request.decide": "依頼書の決裁",
    "request.send": "依頼の送信",
    "request.answer": "依頼への回答",
    "quote_round.edit": "見積依頼の変更",
    "quote_round.decide": "見積依頼の決裁",
    "quote_round.open": "見積の開封",
    "quote_round.withdraw": "見積依頼の取りやめ",
    "question.answer": "質問への答え",
    "contract.register": "契約の記録",
    "contract.confirm": "契約の記録の確認",
    "contract.prepare_notice": "契約の公表の案",
    "contract.decide_notice": "契約の公表の決裁",
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
