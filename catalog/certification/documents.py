"""The certificate as a document: display strings for the PDF template."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from catalog.certification.assessment import COUNTED, Assessment, strictest_class, tally
from catalog.certification.models import Certification
from catalog.certification.outline import rows_of
from catalog.certification.queries import Standing, standing_of
from catalog.specifications.models import SpecificationVersionEnd
from catalog.terms import (
    UNANSWERED_LABEL,
    Answer,
    CertificationState,
    RequirementClass,
    answer_label,
)
from core.clock import day_in_japan
from core.documents import RenderedDocument, canonical_json, render_pdf, write_csv
from core.japanese import format_date

_CSV_HEADER = (
    "認証番号",
    "要件ID",
    "章",
    "要件",
    "実装区分",
    "事業者の回答",
    "適合する日",
    "説明",
    "証拠のURL",
)
_KEPT = 32
HEADS = ("要件", *(answer.label for answer in Answer), UNANSWERED_LABEL)


def render_certificate(
    certification: Certification,
    assessment: Assessment,
    *,
    agencies: Sequence[str],
    moment: datetime,
    retirement: SpecificationVersionEnd | None = None,
) -> RenderedDocument:
    """Return the certificate as PDF with its state at a moment (printed when it is not in force)."""
    version = certification.offering_version
    specification = certification.specification_version
    maker = version.offering.maker
    counted = tally(assessment)
    data: dict[str, Any] = {
        "made_at": (certification.decided_at or moment).isoformat(),
        "title": "適合確認の認証書",
        "number": certification.number or "",
        "date": format_date(day_in_japan(certification.decided_at or moment)),
        "sample": specification.specification.is_sample or maker.is_sample,
        "evidence": {"label": "審査した内容", "hash": certification.evaluated_sha256},
        "state": _state_words(certification, moment) + retirement_words(retirement),
        "issuer": {"name": "、".join(agencies), "decider": "主任審査員"},
        "vendor": {"name": maker.name, "corporate_number": maker.corporate_number},
        "offering": {"name": version.name, "version": f"第{version.number}版"},
        "specification": {
            "name": specification.specification.name,
            "version": specification.title,
        },
        "validity": validity_words(certification),
        "reviewers": f"{decision_words(certification)}。",
        "classes": _classes(counted["classes"]),
        "chapters": {
            "head": ["章", *HEADS],
            "rows": [[row["chapter"], *_cells(row)] for row in counted["chapters"]],
        },
        "conditions": [
            [item["requirement_id"], _condition_words(item), _due_words(item)]
            for item in certification.conditions
        ],
        "requirements": _requirements(assessment),
        "hashes": [["審査した内容", certification.evaluated_sha256]],
    }
    return _render(canonical_json(data))


@lru_cache(maxsize=_KEPT)
def _render(content: bytes) -> RenderedDocument:
    """Render once for what it shows: a long certificate takes seconds."""
    return render_pdf("certificate", json.loads(content))


def certificate_json(
    facts: Mapping[str, Any], certification: Certification, assessment: Assessment
) -> bytes:
    """Return the state now, the conditions, the counts and the result of every requirement."""
    counted = tally(assessment)
    return canonical_json(
        {
            **facts,
            "conditions": [
                {
                    "requirement_id": item["requirement_id"],
                    "text": item.get("text", ""),
                    "due_on": item["due_on"],
                    "fulfilled_on": item.get("fulfilled_on"),
                }
                for item in certification.conditions
            ],
            "classes": counted["classes"],
            "chapters": counted["chapters"],
            "requirements": [
                {
                    "id": row.requirement.requirement_id,
                    "chapter": row.requirement.chapter,
                    "name": row.requirement.name,
                    "class": row.requirement_class.value,
                    "answer": row.answer_code,
                    "due_on": row.answer.due_on.isoformat()
                    if row.answer and row.answer.due_on
                    else None,
                    "note": row.answer.note if row.answer else "",
                    "evidence_url": row.answer.evidence_url if row.answer else "",
                }
                for row in rows_of(assessment)
            ],
        }
    )


def certificate_csv(certification: Certification, assessment: Assessment) -> bytes:
    """Return the result of every requirement as a table that carries the certificate's number."""
    rows = [
        (
            certification.number,
            row.requirement.requirement_id,
            row.requirement.chapter,
            row.requirement.name,
            row.requirement_class.label,
            answer_label(row.answer.answer if row.answer else None),
            row.answer.due_on if row.answer else None,
            row.answer.note if row.answer else "",
            row.answer.evidence_url if row.answer else "",
        )
        for row in rows_of(assessment)
    ]
    return write_csv([_CSV_HEADER, *rows])


def decision_words(certification: Certification) -> str:
    """Tell who looked at it before the decision: a changed version needs one reviewer's opinion."""
    if certification.based_on_id is not None:
        return "審査員の意見を受けて、主任審査員が変更後の版も前の認証の範囲内と確認しました"
    return "審査員2名がそれぞれ確認し、主任審査員が決定しました"


def validity_words(certification: Certification) -> str:
    """Give the term in Japanese days, the last day included."""
    if certification.valid_from is None or certification.valid_until is None:
        return ""
    last = day_in_japan(certification.valid_until - datetime.resolution)
    return f"{format_date(day_in_japan(certification.valid_from))}から{format_date(last)}まで"


def _state_words(certification: Certification, moment: datetime) -> str:
    code = certification.public_code(moment)
    if code in {CertificationState.CERTIFIED, CertificationState.CONDITIONAL}:
        return code.label
    why = lapse_words(standing_of(certification, moment, has_answers=True))
    return f"{code.label}（{format_date(day_in_japan(moment))}現在{'。' + why.rstrip('。') if why else ''}）"


def retirement_words(end: SpecificationVersionEnd | None) -> str:
    """Tell that the text of the certificate is retired, since when and why; nothing while it is not."""
    if end is None:
        return ""
    day, reason = format_date(day_in_japan(end.ended_at)), end.reason.rstrip("。")
    return f"標準仕様書のこの版は{day}に廃止されました（理由：{reason}）。"


def lapse_words(standing: Standing) -> str:
    """Tell why a certificate stopped to count before its term; nothing while it did not."""
    if standing.lapsed_on is None:
        return ""
    return f"期限の{format_date(standing.lapsed_on)}までに条件が満たされていません。"


def _classes(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shown = [[RequirementClass(row["class"]).label, *_cells(row)] for row in rows]
    total = [str(sum(row[name] for row in rows)) for name in ("total", *COUNTED)]
    forbidden = next((r for r in rows if r["class"] == RequirementClass.MUST_NOT), None)
    note = "実装不可の要件はありません。"
    if forbidden is not None:
        kept = forbidden[Answer.NOT_IMPLEMENTED.value]
        note = f"実装不可の要件{forbidden['total']}件のうち、{kept}件が非実装です。"
    return {"head": ["区分", *HEADS], "rows": shown, "total": ["計", *total], "note": note}


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [str(row[name]) for name in ("total", *COUNTED)]


def _condition_words(item: Mapping[str, Any]) -> str:
    words = str(item.get("name", ""))
    return f"{words}（{item['text']}）" if item.get("text") else words


def _due_words(item: Mapping[str, Any]) -> str:
    if item.get("fulfilled_on"):
        return f"{_day(item['fulfilled_on'])}に満たしました"
    return _day(item["due_on"])


def _requirements(assessment: Assessment) -> list[list[str]]:
    rows = []
    for requirement in assessment.requirements:
        found = assessment.answers.get(requirement.id)
        answer = answer_label(found.answer if found else None)
        due = f"（{format_date(found.due_on)}）" if found and found.due_on else ""
        label = strictest_class(requirement).short_label
        rows.append([requirement.requirement_id, requirement.name, label, f"{answer}{due}"])
    return rows


def _day(iso: str) -> str:
    return format_date(date.fromisoformat(iso))
