"""How an evidence file leaves the house: in parts, as a download, never opened inside a page."""

from flask import Response

from accounts.auth import settings
from catalog.offerings.evidence_check import MEDIA_TYPES
from catalog.offerings.models import EvidenceFile
from core.documents import attachment
from core.storage import get_store, read_parts


def send_evidence(file: EvidenceFile, name: str) -> Response:
    """Answer with a file under a name; nosniff comes with every answer of the house."""
    content = get_store(settings()).open(file.sha256)
    headers = {
        "Content-Disposition": attachment(name),
        "Content-Length": str(file.size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{file.sha256}"',
    }
    response = Response(read_parts(content), headers=headers, content_type=MEDIA_TYPES[file.kind])
    response.call_on_close(content.close)
    return response
