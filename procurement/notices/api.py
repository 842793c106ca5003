"""Contract notices as OCDS 1.1: the releases about one contract, and the public acts on all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from accounts.auth import access, settings
from accounts.permissions import Permission
from catalog.api import TooOld
from catalog.api_filters import ServerFilter
from core import api, changes, web
from procurement.notices import ocds, queries
from procurement.notices.api_schemas import (
    NoticeListSchema,
    NoticesPageQuerySchema,
    OcdsReleasePackageSchema,
)
from procurement.notices.models import ContractNotice, NoticeState
from procurement.notices.views import find_public_notice

blueprint = Blueprint("notices_api", __name__, url_prefix="/api/v1")

_PUBLISHER = "並び（Narabi）"
_NOTHING_YET = "1970-01-01T00:00:00Z"


@blueprint.get("/notices")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "団体が公表した契約、その訂正と取下げ（OCDS 1.1のrelease package）",
    query=NoticesPageQuerySchema,
    answer=NoticeListSchema,
    adds=(ServerFilter.NOTICES_PUBLISHED,),
    problems=(410,),
)
def list_notices(query: dict[str, Any]) -> Response:
    """Answer the public acts after a number, in the order of the commits; withdrawals stay as tombstones."""
    session, since, limit = web.read_session(), query["since"], query["limit"]
    epoch = changes.epoch(session)
    _refuse_place(since, queries.count_acts(session), query["epoch"], epoch)
    found = queries.list_acts(session, since, limit + 1)
    shown = found[:limit]
    last = shown[-1].sequence if shown else since
    package = _package([each for each in shown if each.state is not NoticeState.WITHDRAWN])
    package["withdrawn"] = [_tombstone(e) for e in shown if e.state is NoticeState.WITHDRAWN]
    package |= {"nextSince": last, "epoch": epoch}
    if len(found) == len(shown):
        return api.json_response(package)
    following: dict[str, Any] = {**request.args.to_dict(), "since": last}
    package["links"] = {"next": url_for("notices_api.list_notices", **following, _external=True)}
    return api.link_next(api.json_response(package), since=last)


@blueprint.get("/notices/<uuid:notice_id>")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "公表された契約1件と、その訂正（OCDS 1.1のrelease package）",
    answer=OcdsReleasePackageSchema,
    adds=(ServerFilter.NOTICES_PUBLISHED,),
    problems=(404, 410),
)
def show_notice(notice_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer a package with all releases about the contract of a notice; a withdrawn one is gone."""
    del query
    session = web.read_session()
    notice = find_public_notice(session, notice_id)
    return _package(queries.list_told(session, notice.contract_id)[::-1])


def _refuse_place(since: int, head: int, held: str | None, epoch: str) -> None:
    again = f"{url_for('notices_api.list_notices')}を初めから取り直してください。"
    if held is not None and held != epoch:
        raise TooOld(f"番号の列が新しくなりました（epoch {epoch}）。{again}")
    if since > head:
        reason = f"sinceの{since}はまだありません。いちばん新しい番号は{head}です。"
        raise api.BadParameters([("since", reason)])


def _package(notices: Sequence[ContractNotice]) -> dict[str, Any]:
    prefix = settings().ocid_prefix
    releases = [ocds.make_release(_tell(each), prefix=prefix) for each in notices]
    moment = max((each["date"] for each in releases), default=_NOTHING_YET)
    return ocds.make_package(releases, address=request.url, moment=moment, publisher=_PUBLISHER)


def _tell(notice: ContractNotice) -> ocds.Told:
    return ocds.Told(
        str(notice.id),
        str(notice.contract_id),
        _moment(notice.published_at),
        notice.facts,
        notice.correction_reason,
    )


def _tombstone(notice: ContractNotice) -> dict[str, Any]:
    return {
        "id": str(notice.id),
        "ocid": ocds.make_ocid(settings().ocid_prefix, str(notice.contract_id)),
        "releaseID": ocds.make_release_id(str(notice.id)),
        "date": _moment(notice.withdrawn_at),
        "reason": notice.withdrawal_reason,
    }


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
