"""The download of an evidence file: by its vendor, and by those who may read its review."""

import uuid

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can, require
from catalog.certification.queries import find_latest_certification
from catalog.offerings.evidence_sending import send_evidence
from catalog.offerings.queries import get_offering_version
from catalog.offerings.queries.answers import find_evidence
from core import web
from core.errors import NotFound

blueprint = Blueprint("evidence_files", __name__)


@blueprint.get("/evidence-files/<uuid:offering_version_id>/<uuid:evidence_id>")
@access(Permission.OFFERING_READ_DRAFT)
def download(offering_version_id: uuid.UUID, evidence_id: uuid.UUID) -> ResponseReturnValue:
    """Send a file in parts, never to be opened inside the page."""
    session = web.read_session()
    _require_reader(session, offering_version_id)
    evidence = find_evidence(session, offering_version_id, evidence_id)
    if evidence is None:
        raise NotFound
    return send_evidence(evidence.file, evidence.name)


def _require_reader(session: Session, version_id: uuid.UUID) -> None:
    """Let pass whoever reads the version; reviewers read it through its review."""
    version = get_offering_version(session, version_id)
    if version is None:
        raise NotFound
    if can(actor(), Permission.OFFERING_READ_DRAFT, version):
        require(session, actor(), Permission.OFFERING_READ_DRAFT, version)
        return
    review = find_latest_certification(session, version_id)
    if review is None:
        raise NotFound
    require(session, actor(), Permission.CERTIFICATION_READ, review)
