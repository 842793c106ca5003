"""The comparison of five services over 500 requirements, as a clerk gets it for the own town."""

import gc
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient

from accounts.models import Role
from app import create_app
from bench.measures import measure, median_seconds, p95_seconds
from core import cli, db
from core.config import Settings
from tests import factories
from tests.client import recorded_statements

_SERVICES, _REQUIREMENTS = 5, 500
_BASE = f"{_SERVICES} × {_REQUIREMENTS} requirements, signed in"


@contextmanager
def opened_comparison(services: int, requirements: int) -> Iterator[tuple[FlaskClient, str]]:
    """Make a catalog on SQLite and give a clerk's client with the address of a comparison in it.

    What is loaded once is left out of collections of garbage, as in a worker of the server.
    """
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
            clerk = factories.person(session, Role.CLERK, town)
            address = "/compare?" + "&".join(f"l={each}" for each in ids) + f"&body={town.code}"
        settings = Settings(env="development", database_url=url, data_dir=Path(folder))
        client = create_app(settings).test_client()
        factories.sign_in_client(client, clerk, town)
        gc.collect()
        gc.freeze()
        yield client, address
        gc.unfreeze()
        database.dispose()


def fetch(client: FlaskClient, address: str) -> int:
    """Fetch the page and return its size in bytes."""
    response = client.get(address)
    assert response.status_code == 200
    return len(response.data)


@measure("comparison_page_sql", goal="<= 6", unit="SQL", base=_BASE)
def count_statements() -> float:
    """Return the number of SQL statements of one comparison, those of the sign-in included."""
    with opened_comparison(_SERVICES, _REQUIREMENTS) as (client, address):
        fetch(client, address)
        with recorded_statements() as statements:
            fetch(client, address)
        return len(statements)


@measure("comparison_page_p95", goal="<= 0.15", unit="s", base=f"{_BASE}, server time")
def time_page() -> float:
    """Return the server time in seconds that 95 of 100 comparisons keep to."""
    with opened_comparison(_SERVICES, _REQUIREMENTS) as (client, address):
        return p95_seconds(lambda: fetch(client, address), runs=100, warm_up=5)


@measure("comparison_pdf", goal="<= 3", unit="s", base=f"{_BASE}, every row on A3")
def time_pdf() -> float:
    """Return the median time in seconds that the PDF of one comparison takes."""
    lengths = itertools.count(12)  # another one each time: what is drawn again comes from memory
    with opened_comparison(_SERVICES, _REQUIREMENTS) as (client, address):
        path = address.replace("?", ".pdf?", 1)
        return median_seconds(lambda: fetch(client, f"{path}&months={next(lengths)}"), runs=5)
