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
from core.config import Settings
from tests.databases import DatabaseUnderTest, SqliteDatabase
from tests.drills.both import build_town, open_both
from tests.isolation.canary_town import BODY_PROGRAM, HOLDER, CanaryTown
from tests.isolation.canary_way import WAY
from tests.procurement.quoting import AFTER

OFFICE = "application/vnd.openxmlformats-officedocument"
_BASE = "every role, program, address, method and format; letters, log, rows; SQLite and PostgreSQL"
# Where the planted price has to be met: as whom, and as what.
PLANTED = (
    ("unnamed clerk", "text/html"),
    ("unnamed clerk", "application/zip"),
    ("unnamed clerk", "application/pdf"),
    ("unnamed clerk", f"{OFFICE}.wordprocessingml.document"),
    ("unnamed clerk", f"{OFFICE}.spreadsheetml.sheet"),
    (BODY_PROGRAM, "application/json"),
    ("whoever reads the log", "log"),
    ("whoever gets a letter", "letter"),
    (HOLDER, "table"),
)


@contextlib.contextmanager
def _town(
    database: DatabaseUnderTest, settings: Settings, log: io.StringIO, *, is_planted: bool = False
) -> Iterator[CanaryTown]:
    app = create_app(settings)
    app.config.update(WTF_CSRF_ENABLED=False)
    market = replace(build_town(database, settings), new_client=app.test_client)
    with contextlib.redirect_stdout(log):
        yield CanaryTown(app, market, is_planted=is_planted).build()


@measure("canary crawl: secrets met outside their list", goal="== 0", unit="leaks", base=_BASE)
def count_leaks() -> float:
    """Ask as everybody: quotes sealed, opened, chosen, decided, asked for, accepted; then it is over."""
    leaks = 0
    for database, settings in open_both():
        log = io.StringIO()
        with _town(database, settings, log) as town:
            found = [*_crawl(town, log), *town.watch.leaks]
        for leak in found:
            click.echo(f"tests.drills.canary: {database.kind}: {leak}", err=True)
        told = f"tests.drills.canary: {database.kind}: {town.watch.asked} texts searched"
        click.echo(told, err=True)
        leaks += len(found)
    return leaks


def _crawl(town: CanaryTown, log: io.StringIO) -> list[str]:
    differences = town.compare_rounds()
    town.ask_as(*town.everybody, everywhere=True)
    town.break_down(pytest.MonkeyPatch())
    town.look_into_the_house(log.getvalue())
    with fixed_at(AFTER):
        for act in (CanaryTown.open_quotes, *WAY):
            act(town)
            town.ask_as(*town.everybody)
            town.look_into_the_house(log.getvalue())
    return differences


@measure(
    "canary crawl: planted leaks that are met",
    goal=f"== {len(PLANTED)}",
    unit=f"of {len(PLANTED)}",
    base="a price in a title, in the log and in a name: page, ZIP, PDF, DOCX, XLSX, JSON, row",
)
def find_planted() -> float:
    """Write the price where it does not belong: it is met in every form a text comes in."""
    log, met = io.StringIO(), set()
    for database, settings in open_both(SqliteDatabase.kind):
        with _town(database, settings, log, is_planted=True) as town, fixed_at(AFTER):
            for act in (CanaryTown.open_quotes, *WAY[:2]):
                act(town)
            town.ask_as("unnamed clerk", BODY_PROGRAM)
            town.look_into_the_house(log.getvalue())
            for leak in town.watch.leaks:
                who, _, place = leak.partition(": ")
                met.add((who, place.split()[0]))
    return len(met.intersection(PLANTED))
