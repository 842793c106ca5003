"""The search page: every state of it is an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import queries as people
from accounts.auth import access, actor, settings
from accounts.models import Organisation, OrganisationKind
from accounts.permissions import Permission
from catalog.terms import CertificationState, size_class_for
from core import web
from core.clock import day_in_japan
from core.db import now
from search.engine import FACETS, REFERENCE_POPULATIONS, SearchQuery
from search.projection import FACET_LABELS
from search.queries import (
    FacetChoices,
    count_without,
    find_listings,
    get_engine,
    list_facet_choices,
    query_of,
)
from search.results import DEFAULT_POPULATION, FoundPage, next_reference, population_words
from search.schemas import read_parameters

_RARE = frozenset({CertificationState.SUSPENDED.value, CertificationState.REVOKED.value})

blueprint = Blueprint("search", __name__)


@dataclass(frozen=True, slots=True)
class Address:
    """The state of the page as parameters of its address."""

    values: Mapping[str, Any]

    def href(self, **changes: Any) -> str:
        """Return this address with some parameters changed; None takes one away."""
        merged = {"page": None, **self.values, **changes}
        kept = {name: value for name, value in merged.items() if value not in (None, "", [], ())}
        return url_for("search.index", **kept)

    def without(self, facet: str, value: str) -> str:
        """Return this address without one value of a facet."""
        return self.href(**{facet: [each for each in self.values[facet] if each != value]})


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pagination needs; the seed goes along, so that no row is met twice."""

    number: int
    page_count: int
    address: Address
    seed: int

    def href(self, number: int) -> str:
        """Return the address of one page."""
        return self.address.href(page=number, seed=self.seed)


@blueprint.get("/search")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """Find listings by words and facets."""
    values = read_parameters(request.args)
    session = web.read_session()
    body = _acting_body(session)
    choices = _mark_own_size(list_facet_choices(session), body)
    query = query_of(values, choices, day_in_japan(now(session)))
    population = values["population"] or (body and body.population) or DEFAULT_POPULATION
    engine = get_engine(settings())
    found = find_listings(session, engine, query, population=population)
    advice = [] if found.total else count_without(session, engine, query)
    return web.render_page(
        "search/index.html",
        **_page_context(values, query, found, choices),
        **_population_context(values, body, population),
        advice=[_advise(query, choices, name, count, values) for name, count in advice],
    )


def _acting_body(session: Session) -> Organisation | None:
    who = actor()
    if who.organisation_kind is not OrganisationKind.BODY or who.organisation_id is None:
        return None
    return people.get_organisation(session, who.organisation_id)


def _mark_own_size(choices: FacetChoices, body: Organisation | None) -> FacetChoices:
    """Say beside its size class that it is the reader's own."""
    if body is None or body.population is None:
        return choices
    own = size_class_for(body.population)
    marked = [
        (value, f"{label}（{body.name}）" if value == own.value else label)
        for value, label in choices["size_class"]
    ]
    return {**choices, "size_class": tuple(marked)}


def _page_context(
    values: Mapping[str, Any], query: SearchQuery, found: FoundPage, choices: FacetChoices
) -> dict[str, Any]:
    address = Address({**values, "page": None, "sort": _unless(query.sort, "relevance")})
    return {
        "query": query,
        "found": found,
        "rows": found.rows,
        "facets": [_facet(name, choices, query, found) for name in FACETS],
        "chips": _chips(query, choices, address),
        "clear_href": address.href(**dict.fromkeys(FACETS)),
        "pages": Pages(query.page, found.page_count, address, found.seed),
        "permanent_href": address.href(page=_unless(query.page, 1), seed=found.seed),
        "relevance_href": address.href(sort=None),
        "address": address,
        "project": values["project"],
    }


def _unless(value: Any, usual: Any) -> Any:
    return None if value == usual else value


def _facet(
    name: str, choices: FacetChoices, query: SearchQuery, found: FoundPage
) -> dict[str, Any]:
    counts = found.facets.get(name, {})
    chosen = query.filters.get(name, frozenset())
    options = [
        {
            "value": value,
            "label": label,
            "count": counts.get(value, 0),
            "selected": value in chosen,
        }
        for value, label in choices[name]
        if value not in _RARE or counts.get(value) or value in chosen
    ]
    return {"name": name, "label": FACET_LABELS[name], "options": options}


def _chips(query: SearchQuery, choices: FacetChoices, address: Address) -> list[dict[str, str]]:
    return [
        {"label": f"{_short(name)}：{label}", "href": address.without(name, value)}
        for name, values in query.active_filters.items()
        for value, label in choices[name]
        if value in values
    ]


def _short(name: str) -> str:
    return FACET_LABELS[name].partition("（")[0]


def _advise(
    query: SearchQuery, choices: FacetChoices, name: str, count: int, values: Mapping[str, Any]
) -> dict[str, Any]:
    if name == "q":
        labels = [query.text]
    else:
        labels = [label for value, label in choices[name] if value in query.filters[name]]
    address = Address({**values, "page": None, "sort": _unless(query.sort, "relevance")})
    return {"labels": labels, "count": count, "href": address.href(**{name: None})}


def _population_context(
    values: Mapping[str, Any], body: Organisation | None, population: int
) -> dict[str, Any]:
    own = body if body is not None and body.population is not None else None
    counted_for_own = own is not None and values["population"] is None
    reference = next_reference(population)
    return {
        "body": body,
        "counted_for_own": counted_for_own,
        "population": population,
        "population_label": population_words(population),
        "reference": reference,
        "reference_label": population_words(reference),
        "populations": [(each, population_words(each)) for each in REFERENCE_POPULATIONS],
        "cost_sort": f"cost_{reference}",
    }
