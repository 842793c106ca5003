"""A reader's query against an engine, and its answer held against the database."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, islice
from pathlib import Path

from sqlmodel import Session, col, select

from catalog.certification.queries import read_standings
from catalog.kept.queries import works_of
from catalog.offerings.listed import Listed, ListedPrice
from catalog.offerings.models import ListingVersion, OfferState
from catalog.offerings.queries import read_prices, read_sellers
from core.clock import day_in_japan
from core.config import Settings
from core.db import now
from core.errors import NotFound
from search import asking, choices, results
from search.analysis import plan_query, read_zones
from search.costing import Costing, for_population
from search.embedded import EmbeddedEngine
from search.engine import (
    Hit,
    IndexMissing,
    SearchEngine,
    SearchQuery,
    SearchRecord,
    SearchResult,
    hit_of,
)
from search.equal_words import synonyms_hash
from search.facets import FACET_LABELS, keeps
from search.judging import (
    COSTS,
    depends_on_costs,
    judge,
    judge_cap,
    one_each,
    order_by_cost,
)
from search.meilisearch import MeilisearchEngine
from search.projection import build_record, current_rules
from search.queries.listings import chunks, list_offering_ids, list_published_listing_ids
from search.recount import recount
from search.reserve import EngineWithReserve
from search.results import (
    MOST_EXACT,
    FoundListing,
    FoundPage,
    describe_basis,
)
from search.rows import Reading, build_rows
from search.synonyms import queries as synonyms

# procurement enters search by this module only, so it finds the names of the values here.
Engine = SearchEngine
Query = SearchQuery
Answer = SearchResult
Page = FoundPage
LABELS = FACET_LABELS
make_query = asking.make_query
cap_for = asking.cap_for
engine_sort = asking.engine_sort
list_facet_choices = choices.list_facet_choices
DEFAULT_POPULATION = results.DEFAULT_POPULATION

MOST_WIDER, MOST_ADVICE = 60, 8  # at zero hits: wider queries that are asked, advice that is given


def get_engine(settings: Settings) -> SearchEngine:
    """Return the engine of these settings: Meilisearch with the embedded one behind it, or that alone."""
    return _engine(
        settings.data_dir.resolve(), settings.search_url, settings.search_key.get_secret_value()
    )


@lru_cache(maxsize=8)
def _engine(data_dir: Path, url: str, key: str) -> SearchEngine:
    embedded = EmbeddedEngine(data_dir)
    return EngineWithReserve(MeilisearchEngine(url, key), embedded) if url else embedded


def find_listings(
    session: Session,
    engine: SearchEngine,
    query: SearchQuery,
    *,
    population: int = DEFAULT_POPULATION,
    costing: Costing | None = None,
) -> FoundPage:
    """Answer one page, each row checked against the database; 5 statements.

    Costs are those for a population, or by all that a reader keeps. Raises SearchUnavailable rather
    than answering wider, NotFound beyond the last page.
    """
    synonyms.refresh(session)
    costing = costing or for_population(population)
    query, costs = _judge(session, engine, query, costing)
    result = _ask(session, engine, query)
    if costs is not None and query.cost_population:
        listings = _ask_all(session, engine, query).hits
        start = (query.page - 1) * query.per_page
        ordered = one_each(order_by_cost(listings, costs, query.seed))
        result = replace(result, hits=tuple(ordered[start : start + query.per_page]))
    page_count = max(1, -(-result.total // query.per_page))
    if query.page > page_count:
        raise NotFound(
            f"検索結果は{page_count}ページまでです。{page_count}以下のページを開いてください。"
        )
    rows = _load_rows(session, result, query, costing)
    withheld = len(result.hits) - len(rows)
    total, facets = result.total, result.facets
    if withheld:
        total, facets = _recount(session, engine, query, result, withheld)
    return FoundPage(
        rows=tuple(rows),
        total=total,
        withheld=withheld,
        page_count=page_count,
        facets=facets,
        relaxed=result.relaxed,
        seed=result.seed,
        engine=result.engine,
        engine_version=result.engine_version,
        fallback=result.fallback,
        cost_basis=describe_basis(query, costing, is_exact=costs is not None),
    )


def _recount(
    session: Session,
    engine: SearchEngine,
    query: SearchQuery,
    result: SearchResult,
    withheld: int,
) -> tuple[int, Mapping[str, Mapping[str, int]]]:
    """Count in the database what few hits are, for the index counts what is no longer published.

    Many hits tell nobody what a withdrawn listing said: their counts stay those of the index.
    """
    bare = replace(query, filters={}, price_cap=None, page=1)
    wider = _ask(session, engine, replace(bare, per_page=1, counted=()))
    if wider.total > MOST_EXACT or wider.relaxed != result.relaxed:
        return result.total - withheld, result.facets
    hits = _ask_all(session, engine, bare).hits
    software = [uuid.UUID(hit.offering_id) for hit in one_each(hits)]
    plan = plan_query(query.text)
    confirmed = (record for _, record in read_records(session, software))
    return recount(
        query,
        [each for each in confirmed if result.relaxed or plan.accepts(read_zones(each.analysed))],
    )


def search_all(
    session: Session,
    engine: SearchEngine,
    query: SearchQuery,
    *,
    population: int = DEFAULT_POPULATION,
) -> SearchResult:
    """Answer every listing in the engine's order; compare with `verify_hits` before relying on it."""
    synonyms.refresh(session)
    query, costs = _judge(session, engine, query, for_population(population))
    result = _ask_all(session, engine, query)
    if costs is None or query.cost_population is None:
        return result
    return replace(result, hits=tuple(order_by_cost(result.hits, costs, query.seed)))


def _judge(
    session: Session, engine: SearchEngine, query: SearchQuery, costing: Costing
) -> tuple[SearchQuery, dict[str, int | None] | None]:
    """Find the exact costs that decide over few hits; None where the index knows them or they are many."""
    if not depends_on_costs(query, costing):
        return query, None
    return judge(
        query,
        lambda each: _ask(session, engine, each),
        lambda each: _ask_all(session, engine, each),
        lambda hits: _find_costs(session, hits, costing),
    )


def _find_costs(session: Session, hits: Sequence[Hit], costing: Costing) -> dict[str, int | None]:
    def load(
        version_ids: Sequence[uuid.UUID],
    ) -> Iterable[tuple[uuid.UUID, str, Sequence[ListedPrice]]]:
        for part in chunks(version_ids):
            works = works_of(session, part) if costing.works else {}
            for found, rows in read_prices(session, part).items():
                yield found, works[found].code if found in works else "", rows

    return COSTS.find(hits, costing, day_in_japan(now(session)), load)


def _ask_all(session: Session, engine: SearchEngine, query: SearchQuery) -> SearchResult:
    try:
        return engine.search_all(query)
    except IndexMissing:
        if list_published_listing_ids(session):
            raise
        return _empty_answer(engine, query)


def count_without(
    session: Session,
    engine: SearchEngine,
    query: SearchQuery,
    *,
    costing: Costing,
) -> list[tuple[tuple[str, ...], int]]:
    """Count what conditions hide: (facet names, "cost_max" or "q", hits without them).

    One condition each; where no single one hides anything, two together, those that hide most first.
    Words alone have no condition beside them to drop.
    """
    names = asking.list_asked(query)
    for number in () if names == ["q"] else (1, 2):
        chosen = islice(combinations(names, number), MOST_WIDER)
        wider = {each: asking.without(query, each) for each in chosen}
        totals = [(each, _count(session, engine, q, costing)) for each, q in wider.items()]
        if hiding := [pair for pair in totals if pair[1]]:
            by_count = sorted(hiding, key=lambda pair: -pair[1]) if number > 1 else hiding
            return by_count[:MOST_ADVICE]
    return []


def _count(session: Session, engine: SearchEngine, query: SearchQuery, costing: Costing) -> int:
    judged, _ = _judge(session, engine, replace(query, page=1, per_page=1, counted=()), costing)
    return _ask(session, engine, judged).total


def verify_hits(
    session: Session, query: SearchQuery, *, population: int = DEFAULT_POPULATION
) -> set[uuid.UUID]:
    """Find the listing versions of a query in the database alone, without the index."""
    synonyms.refresh(session)
    plan, filters = plan_query(query.text), query.active_filters
    found: list[tuple[Hit, SearchRecord]] = []
    candidates = set(_text_candidates(session, query))
    for offering_ids in chunks(_offerings_of(session, candidates)):
        for version, record in read_records(session, offering_ids):
            if version.listing_id not in candidates or not keeps(filters, record.facets):
                continue
            if plan.accepts(read_zones(record.analysed)):
                found.append((hit_of(record), record))
    cap, costing = query.price_cap, for_population(population)
    if cap is not None and depends_on_costs(query, costing):
        hits = [hit for hit, _ in found]
        if len(one_each(hits)) <= MOST_EXACT:
            cap = judge_cap(cap, _find_costs(session, hits, costing))
    return {
        uuid.UUID(record.listing_version_id)
        for _, record in found
        if cap is None or cap.allows(record.listing_id, record.yearly_costs)
    }


def _offerings_of(session: Session, listing_ids: set[uuid.UUID]) -> list[uuid.UUID]:
    parts = chunks(sorted(listing_ids))
    return sorted({each for part in parts for each in list_offering_ids(session, part)})


def read_records(
    session: Session,
    offering_ids: Sequence[uuid.UUID],
    read_text: Callable[[Listed], str] | None = None,
) -> list[tuple[Listed, SearchRecord]]:
    """Return what buyers see of all sellers of some software now, with its search record, by software.

    Its text is the stored one, analysed anew if need be, unless `read_text` gives another.
    """
    versions = read_sellers(session, offering_ids)
    states = read_standings(session, {each.offering_version_id for each in versions})
    today = day_in_japan(now(session))
    return [
        (
            each,
            build_record(
                each,
                states[each.offering_version_id],
                today,
                None if read_text is None else read_text(each),
            ),
        )
        for each in versions
    ]


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
    session: Session, result: SearchResult, query: SearchQuery, costing: Costing
) -> list[FoundListing]:
    if not result.hits:
        return []
    offering_ids = list({uuid.UUID(hit.offering_id) for hit in result.hits})
    versions = read_sellers(session, offering_ids)
    states = read_standings(session, {each.offering_version_id for each in versions})
    reading = Reading(query, result.relaxed, costing, day_in_japan(now(session)))
    return build_rows(result.hits, versions, states, reading)


def describe_rules() -> dict[str, str]:
    """Return what, besides engine and index, decides which listings a text finds."""
    return {"analysis_version": current_rules(), "synonyms_sha256": synonyms_hash()}
