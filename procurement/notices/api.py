"""Contract notices as OCDS 1.1: the package of one, and pages of all."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from accounts.auth import access, settings
from accounts.permissions import Permission
from catalog.api_filters import ServerFilter
from catalog.api_pages import PageQuerySchema
from core import api, web
from procurement.notices import ocds, queries
from procurement.notices.api_schemas import OcdsReleasePackageSchema
from procurement.notices.models import ContractNotice
from procurement.notices.views import find_public_notice

blueprint = Blueprint("notices_api", __name__, url_prefix="/api/v1")

_PUBLISHER = "並び（Narabi）"
_NOTHING_YET = "1970-01-01T00:00:00Z"


@blueprint.get("/notices")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "団体が公表した契約（OCDS 1.1のrelease package）",
    query=PageQuerySchema,
    answer=OcdsReleasePackageSchema,
    adds=(ServerFilter.NOTICES_PUBLISHED,),
)
def list_notices(query: dict[str, Any]) -> Response:
    """Answer a package of releases, the first published first."""
    limit = query["limit"]
    found = queries.list_published(
        web.read_session(), limit=limit + 1, after=_read_place(query["cursor"])
    )
    package = _package(found[:limit])
    if len(found) <= limit:
        return api.json_response(package)
    last = found[limit - 1]
    cursor = api.make_cursor(_moment(last.published_at), str(last.id))
    following = {**request.args.to_dict(), "cursor": cursor}
    package["links"] = {"next": url_for("notices_api.list_notices", **following, _external=True)}
    return api.link_next(api.json_response(package), cursor=cursor)


@blueprint.get("/notices/<uuid:notice_id>")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "公表された契約1件（OCDS 1.1のrelease package）",
    answer=OcdsReleasePackageSchema,
    adds=(ServerFilter.NOTICES_PUBLISHED,),
    problems=(404, 410),
)
def show_notice(notice_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer a package with the release of one notice; a withdrawn one is gone."""
    del query
    return _package([find_public_notice(web.read_session(), notice_id)])


def _package(notices: list[ContractNotice]) -> dict[str, Any]:
    releases = [
        ocds.make_release(
            str(each.id),
            _moment(each.published_at),
            each.facts,
            prefix=settings().ocid_prefix,
        )
        for each in notices
    ]
    moment = releases[-1]["date"] if releases else _NOTHING_YET
    return ocds.make_package(releases, address=request.url, moment=moment, publisher=_PUBLISHER)


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _read_place(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    moment, notice_id = api.read_cursor(cursor, 2)
    try:
        # Without its Z a time means nothing: strptime refuses it.
        at = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%f%z")
        return at, UUID(notice_id)
    except ValueError:
        raise api.BadParameters([("cursor", "cursorを読み取れません。")]) from None
