"""Pages: the published checkpoints of the audit trail."""

from functools import partial

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from core import audit_checkpoints, paging, web
from core.audit_checkpoints import AuditCheckpoint
from core.documents import canonical_json
from core.paging import Page

blueprint = Blueprint("proof", __name__)
_A_YEAR = 366


@blueprint.get("/audit/checkpoints")
@access(Permission.CHECKPOINT_READ)
def list_checkpoints() -> ResponseReturnValue:
    """List the checkpoint of each day, which anybody may keep for themselves."""
    return web.render_page("proof/checkpoints.html", page=_read_page(paging.PAGE_SIZE))


@blueprint.get("/audit/checkpoints.json")
@access(Permission.CHECKPOINT_READ)
def download_checkpoints() -> ResponseReturnValue:
    """Hand out the checkpoints of a year as canonical JSON, and the address of the years before."""
    page = _read_page(_A_YEAR)
    following = page.number + 1 if page.number < page.page_count else None
    found = {
        "checkpoints": [
            {"published_on": str(row.published_on), **row.checkpoint.values()} for row in page.rows
        ],
        "next": url_for(str(request.endpoint), page=following) if following else None,
    }
    return Response(canonical_json(found), mimetype="application/json")


def _read_page(size: int) -> Page[AuditCheckpoint]:
    session = web.read_session()
    load = partial(audit_checkpoints.list_published, session)
    return paging.fetch(audit_checkpoints.count_published(session), load, size)
