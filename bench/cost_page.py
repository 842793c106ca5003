"""The cost of one service that answers 500 requirements, as a clerk gets it for the own town."""

from bench.comparison_page import count_statements_of, fetch, opened_comparison
from bench.measures import measure, p95_seconds

_REQUIREMENTS = 500
_BASE = f"60 months, {_REQUIREMENTS} answers, kept conditions with today's contract, signed in"


@measure("cost_page_sql", goal="<= 7", unit="SQL", base=f"{_BASE}, the sign-in's included")
def count_statements() -> float:
    """Return the number of SQL statements of one cost page."""
    with opened_comparison(1, _REQUIREMENTS, "/cost") as (client, address):
        return count_statements_of(client, address)


@measure("cost_page_p95", goal="<= 0.15", unit="s", base=f"{_BASE}, server time")
def time_page() -> float:
    """Return the server time in seconds that 95 of 100 cost pages keep to."""
    with opened_comparison(1, _REQUIREMENTS, "/cost") as (client, address):
        return p95_seconds(lambda: fetch(client, address), runs=100, warm_up=5)
