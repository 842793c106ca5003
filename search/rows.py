"""From the engine's hits to the rows of a page: each held against what the database says now. Pure."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from catalog.certification.queries import Standing
from catalog.offerings.listed import Listed
from catalog.offerings.prices import plan_of
from catalog.price_bands import first_year_cost
from search.analysis import QueryPlan, plan_query, read_zones
from search.costing import Costing
from search.engine import Filters, Hit, SearchQuery, shuffle_rank
from search.facets import meets
from search.projection import text_of
from search.results import FoundListing, Seller, volumes_of


@dataclass(frozen=True)
class Reading:
    """How the rows are to be read: the query, for whom costs are, and on which day."""

    query: SearchQuery
    relaxed: bool
    costing: Costing
    day: date

    @cached_property
    def filters(self) -> Filters:
        """The conditions on facets."""
        return self.query.active_filters

    @cached_property
    def plan(self) -> QueryPlan | None:
        """The text that each row has to hold as it is written; None for a wider reading."""
        return plan_query(self.query.text) if self.query.text and not self.relaxed else None


def build_rows(
    hits: Sequence[Hit],
    versions: Sequence[Listed],
    states: Mapping[uuid.UUID, Standing],
    reading: Reading,
) -> list[FoundListing]:
    """Return a row for each software of which a seller still meets every condition, in the hits' order."""
    listed: dict[str, list[Listed]] = {}
    for version in versions:
        listed.setdefault(str(version.offering_id), []).append(version)
    found = (_build_row(listed.get(hit.offering_id, []), states, reading) for hit in hits)
    return [row for row in found if row is not None]


def _build_row(
    listed: list[Listed], states: Mapping[uuid.UUID, Standing], reading: Reading
) -> FoundListing | None:
    if not listed:
        return None
    standing = states[listed[0].offering_version_id]
    sellers = [_build_seller(each, standing, reading) for each in listed]
    if not any(each.matches for each in sellers):
        return None
    if len(sellers) > 1:
        sellers.sort(key=lambda each: (not each.matches, *_seller_order(each, reading.query)))
    head, *others = sellers
    return FoundListing(head.version, standing, head.cost, tuple(others))


def _seller_order(seller: Seller, query: SearchQuery) -> tuple[float, float]:
    """Order the sellers of one software: under a cost the cheapest first, equal ones as drawn."""
    version = seller.version
    drawn = shuffle_rank(str(version.offering_id), str(version.listing_id), query.seed)
    if not query.cost_population:
        return (0.0, drawn)
    running = seller.cost.running
    return (float("inf") if running is None else float(running), drawn)


def _build_seller(version: Listed, standing: Standing, reading: Reading) -> Seller:
    query = reading.query
    matches = meets(reading.filters, version, standing.state, reading.day)
    if matches and query.price_cap is not None:
        population = query.price_cap.population
        plan = plan_of(version, reading.day)
        running = first_year_cost(plan, volumes_of(population)).running
        known = {} if running is None else {population: running}
        matches = query.price_cap.allows(str(version.listing_id), known)
    if matches and reading.plan is not None:
        matches = reading.plan.accepts(read_zones(text_of(version, reading.day)))
    return Seller(version, matches, reading.costing, reading.day)
