"""A reader's query against an engine, and its answer held against the database."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, or_, select

from catalog.certification.queries import Standing, standings
from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion, OfferState
from catalog.offerings.prices import plan_of
from catalog.offerings.queries import find_listed
from catalog.price_plan import Volumes
from catalog.pricing import compute_tax, first_year_cost
from catalog.specifications.queries import list_versions
from core.config import Settings
from core.errors import BadRequest, NotFound
from search.analysis import plan_query, read_zones, synonyms_hash
from search.embedded import EmbeddedEngine
from search.engine import (
    FACETS,
    Filters,
    Hit,
    IndexMissing,
    SearchEngine,
    SearchQuery,
    SearchRecord,
    SearchResult,
    choose_seed,
)
from search.meilisearch import MeilisearchEngine
from search.projection import (
    FACET_LABELS,
    build_record,
    current_rules,
    facet_choices,
    keeps,
    read_facets,
    text_of,
)
from search.results import DEFAULT_POPULATION, FirstYear, FoundListing, FoundPage

# procurement enters search by this module only, so it finds the names of the values here.
Engine = SearchEngine
Query = SearchQuery
Answer = SearchResult
Page = FoundPage
FacetChoices = Mapping[str, tuple[tuple[str, str], ...]]

CHUNK = 500


def get_engine(settings: Settings) -> SearchEngine:
    """Return the engine of these settings: Meilisearch when it has an address, else embedded."""
    return _engine(
        settings.data_dir.resolve(), settings.search_url, settings.search_key.get_secret_value()
    )


@lru_cache(maxsize=8)
def _engine(data_dir: Path, url: str, key: str) -> SearchEngine:
    return MeilisearchEngine(url, key) if url else EmbeddedEngine(data_dir)


def find_listings(
    session: Session,
    engine: SearchEngine,
    query: SearchQuery,
    *,
    population: int = DEFAULT_POPULATION,
) -> FoundPage:
    """Answer one page, each row checked against the database; 4 statements.

    Raises SearchUnavailable rather than answering wider, NotFound beyond the last page.
    """
    result = _ask(session, engine, query)
    page_count = max(1, -(-result.total // query.per_page))
    if query.page > page_count:
        raise NotFound(f"検索結果は{page_count}ページまでです。")
    rows = _load_rows(session, result, query, population)
    withheld = len(result.hits) - len(rows)
    return FoundPage(
        rows=tuple(rows),
        total=result.total - withheld,
        withheld=withheld,
        page_count=page_count,
        facets=result.facets,
        relaxed=result.relaxed,
        seed=result.seed,
        engine=result.engine,
        engine_version=result.engine_version,
    )


def search_all(session: Session, engine: SearchEngine, query: SearchQuery) -> SearchResult:
    """Answer every hit in the engine's order; compare with `verify_hits` before relying on it."""
    try:
        return engine.search_all(query)
    except IndexMissing:
        if list_published_listing_ids(session):
            raise
        return _empty_answer(engine, query)


def count_without(
    session: Session, engine: SearchEngine, query: SearchQuery
) -> list[tuple[str, int]]:
    """Count what one condition hides: (facet name or "q", hits without it), if it hides any."""
    wider = {
        name: replace(query, filters={**query.filters, name: frozenset()})
        for name in query.active_filters
    }
    if query.text and query.active_filters:
        wider["q"] = replace(query, text="")
    totals = {
        name: _ask(session, engine, replace(each, page=1, per_page=1)).total
        for name, each in wider.items()
    }
    return [(name, total) for name, total in totals.items() if total]


def verify_hits(session: Session, query: SearchQuery) -> set[uuid.UUID]:
    """Find the listing versions of a query in the database alone, without the index."""
    plan = plan_query(query.text)
    filters = query.active_filters
    found: set[uuid.UUID] = set()
    for listing_ids in chunks(list(_text_candidates(session, query))):
        for version, record in read_records(session, listing_ids):
            if keeps(filters, record.facets) and plan.accepts(read_zones(record.analysed)):
                found.add(version.id)
    return found


def chunks(ids: Sequence[uuid.UUID]) -> Iterator[Sequence[uuid.UUID]]:
    """Cut ids into pieces that one statement takes."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def read_records(
    session: Session, listing_ids: Sequence[uuid.UUID]
) -> list[tuple[ListingVersion, SearchRecord]]:
    """Return what buyers see of these listings now, with its search record."""
    versions = find_listed(session, listing_ids)
    states = standings(session, (each.offering_version for each in versions))
    return [(each, build_record(each, states[each.offering_version_id].state)) for each in versions]


def lock_listings(session: Session, listing_ids: Sequence[uuid.UUID]) -> None:
    """Keep other workers from indexing these listings before this transaction ends."""
    statement = (
        select(Listing.id)
        .where(col(Listing.id).in_(listing_ids))
        .order_by(col(Listing.id))
        .with_for_update()
    )
    session.exec(statement).all()


def list_published_listing_ids(session: Session) -> list[uuid.UUID]:
    """Return the listings that have a published version, by id."""
    statement = (
        select(ListingVersion.listing_id)
        .where(ListingVersion.state == OfferState.PUBLISHED)
        .order_by(col(ListingVersion.listing_id))
    )
    return list(session.exec(statement))


def list_stale_listing_ids(session: Session, limit: int = CHUNK) -> list[uuid.UUID]:
    """Return published listings whose stored text is missing or of other rules."""
    statement = (
        select(ListingVersion.listing_id)
        .where(
            ListingVersion.state == OfferState.PUBLISHED,
            or_(
                ListingVersion.search_text_version != current_rules(),
                ListingVersion.search_text == "",
            ),
        )
        .order_by(col(ListingVersion.listing_id))
        .limit(limit)
    )
    return list(session.exec(statement))


def list_listing_ids_of_vendor(session: Session, vendor_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the listings that a vendor sells or whose software it makes."""
    statement = (
        select(Listing.id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(or_(Listing.seller_id == vendor_id, Offering.maker_id == vendor_id))
        .order_by(col(Listing.id))
    )
    return list(session.exec(statement))


def list_listing_ids_of_version(
    session: Session, offering_version_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return the listings of the offering to which an offering version belongs."""
    statement = (
        select(Listing.id)
        .join(OfferingVersion, col(OfferingVersion.offering_id) == Listing.offering_id)
        .where(OfferingVersion.id == offering_version_id)
        .order_by(col(Listing.id))
    )
    return list(session.exec(statement))


def _text_candidates(session: Session, query: SearchQuery) -> Iterator[uuid.UUID]:
    """Give published listings whose stored text matches or has to be analysed again."""
    plan, rules = plan_query(query.text), current_rules()
    statement = (
        select(
            ListingVersion.listing_id,
            ListingVersion.search_text,
            ListingVersion.search_text_version,
        )
        .where(ListingVersion.state == OfferState.PUBLISHED)
        .order_by(col(ListingVersion.listing_id))
    )
    for listing_id, text, version in session.exec(statement).all():
        if not text or version != rules or plan.accepts(read_zones(text)):
            yield listing_id


def _ask(session: Session, engine: SearchEngine, query: SearchQuery) -> SearchResult:
    try:
        return engine.search(query)
    except IndexMissing:
        if list_published_listing_ids(session):
            raise
        return _empty_answer(engine, query)


def _empty_answer(engine: SearchEngine, query: SearchQuery) -> SearchResult:
    """Answer for a catalog without listings, which needs no index."""
    health = engine.health()
    return SearchResult(
        hits=(),
        total=0,
        facets={},
        relaxed=False,
        seed=query.seed,
        engine=health.engine,
        engine_version=health.engine_version,
        generation="",
    )


def _load_rows(
    session: Session, result: SearchResult, query: SearchQuery, population: int
) -> list[FoundListing]:
    by_listing, states = _load_hits(session, result.hits)
    filters = query.active_filters
    rows = []
    for hit in result.hits:
        version = by_listing.get(uuid.UUID(hit.listing_id))
        if version is None:
            continue
        standing = states[version.offering_version_id]
        if not _still_holds(version, standing, filters, query, relaxed=result.relaxed):
            continue
        others = tuple(
            each
            for each in by_listing.values()
            if each.listing.offering_id == version.listing.offering_id and each is not version
        )
        rows.append(FoundListing(version, standing, price_for(version, population), others))
    return rows


def _load_hits(
    session: Session, hits: Sequence[Hit]
) -> tuple[dict[uuid.UUID, ListingVersion], dict[uuid.UUID, Standing]]:
    if not hits:
        return {}, {}
    offering_ids = list({uuid.UUID(hit.offering_id) for hit in hits})
    versions = find_listed(session, offering_ids=offering_ids)
    states = standings(session, (each.offering_version for each in versions))
    return {version.listing_id: version for version in versions}, states


def _still_holds(
    version: ListingVersion,
    standing: Standing,
    filters: Filters,
    query: SearchQuery,
    *,
    relaxed: bool,
) -> bool:
    if not keeps(filters, read_facets(version, standing.state)):
        return False
    return relaxed or not query.text or plan_query(query.text).accepts(read_zones(text_of(version)))


def price_for(version: ListingVersion, population: int) -> FirstYear:
    """Return the first twelve months for a population, yen with tax, the initial charge apart."""
    price = first_year_cost(plan_of(version), Volumes(population=population))
    return FirstYear(_with_tax(price.running), _with_tax(price.initial))


def _with_tax(amount: int | None) -> int | None:
    return None if amount is None else amount + compute_tax(amount)


def make_query(
    text: str,
    filters: Mapping[str, Sequence[str]],
    *,
    day: date,
    sort: str = "relevance",
    seed: int | None = None,
    page: int = 1,
) -> SearchQuery:
    """Return a query from plain values; without a seed, the day's; raises BadRequest."""
    return SearchQuery(
        text=text,
        filters={name: frozenset(values) for name, values in filters.items() if values},
        sort=sort,
        seed=choose_seed(day, text) if seed is None else seed,
        page=page,
    )


def query_of(values: Mapping[str, Any], choices: FacetChoices, day: date) -> SearchQuery:
    """Return the query of read parameters; raises BadRequest for a facet value that is unknown."""
    for name in FACETS:
        known = {value for value, _ in choices[name]}
        if unknown := set(values[name]) - known:
            raise BadRequest(
                f"{FACET_LABELS[name]}に「{min(unknown)}」はありません。"
                "絞り込みの一覧から選び直してください。"
            )
    return make_query(
        values["q"],
        {name: values[name] for name in FACETS},
        day=day,
        sort=values["sort"],
        seed=values["seed"],
        page=values["page"],
    )


def list_facet_choices(session: Session) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return every facet with the (value, label) pairs that may be asked for."""
    versions = list_versions(session)
    return facet_choices([each for each in versions if each.specification.accepts_offerings])


def describe_rules() -> dict[str, str]:
    """Return what, besides engine and index, decides which listings a text finds."""
    return {"analysis_version": current_rules(), "synonyms_sha256": synonyms_hash()}
