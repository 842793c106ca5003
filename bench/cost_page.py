"""The cost of one service that answers 500 requirements, as a clerk gets it for the own town."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask.testing import FlaskClient

from bench.comparison_page import fetch, opened_comparison
from bench.measures import measure, p95_seconds
from tests.client import recorded_statements

_REQUIREMENTS = 500
_SIGN_IN = ("FROM sign_ins", "FROM memberships")
_BASE = f"60 months, {_REQUIREMENTS} answers, signed in"


@contextmanager
def _opened_cost() -> Iterator[tuple[FlaskClient, str]]:
    with opened_comparison(1, _REQUIREMENTS) as (client, address):
        yield client, address.replace("/compare?", "/cost?months=60&")


@measure("cost_page_sql", goal="<= 6", unit="SQL", base=f"{_BASE}, besides the sign-in's two")
def count_statements() -> float:
    """Return the number of SQL statements of one cost page, without those that tell who reads it."""
    with _opened_cost() as (client, address):
        fetch(client, address)
        with recorded_statements() as statements:
            fetch(client, address)
        return sum(not any(name in each for name in _SIGN_IN) for each in statements)


@measure("cost_page_p95", goal="<= 0.15", unit="s", base=f"{_BASE}, server time")
def time_page() -> float:
    """Return the server time in seconds that 95 of 100 cost pages keep to."""
    with _opened_cost() as (client, address):
        return p95_seconds(lambda: fetch(client, address), runs=100, warm_up=5)
