"""The engines under test: the same contract for each."""

import pytest

from search.embedded import EmbeddedEngine
from search.engine import SearchEngine


@pytest.fixture(params=["embedded"])
def engine(request, tmp_path) -> SearchEngine:
    made = EmbeddedEngine(tmp_path)
    made.rebuild([])
    return made
