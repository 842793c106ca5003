"""How an evidence file leaves the house: in parts, as a download, never opened inside a page."""

import uuid
from collections.abc import Iterator

from flask import Response

from catalog.offerings.evidence_check import MEDIA_TYPES
from catalog.offerings.models import EvidenceFile
from catalog.offerings.queries.answers import read_chunks
from core.db import reading
from core.documents import attachment


def send_evidence(file: EvidenceFile, name: str) -> Response:
    """Answer with a file under a name; nosniff comes with every answer of the house."""
    headers = {
        "Content-Disposition": attachment(name),
        "Content-Length": str(file.size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{file.sha256}"',
    }
    return Response(_read(file.id), headers=headers, content_type=MEDIA_TYPES[file.kind])


def _read(file_id: uuid.UUID) -> Iterator[bytes]:
    with reading() as session:
        yield from read_chunks(session, file_id)
