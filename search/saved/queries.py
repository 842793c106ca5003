"""What can be asked about a person's saved searches: the rows, what they find now, what changed."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from accounts.identity import Actor
from catalog.offerings.listed import Listed
from catalog.offerings.queries import read_sellers
from search.costing import Costing
from search.engine import MAX_PER_PAGE, SearchEngine, SearchQuery
from search.queries import find_listings
from search.results import MOST_EXACT
from search.saved.models import SavedSearch

MOST_SAVED = 30
"""Of one person for one organisation."""
MOST_COMPARED = MOST_EXACT
"""Up to so many services it is said which are new and which are gone."""
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Matches:
    """What a saved search finds now, each checked against the database; None of it when it is too much."""

    total: int
    versions: dict[str, Listed] | None
    fallback: bool

    @property
    def ids(self) -> list[str]:
        """The ids of the software, none when there is too much of it."""
        return sorted(self.versions or {})


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from the last opening; of the software that is gone only what is public is named."""

    added: Sequence[Listed]
    added_count: int
    gone: Sequence[Listed]
    gone_count: int

    @property
    def is_none(self) -> bool:
        """Tell whether nothing differs."""
        return not (self.added_count or self.gone_count)


def list_own(session: Session, actor: Actor) -> list[SavedSearch]:
    """Return the searches that a person keeps for the acting organisation, by name."""
    statement = (
        select(SavedSearch)
        .where(
            SavedSearch.person_id == actor.person_id,
            SavedSearch.organisation_id == actor.organisation_id,
        )
        .order_by(col(SavedSearch.name), col(SavedSearch.id))
        .limit(MOST_SAVED)
    )
    return list(session.exec(statement))


def get_saved(session: Session, saved_search_id: uuid.UUID) -> SavedSearch | None:
    """Return a saved search by its id, whoever keeps it."""
    return session.get(SavedSearch, saved_search_id)


def find_matches(
    session: Session, engine: SearchEngine, query: SearchQuery, costing: Costing
) -> Matches:
    """Find what a query matches as written, as the search page would; raises SearchUnavailable."""
    query = replace(query, page=1, per_page=MAX_PER_PAGE, counted=())
    page = find_listings(session, engine, query, costing=costing)
    if page.relaxed:
        return Matches(0, {}, page.fallback)
    if page.total > MOST_COMPARED:
        return Matches(page.total, None, page.fallback)
    rows = list(page.rows)
    for number in range(2, page.page_count + 1):
        found = find_listings(session, engine, replace(query, page=number), costing=costing)
        rows += found.rows
    versions = {str(row.version.offering_id): row.version for row in rows}
    return Matches(len(versions), versions, page.fallback)


def find_changes(session: Session, saved: SavedSearch, found: Matches) -> Changes | None:
    """Tell what a saved search finds now and did not before, and the reverse; None when unknown."""
    if not saved.is_compared or found.versions is None:
        return None
    before, now = set(saved.matches), set(found.versions)
    added = [found.versions[each] for each in sorted(now - before)]
    gone = sorted(before - now)
    return Changes(_first(added), len(added), _first(_find_public(session, gone)), len(gone))


def _find_public(session: Session, offering_ids: Sequence[str]) -> list[Listed]:
    if not offering_ids:
        return []
    listed = read_sellers(session, [uuid.UUID(each) for each in offering_ids])
    return list({each.offering_id: each for each in listed}.values())


def _first(versions: Iterable[Listed]) -> list[Listed]:
    return sorted(versions, key=lambda each: each.name)[:MOST_NAMED]
