"""The drafts of a company: list them, begin one, read one whole, and see what it still lacks."""

import uuid
from typing import Any

from flask import Response, url_for
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.identity import Scope
from accounts.permissions import Permission
from catalog.api_filters import ServerFilter
from catalog.api_values import read_place
from catalog.offerings import services
from catalog.offerings.api.draft_shapes import (
    DraftOutlineSchema,
    DraftPageSchema,
    DraftSchema,
    DraftsQuerySchema,
    MissingSchema,
)
from catalog.offerings.api.frame import Content, blueprint
from catalog.offerings.api.groups import show_parts
from catalog.offerings.models import EDITABLE_STATES, Offering, OfferingVersion
from catalog.offerings.queries import get_offering_version
from catalog.offerings.queries.own import list_open_versions
from catalog.offerings.rules import Group, Missing
from catalog.offerings.schemas import NewOfferingSchema
from catalog.offerings.views.frame import Sheet, answer_addresses, group_href, load_sheet
from core import api, web
from core.api_writes import Answer, acting
from core.errors import NotFound

_EDIT, _READ = Permission.OFFERING_EDIT, Permission.OFFERING_READ_DRAFT


@blueprint.get("/drafts")
@access(_READ)
@api.endpoint(
    "自社のサービスの、公開していない版の一覧",
    query=DraftsQuerySchema,
    answer=DraftPageSchema,
    adds=(ServerFilter.OWN_ORGANISATION, ServerFilter.NOT_PUBLIC),
    problems=(401, 403),
    needs=Scope.OFFERING_WRITE,
)
def list_drafts(query: dict[str, Any]) -> Response:
    """Answer a page of the company's versions on their way, in the order of their ids."""
    home, limit = actor().organisation_id, query["limit"]
    if home is None:
        raise NotFound
    after = read_place(query["cursor"])
    found = list_open_versions(web.read_session(), home, after=after, limit=limit + 1)
    following = api.make_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    items = [_outline(each) for each in found[:limit]]
    response = api.json_response({"items": items, "next": following})
    return api.link_next(response, cursor=following) if following else response


@blueprint.post("/drafts")
@access(Permission.OFFERING_CREATE, write=Permission.OFFERING_CREATE)
@acting(
    "サービスの下書きを作る",
    needs=Scope.OFFERING_WRITE,
    body=NewOfferingSchema,
    answer=DraftOutlineSchema,
    status=201,
)
def create_draft(session: Session, query: dict[str, Any], body: dict[str, Any]) -> Answer:
    """Begin an offering with its own listing, both as drafts."""
    del query
    made = services.create_offering(session, actor(), **body)
    return _answer_made(session, made.offering_version_id)


@blueprint.post("/offerings/<uuid:offering_id>/drafts")
@access(_EDIT, write=_EDIT)
@acting(
    "公開中の自社のサービスの、次の版の下書きを作る",
    needs=Scope.OFFERING_WRITE,
    answer=DraftOutlineSchema,
    status=201,
    problems=(409,),
)
def begin_next_version(session: Session, offering_id: uuid.UUID, query: dict[str, Any]) -> Answer:
    """Copy what is public with answers, evidence and terms into the drafts of the next version."""
    del query
    offering = session.get(Offering, offering_id)
    if offering is None:
        raise NotFound
    made = services.start_new_version(session, actor(), offering)
    return _answer_made(session, made.id)


@blueprint.get("/drafts/<uuid:offering_version_id>")
@access(_READ)
@api.endpoint(
    "下書き1件（回答のほか）",
    answer=DraftSchema,
    problems=(401, 403, 404),
    needs=Scope.OFFERING_WRITE,
)
def show_draft(offering_version_id: uuid.UUID, query: dict[str, Any]) -> Content:
    """Answer a draft with all its groups; to change one, read it at its own address."""
    del query
    sheet = load_sheet(web.read_session(), offering_version_id, _READ)
    return {
        **_outline(sheet.version),
        "specification_version_id": str(sheet.version.specification_version_id),
        "return_reason": sheet.version.return_reason or None,
        "answered": len(sheet.answers),
        "requirements": len(sheet.requirements),
        "missing": len(sheet.missing),
        "page": url_for("vendor_offerings.show", offering_version_id=offering_version_id),
        "groups": show_parts(sheet.version, sheet.terms),
    }


@blueprint.get("/drafts/<uuid:offering_version_id>/missing")
@access(_READ)
@api.endpoint(
    "提出に足りないもの",
    answer=MissingSchema,
    problems=(401, 403, 404),
    needs=Scope.OFFERING_WRITE,
)
def list_missing(offering_version_id: uuid.UUID, query: dict[str, Any]) -> Content:
    """Answer everything that a person will be asked for at the submission, with its place."""
    del query
    sheet = load_sheet(web.read_session(), offering_version_id, _READ)
    places = _answer_places(sheet)
    return {
        "is_complete": not sheet.missing,
        "items": [_show_missing(sheet, each, places) for each in sheet.missing],
    }


def _answer_made(session: Session, version_id: uuid.UUID) -> Answer:
    version = get_offering_version(session, version_id)
    if version is None:
        raise NotFound
    place = url_for("offering_drafts_api.show_draft", offering_version_id=version.id)
    return Answer(_outline(version), place)


def _outline(version: OfferingVersion) -> Content:
    standard = version.specification_version
    return {
        "id": str(version.id),
        "offering_id": str(version.offering_id),
        "number": version.number,
        "state": version.state.value,
        "is_editable": version.state in EDITABLE_STATES,
        "name": version.name,
        "specification": {
            "code": standard.specification.code,
            "name": standard.specification.name,
            "version": standard.label,
        },
    }


def _answer_places(sheet: Sheet) -> dict[int, tuple[str, str]]:
    """Return by position the ministry's id of a lacking requirement and the page that asks for it."""
    lacking = {int(e.field.rpartition("_")[2]) for e in sheet.missing if e.group is Group.ANSWERS}
    wanted = [each for each in sheet.requirements if each.position in lacking]
    pages = answer_addresses(sheet.version.id, sheet.requirements, wanted, show="missing")
    return {each.position: (each.requirement_id, pages[each.id]) for each in wanted}


def _show_missing(sheet: Sheet, lack: Missing, places: dict[int, tuple[str, str]]) -> Content:
    field, number = lack.field, None
    page = group_href(lack.group, sheet.version, sheet.terms)
    if lack.group is Group.ANSWERS:
        field, _, position = lack.field.rpartition("_")
        number, page = places[int(position)]
    return {
        "group": lack.group.value,
        "field": "components" if lack.group is Group.PRICES else field,
        "requirement_id": number,
        "message": lack.sentence,
        "page": f"{page}#f-{lack.field}",
    }
