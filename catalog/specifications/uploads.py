"""Acts on a file that waits between the pages of an import: kept, mapped, imported."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications import queries, services
from catalog.specifications.models import (
    RequirementDraft,
    SavedMapping,
    SpecificationUpload,
    SpecificationVersion,
)
from core import audit
from core.db import now, reading
from core.documents import sha256_hex
from core.errors import Invalid, NotFound

_UPLOAD_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MappingToSave:
    """A mapping in its JSON form, with the fingerprint of the headings that it is for."""

    fingerprint: str
    mapping: Mapping[str, Any]


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
    saved: MappingToSave | None = None,
    seen: str | None = None,
) -> SpecificationVersion:
    """Import a waiting file and let its content go; what stays answers a second press."""
    require(session, actor, Permission.SPECIFICATION_EDIT, upload)
    source = services.ImportedFile(upload.filename, upload.sha256)
    version = services.import_requirements(
        session, actor, facts, drafts=drafts, source=source, seen=seen
    )
    upload.revise(content=b"", imported_version_id=version.id)
    if saved is not None:
        ministry = facts.ministry or version.specification.ministry
        save_mapping(session, actor, ministry, saved, filename=upload.filename)
    return version


def save_mapping(
    session: Session, actor: Actor, ministry: str, saved: MappingToSave, *, filename: str
) -> SavedMapping:
    """Save how a ministry's tables with these headings are read, in place of what was saved."""
    require(session, actor, Permission.SPECIFICATION_EDIT)
    if not ministry:
        sentence = "対応表は府省ごとに保存します。所管府省を入力してください。"
        raise Invalid({"ministry": sentence})
    found = queries.list_saved_mappings(session, saved.fingerprint)
    row = next((each for each in found if each.ministry == ministry), None)
    if row is None:
        row = SavedMapping(
            ministry=ministry,
            fingerprint=saved.fingerprint,
            mapping=dict(saved.mapping),
            filename=filename,
            person_id=actor.person_id,
        )
        session.add(row)
        session.flush()
    else:
        row.revise(mapping=dict(saved.mapping), filename=filename, person_id=actor.person_id)
    audit.record(
        session,
        actor,
        "specification.save_mapping",
        "SavedMapping",
        row.id,
        ministry=ministry,
        mapping=dict(saved.mapping),
    )
    return row


def recall_mapping(session: Session, fingerprint: str, ministry: str) -> SavedMapping | None:
    """Return what this ministry saved for these headings; another's is only offered, never taken."""
    found = queries.list_saved_mappings(session, fingerprint)
    return next((each for each in found if ministry and each.ministry == ministry), None)


def offer_mappings(session: Session, fingerprint: str, recalled_from: str) -> list[SavedMapping]:
    """Return what was saved for these headings and is not in use: somebody has to choose it."""
    found = queries.list_saved_mappings(session, fingerprint)
    return [each for each in found if each.ministry != recalled_from]


def find_offered(mapping_id: str) -> SavedMapping | None:
    """Return a saved mapping that was chosen on a page."""
    with suppress(ValueError), reading() as session:
        return session.get(SavedMapping, uuid.UUID(mapping_id))
    return None
