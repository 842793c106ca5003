"""What every page of a project begins with."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import actor
from accounts.permissions import Permission, can, require
from core import web
from core.errors import NotFound
from core.forms import Form
from procurement.projects import queries
from procurement.projects.models import EvidencePack, Project, ProjectAction, ProjectState
from procurement.projects.schemas import EndSchema

blueprint = Blueprint("projects", __name__)
_S = ProjectState
_EDIT, _READ = Permission.PROJECT_EDIT, Permission.PROJECT_READ


def read_project(
    project_id: uuid.UUID, permission: Permission = Permission.PROJECT_READ
) -> Project:
    """Return a project for a page; raises NotFound for strangers."""
    session = web.read_session()
    project = load_project(session, project_id)
    require(session, actor(), permission, project)
    return project


def may_search_for(session: Session, project_id: uuid.UUID) -> bool:
    """Tell whether the reader may keep a search on a project; strangers learn nothing of it."""
    project = queries.get_project(session, project_id) if can(actor(), _EDIT) else None
    return project is not None and can(actor(), _EDIT, project)


def load_project(session: Session, project_id: uuid.UUID) -> Project:
    """Return a project for an act; the service checks the right."""
    project = queries.get_project(session, project_id)
    if project is None:
        raise NotFound
    return project


def read_latest_pack(project: Project) -> EvidencePack:
    """Return the newest evidence of a project; raises NotFound before the first lock."""
    pack = queries.latest_pack(web.read_session(), project.id)
    if pack is None:
        raise NotFound
    return pack


def complete(
    form: Form, project: Project, act: Callable[..., object], *notice: str
) -> ResponseReturnValue | None:
    """Do what a confirm page asks for and lead to the project; None while the page has to be shown."""
    return web.complete(
        form,
        lambda session, **said: act(session, actor(), load_project(session, project.id), **said),
        notice=notice,
        target=project_url(project),
    )


# What moves a project on: the sentence, the words of the link, where it leads, and for whom.
_FIRST = {
    _S.DRAFT: (
        "まだ検索していません。先に、サービスを探してください。",
        "サービスを探す",
        "search",
        _EDIT,
    ),
    _S.SEARCHING: (
        "検索結果がまだ確定していません。先に、検索結果を確かめて確定してください。",
        "検索結果を確かめて確定する",
        "search",
        _EDIT,
    ),
    _S.EVIDENCE_LOCKED: (
        "検索結果は確定しています。次は、候補を比べて、比較を終えてください。",
        "候補を比べる",
        "candidates",
        _EDIT,
    ),
    _S.COMPARED: (
        "候補の比較は終わっています。次は、選定の案を作るか、検索をやり直してください。",
        "選定の案を作る",
        "propose",
        _EDIT,
    ),
    _S.QUOTING: (
        "見積を依頼しています。締切の後に2人で開封するか、見積依頼を取りやめるまで、変えられません。",
        "案件の進めることを見る",
        "show",
        _READ,
    ),
    _S.QUOTES_OPENED: (
        "見積を開封しています。次は選定に進むか、見積をもう一度依頼してください。",
        "案件の進めることを見る",
        "show",
        _READ,
    ),
    _S.SELECTION_PROPOSED: (
        "選定の案が決裁を待っています。決裁者が決めるか差し戻すまで、変えられません。",
        "選定の案を見る",
        "decide",
        _READ,
    ),
    _S.SELECTION_APPROVED: (
        "選定は決裁されています。次は、利用契約の依頼に進んでください。",
        "案件の進めることを見る",
        "show",
        _READ,
    ),
}
_OVER = ("案件は終わっています。記録はそのまま残ります。", "案件の記録を見る", "show", _READ)


def explain_early(project: Project, heading: str, *, ready: bool) -> ResponseReturnValue | None:
    """Say what has to be done first, with the link for who may; None when the page is ready."""
    if ready:
        return None
    sentence, label, endpoint, permission = _FIRST.get(project.state, _OVER)
    href = url_for(f"projects.{endpoint}", project_id=project.id)
    return web.render_page(
        "projects/early.html",
        409,
        project=project,
        heading=heading,
        sentence=sentence,
        label=label,
        href=href if can(actor(), permission, project) else "",
        typed=web.typed_texts(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a project ends without a contract: the act and the words of its confirm page."""

    action: ProjectAction
    act: Callable[..., object]
    notice: str
    heading: str
    check_label: str
    button_label: str


def show_ending(project_id: uuid.UUID, ending: Ending) -> ResponseReturnValue:
    """Ask once more for the end of a project, with the reason."""
    project = read_project(project_id)
    if early := explain_early(
        project, "この案件は、今は終えられません", ready=project.can_apply(ending.action)
    ):
        return early
    form = Form(EndSchema(), web.posted_form(), {"version": project.version})
    return complete(form, project, ending.act, ending.notice) or web.render_page(
        "projects/end.html", form.status, form=form, project=project, ending=ending
    )


def project_url(project: Project) -> str:
    """Return the address of the task list."""
    return url_for("projects.show", project_id=project.id)
