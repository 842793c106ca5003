"""The engines under test, the same contract for each; and a market of a few listings for pages."""

import os
import secrets

import pytest
from meilisearch import Client

from core import db
from search.embedded import EmbeddedEngine
from search.engine import SearchEngine
from search.meilisearch import MeilisearchEngine
from tests.search.corpus import CORPUS
from tests.search.fake_meilisearch import run_fake
from tests.search.market import index_all, open_listing

SERVER = "NARABI_TEST_MEILISEARCH_URL"
_NAMES: set[str] = set()


@pytest.fixture(scope="session", autouse=True)
def _tidy():
    """Leave a real server as it was found."""
    yield
    if url := os.environ.get(SERVER):
        client = Client(url, server_key(), timeout=30)
        for name in sorted(_NAMES):
            client.wait_for_task(client.delete_index(name).task_uid)


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


@pytest.fixture
def market(settings):
    """Publish and index listings given as keyword dictionaries."""

    def make(*rows):
        with db.transaction() as session:
            versions = [open_listing(session, **row) for row in rows]
        index_all(settings, *versions)
        return versions

    return make


KINDS = ["embedded", "fake", pytest.param("server", marks=pytest.mark.meilisearch)]


@pytest.fixture(params=KINDS)
def engine(request, tmp_path, fake) -> SearchEngine:
    """Give an empty engine: embedded, over the fake, and over a real server if its URL is set."""
    made = make_for(request.param, request, tmp_path)
    made.rebuild([])
    return made


@pytest.fixture(scope="module", params=KINDS)
def kind(request) -> str:
    """Name the kind of engine that a module's own engine is of."""
    return request.param


@pytest.fixture(scope="module")
def _stocked(request, tmp_path_factory, kind) -> SearchEngine:
    made = make_for(kind, request, tmp_path_factory.mktemp("stocked"))
    made.rebuild(CORPUS)
    return made


@pytest.fixture
def stocked(_stocked, fake) -> SearchEngine:
    """Give an engine that holds CORPUS, indexed once for the tests that only ask."""
    return _stocked


def make_for(kind: str, request, folder) -> SearchEngine:
    """Make an empty engine of a kind."""
    if kind == "embedded":
        return EmbeddedEngine(folder)
    if kind == "fake":
        return make_engine(request.getfixturevalue("fake_server")[1])
    return make_engine(os.environ[SERVER], server_key())


def server_key() -> str | None:
    """Give the key of the real server; it must allow documents, indexes, settings and tasks."""
    return os.environ.get("NARABI_TEST_MEILISEARCH_KEY")


def name_index() -> str:
    """Give an index a name of its own, under which it is removed when the run ends."""
    name = f"test_{secrets.token_hex(6)}"
    _NAMES.add(name)
    return name


def make_engine(url: str, key: str | None = None) -> MeilisearchEngine:
    """Point an engine at an index of its own."""
    return MeilisearchEngine(url, key, index=name_index(), timeout=5)
