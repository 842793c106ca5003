"""The one next act of a project, for whoever reads its page."""

from dataclasses import dataclass

from flask import url_for

from accounts.identity import Actor
from accounts.permissions import Permission, can
from procurement.contracts.models import RequestState, UsageContractRequest
from procurement.projects.models import Project, ProjectState

_P, _PS, _RS = Permission, ProjectState, RequestState


@dataclass(frozen=True, slots=True)
class NextAct:
    """What moves a project on, in a sentence; href is empty for those who only wait for it."""

    label: str
    sentence: str
    href: str


_OF_PROJECT = {
    _PS.DRAFT: ("サービスを探す", "サービスを探します", _P.PROJECT_EDIT, "projects.search"),
    _PS.SEARCHING: (
        "検索結果を確かめて確定する",
        "検索結果を確かめて確定します",
        _P.PROJECT_EDIT,
        "projects.search",
    ),
    _PS.EVIDENCE_LOCKED: (
        "候補を比べる",
        "候補を比べます",
        _P.PROJECT_EDIT,
        "projects.candidates",
    ),
    _PS.COMPARED: (
        "選定の案を作る",
        "選定の案を作ります",
        _P.PROJECT_EDIT,
        "projects.propose",
    ),
    _PS.QUOTING: (
        "見積依頼を見る",
        "見積を待ち、締切の後に担当者と決裁者の2人で開封します",
        _P.QUOTE_ROUND_READ,
        "quoting.latest",
    ),
    _PS.QUOTES_OPENED: (
        "選定の案を作る",
        "開封した見積から選び、選定の案を作ります",
        _P.PROJECT_EDIT,
        "projects.propose",
    ),
    _PS.SELECTION_PROPOSED: (
        "選定の案を決裁する",
        "決裁者が選定の案を決裁します",
        _P.PROJECT_DECIDE,
        "projects.decide",
    ),
    _PS.SELECTION_APPROVED: (
        "利用契約の依頼書を作る",
        "利用契約の依頼書を作ります",
        _P.REQUEST_EDIT,
        "requests.create",
    ),
}
_AGAIN = (
    "依頼書を作り直す",
    "依頼書を作り直すか、次の候補を選び直すか、案件を中止します",
    _P.REQUEST_EDIT,
    "requests.create",
)
_OF_REQUEST = {
    _RS.DRAFT: (
        "依頼書を確かめて提出する",
        "依頼書を確かめて、決裁者に提出します",
        _P.REQUEST_EDIT,
        "requests.submit",
    ),
    _RS.RETURNED: (
        "依頼書を直す",
        "依頼書を直して、もう一度提出します",
        _P.REQUEST_EDIT,
        "requests.edit",
    ),
    _RS.SUBMITTED: (
        "依頼書を決裁する",
        "決裁者が依頼書を決裁します",
        _P.REQUEST_DECIDE,
        "requests.decide",
    ),
    _RS.APPROVED: (
        "送信する画面へ進む",
        "決裁者が依頼書を事業者に送信します",
        _P.REQUEST_SEND,
        "requests.send",
    ),
    _RS.ACCEPTED: (
        "契約を記録する",
        "契約書を交わして、契約を記録します",
        _P.CONTRACT_REGISTER,
        "contracts.register",
    ),
    _RS.DECLINED: _AGAIN,
    _RS.WITHDRAWN: _AGAIN,
    _RS.LAPSED: _AGAIN,
}


def find_next_act(
    project: Project, request: UsageContractRequest | None, actor: Actor
) -> NextAct | None:
    """Return what moves the project on; None while a vendor is waited for and after the end."""
    if project.state is _PS.SELECTION_APPROVED and request is not None:
        found = _OF_REQUEST.get(request.state)
    else:
        found = _OF_PROJECT.get(project.state)
    if found is None:
        return None
    label, sentence, permission, endpoint = found
    if request is None or endpoint.startswith("projects.") or endpoint == "requests.create":
        href = url_for(endpoint, project_id=project.id)
        return NextAct(label, sentence, href if can(actor, permission, project) else "")
    href = url_for(endpoint, request_id=request.id)
    return NextAct(label, sentence, href if can(actor, permission, request) else "")
