"""The search page over a small catalog, as a signed-out reader gets it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient

from app import create_app
from bench.measures import measure, median_seconds
from core import cli, db
from core.config import Settings
from search.indexer import rebuild
from search.queries import get_engine
from tests import factories
from tests.client import recorded_statements

_SERVICES = 60
_ADDRESS = "/search?q=見本&hosting=aws&size_class=under_10k&sort=cost_10000"


@contextmanager
def opened_catalog(services: int) -> Iterator[FlaskClient]:
    """Make an indexed catalog on SQLite and give a client for it."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        settings = Settings(env="development", database_url=url, data_dir=Path(folder))
        database = db.configure(url)
        cli.upgrade_database()
        with db.transaction() as session:
            version = factories.specification(session)
            for _ in range(services):
                factories.offering(session, factories.vendor(session), version)
        rebuild(get_engine(settings))
        yield create_app(settings).test_client()
        database.dispose()


def fetch(client: FlaskClient) -> int:
    """Fetch the page and return its size in bytes; fails when it shows fewer than 20 rows."""
    response = client.get(_ADDRESS)
    assert response.status_code == 200
    assert response.text.count('<li class="result">') == 20
    return len(response.data)


@measure("search_page_statements", goal="<= 6", unit="SQL", base="20 rows, filters and sort")
def count_statements() -> float:
    """Return the number of SQL statements of one search."""
    with opened_catalog(_SERVICES) as client:
        fetch(client)
        with recorded_statements() as statements:
            fetch(client)
        return len(statements)


@measure("search_page", goal="<= 0.15", unit="s", base="20 rows, filters and sort, server time")
def time_page() -> float:
    """Return the median server time of one search in seconds."""
    with opened_catalog(_SERVICES) as client:
        return median_seconds(lambda: fetch(client), runs=15, warm_up=3)
