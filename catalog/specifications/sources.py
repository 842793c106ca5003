"""The ministry's document itself: what kind of file it is, and the act that attaches it."""

import io
import zipfile

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications import queries
from catalog.specifications.models import SpecificationSource, SpecificationVersion
from catalog.specifications.services import require_editable
from core import audit
from core.documents import PDF_TYPE, XLSX_TYPE, sha256_hex
from core.errors import Invalid

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PARTS = {"xl/workbook.xml": (XLSX_TYPE, ".xlsx"), "word/document.xml": (DOCX_TYPE, ".docx")}
_LONGEST_NAME = 200


def attach_source(
    session: Session,
    actor: Actor,
    subject: SpecificationVersion,
    *,
    filename: str,
    content: bytes,
    version: int,
) -> SpecificationSource:
    """Keep the document of a draft in place of an earlier one; its hash becomes the version's."""
    require(session, actor, Permission.SPECIFICATION_EDIT, subject)
    require_editable(subject)
    name = filename[-_LONGEST_NAME:]
    media_type = recognise(name, content)
    digest = sha256_hex(content)
    earlier = queries.find_source(session, subject.id)
    if earlier is not None and (earlier.sha256, earlier.filename) == (digest, name):
        return earlier  # nothing changes, so nobody becomes its last editor
    subject.revise(
        version,
        last_editor_id=actor.person_id,
        source_sha256=digest,
        source_name=subject.source_name or name,
    )
    if earlier is not None:
        session.delete(earlier)
        session.flush()
    source = SpecificationSource(
        specification_version_id=subject.id,
        filename=name,
        media_type=media_type,
        sha256=digest,
        content=content,
    )
    session.add(source)
    session.flush()
    audit.record(
        session,
        actor,
        "specification.attach_source",
        "SpecificationVersion",
        subject.id,
        file=name,
        sha256=digest,
    )
    return source


def recognise(filename: str, content: bytes) -> str:
    """Return the media type by what a file holds; raises Invalid for anything but PDF, XLSX, DOCX."""
    found = _kind_of(content)
    if found is None:
        raise Invalid({"file": f"「{filename}」は、PDF、XLSX、DOCXのどれでもありません。"})
    media_type, ending = found
    if not filename.lower().endswith(ending):
        raise Invalid(
            {"file": f"「{filename}」の中身は{ending[1:].upper()}です。名前を直してください。"}
        )
    return media_type


def _kind_of(content: bytes) -> tuple[str, str] | None:
    if content.startswith(b"%PDF-"):
        return PDF_TYPE, ".pdf"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        return None
    return next((kind for part, kind in _PARTS.items() if part in names), None)
