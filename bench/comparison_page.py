"""The comparison of five services over 500 requirements, as a clerk gets it for the own town.

The clerk keeps conditions with options, quantities and today's contract. Answers differ, and every
fifth has a note; price lists have options, ways in and out. What is measured is the address that
an address without a body leads to: it holds all that is kept.
"""

import gc
import itertools
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from sqlmodel import Session

from accounts.models import Role
from app import create_app
from bench.measures import measure, median_seconds, p95_seconds
from catalog.kept.models import CostProfile
from catalog.offerings.queries import list_answers
from catalog.price_plan import ComponentKind, Interval, Unit
from catalog.terms import Answer
from catalog.used_options import write_used
from core import cli, db
from core.config import Settings
from tests import factories
from tests.client import recorded_statements

_SERVICES, _REQUIREMENTS = 5, 500
_CLERK = "of a clerk with kept conditions, signed in"
_BASE = f"{_SERVICES} × {_REQUIREMENTS} requirements {_CLERK}"
_NOTE = "別の画面で同じことができます。操作の手順は説明書にあり、研修でも取り上げます。"
_LUMP, _ONCE, _MONTH = Unit.LUMP, Interval.ONCE, Interval.MONTH
_PRICES = (
    (ComponentKind.INITIAL, _LUMP, _ONCE, 450_000),
    (ComponentKind.BASE, _LUMP, _MONTH, 40_000),
    (ComponentKind.USAGE, Unit.PERSON, _MONTH, 2),
    (ComponentKind.USAGE, Unit.COUNTER, _MONTH, 700),
    (ComponentKind.OPTION, _LUMP, _MONTH, 12_000),
    (ComponentKind.MIGRATION, _LUMP, _ONCE, 300_000),
    (ComponentKind.EXIT, _LUMP, _ONCE, 80_000),
)


@contextmanager
def opened_comparison(
    services: int, requirements: int, page: str = "/compare"
) -> Iterator[tuple[FlaskClient, str]]:
    """Make a catalog on SQLite and give a clerk's client with the address of a page for services in it.

    What is loaded once is left out of collections of garbage, as in a worker of the server.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        database = db.configure(url)
        cli.upgrade_database()
        with db.transaction() as session:
            version = factories.specification(session, requirements=requirements)
            town = factories.body(session, code="103667")
            clerk = factories.person(session, Role.CLERK, town)
            listings = [
                factories.offering(session, factories.vendor(session), version, prices=_PRICES)
                for _ in range(services)
            ]
            for number, each in enumerate(listings):
                _vary_answers(session, each.offering_version_id, number)
            names = [f"R-{number:03d}" for number in range(1, requirements + 1)]
            kept: dict[str, str | list[str]] = {"body": str(town.code), "months": "60"}
            of_work: dict[str, str | list[str]] = {
                "counters": "3",
                "ids": "40",
                "o": ["オプション"],
                "use": write_used(str(version.id), names, {*names[2:99:6]}),
            }
            owner: dict[str, Any] = {"person_id": clerk.id, "organisation_id": town.id}
            session.add(CostProfile(**owner, conditions=kept))
            session.add(_keep_for(version.specification_id, of_work, owner))
            bare = f"{page}?{urlencode({'l': [each.id for each in listings]}, doseq=True)}"
        settings = Settings(env="development", database_url=url, data_dir=Path(folder))
        client = create_app(settings).test_client()
        factories.sign_in_client(client, clerk, town)
        address = client.get(bare).location
        assert all(f"{name}=" in address for name in (*kept, *of_work))
        gc.collect()
        gc.freeze()
        yield client, address
        gc.unfreeze()
        database.dispose()


def _vary_answers(session: Session, offering_version_id: uuid.UUID, number: int) -> None:
    answers = list_answers(session, [offering_version_id])[offering_version_id]
    for place, row in enumerate(answers.values()):
        if (place + number) % 5 == 0:
            row.revise(answer=Answer.ALTERNATIVE, note=_NOTE)


def _keep_for(
    specification_id: uuid.UUID, words: dict[str, str | list[str]], owner: dict[str, Any]
) -> CostProfile:
    return CostProfile(
        **owner,
        specification_id=specification_id,
        conditions=words,
        baseline_yearly=1_200_000,
        baseline_ends_on=date(2027, 3, 31),
    )


def fetch(client: FlaskClient, address: str) -> int:
    """Fetch the page and return its size in bytes."""
    response = client.get(address)
    assert response.status_code == 200
    return len(response.data)


def count_statements_of(client: FlaskClient, address: str) -> float:
    """Return the number of SQL statements of one page, those that tell who reads it included."""
    fetch(client, address)
    with recorded_statements() as statements:
        fetch(client, address)
    return len(statements)


@measure("comparison_page_sql", goal="<= 6", unit="SQL", base=f"{_BASE}, the sign-in's included")
def count_statements() -> float:
    """Return the number of SQL statements of one comparison."""
    with opened_comparison(_SERVICES, _REQUIREMENTS) as (client, address):
        return count_statements_of(client, address)


@measure("comparison_page_p95", goal="<= 0.15", unit="s", base=f"{_BASE}, 300 drawn, server time")
def time_page() -> float:
    """Return the server time in seconds that 95 of 100 comparisons keep to: the first page of rows."""
    with opened_comparison(_SERVICES, _REQUIREMENTS) as (client, address):
        return p95_seconds(lambda: fetch(client, address), runs=100, warm_up=5)


@measure(
    "comparison_page_all_p95", goal="<= 0.15", unit="s", base=f"{_BASE}, all drawn, server time"
)
def time_whole_page() -> float:
    """Return the server time in seconds that 95 of 100 comparisons with every row on one page keep to."""
    with opened_comparison(_SERVICES, _REQUIREMENTS) as (client, address):
        return p95_seconds(lambda: fetch(client, f"{address}&all=1"), runs=100, warm_up=5)


@measure("comparison_pdf", goal="<= 3", unit="s", base=f"{_BASE}, every row on A3")
def time_pdf() -> float:
    """Return the median time in seconds that the PDF of one comparison takes."""
    lengths = itertools.count(12)  # another one each time: what is drawn again comes from memory
    with opened_comparison(_SERVICES, _REQUIREMENTS) as (client, address):
        path = address.replace("?", ".pdf?", 1)
        before, _, after = path.partition("months=60")
        return median_seconds(
            lambda: fetch(client, f"{before}months={next(lengths)}{after}"), runs=5
        )
