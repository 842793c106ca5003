"""Without labels: spellings of one thing find the same, and what only looks alike never leads."""

import pytest

from search.engine import SearchEngine, SearchQuery
from tests.search.conftest import make_for
from tests.search.pairs import FALSE_FRIENDS, VARIANTS, make_pairs

RECORDS, TEXTS = make_pairs()


@pytest.fixture(scope="module")
def paired(request, tmp_path_factory, kind) -> SearchEngine:
    """Give an engine that holds every pair."""
    made = make_for(kind, request, tmp_path_factory.mktemp("paired"))
    made.rebuild(RECORDS)
    return made


def first_ten(engine, text, seed=0):
    result = engine.search(SearchQuery(text=text, seed=seed, per_page=10))
    assert not result.relaxed, text
    return [hit.listing_id for hit in result.hits]


def test_every_spelling_gives_the_same_first_ten(paired, fake):
    for seed, spellings in enumerate(VARIANTS):
        first, *others = (first_ten(paired, each, seed % 31) for each in spellings)
        assert first, spellings
        assert all(other == first for other in others), spellings


def test_false_friends_never_lead_and_are_hardly_found(paired, fake):
    right = found = 0
    for seed, (query, _, looks) in enumerate(FALSE_FRIENDS):
        rows = [TEXTS[listing_id] for listing_id in first_ten(paired, query, seed)]
        meant = [not any(look in text for look in looks) for text in rows]
        assert meant[0], query
        right += sum(meant)
        found += len(rows)
    assert right / found >= 0.98
