"""The search as data: the same question, filters, order and counts as the page."""

from typing import Any

from flask import Blueprint

from accounts.auth import access, settings
from accounts.permissions import Permission
from catalog.offerings.prices import plan_of
from catalog.price_plan import Volumes
from catalog.pricing import first_year_cost
from core import api, web
from core.clock import day_in_japan
from core.db import now
from search.api_schemas import SearchAnswerSchema, SearchQuerySchema
from search.engine import FACETS
from search.projection import FACET_LABELS
from search.queries import (
    FacetChoices,
    find_listings,
    get_engine,
    list_facet_choices,
    query_of,
)
from search.results import DEFAULT_POPULATION, FoundListing, FoundPage

blueprint = Blueprint("search_api", __name__, url_prefix="/api/v1")


@blueprint.get("/search")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "サービスの検索", query=SearchQuerySchema, answer=SearchAnswerSchema, problems=(404, 503)
)
def search(query: dict[str, Any]) -> dict[str, Any]:
    """Answer one page of listings with the counts of every facet."""
    session = web.read_session()
    choices = list_facet_choices(session)
    asked = query_of(query, choices, day_in_japan(now(session)))
    population = query["population"] or DEFAULT_POPULATION
    found = find_listings(session, get_engine(settings()), asked, population=population)
    return {
        "total": found.total,
        "page": asked.page,
        "page_count": found.page_count,
        "seed": found.seed,
        "relaxed": found.relaxed,
        "population": population,
        "facets": _facets(found, choices),
        "items": [_item(row, population) for row in found.rows],
    }


def _facets(found: FoundPage, choices: FacetChoices) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": FACET_LABELS[name],
            "values": [
                {"value": value, "label": label, "count": found.facets.get(name, {}).get(value, 0)}
                for value, label in choices[name]
            ],
        }
        for name in FACETS
    ]


def _item(row: FoundListing, population: int) -> dict[str, Any]:
    version = row.version
    offering = version.offering_version
    price = first_year_cost(plan_of(version), Volumes(population=population))
    until = row.standing.valid_until
    return {
        "listing_id": str(version.listing_id),
        "listing_version_id": str(version.id),
        "offering_id": str(version.listing.offering_id),
        "name": row.name,
        "maker": row.maker,
        "seller": row.seller,
        "specification": offering.specification_version.specification.code,
        "specification_version": offering.specification_version.label,
        "certification": row.standing.state.value,
        "valid_until": until.strftime("%Y-%m-%dT%H:%M:%SZ") if until else None,
        "hosting": offering.hosting_provider or None,
        "size_classes": offering.size_classes,
        "first_year": price.running,
        "initial": price.initial,
    }
