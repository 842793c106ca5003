"""The search as data: the same question, filters, order and counts as the page."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask import Blueprint
from sqlmodel import Session

from accounts.auth import access, settings
from accounts.models import Organisation
from accounts.permissions import Permission
from catalog.api_filters import PUBLIC
from catalog.bodies import find_body
from core import api, web
from core.clock import day_in_japan
from core.db import now
from core.errors import BadRequest, Invalid
from search.api_schemas import SearchAnswerSchema, SearchQuerySchema
from search.asking import query_of
from search.choices import list_facet_choices, name_values
from search.engine import FACETS
from search.facets import FACET_LABELS, MANY_VALUED, Choices
from search.queries import (
    find_listings,
    get_engine,
)
from search.results import DEFAULT_POPULATION, FoundListing, FoundPage

blueprint = Blueprint("search_api", __name__, url_prefix="/api/v1")


@blueprint.get("/search")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "サービスの検索",
    query=SearchQuerySchema,
    answer=SearchAnswerSchema,
    adds=PUBLIC,
    problems=(404, 503),
)
def search(query: dict[str, Any]) -> dict[str, Any]:
    """Answer one page of services with the counts of every facet; sellers of one service share a row."""
    session = web.read_session()
    body = _find_body(session, query["body"])
    own = body.population if body else None
    population = query["population"] or own or DEFAULT_POPULATION
    choices = list_facet_choices(session, query)
    day = day_in_japan(now(session))
    asked = query_of(query, choices, day, population=population, own_population=own)
    asked = replace(asked, counted=tuple(name for name in FACETS if name in query["facets"]))
    found = find_listings(session, get_engine(settings()), asked, population=population)
    return {
        "total": found.total,
        "withheld": found.withheld,
        "page": asked.page,
        "page_count": found.page_count,
        "seed": found.seed,
        "relaxed": found.relaxed,
        "fallback": found.fallback,
        "population": population,
        "cost_basis": found.cost_basis,
        "facets": _facets(session, found, choices, asked.counted),
        "items": [_item(row) for row in found.rows],
    }


def _find_body(session: Session, text: str) -> Organisation | None:
    try:
        return find_body(session, text)
    except Invalid as error:
        raise BadRequest(f"団体（body）：{error.message}") from error


def _facets(
    session: Session, found: FoundPage, choices: Choices, counted: Iterable[str]
) -> list[dict[str, Any]]:
    named = {
        name: name_values(session, name, [*found.facets.get(name, {}), *dict(choices[name])])
        for name in sorted(MANY_VALUED.intersection(counted))
    }
    return [
        {
            "name": name,
            "label": FACET_LABELS[name],
            "values": [
                {"value": value, "label": label, "count": found.facets.get(name, {}).get(value, 0)}
                for value, label in {**choices, **named}[name]
            ],
        }
        for name in counted
    ]


def _item(row: FoundListing) -> dict[str, Any]:
    version = row.version
    price = row.cost.before_tax
    until = row.standing.valid_until
    return {
        "listing_id": str(version.listing_id),
        "listing_version_id": str(version.id),
        "offering_id": str(version.offering_id),
        "name": row.name,
        "maker": row.maker,
        "seller": row.seller,
        "specification": version.specification_code,
        "specification_version": version.specification_label,
        "certification": row.standing.state.value,
        "valid_until": until.strftime("%Y-%m-%dT%H:%M:%SZ") if until else None,
        "hosting": version.hosting_provider or None,
        "size_classes": version.size_classes,
        "first_year": price.running,
        "initial": price.initial,
        "other_sellers": [
            {
                "listing_id": str(each.version.listing_id),
                "listing_version_id": str(each.version.id),
                "seller": each.version.seller,
                "matches": each.matches,
            }
            for each in row.others
        ],
    }
