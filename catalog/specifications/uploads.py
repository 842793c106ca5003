"""Acts on a file that waits between the pages of an import: kept, mapped, imported."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications import queries, services
from catalog.specifications.models import (
    RequirementDraft,
    SpecificationUpload,
    SpecificationVersion,
)
from core import audit
from core.db import now
from core.documents import sha256_hex
from core.errors import NotFound

_UPLOAD_KEPT = timedelta(days=7)


def keep_upload(
    session: Session,
    actor: Actor,
    *,
    filename: str,
    content: bytes,
    facts: Mapping[str, Any],
    mapping: Mapping[str, Any] | None = None,
) -> SpecificationUpload:
    """Keep a file between the pages of an import; files left for a week are removed."""
    require(session, actor, Permission.SPECIFICATION_EDIT)
    if actor.person_id is None:
        raise NotFound
    for forgotten in queries.list_uploads_before(session, now(session) - _UPLOAD_KEPT):
        session.delete(forgotten)
    upload = SpecificationUpload(
        person_id=actor.person_id,
        filename=filename,
        content=content,
        sha256=sha256_hex(content),
        facts=dict(facts),
        mapping=None if mapping is None else dict(mapping),
        created_at=now(session),
    )
    session.add(upload)
    session.flush()
    audit.record(
        session,
        actor,
        "specification.upload",
        "SpecificationUpload",
        upload.id,
        file=filename,
        sha256=upload.sha256,
    )
    return upload


def map_upload(
    session: Session,
    actor: Actor,
    upload: SpecificationUpload,
    *,
    facts: Mapping[str, Any],
    mapping: Mapping[str, Any],
) -> None:
    """Remember how the columns of a waiting file are to be read, and what was typed about it."""
    require(session, actor, Permission.SPECIFICATION_EDIT, upload)
    upload.revise(facts=dict(facts), mapping=dict(mapping))
    audit.record(
        session, actor, "specification.map", "SpecificationUpload", upload.id, mapping=dict(mapping)
    )


def import_upload(
    session: Session,
    actor: Actor,
    upload: SpecificationUpload,
    *,
    facts: services.ImportFacts,
    drafts: Sequence[RequirementDraft],
) -> SpecificationVersion:
    """Import a waiting file and let its content go; what stays answers a second press."""
    require(session, actor, Permission.SPECIFICATION_EDIT, upload)
    source = services.ImportedFile(upload.filename, upload.sha256)
    version = services.import_requirements(session, actor, facts, drafts=drafts, source=source)
    upload.revise(content=b"", imported_version_id=version.id)
    return version
