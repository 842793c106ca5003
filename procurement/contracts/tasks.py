"""A project as a task list: what is done, what is next, who is waited for."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import url_for

from accounts.identity import Actor
from accounts.models import Person
from accounts.permissions import Permission, can
from core.japanese import format_date, format_datetime
from procurement.contracts.models import Contract, RequestState, UsageContractRequest
from procurement.projects.models import ENDED_STATES, EvidencePack, Project, ProjectState
from procurement.projects.weighing import EvaluationView
from procurement.selection.models import Selection

_PS, _RS = ProjectState, RequestState
_LOCKED_ON = (_PS.DRAFT, _PS.SEARCHING)
_SENTENCES = {
    _PS.DRAFT: "",
    _PS.SEARCHING: "条件に合うサービスを探しています。",
    _PS.EVIDENCE_LOCKED: "検索結果を確定しました。",
    _PS.COMPARED: "候補を比べました。",
    _PS.QUOTING: "見積を待っています。",
    _PS.QUOTES_OPENED: "見積を開封しました。",
    _PS.SELECTION_PROPOSED: "選定の案の決裁を待っています。",
    _PS.SELECTION_APPROVED: "選定が決裁されました。",
    _PS.CLOSED: "契約を記録し、案件を終えました。",
    _PS.NONE_SUITABLE: "適するサービスがないと判断し、案件を終えました。",
    _PS.CANCELLED: "この案件は中止しました。",
}
_REQUEST_SENTENCES = {
    _RS.DRAFT: "依頼書を作っています。",
    _RS.SUBMITTED: "依頼書の決裁を待っています。",
    _RS.RETURNED: "依頼書が差し戻されました。",
    _RS.APPROVED: "依頼書が決裁されました。",
    _RS.SENT: "依頼を送信しました。事業者の承諾を待っています。",
    _RS.ACCEPTED: "事業者が承諾しました。",
    _RS.DECLINED: "事業者が辞退しました。依頼し直すか、次の候補を選び直すか、案件を中止してください。",
    _RS.WITHDRAWN: "依頼を取り下げました。依頼し直すか、次の候補を選び直すか、案件を中止してください。",
    _RS.LAPSED: "回答の期限が過ぎました。依頼し直すか、次の候補を選び直すか、案件を中止してください。",
}
_REQUEST_STATUS = {
    _RS.DRAFT: ("in_progress", None),
    _RS.SUBMITTED: ("waiting", "確認待ち（決裁者）"),
    _RS.RETURNED: ("fix", None),
    _RS.APPROVED: ("waiting", "送信待ち（決裁者）"),
    _RS.SENT: ("waiting", "承諾待ち（事業者）"),
    _RS.ACCEPTED: ("in_progress", "契約の記録待ち"),
    _RS.DECLINED: ("fix", "辞退"),
    _RS.WITHDRAWN: ("fix", "取下げ"),
    _RS.LAPSED: ("fix", "期限切れ"),
    _RS.CONTRACT_REGISTERED: ("done", None),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the list; status as in the macro task_list."""

    label: str
    status: str
    hint: str = ""
    href: str = ""
    status_text: str | None = None


def describe_state(project: Project, request: UsageContractRequest | None) -> str:
    """Return in a sentence where the project stands and who is to act."""
    if project.state is _PS.SELECTION_APPROVED and request is not None:
        sentence = _REQUEST_SENTENCES.get(request.state, "")
        if request.state is _RS.SENT and request.answer_due_at:
            sentence += f"期限は{format_datetime(request.answer_due_at)}までです。"
        return sentence
    sentence = _SENTENCES[project.state]
    return f"{sentence}理由：{project.end_reason}" if project.end_reason else sentence


def list_tasks(
    project: Project,
    packs: Sequence[EvidencePack],
    selection: Selection | None,
    *,
    request: UsageContractRequest | None,
    contract: Contract | None,
    conditions: int,
    evaluation: EvaluationView | None,
    actor: Actor,
) -> list[Task]:
    """Return the tasks of a project for this reader; `conditions` is how many were typed."""
    may_edit = can(actor, Permission.PROJECT_EDIT, project)
    tasks = [
        _need(project, may_edit=may_edit),
        _set_conditions(project, packs, conditions, may_edit=may_edit),
        _search(project, packs),
        _compare(project, packs),
        _evaluate(project, packs, evaluation),
        _quote(project, selection, may_edit=may_edit),
        _select(project, selection, actor, may_edit=may_edit),
        _request(project, request, contract, may_edit=may_edit),
    ]
    return [_close(each) if project.state in ENDED_STATES else each for each in tasks]


def _close(task: Task) -> Task:
    """Say of what was never begun that the case has ended, not that it can begin."""
    if task.status != "locked" or not task.hint.endswith("始められます"):
        return task
    return replace(task, hint="行わないで案件を終えました", status_text="行っていません")


def _need(project: Project, *, may_edit: bool) -> Task:
    href = url_for("projects.edit", project_id=project.id)
    editable = may_edit and project.is_editable
    return Task("必要と予算を書く", "done", "件名、利用期間、予算科目", href if editable else "")


def _set_conditions(
    project: Project, packs: Sequence[EvidencePack], count: int, *, may_edit: bool
) -> Task:
    label, written = "条件を書く", f"{count}件" if count else "検索の条件と案件の必要だけ"
    if project.has_open_costs:
        href = url_for("projects.edit_conditions", project_id=project.id) if may_edit else ""
        if count:
            return Task(label, "done", f"{written}　検索結果を確定するまで変えられます", href)
        hint = "サービスが満たすべきこと。候補を除外するときの根拠になります"
        return Task(label, "not_started", hint, href, "任意")
    if not packs:
        return Task(label, "locked", "確定しないで案件を終えました")
    return Task(label, "done", f"{written}　検索結果と一緒に確定済み")


def _search(project: Project, packs: Sequence[EvidencePack]) -> Task:
    label, href = "サービスを探して確定する", url_for("projects.search", project_id=project.id)
    if project.state is _PS.DRAFT:
        return Task(label, "not_started", "条件を決めて検索します", href)
    if project.state is _PS.SEARCHING:
        return Task(label, "in_progress", "検索結果を確定すると、次に進めます", href)
    if not packs:
        return Task(label, "locked", "確定しないで案件を終えました")
    pack = packs[0]
    hint = f"確定済み　{format_datetime(pack.locked_at)}　第{pack.revision}回　{pack.sha256[:12]}…"
    href = url_for("projects.show_evidence", project_id=project.id, revision=pack.revision)
    return Task(label, "done", hint, href)


def _compare(project: Project, packs: Sequence[EvidencePack]) -> Task:
    label, href = "候補を比べる", url_for("projects.candidates", project_id=project.id)
    if project.state in _LOCKED_ON or not packs:
        return Task(label, "locked", "「サービスを探して確定する」が終わると始められます")
    if project.state is _PS.EVIDENCE_LOCKED:
        hint = "合わない候補を、条件と理由を挙げて除外します"
        return Task(label, "in_progress", hint, href)
    return Task(label, "done", "候補と除外の理由", href)


def _evaluate(
    project: Project, packs: Sequence[EvidencePack], evaluation: EvaluationView | None
) -> Task:
    label, href = "比べ方を決めて評価する", url_for("projects.evaluate", project_id=project.id)
    if project.state in _LOCKED_ON or not packs:
        return Task(label, "locked", "「サービスを探して確定する」が終わると始められます")
    if project.state is _PS.EVIDENCE_LOCKED:
        if evaluation is None:
            hint = "価格だけで比べるか、重みを確定してから採点します"
            return Task(label, "not_started", hint, href)
        hint = f"{evaluation.basis.label}　{evaluation.state.label}"
        return Task(label, "in_progress", hint, href)
    return Task(label, "done", evaluation.basis.label if evaluation else "価格だけで比べる", href)


def _quote(project: Project, selection: Selection | None, *, may_edit: bool) -> Task:
    label = "見積を依頼する"
    if project.state in (_PS.QUOTING, _PS.QUOTES_OPENED):
        href = url_for("quoting.latest", project_id=project.id)
        if project.state is _PS.QUOTES_OPENED:
            return Task(label, "done", "開封した見積", href)
        return Task(label, "in_progress", "締切の後に、2人で開封します", href)
    if project.state is _PS.COMPARED:
        href = url_for("quoting.create", project_id=project.id) if may_edit else ""
        hint = "金額が少額の契約の限度額をこえるときに必要です"
        return Task(label, "not_started", hint, href, "該当するときだけ")
    if selection is not None and selection.is_approved is not False:
        if selection.quote_id is not None:
            href = url_for("quoting.latest", project_id=project.id)
            return Task(label, "done", "開封した見積", href)
        return Task(
            label, "done", "限度額以下のため、公表された料金で選びます", "", "少額のため不要"
        )
    hint = "金額が少額の契約の限度額をこえるときに必要です"
    return Task(label, "locked", hint, "", "該当するときだけ")


def _select(project: Project, selection: Selection | None, actor: Actor, *, may_edit: bool) -> Task:
    label = "選定して決裁を受ける"
    decision = url_for("projects.decide", project_id=project.id)
    if project.state in (_PS.COMPARED, _PS.QUOTES_OPENED):
        href = url_for("projects.propose", project_id=project.id) if may_edit else ""
        if selection is not None and selection.is_approved is False:
            return Task(label, "fix", f"差し戻しの理由：{selection.return_reason}", href)
        if selection is not None:  # it was approved, and its vendor did not take the request
            return Task(
                label, "fix", "前に選んだ事業者とは契約に至りませんでした", href, "選び直し"
            )
        return Task(label, "not_started", "1件を選び、根拠と理由を書きます", href)
    if project.state is _PS.SELECTION_PROPOSED:
        mine = can(actor, Permission.PROJECT_DECIDE, project)
        hint = "内容を確かめて決裁してください" if mine else "決裁者が確かめています"
        return Task(label, "waiting", hint, decision, "確認待ち（決裁者）")
    if selection is not None and selection.is_approved and selection.decided_at:
        hint = f"{format_datetime(selection.decided_at)}に決裁"
        return Task(label, "done", hint, decision)
    return Task(label, "locked", "「候補を比べる」が終わると始められます")


def _request(
    project: Project,
    request: UsageContractRequest | None,
    contract: Contract | None,
    *,
    may_edit: bool,
) -> Task:
    label = "利用契約を依頼し、契約を記録する"
    if contract is not None:
        hint = f"契約番号 {contract.number}　{format_date(contract.signed_on)}"
        href = url_for("contracts.show", contract_id=contract.id)
        if contract.confirmed_at is None:
            return Task(label, "waiting", hint, href, "記録の確認待ち（決裁者）")
        return Task(label, "done", hint, href)
    create = url_for("requests.create", project_id=project.id) if may_edit else ""
    if request is None:
        if project.state is _PS.SELECTION_APPROVED:
            return Task(label, "not_started", "依頼書を作り、決裁を受けて送ります", create)
        return Task(label, "locked", "「選定して決裁を受ける」が終わると始められます")
    status, text = _REQUEST_STATUS[request.state]
    href = url_for("requests.show", request_id=request.id)
    hint = f"依頼書 {request.number}" if request.number else "依頼書（番号は決裁のときに付きます）"
    if project.state in ENDED_STATES and status != "done":
        return Task(label, "locked", hint)
    return Task(label, status, hint, href, text)


def list_steps(
    request: UsageContractRequest, people: Mapping[uuid.UUID, Person]
) -> list[dict[str, Any]]:
    """Return the way of a request as the macro steps shows it: who did what, and who is next."""
    done = [
        ("依頼書を作る", request.created_at, request.last_editor_id),
        ("決裁者に提出する", None, request.submitted_by_id),
        ("決裁する", request.approved_at, request.approved_by_id),
        ("送信する", request.sent_at, request.sent_by_id),
        ("事業者が回答する", request.answered_at, None),
    ]
    reached = _reached(request)
    found = []
    for position, (label, moment, person_id) in enumerate(done):
        person = people.get(person_id) if person_id else None
        is_done = position < reached
        state = "done" if is_done else "now" if position == reached else "waiting"
        if position == reached and request.state in _OVER:
            state = "returned"
        found.append(
            {
                "label": label,
                "state": state,
                "name": person.name if person and is_done else None,
                "at": moment if is_done else None,
                "reason": _reason_of(request) if state == "returned" else None,
            }
        )
    return found


def _reached(request: UsageContractRequest) -> int:
    if request.state is not _RS.WITHDRAWN:
        return _REACHED[request.state]
    marks = (request.submitted_by_id, request.approved_at, request.sent_at)
    return 1 + sum(mark is not None for mark in marks)


_OVER = frozenset({_RS.RETURNED, _RS.DECLINED, _RS.WITHDRAWN, _RS.LAPSED})
_REACHED = {
    _RS.DRAFT: 1,
    _RS.RETURNED: 1,
    _RS.SUBMITTED: 2,
    _RS.APPROVED: 3,
    _RS.SENT: 4,
    _RS.ACCEPTED: 5,
    _RS.CONTRACT_REGISTERED: 5,
    _RS.DECLINED: 4,
    _RS.LAPSED: 4,
}


def _reason_of(request: UsageContractRequest) -> str | None:
    reasons = {
        _RS.RETURNED: request.return_reason,
        _RS.DECLINED: request.answer_reason,
        _RS.WITHDRAWN: request.withdrawal_reason,
        _RS.LAPSED: "回答の期限が過ぎました。",
    }
    return reasons.get(request.state)
