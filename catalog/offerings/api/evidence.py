"""The files that prove answers of a draft: put beside one, listed and taken away by programs."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from flask import request, url_for
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.identity import Scope
from accounts.permissions import Permission
from catalog.offerings import services
from catalog.offerings.api.answers import find_requirement, show_file
from catalog.offerings.api.draft_shapes import (
    EvidenceFilesSchema,
    EvidenceQuerySchema,
    EvidenceSchema,
)
from catalog.offerings.api.frame import Content, blueprint
from catalog.offerings.evidence_check import (
    LARGEST_EVIDENCE,
    MEDIA_TYPES,
    Evidence,
    EvidenceRefused,
    check_evidence,
)
from catalog.offerings.models import AnswerEvidence, OfferingVersion
from catalog.offerings.queries import answers as queries
from catalog.offerings.services.drafts import check_editable
from catalog.offerings.views.frame import offering_for
from core import api, web
from core.api_writes import Answer, FileBody, acting, check_match
from core.errors import GuardFailed, NotFound
from core.storage import get_store

_EDIT, _READ = Permission.OFFERING_EDIT, Permission.OFFERING_READ_DRAFT
_SCOPE = Scope.OFFERING_WRITE
_UNREAD = (401, 403, 404)
_UNTOLD = "application/octet-stream"
_FILES = "/drafts/<uuid:offering_version_id>/answers/<uuid:requirement_id>/evidence"


@blueprint.get(_FILES)
@access(_READ)
@api.endpoint(
    "要件1件への回答に付けた証拠のファイル",
    answer=EvidenceFilesSchema,
    problems=_UNREAD,
    needs=_SCOPE,
)
def list_evidence(
    offering_version_id: uuid.UUID, requirement_id: uuid.UUID, query: dict[str, Any]
) -> Content:
    """Answer the files beside one answer."""
    del query
    session = web.read_session()
    row = offering_for(session, offering_version_id, _READ)
    requirement = find_requirement(session, row, requirement_id)
    answer = queries.find_answer(session, row.id, requirement.id)
    return {"items": [show_file(each) for each in (answer.evidence if answer else ())]}


@blueprint.get(f"{_FILES}/<uuid:evidence_id>")
@access(_READ)
@api.endpoint("証拠のファイル1件", answer=EvidenceSchema, problems=_UNREAD, needs=_SCOPE)
def show_evidence(
    offering_version_id: uuid.UUID,
    requirement_id: uuid.UUID,
    evidence_id: uuid.UUID,
    query: dict[str, Any],
) -> Content:
    """Answer what one file is; its ETag is what its removal needs."""
    del query
    session = web.read_session()
    row = offering_for(session, offering_version_id, _READ)
    return show_file(_find(session, row, requirement_id, evidence_id))


def _keep(
    session: Session,
    content: IO[bytes],
    *,
    is_known: bool,
    offering_version_id: uuid.UUID,
    requirement_id: uuid.UUID,
    query: dict[str, Any],
) -> Evidence:
    """Check a file and keep it outside of any transaction, as the page does; what is refused is not kept."""
    row = offering_for(session, offering_version_id, _EDIT)
    find_requirement(session, row, requirement_id)
    found = check_evidence(content, query["name"])
    if request.mimetype not in {_UNTOLD, MEDIA_TYPES[found.kind]}:
        raise EvidenceRefused(
            f"「{found.name}」の中身は{request.mimetype}ではありません。"
            f"Content-Typeを{MEDIA_TYPES[found.kind]}にしてください。"
        )
    if not is_known:
        check_editable(row)
        limit = settings().evidence_limit_bytes
        with _naming_file():
            services.check_room(session, row, requirement_id, evidence=found, limit=limit)
    get_store(settings()).keep(found.sha256, content)
    return found


@blueprint.post(_FILES)
@access(_EDIT, write=_EDIT)
@acting(
    "証拠のファイルを付ける",
    needs=_SCOPE,
    query=EvidenceQuerySchema,
    file=FileBody((*MEDIA_TYPES.values(), _UNTOLD), LARGEST_EVIDENCE, _keep),
    answer=EvidenceSchema,
    status=201,
    problems=(409, 503),
)
def add_evidence(
    session: Session,
    offering_version_id: uuid.UUID,
    requirement_id: uuid.UUID,
    query: dict[str, Any],
    file: Evidence,
) -> Answer:
    """Put a file that is kept already beside an answer."""
    del query
    row = offering_for(session, offering_version_id, _EDIT)
    limit = settings().evidence_limit_bytes
    with _naming_file():
        made = services.attach_evidence(
            session, actor(), row, requirement_id, evidence=file, limit=limit
        )
    link = queries.find_evidence(session, row.id, made.id)
    if link is None:
        raise NotFound
    place = url_for(
        "offering_drafts_api.show_evidence",
        offering_version_id=row.id,
        requirement_id=requirement_id,
        evidence_id=link.id,
    )
    return Answer(show_file(link), place)


@blueprint.delete(f"{_FILES}/<uuid:evidence_id>")
@access(_EDIT, write=_EDIT)
@acting("証拠のファイルを外す", needs=_SCOPE, status=204, problems=(409, 412, 428))
def remove_evidence(
    session: Session,
    offering_version_id: uuid.UUID,
    requirement_id: uuid.UUID,
    evidence_id: uuid.UUID,
    query: dict[str, Any],
) -> Answer:
    """Take a file away from an answer of a draft; other versions keep theirs."""
    del query
    row = offering_for(session, offering_version_id, _EDIT)
    check_match(show_file(_find(session, row, requirement_id, evidence_id)))
    services.detach_evidence(session, actor(), row, evidence_id)
    return Answer(None)


def _find(
    session: Session, row: OfferingVersion, requirement_id: uuid.UUID, evidence_id: uuid.UUID
) -> AnswerEvidence:
    answer = queries.find_answer(session, row.id, requirement_id)
    files = answer.evidence if answer else ()
    found = next((each for each in files if each.id == evidence_id), None)
    if found is None:
        raise NotFound
    return found


@contextmanager
def _naming_file() -> Iterator[None]:
    """Say of a missing condition that it is the file's, not by the field of a page."""
    try:
        yield
    except GuardFailed as error:
        raise GuardFailed([("file", said) for _, said in error.reasons]) from None
