"""Pages of the acts after a decision: suspension, revocation by two, appeals, conditions, surveillance."""

import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.permissions import Permission
from catalog.certification import act_words, services
from catalog.certification.act_pages import ActPage, Question, answer, find_review
from catalog.certification.after_models import ConditionReport
from catalog.certification.changing import changes_between
from catalog.certification.models import Certification, ReviewState
from catalog.certification.queries import proceedings as around
from catalog.certification.schemas import (
    AppealDecisionSchema,
    JudgeSchema,
    NoteSchema,
    ReasonSchema,
    ReportSchema,
)
from catalog.certification.submission_views import files_of_last
from catalog.certification.views import blueprint
from core import paging, web
from core.errors import NotFound
from core.japanese import format_date

_P, _S = Permission, ReviewState
_LIVE = (_S.CERTIFIED, _S.CONDITIONAL)

_Service = Callable[..., object]


def _legal(service: _Service) -> Callable[[Session, Certification, Mapping[str, Any]], object]:
    def act(session: Session, review: Certification, data: Mapping[str, Any]) -> object:
        said = {"reason": data["reason"], "version": data["version"]}
        return service(session, actor(), settings(), review, **said)

    return act


def _unless(*states: ReviewState, sentence: str) -> Callable[[Session, Certification], str]:
    return lambda _session, review: (
        "" if review.state in states else f"今は「{review.state.label}」なので、{sentence}"
    )


@blueprint.route("/reviews/<uuid:certification_id>/suspend", methods=["GET", "POST"])
@access(_P.CERTIFICATION_SUSPEND, write=_P.CERTIFICATION_SUSPEND)
def suspend(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Take a certificate out of force at once."""
    why_not = _unless(*_LIVE, sentence="効力を止められません。")
    return answer(
        act_words.SUSPEND,
        certification_id,
        ReasonSchema(),
        _legal(services.suspend),
        why_not=why_not,
    )


@blueprint.route("/reviews/<uuid:certification_id>/resume", methods=["GET", "POST"])
@access(_P.CERTIFICATION_SUSPEND, write=_P.CERTIFICATION_SUSPEND)
def resume(certification_id: uuid.UUID) -> ResponseReturnValue:
    """End a suspension."""
    review = find_review(web.read_session(), certification_id, _P.CERTIFICATION_SUSPEND)
    return answer(
        act_words.RESUME,
        certification_id,
        ReasonSchema(),
        _legal(services.resume),
        why_not=_unless(_S.SUSPENDED, sentence="解くものがありません。"),
        facts=[("効力停止の理由", review.suspension_reason)],
    )


@blueprint.route("/reviews/<uuid:certification_id>/revoke", methods=["GET", "POST"])
@access(_P.CERTIFICATION_REVOKE, write=_P.CERTIFICATION_REVOKE)
def propose_revocation(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Propose a revocation to a colleague."""
    why_not = _unless(*_LIVE, _S.SUSPENDED, sentence="取消しを提案できません。")
    act = _legal(services.propose_revocation)
    return answer(act_words.PROPOSE, certification_id, ReasonSchema(), act, why_not=why_not)


@blueprint.route("/reviews/<uuid:certification_id>/revoke/confirm", methods=["GET", "POST"])
@access(_P.CERTIFICATION_REVOKE, write=_P.CERTIFICATION_REVOKE)
def confirm_revocation(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm what another lead proposed."""

    def why_not(_session: Session, review: Certification) -> str:
        if review.revocation_proposed_by_id is None or review.state is _S.REVOKED:
            return "確認を待っている取消しの提案はありません。"
        if review.revocation_proposed_by_id == actor().person_id:
            return "あなたが提案したので確認できません。ほかの主任審査員に頼んでください。"
        return ""

    return _on_proposal(
        certification_id, act_words.CONFIRM, NoteSchema(), services.confirm_revocation, why_not
    )


@blueprint.route("/reviews/<uuid:certification_id>/revoke/drop", methods=["GET", "POST"])
@access(_P.CERTIFICATION_REVOKE, write=_P.CERTIFICATION_REVOKE)
def drop_revocation(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Take a proposal back or turn it down."""

    def why_not(_session: Session, review: Certification) -> str:
        stands = review.revocation_proposed_by_id and review.state is not _S.REVOKED
        return "" if stands else "取り下げる提案はありません。"

    return _on_proposal(
        certification_id, act_words.DROP, ReasonSchema(), services.drop_revocation, why_not
    )


def _on_proposal(
    certification_id: uuid.UUID,
    page: ActPage,
    schema: Schema,
    service: _Service,
    why_not: Callable[[Session, Certification], str],
) -> ResponseReturnValue:
    review = find_review(web.read_session(), certification_id, _P.CERTIFICATION_REVOKE)
    facts = [("提案の理由", review.revocation_reason)] if review.revocation_reason else []
    return answer(page, certification_id, schema, _legal(service), why_not=why_not, facts=facts)


@blueprint.route("/reviews/<uuid:certification_id>/appeal", methods=["GET", "POST"])
@access(_P.CERTIFICATION_APPEAL, write=_P.CERTIFICATION_APPEAL)
def appeal(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Dispute a refusal, suspension or revocation."""
    sentence = "申し立てる決定がありません。"
    return answer(
        act_words.APPEAL,
        certification_id,
        ReasonSchema(),
        lambda session, review, data: services.file_appeal(
            session, actor(), review, reason=data["reason"]
        ),
        why_not=_unless(_S.REFUSED, _S.SUSPENDED, _S.REVOKED, sentence=sentence),
    )


@blueprint.route("/reviews/<uuid:certification_id>/appeal/withdraw", methods=["GET", "POST"])
@access(_P.CERTIFICATION_APPEAL, write=_P.CERTIFICATION_APPEAL)
def withdraw_appeal(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Take an appeal back."""
    return answer(
        act_words.WITHDRAW_APPEAL,
        certification_id,
        NoteSchema(exclude=["reason"]),
        lambda session, review, _data: services.withdraw_appeal(session, actor(), review),
        why_not=_without_appeal,
    )


@blueprint.route("/reviews/<uuid:certification_id>/appeal/decide", methods=["GET", "POST"])
@access(_P.CERTIFICATION_DECIDE_APPEAL, write=_P.CERTIFICATION_DECIDE_APPEAL)
def decide_appeal(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Decide on an appeal."""
    session = web.read_session()
    review = find_review(session, certification_id, _P.CERTIFICATION_DECIDE_APPEAL)
    filed = around.find_open_appeal(session, review.id)
    reasons = {
        "refusal": review.decision_reason,
        "suspension": review.suspension_reason,
        "revocation": review.revocation_reason,
    }
    facts = (
        [
            ("申立ての対象", filed.disputed.label),
            ("もとの決定の理由", reasons[filed.disputed.value]),
            ("申立ての理由", filed.reason),
        ]
        if filed
        else []
    )
    return answer(
        act_words.DECIDE_APPEAL,
        certification_id,
        AppealDecisionSchema(),
        lambda session, review, data: services.decide_appeal(
            session,
            actor(),
            settings(),
            review,
            upheld=data["outcome"] == "uphold",
            reason=data["reason"],
        ),
        why_not=_without_appeal,
        facts=facts,
    )


def _without_appeal(session: Session, review: Certification) -> str:
    found = around.find_open_appeal(session, review.id)
    return "" if found else "決定を待っている不服申立てはありません。"


@blueprint.route("/reviews/<uuid:certification_id>/conditions", methods=["GET", "POST"])
@access(_P.CERTIFICATION_REPORT, write=_P.CERTIFICATION_REPORT)
def report_condition(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Report that a condition is met."""
    review = find_review(web.read_session(), certification_id, _P.CERTIFICATION_REPORT)
    waiting = [each for each in review.conditions if not each.get("fulfilled_on")]
    options = [
        (each["requirement_id"], _condition_label(each), each.get("text", "")) for each in waiting
    ]
    page = ActPage(
        _P.CERTIFICATION_REPORT,
        heading="条件を満たしたことを報告してください",
        button="報告する",
        check_label="報告する内容は事実のとおりです",
        done="条件の報告を送りました",
        consequence_title="審査員が確認すると、その条件は満たされたものになります",
        questions=[
            Question("radio", "requirement_id", "満たした条件", options=options),
            Question("date", "met_on", "満たした日"),
            Question("textarea", "note", "説明", "何を、どのように満たしたかを書きます。"),
            Question(
                "line",
                "evidence_url",
                "証拠のアドレス",
                "画面や試験結果を見られるページです。https:// で始まるアドレスを入力します。",
                is_required=False,
            ),
        ],
    )
    return answer(
        page,
        certification_id,
        ReportSchema(),
        _report,
        why_not=lambda _session, _review: "" if waiting else "報告する条件はありません。",
    )


def _condition_label(condition: Mapping[str, Any]) -> str:
    due = format_date(date.fromisoformat(condition["due_on"]))
    return f"{condition['requirement_id']} {condition['name']}（{due}まで）"


def _report(session: Session, review: Certification, data: Mapping[str, Any]) -> object:
    names = ("requirement_id", "met_on", "note", "evidence_url")
    said = {name: data[name] for name in names}
    return services.report_condition(session, actor(), review, **said)


@blueprint.route(
    "/reviews/<uuid:certification_id>/conditions/<uuid:report_id>", methods=["GET", "POST"]
)
@access(_P.CERTIFICATION_CONFIRM, write=_P.CERTIFICATION_CONFIRM)
def judge_report(certification_id: uuid.UUID, report_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm a report or hand it back."""
    session = web.read_session()
    found = find_review(session, certification_id, _P.CERTIFICATION_CONFIRM)
    report = session.get(ConditionReport, report_id)
    if report is None or report.certification_id != certification_id:
        raise NotFound
    facts = [
        *_condition_facts(found, report.requirement_id),
        ("満たした日", format_date(report.met_on)),
        ("事業者の説明", report.note),
        ("証拠", report.evidence_url or "示されていません"),
    ]
    settled = "" if report.state == "reported" else f"この報告は「{report.state.label}」です。"
    return answer(
        act_words.JUDGE,
        certification_id,
        JudgeSchema(),
        lambda session, review, data: services.judge_report(
            session,
            actor(),
            review,
            report_id,
            is_met=data["outcome"] == "met",
            note=data["note"],
        ),
        why_not=lambda _session, _review: settled,
        facts=facts,
    )


def _condition_facts(review: Certification, requirement_id: str) -> list[tuple[str, str]]:
    """Return the condition that a report is about: the requirement, what to meet, the due date."""
    held = [each for each in review.conditions if each["requirement_id"] == requirement_id]
    if not held:
        return [("要件", requirement_id)]
    words = [held[0].get("name", ""), held[0].get("text", "")]
    due_on = format_date(date.fromisoformat(held[0]["due_on"]))
    return [
        ("要件", requirement_id),
        ("条件", "\n".join(each for each in words if each) or "記録されていません"),
        ("条件の期限", due_on),
    ]


@blueprint.route("/reviews/<uuid:certification_id>/cover", methods=["GET", "POST"])
@access(_P.CERTIFICATION_DECIDE, write=_P.CERTIFICATION_DECIDE)
def cover(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm that a changed version is covered by the certificate of the old one."""
    session = web.read_session()
    review = find_review(session, certification_id, _P.CERTIFICATION_DECIDE)
    base = around.find_base(session, review)
    facts = [("前の版の認証書", base.number or "")] if base else []

    def why_not(_session: Session, found: Certification) -> str:
        if base is None:
            return "前の版に有効な認証書がありません。通常の審査で決定してください。"
        return _unless(_S.UNDER_REVIEW, _S.RECOMMENDED, sentence="確認できません。")(session, found)

    return answer(
        act_words.COVER,
        certification_id,
        ReasonSchema(),
        _legal(services.cover),
        why_not=why_not,
        facts=facts,
        changes=paging.cut(
            changes_between(session, base, review) if base else [], anchor="changes-title"
        ),
        href_before=files_of_last(session, base.id) if base else None,
        href_after=files_of_last(session, review.id),
    )
