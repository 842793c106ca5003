"""Everybody opens and sends everything the site has, in the middle of a purchase full of canaries."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace

import click
import pytest

from app import create_app
from bench.measures import measure
from core.clock import fixed_at
from tests.databases import SqliteDatabase
from tests.drills.both import build_town, open_both
from tests.isolation.canary_town import CanaryTown
from tests.procurement.quoting import AFTER

_BASE = "every role, address, method and format of the site; letters, log and rows; SQLite"


@contextlib.contextmanager
def _town() -> Iterator[CanaryTown]:
    for database, settings in open_both(SqliteDatabase.kind):
        app = create_app(settings)
        app.config.update(WTF_CSRF_ENABLED=False)
        market = build_town(database, settings)
        yield CanaryTown(app, replace(market, new_client=app.test_client)).build()


@measure("canary crawl: secrets met outside their list", goal="== 0", unit="leaks", base=_BASE)
def count_leaks() -> float:
    """Ask as everybody: quotes are sealed, then opened by two, then the purchase is over."""
    log = io.StringIO()
    with _town() as town, contextlib.redirect_stdout(log), contextlib.ExitStack() as later:
        differences = town.compare_rounds()
        town.ask_as(*town.people, everywhere=True)
        town.break_down(pytest.MonkeyPatch())
        town.look_into_the_house(log.getvalue())
        later.enter_context(fixed_at(AFTER))
        town.open_quotes()
        town.ask_as(*town.people)
        town.end()
        town.ask_as(*town.people)
        town.look_into_the_house(log.getvalue())
        leaks, asked = [*town.watch.leaks, *differences], town.watch.asked
    for leak in leaks:
        click.echo(f"tests.drills.canary: {leak}", err=True)
    click.echo(f"tests.drills.canary: {asked} texts searched", err=True)
    return len(leaks)


@measure("canary crawl: planted leaks that are met", goal="== 1", unit="of 1", base=_BASE)
def find_planted() -> float:
    """Write the price into a title: whoever opens the purchase meets it, as a page and in a file."""
    with _town() as town, contextlib.redirect_stdout(io.StringIO()):
        town.plant_a_leak()
        town.ask_as("unnamed clerk", only=("/<uuid:project_id>", "/pack"))
        kinds = {leak.split(": ")[1].split()[0] for leak in town.watch.leaks}
    return float(kinds >= {"text/html", "application/zip"})
