"""The engines under test: the same contract for each."""

import os
import secrets

import pytest

from search.embedded import EmbeddedEngine
from search.engine import SearchEngine
from search.meilisearch import MeilisearchEngine
from tests.search.fake_meilisearch import run_fake


@pytest.fixture(scope="session")
def fake_server():
    with run_fake() as served:
        yield served


@pytest.fixture
def fake(fake_server):
    """Give the fake server in good health."""
    server, _ = fake_server
    server.failing = server.failing_tasks = None
    server.requests.clear()
    yield server
    server.failing = server.failing_tasks = None


@pytest.fixture(params=["embedded", "fake", pytest.param("server", marks=pytest.mark.meilisearch)])
def engine(request, tmp_path) -> SearchEngine:
    """Give an empty engine: embedded, over the fake, and over a real server if its URL is set."""
    made: SearchEngine
    if request.param == "embedded":
        made = EmbeddedEngine(tmp_path)
    elif request.param == "fake":
        request.getfixturevalue("fake")
        made = make_engine(request.getfixturevalue("fake_server")[1])
    else:
        made = make_engine(
            os.environ["NARABI_TEST_MEILISEARCH_URL"], os.environ.get("NARABI_TEST_MEILISEARCH_KEY")
        )
    made.rebuild([])
    return made


def make_engine(url: str, key: str | None = None) -> MeilisearchEngine:
    """Point an engine at an index of its own."""
    return MeilisearchEngine(url, key, index=f"test_{secrets.token_hex(4)}", timeout=5)
