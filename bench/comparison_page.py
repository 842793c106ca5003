"""The comparison of two services over 197 requirements, as a signed-out reader gets it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient

from app import create_app
from bench.measures import measure, median_seconds
from core import cli, db
from core.config import Settings
from tests import factories
from tests.client import recorded_statements

_REQUIREMENTS = 197


@contextmanager
def opened_comparison(services: int, requirements: int) -> Iterator[tuple[FlaskClient, str]]:
    """Make a catalog on SQLite and give a client with the address of a comparison in it."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        database = db.configure(url)
        cli.upgrade_database()
        with db.transaction() as session:
            version = factories.specification(session, requirements=requirements)
            town = factories.body(session, code="103667")
            ids = [
                factories.offering(session, factories.vendor(session), version).id
                for _ in range(services)
            ]
            address = "/compare?" + "&".join(f"l={each}" for each in ids) + f"&body={town.code}"
        settings = Settings(env="development", database_url=url, data_dir=Path(folder))
        yield create_app(settings).test_client(), address
        database.dispose()


def fetch(client: FlaskClient, address: str) -> int:
    """Fetch the page and return its size in bytes."""
    response = client.get(address)
    assert response.status_code == 200
    return len(response.data)


@measure("comparison_page_statements", goal="<= 6", unit="SQL", base="2 × 197 requirements")
def count_statements() -> float:
    """Return the number of SQL statements of one comparison."""
    with opened_comparison(2, _REQUIREMENTS) as (client, address):
        with recorded_statements() as statements:
            fetch(client, address)
        return len(statements)


@measure("comparison_page", goal="<= 0.15", unit="s", base="2 × 197 requirements, server time")
def time_page() -> float:
    """Return the median server time of one comparison in seconds."""
    with opened_comparison(2, _REQUIREMENTS) as (client, address):
        return median_seconds(lambda: fetch(client, address), runs=15, warm_up=3)
