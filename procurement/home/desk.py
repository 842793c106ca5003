"""What a person finds on the first page: whose turn it is, what waits, what happened; plain values."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from catalog.certification.models import Certification, ReviewState
from catalog.offerings.models import OfferState
from catalog.offerings.queries.own import AtWork
from catalog.specifications.models import SpecificationVersion
from procurement.contracts.models import Contract, RequestState, UsageContractRequest
from procurement.notices.models import ContractNotice
from procurement.projects.models import Project, ProjectState
from vendors.agreement import AgreementStanding
from vendors.models import Vendor, VendorState


@dataclass(frozen=True, slots=True)
class SpecificationRow:
    """A specification version with how many services are listed and certified for it."""

    version: SpecificationVersion
    listed: int
    certified: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A public event of the catalog, with the page that tells more."""

    at: datetime
    text: str
    endpoint: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """What an organisation was told, with the page that says more."""

    told_at: datetime
    title: str
    path: str
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the desk: what to do or to wait for, where, in which state, since and until when."""

    label: str
    hint: str
    endpoint: str
    arguments: Mapping[str, Any]
    status: str
    since: datetime | None
    due_on: date | None = None


@dataclass(slots=True)
class Desk:
    """The acting person's open work: `turn` is theirs to do, `waiting` lies with others.

    `invited` is what their organisation may take part in.
    """

    turn: list[Task] = field(default_factory=list)
    waiting: list[Task] = field(default_factory=list)
    invited: list[Task] = field(default_factory=list)

    def join(self, other: "Desk") -> "Desk":
        """Add the desk of another role of the same person; what is theirs to do does not wait."""
        self.turn += other.turn
        self.invited += other.invited
        own = [(task.endpoint, task.arguments) for task in self.turn]
        waiting: dict[tuple[Any, ...], Task] = {}
        for task in (*self.waiting, *other.waiting):
            if (task.endpoint, task.arguments) not in own:
                waiting.setdefault((task.endpoint, *task.arguments.values()), task)
        self.waiting = list(waiting.values())
        return self

    def forget_cases(self, project_ids: Collection[uuid.UUID]) -> None:
        """Leave out the lines of cases that wait for something else than what the lines say."""
        self.turn = [
            task
            for task in self.turn
            if task.endpoint != "projects.show" or task.arguments["project_id"] not in project_ids
        ]

    def sort(self) -> "Desk":
        """Put the longest waiting first, and what closes next."""
        for tasks in (self.turn, self.waiting):
            tasks.sort(key=lambda task: (task.since is None, task.since, task.label))
        self.invited.sort(key=lambda task: (task.due_on is None, task.due_on, task.label))
        return self


_P, _R, _O, _C, _V = ProjectState, RequestState, OfferState, ReviewState, VendorState

_CLERK_PROJECTS = {
    _P.DRAFT: "準備を続ける",
    _P.SEARCHING: "検索結果を確定する",
    _P.EVIDENCE_LOCKED: "候補を比べる",
    _P.COMPARED: "選定案を出す",
    _P.QUOTES_OPENED: "開封した見積から選定案を出す",
    _P.SELECTION_APPROVED: "利用契約を依頼する",
}
_CLERK_REQUESTS = {
    _R.DRAFT: "依頼書を仕上げる",
    _R.RETURNED: "差し戻された依頼書を直す",
    _R.ACCEPTED: "契約を記録する",
}
_APPROVER_REQUESTS = {_R.SUBMITTED: "依頼書を決裁する", _R.APPROVED: "依頼を送信する"}
_VENDOR_OFFERINGS = {
    _O.DRAFT: "登録を続ける",
    _O.RETURNED: "差し戻された内容を直す",
    _O.APPROVED: "公開する",
}
_REVIEWER_STATES = frozenset({_C.ASSIGNED, _C.UNDER_REVIEW})
_LEAD_STATES = {_C.SUBMITTED: "審査員を決める", _C.RECOMMENDED: "認証を判断する"}
_LEAD_VENDORS = {_V.SUBMITTED: "登録を確かめる", _V.CHECKING: "登録を判断する"}
_DECISION = "projects.decide"  # of the same page there is one row only
_VENDOR_OWN = {_V.DRAFT: "登録を提出する", _V.RETURNED: "差し戻された登録を直す"}


def clerk_desk(projects: Iterable[Project], requests: Iterable[UsageContractRequest]) -> Desk:
    """Sort a clerk's cases and requests."""
    desk, running = Desk(), list(requests)
    under_way = {each.project_id for each in running}
    for project in projects:
        if project.id in under_way and project.state is _P.SELECTION_APPROVED:
            continue
        if verb := _CLERK_PROJECTS.get(project.state):
            desk.turn.append(_project_task(project, verb))
        elif project.state is _P.SELECTION_PROPOSED:
            desk.waiting.append(_project_task(project, "選定の決裁", _DECISION))
    for request in running:
        if verb := _CLERK_REQUESTS.get(request.state):
            desk.turn.append(_request_task(request, verb))
        elif request.state in {_R.SUBMITTED, _R.APPROVED}:
            desk.waiting.append(_request_task(request, "依頼書の決裁と送信"))
        elif request.state is _R.SENT:
            desk.waiting.append(_request_task(request, "事業者の承諾"))
    return desk.sort()


def approver_desk(
    projects: Iterable[Project],
    requests: Iterable[UsageContractRequest],
    person_id: uuid.UUID | None,
    unconfirmed: Iterable[tuple[Contract, Project]] = (),
) -> Desk:
    """Sort what an approver decides, sends and confirms; what this person wrote, another decides."""
    desk = Desk()
    for project in projects:
        if project.state is _P.SELECTION_PROPOSED and project.last_editor_id != person_id:
            desk.turn.append(_project_task(project, "選定を決裁する", _DECISION))
    for request in requests:
        if request.state is _R.SUBMITTED and request.last_editor_id == person_id:
            continue
        if verb := _APPROVER_REQUESTS.get(request.state):
            desk.turn.append(_request_task(request, verb))
        elif request.state is _R.SENT:
            desk.waiting.append(_request_task(request, "事業者の承諾"))
    for contract, project in unconfirmed:
        if contract.registered_by_id != person_id:
            desk.turn.append(_contract_task(contract, project))
    return desk.sort()


def vendor_desk(
    vendor: Vendor | None,
    versions: Iterable[AtWork],
    received: Iterable[UsageContractRequest],
    *,
    agreement: AgreementStanding | None,
    asked: Collection[uuid.UUID] = (),
) -> Desk:
    """Sort a vendor's registration, offerings and the requests it received.

    `asked` are the offering versions on which a review asks for something: a task of their own.
    """
    desk = Desk()
    if vendor is not None:
        _add_registration(desk, vendor, agreement)
    for request in received:
        if request.state is _R.SENT:
            desk.turn.append(_request_task(request, "依頼に答える", since=request.sent_at))
        elif request.state is _R.ACCEPTED:
            desk.waiting.append(_request_task(request, "団体による契約の記録"))
    for version in versions:
        if version.id in asked:
            continue
        if verb := _VENDOR_OFFERINGS.get(version.state):
            desk.turn.append(_offering_task(version, verb))
        elif version.state in {_O.SUBMITTED, _O.IN_REVIEW}:
            desk.waiting.append(_offering_task(version, "審査"))
    return desk.sort()


def reviewer_desk(
    reviews: Iterable[Certification],
    registrations: Iterable[Vendor],
    filed: set[uuid.UUID],
    person_id: uuid.UUID | None,
) -> Desk:
    """Sort what is assigned to a reviewer; `filed` are the reviews that already hold the opinion."""
    desk = Desk()
    for review in reviews:
        if person_id not in review.cleared_ids:
            desk.turn.append(_review_task(review, "利害関係を申告する"))
        elif review.state in _REVIEWER_STATES and review.id not in filed:
            desk.turn.append(_review_task(review, "意見を提出する"))
        else:
            desk.waiting.append(_review_task(review, "ほかの人の作業"))
    for vendor in registrations:
        if vendor.state is _V.CHECKING:
            desk.turn.append(_vendor_task(vendor, "登録の内容を読む"))
    return desk.sort()


def lead_desk(reviews: Iterable[Certification], registrations: Iterable[Vendor]) -> Desk:
    """Sort the agency's queue for a lead reviewer."""
    desk = Desk()
    for review in reviews:
        if verb := _LEAD_STATES.get(review.state):
            desk.turn.append(_review_task(review, verb))
        else:
            desk.waiting.append(_review_task(review, "審査員の意見か事業者の説明"))
    for vendor in registrations:
        if verb := _LEAD_VENDORS.get(vendor.state):
            desk.turn.append(_vendor_task(vendor, verb))
    return desk.sort()


def _add_registration(desk: Desk, vendor: Vendor, agreement: AgreementStanding | None) -> None:
    if verb := _VENDOR_OWN.get(vendor.state):
        desk.turn.append(_vendor_task(vendor, verb))
    elif vendor.state in {_V.SUBMITTED, _V.CHECKING}:
        desk.waiting.append(_vendor_task(vendor, "デジタル庁による登録の確認"))
    elif vendor.state is _V.ACTIVE and agreement is not None and agreement.offered is not None:
        hint = "同意すると、サービスを公開し、依頼を承諾できます"
        if agreement.is_held:
            hint = f"第{agreement.offered.label}版が出ています。期限のあとは公開と承諾が止まります"
        desk.turn.append(
            Task(
                "基本契約に同意する",
                hint,
                "vendors.agreement",
                {"vendor_id": vendor.id},
                "期限切れ" if agreement.is_lapsed else vendor.state.label,
                vendor.decided_at,
                agreement.accept_by,
            )
        )


def _project_task(project: Project, verb: str, page: str = "projects.show") -> Task:
    return Task(
        f"{verb}：{project.title}",
        project.number,
        page,
        {"project_id": project.id},
        project.state.label,
        project.updated_at,
    )


def _request_task(
    request: UsageContractRequest, verb: str, *, since: datetime | None = None
) -> Task:
    return Task(
        f"{verb}：{request.project.title}",
        request.number or "番号は決裁のときに付きます",
        "requests.show",
        {"request_id": request.id},
        request.state.label,
        since or request.updated_at,
    )


def _contract_task(contract: Contract, project: Project) -> Task:
    return Task(
        f"契約の記録を確かめる：{project.title}",
        contract.number,
        "contracts.show",
        {"contract_id": contract.id},
        "確認待ち",
        contract.created_at,
    )


def add_notices(
    desk: Desk,
    found: Iterable[tuple[Contract, Project, ContractNotice | None]],
    person_id: uuid.UUID | None,
    *,
    is_clerk: bool,
    is_approver: bool,
) -> None:
    """Add confirmed contracts that were not published: to prepare, or to decide on by another person."""
    for contract, project, notice in found:
        if notice is None and is_clerk:
            verb, page, status = "契約の公表の案を作る", "notices.prepare", "未公表"
        elif notice is not None and is_approver and notice.prepared_by_id != person_id:
            verb, page, status = "契約の公表を決裁する", "notices.publish", "決裁待ち"
        else:
            continue
        place, since = {"contract_id": contract.id}, notice.updated_at if notice else None
        since = since or contract.confirmed_at
        label = f"{verb}：{project.title}"
        desk.turn.append(Task(label, contract.number, page, place, status, since))


def _offering_task(version: AtWork, verb: str) -> Task:
    return Task(
        f"{verb}：{version.name}",
        f"第{version.number}版・{version.specification}",
        "vendor_offerings.show",
        {"offering_version_id": version.id},
        version.state.label,
        version.updated_at,
    )


def _review_task(review: Certification, verb: str) -> Task:
    return Task(
        f"{verb}：{review.offering_version.name}",
        review.specification_version.specification.name,
        "certification.show",
        {"certification_id": review.id},
        review.state.label,
        review.submitted_at,
        review.info_due_on if review.state is _C.INFO_REQUESTED else None,
    )


def _vendor_task(vendor: Vendor, verb: str) -> Task:
    return Task(
        f"{verb}：{vendor.label}",
        "事業者の登録",
        "vendors.file",
        {"vendor_id": vendor.id},
        vendor.state.label,
        vendor.submitted_at,
    )
