"""Market figures as resources of the API: the same as on the page."""

from typing import Any
from uuid import UUID

from flask import Response

from accounts.auth import access
from accounts.permissions import Permission
from catalog.api import blueprint
from catalog.api_filters import ServerFilter
from catalog.api_pages import answer_page, cut_page
from core import api, web
from core.errors import NotFound
from procurement.market import figures_records as records
from procurement.market.figures import find_figures
from procurement.market.figures_api_schemas import (
    MarketQuerySchema,
    MarketSchema,
    MarketServicePageSchema,
    MarketServicesQuerySchema,
    MarketServiceWithSubstitutesSchema,
)

_MARKET = "/specifications/<code>/market"


@blueprint.get(_MARKET)
@access(Permission.CATALOG_READ)
@api.endpoint(
    "標準仕様書の版の市場（だれがだれの代わりになれるか、いくらで）",
    query=MarketQuerySchema,
    answer=MarketSchema,
    problems=(404,),
)
def show_market(code: str, query: dict[str, Any]) -> dict[str, Any]:
    """Answer supply, certificates, choice by size, coverage, leaving and development."""
    figures, state = find_figures(web.read_session(), code, query["version"], query["population"])
    return records.market_record(figures, state)


@blueprint.get(f"{_MARKET}/services")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "市場のサービスの一覧と、その代わりになれるサービスの数",
    query=MarketServicesQuerySchema,
    answer=MarketServicePageSchema,
    adds=(ServerFilter.PUBLIC, ServerFilter.VENDOR_IN_FORCE, ServerFilter.STANDING_NOW),
    problems=(404,),
)
def list_market_services(code: str, query: dict[str, Any]) -> Response:
    """Answer a page of services, each with how well it could be replaced."""
    figures, _ = find_figures(web.read_session(), code, query["version"], query["population"])
    shown, following = cut_page(figures.services, query, lambda each: str(each.offering_id))
    return answer_page([records.service_record(figures, each) for each in shown], following)


@blueprint.get(f"{_MARKET}/services/<uuid:offering_id>")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "市場のサービス1件と、その代わりになれるサービスのすべて",
    query=MarketQuerySchema,
    answer=MarketServiceWithSubstitutesSchema,
    problems=(404,),
)
def show_market_service(code: str, offering_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer one service with everything that could replace it."""
    figures, _ = find_figures(web.read_session(), code, query["version"], query["population"])
    service = figures.find_service(offering_id)
    if service is None:
        raise NotFound("このサービスは、この版の市場にありません。idと版を確かめてください。")
    return {
        **records.service_record(figures, service),
        "substitutes": records.substitute_records(figures, service),
    }
