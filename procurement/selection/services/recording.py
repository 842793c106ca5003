"""Acts around a decision on paper (庁外決裁): the paper to be decided on, and the record of it."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission
from accounts.queries import list_people
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed, Invalid, NotFound
from core.japanese import format_date, name_skeleton
from procurement.projects import queries as project_queries
from procurement.projects.models import Project
from procurement.projects.paper_models import PaperKind, ProjectPaper
from procurement.projects.papers import keep_paper, paper_is_intact
from procurement.selection.models import ExternalDecision, Selection
from procurement.selection.paper import make_selection_paper
from procurement.selection.services.hashing import check_proposal
from procurement.selection.services.selecting import (
    begin_decision,
    check_again,
    forbid_preparers,
    settle,
)

SHORTEST_HASH = 16  # 64 bits are enough to tell one paper from another by eye
_HASH = 64
_P = Permission
_WITHOUT_HASH = (
    "この選定の案は、ハッシュを付ける前に提出されたため、庁外では決裁できません。"
    "差し戻して、もう一度提出してもらってください。"
)
_OWN_CHOICE = (
    "選定の案を作った人と、案件を最後に編集した人は、庁外決裁を記録できません。"
    "同じ団体の別の人に頼んでください。"
)


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan of a decided paper, already in the file store."""

    sha256: str
    name: str
    size: int


def find_proposal_paper(session: Session, selection: Selection) -> ProjectPaper | None:
    """Return the newest paper that was made of a choice, to be decided on outside or as its record."""
    found = project_queries.find_paper(session, selection.project_id, PaperKind.SELECTION_RECORD)
    return found if found is not None and found.subject_id == selection.id else None


def print_proposal(session: Session, actor: Actor, project: Project) -> ProjectPaper:
    """Keep the paper of a proposed choice, which the body decides on outside; twice is once."""
    actor, selection = begin_decision(session, actor, project, _P.DECISION_RECORD_EXTERNAL)
    check_proposal(session, selection)
    if not selection.proposal_sha256:
        raise GuardFailed([("main", _WITHOUT_HASH)])
    kept = find_proposal_paper(session, selection)
    if kept is not None:
        return kept
    paper = make_selection_paper(session, project, selection)
    kind = PaperKind.SELECTION_RECORD
    return keep_paper(session, actor, project, kind, paper, subject_id=selection.id)


def record_external_decision(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    version: int,
    document_number: str,
    decider_title: str,
    decider_name: str,
    decided_on: date,
    paper_sha256: str,
    scan: Scan,
    change_note: str = "",
    sole_acknowledgement: str = "",
) -> Selection:
    """Record that the body approved the proposed choice on paper; it then counts as approved.

    Whoever records neither made the proposal nor edited the project last, and every condition of an
    approval is checked again now. `paper_sha256` is the hash printed on the paper, at least its first
    16 digits; it may be left out when the scan is the kept paper itself. Raises Invalid.
    """
    actor, selection = begin_decision(session, actor, project, _P.DECISION_RECORD_EXTERNAL)
    if actor.person_id is None:
        raise NotFound
    forbid_preparers(actor, selection, _OWN_CHOICE)
    errors = _check_paper(session, selection, paper_sha256, scan)
    errors |= _check_decider(session, selection, decider_name, decided_on)
    if errors:
        raise Invalid(errors)
    notes = {"change_note": change_note, "sole_acknowledgement": sole_acknowledgement}
    proposed = check_again(session, actor, project, selection, **notes)
    external = ExternalDecision(
        selection_id=selection.id,
        project_id=project.id,
        owner_id=project.owner_id,
        document_number=document_number,
        decider_title=decider_title,
        decider_name=decider_name,
        decided_on=decided_on,
        document_sha256=proposed,
        file_sha256=scan.sha256,
        file_name=scan.name,
        file_size=scan.size,
        recorded_by_id=actor.person_id,
        prepared_by_id=selection.proposed_by_id,
        last_editor_id=selection.last_editor_id,
    )
    session.add(external)
    session.flush()
    settle(
        session,
        actor,
        project,
        selection,
        external,
        version=version,
        proposal_sha256=proposed,
        **notes,
    )
    return selection


def _check_paper(session: Session, selection: Selection, typed: str, scan: Scan) -> dict[str, str]:
    """Say why the decided paper is not the one that is kept of this proposal; nothing when it is."""
    kept = find_proposal_paper(session, selection)
    if not selection.proposal_sha256:
        return {"paper_sha256": _WITHOUT_HASH}
    if kept is None:
        return {"paper_sha256": "先に、この案の決裁に回す書類を作ってください。"}
    if not paper_is_intact(session, kept):
        return {"paper_sha256": "保存した書類が、作ったときのものと違います。差し戻してください。"}
    said = "".join(typed.split()).replace("…", "").lower()
    if not said:
        files = project_queries.list_paper_files(session, [kept.id], with_content=False)
        if scan.sha256 in {each.sha256 for each in files}:
            return {}
        sentence = (
            "決裁した書類にある「選定の案のハッシュ」を、はじめの16文字以上入力してください。"
        )
    elif len(said) < SHORTEST_HASH or not set(said) <= set("0123456789abcdef"):
        sentence = "ハッシュは、0から9とaからfの、はじめの16文字以上を入力してください。"
    elif not selection.proposal_sha256.startswith(said):
        sentence = (
            "入力したハッシュが、この選定の案のものと違います。"
            "決裁した書類が、この案のものか確かめてください。"
        )
    else:
        return {}
    return {"paper_sha256": sentence}


def _check_decider(
    session: Session, selection: Selection, decider_name: str, decided_on: date
) -> dict[str, str]:
    errors = {}
    preparers = {selection.proposed_by_id, selection.last_editor_id}
    names = {name_skeleton(each.name) for each in list_people(session, list(preparers)).values()}
    if name_skeleton(decider_name) in names:
        errors["decider_name"] = (
            "選定の案を作った人か、案件を最後に編集した人と同じ氏名です。"
            "その人は決裁できません。決裁した人の氏名を入力してください。"
        )
    first, today = day_in_japan(selection.created_at), day_in_japan(now(session))
    if not first <= decided_on <= today:
        errors["decided_on"] = (
            f"決裁した日は、案を提出した{format_date(first)}から"
            f"今日（{format_date(today)}）までの日付にしてください。"
        )
    return errors
