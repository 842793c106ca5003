"""Vendors and bodies as resources of the API: what everyone may know of them."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response

from accounts import queries as people
from accounts.auth import access
from accounts.models import Organisation, OrganisationKind
from accounts.permissions import Permission
from catalog import queries, records
from catalog.api import blueprint, read_id_cursor
from catalog.api_filters import ServerFilter
from catalog.api_pages import answer_page
from catalog.api_schemas import VendorSchema
from catalog.party_api_schemas import (
    BodiesQuerySchema,
    BodyPageSchema,
    BodySchema,
    VendorPageSchema,
    VendorsQuerySchema,
)
from catalog.terms import size_class_for
from core import api, web
from core.errors import Gone, NotFound
from vendors.queries import get_vendor


@blueprint.get("/vendors")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "登録のある事業者の一覧",
    query=VendorsQuerySchema,
    answer=VendorPageSchema,
    adds=(ServerFilter.VENDOR_IN_FORCE,),
)
def list_vendors(query: dict[str, Any]) -> Response:
    """Answer a page of vendors whose registration is in force, in the order of their ids."""
    limit = query["limit"]
    found = queries.find_vendors(
        web.read_session(),
        after=read_id_cursor(query["cursor"]),
        limit=limit + 1,
        corporate_number=query["corporate_number"],
    )
    items = [records.vendor_record(each) for each in found[:limit]]
    return answer_page(items, api.make_cursor(items[-1]["id"]) if len(found) > limit else None)


@blueprint.get("/vendors/<uuid:vendor_id>")
@access(Permission.CATALOG_READ)
@api.endpoint("事業者1件", answer=VendorSchema, problems=(404, 410))
def show_vendor(vendor_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer the public part of a vendor; one that left the market is gone."""
    del query
    session = web.read_session()
    found = records.load_records(session, "vendor", [vendor_id])
    if found:
        return found[vendor_id]
    vendor = get_vendor(session, vendor_id)
    if vendor is not None and vendor.left_market_at is not None:
        raise Gone("この事業者の登録は終わりました。")
    raise NotFound("登録のある事業者ではありません。idを確かめてください。")


@blueprint.get("/bodies")
@access(Permission.CATALOG_READ)
@api.endpoint("地方公共団体の一覧", query=BodiesQuerySchema, answer=BodyPageSchema, adds=())
def list_bodies(query: dict[str, Any]) -> Response:
    """Answer a page of bodies in the order of their codes."""
    limit = query["limit"]
    found = people.find_bodies(
        web.read_session(),
        after=api.read_cursor(query["cursor"])[0] if query["cursor"] else "",
        limit=limit + 1,
        words=query["q"],
        kind=query["kind"],
        prefecture=query["prefecture"],
    )
    items = [_body_record(each) for each in found[:limit]]
    return answer_page(items, api.make_cursor(items[-1]["code"]) if len(found) > limit else None)


@blueprint.get("/bodies/<code>")
@access(Permission.CATALOG_READ)
@api.endpoint("地方公共団体1件", answer=BodySchema, problems=(404,))
def show_body(code: str, query: dict[str, Any]) -> dict[str, Any]:
    """Answer one body by its six-digit code."""
    del query
    found = people.find_body_by_code(web.read_session(), code)
    if found is None or found.kind is not OrganisationKind.BODY:
        raise NotFound("この団体コードの団体は見つかりません。6桁の数字を確かめてください。")
    return _body_record(found)


def _body_record(body: Organisation) -> dict[str, Any]:
    population = body.population
    return {
        "code": body.code,
        "name": body.name,
        "name_kana": body.kana or None,
        "kind": body.body_kind and body.body_kind.value,
        "prefecture": body.prefecture,
        "population": population,
        "population_on": _day(body.population_date),
        "population_source": body.population_source or None,
        "size_class": None if population is None else size_class_for(population).value,
        "is_sample": body.is_sample,
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
