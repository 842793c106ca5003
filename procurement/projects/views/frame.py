"""What every page of a project begins with."""

import uuid

from flask import Blueprint, request, url_for
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from accounts.auth import actor
from accounts.permissions import Permission, require
from core import web
from core.errors import NotFound
from procurement.projects import queries
from procurement.projects.models import EvidencePack, Project

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


def posted() -> MultiDict[str, str] | None:
    """Return what was sent, None for a page that is only opened."""
    return request.form if request.method == "POST" else None


def project_url(project: Project) -> str:
    """Return the address of the task list."""
    return url_for("projects.show", project_id=project.id)
