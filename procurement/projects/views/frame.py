"""What every page of a project begins with."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import actor
from accounts.permissions import Permission, require
from core import web
from core.errors import NotFound
from core.forms import Form
from procurement.projects import queries
from procurement.projects.models import EvidencePack, Project
from procurement.projects.schemas import EndSchema

blueprint = Blueprint("projects", __name__)


def read_project(
    project_id: uuid.UUID, permission: Permission = Permission.PROJECT_READ
) -> Project:
    """Return a project for a page; raises NotFound for strangers."""
    session = web.read_session()
    project = load_project(session, project_id)
    require(session, actor(), permission, project)
    return project


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a project ends without a contract: the act and the words of its confirm page."""

    act: Callable[..., object]
    notice: str
    heading: str
    check_label: str
    button_label: str


def show_ending(project_id: uuid.UUID, ending: Ending) -> ResponseReturnValue:
    """Ask once more for the end of a project, with the reason."""
    project = read_project(project_id)
    form = Form(EndSchema(), web.posted_form(), {"version": project.version})
    return complete(form, project, ending.act, ending.notice) or web.render_page(
        "projects/end.html", form.status, form=form, project=project, ending=ending
    )


def project_url(project: Project) -> str:
    """Return the address of the task list."""
    return url_for("projects.show", project_id=project.id)
