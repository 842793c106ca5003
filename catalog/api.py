"""The public API of the catalog: offerings, the change feed, the snapshot and the description."""

from importlib.metadata import version as installed_version
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, request, url_for
from sqlmodel import Session

from accounts.auth import access
from accounts.identity import Scope
from accounts.permissions import Permission
from catalog import feed, queries, records
from catalog.api_filters import PUBLIC
from catalog.api_schemas import (
    RECORDS,
    ChangePageSchema,
    ChangesQuerySchema,
    OfferingPageSchema,
    OfferingSchema,
    OfferingsQuerySchema,
    SnapshotHeaderSchema,
    SnapshotLineSchema,
)
from catalog.api_words import WORDS, read_examples
from catalog.feed_wait import WATCH
from catalog.offerings.models import OfferingVersion
from catalog.terms import CertificationState
from core import api, api_description, changes, web
from core.config import Settings
from core.errors import Gone, NotFound

PREFIX = "/api/v1"
NDJSON = "application/x-ndjson"
_DESCRIPTION = "narabi_api_description"

blueprint = Blueprint("catalog_api", __name__, url_prefix=PREFIX)


class TooOld(Gone):
    """The feed no longer holds what the caller lacks, or has begun anew."""

    code = "cursor_too_old"
    title = "この番号からは続けられません"
    meaning = (
        "その番号からの変更を、もう持っていません。または、記録の時期（epoch）が変わりました。"
    )
    remedy = "snapshot を読み直し、そこに書かれた番号から続けてください。"


@blueprint.get("/offerings")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "公開中のサービスの一覧", query=OfferingsQuerySchema, answer=OfferingPageSchema, adds=PUBLIC
)
def list_offerings(query: dict[str, Any]) -> Response:
    """Answer a page of offerings in the order of their ids."""
    session, limit = web.read_session(), query["limit"]
    wanted = query["certification"]
    versions = queries.find_offerings(
        session,
        after=read_id_cursor(query["cursor"]),
        limit=limit + 1,
        specification=query["specification"],
        specification_version=query["specification_version"],
        certification=CertificationState(wanted) if wanted else None,
    )
    items = records.load_offerings(session, versions[:limit])
    following = api.make_cursor(items[-1]["id"]) if len(versions) > limit else None
    response = api.json_response({"items": items, "next": following})
    return api.link_next(response, cursor=following) if following else response


def read_id_cursor(cursor: str | None) -> UUID | None:
    """Return the id after which a page begins; BadParameters for what is no cursor of ours."""
    if cursor is None:
        return None
    (text,) = api.read_cursor(cursor)
    try:
        return UUID(text)
    except ValueError:
        raise api.BadParameters([("cursor", "cursorを読み取れません。")]) from None


@blueprint.get("/offerings/<uuid:offering_id>")
@access(Permission.CATALOG_READ)
@api.endpoint("公開中のサービス1件", answer=OfferingSchema, problems=(404, 410))
def show_offering(offering_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer one offering with all its listings."""
    del query
    session = web.read_session()
    return records.load_offerings(session, [find_public_offering(session, offering_id)])[0]


def find_public_offering(session: Session, offering_id: UUID) -> OfferingVersion:
    """Return the public version of an offering; raises Gone for one that has ended, else NotFound."""
    versions = queries.list_public_offerings(session, [offering_id])
    if versions:
        return versions[0]
    if queries.was_withdrawn(session, offering_id):
        raise Gone("このサービスは掲載を終え、新しい依頼を受け付けていません。")
    raise NotFound("このサービスは公開されていません。idを確かめてください。")


@blueprint.get("/changes")
@access(Permission.FEED_READ)
@api.endpoint("公開情報の変更", query=ChangesQuerySchema, answer=ChangePageSchema, problems=(410,))
def list_changes(query: dict[str, Any]) -> Response:
    """Answer what changed after a number, in the order of the commits."""
    session, since = web.read_session(), query["since"]
    state = changes.read_state(session)
    _refuse_place(state, since, query["epoch"])
    if query["wait"] and since == state.head and request.method == "GET":
        web.release_read_session()
        WATCH.wait_beyond(state, query["wait"])
        session = web.read_session()
        state = changes.read_state(session)
        _refuse_place(state, since, query["epoch"])
    found = changes.list_changes(session, since, query["limit"])
    last = found[-1].sequence if found else since
    response = Response(feed.dump_page(state, since, found), content_type=api.JSON_TYPE)
    if query["wait"]:
        response.headers["Cache-Control"] = "no-store"
    return api.link_next(response, since=last) if last < state.head else response


def _refuse_place(state: changes.State, since: int, held: str | None) -> None:
    way_out = (
        f"{url_for('catalog_api.download_snapshot')}を取り直し、そのsequenceから続けてください。"
    )
    # First of all: in another epoch the caller's number means nothing, too high or too low.
    if held is not None and held != state.epoch:
        raise TooOld(f"番号の列が新しくなりました（epoch {state.epoch}）。{way_out}")
    if since > state.head:
        reason = f"sinceの{since}はまだありません。いちばん新しい番号は{state.head}です。"
        raise api.BadParameters([("since", reason)])
    if since < state.floor:
        raise TooOld(f"{state.floor}以前の変更は残っていません。{way_out}")


@blueprint.get("/snapshot")
@access(Permission.FEED_READ)
@api.endpoint(
    "公開情報すべての写し（NDJSON。1行目は見出し）",
    answer=SnapshotHeaderSchema,
    problems=(503,),
    media_type=NDJSON,
)
def download_snapshot(query: dict[str, Any]) -> Response:
    """Answer all public records as of one number of the feed."""
    del query
    tag = feed.tag_of(changes.read_state(web.read_session()))
    web.release_read_session()
    if request.method == "HEAD" or request.if_none_match.contains_weak(tag):
        response = Response(content_type=NDJSON)
    else:
        settings: Settings = current_app.config["NARABI"]
        snapshot = feed.open_snapshot(settings.data_dir / "tmp")
        tag = snapshot.tag
        response = Response(snapshot.stream(), content_type=NDJSON)
        response.content_length = snapshot.size
        response.call_on_close(snapshot.lines.close)
    # Weak: the header of two copies with the same records differs in the time of their making.
    response.set_etag(tag, weak=True)
    return response


@blueprint.get("/openapi.json")
@access(Permission.API_READ)
@api.endpoint("この説明（OpenAPI 3.1）")
def describe(query: dict[str, Any]) -> dict[str, Any]:
    """Answer the description of the API."""
    del query
    return read_description(current_app)


def read_description(app: Flask) -> dict[str, Any]:
    """Return the description of the API, generated from the routes; made once, for routes do not change."""
    made: dict[str, Any] | None = app.extensions.get(_DESCRIPTION)
    if made is None:
        made = app.extensions[_DESCRIPTION] = api_description.describe_api(
            app,
            title="Narabi API",
            version=installed_version("narabi"),
            prefix=PREFIX,
            shapes={**dict(RECORDS.values()), "SnapshotLine": SnapshotLineSchema},
            scopes={scope.value: scope.label for scope in Scope},
            words=WORDS,
            examples=read_examples(),
        )
    return made
