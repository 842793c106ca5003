"""Everybody opens and sends everything the site has, all through a purchase full of canaries."""

import contextlib
import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context

import click
import pytest

from app import create_app
from bench.measures import measure
from core import db
from core.clock import fixed_at
from tests.api.known_rows import KnownRows
from tests.databases import PostgresDatabase, SqliteDatabase
from tests.drills.both import build_town, open_both
from tests.isolation.canary_plants import CLASSES, PLANTS, found_classes, plant
from tests.isolation.canary_programs import ask_as_programs, deliver_webhooks, list_programs
from tests.isolation.canary_town import OF_BODY, SELLER, CanaryTown
from tests.isolation.canary_way import ACTS

KINDS = (SqliteDatabase.kind, PostgresDatabase.kind)
_RATES = {"api_anonymous_per_minute": 10_000_000, "api_client_per_minute": 10_000_000}
_STATES = "sealed, opened, proposed, approved, sent, accepted, ended"
_BASE = (
    f"every role, program, address (PostgreSQL: of the purchase and API) and format; {_STATES};"
    " letters, hooks, log, rows"
)
# Who meets what in which states: a walk that is signed out on its way would find nothing, either.
_SEEN = {
    "named clerk: estimated price": frozenset({"sealed", "opened", *ACTS}),
    f"{SELLER}: quote of {SELLER}": frozenset({"sealed", "opened", *ACTS}),
    f"unnamed clerk: quote of {SELLER}": frozenset({"opened", *ACTS}),
    f"{OF_BODY}: exclusion": frozenset({"sealed", "opened", *ACTS}),
    "auditor: estimated price": frozenset({"ended"}),
}


@dataclass
class _Found:
    """What came of one database."""

    leaks: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)  # of what is there to be seen
    classes: frozenset[str] = frozenset()
    asked: int = 0


@measure("canary crawl: secrets met outside their list", goal="== 0", unit="leaks", base=_BASE)
def count_leaks() -> float:
    """Ask as everybody in each state, from the sealed quotes to the registered contract."""
    return sum(len(found.leaks) for found in _crawl_once())


@measure("canary crawl: readers who did not see their own", goal="== 0", unit="cases", base=_BASE)
def count_blind() -> float:
    """Count who should have met a canary and did not: their walk shows nothing."""
    return sum(len(found.unseen) for found in _crawl_once())


@measure(
    "canary crawl: classes of text whose planted leak is missed",
    goal="== 0",
    unit="classes",
    base=f"{len(CLASSES)} classes of text; both databases",
)
def count_missed() -> float:
    """Plant a leak for each class of text (page, API, files, letter, log, feed, hook), and look."""
    return sum(len(CLASSES - found.classes) for found in _crawl_once())


@cache
def _crawl_once() -> list[_Found]:
    with ProcessPoolExecutor(len(KINDS), mp_context=get_context("spawn")) as pool:
        results = list(pool.map(crawl, KINDS))
    for kind, found in zip(KINDS, results, strict=True):
        missed = [f"planted and missed: {each}" for each in sorted(CLASSES - found.classes)]
        for line in (*found.leaks, *found.unseen, *missed, f"{found.asked} texts searched"):
            click.echo(f"{__name__}: {kind}: {line}", err=True)
    return results


def crawl(kind: str) -> _Found:
    """Walk a purchase on one kind of database from state to state, and ask as everybody in each."""
    found = _Found()
    for town, log in _open(kind):
        found.leaks += town.build().compare_rounds()
        town.break_down(pytest.MonkeyPatch())
        _ask_all(town, log, found, "sealed")
        with fixed_at(town.after):
            town.open_quotes()
            _ask_all(town, log, found, "opened")
            for state in ACTS:
                town.go_on(state)
                _ask_all(town, log, found, state)
            found.leaks += town.watch.leaks
            found.asked = town.watch.asked
            plant(town, *PLANTS)
            town.ask_as("unnamed clerk", "auditor")
            ask_as_programs(town, OF_BODY)
            deliver_webhooks(town)
            town.look_into_the_house(log.getvalue())
            found.classes = frozenset(found_classes(town))
    return found


def _open(kind: str) -> Iterator[tuple[CanaryTown, io.StringIO]]:
    for database, given in open_both(kind):
        settings, log = given.model_copy(update=_RATES), io.StringIO()
        app = create_app(settings)
        app.config.update(WTF_CSRF_ENABLED=False)
        market = replace(build_town(database, settings), new_client=app.test_client)
        with contextlib.redirect_stdout(log):
            town = CanaryTown(app, market, rows=KnownRows(settings, market).build())
            town.programs = list_programs(town)
            yield town, log


def _ask_all(town: CanaryTown, log: io.StringIO, found: _Found, state: str) -> None:
    town.watch.met.clear()
    # Whatever is not of the purchase is the same on both: it is asked once.
    is_whole = state == "sealed" and db.current().is_sqlite
    town.ask_as(*town.people, everywhere=is_whole)
    # One scope alone opens less than all of them: it is asked first and last.
    is_end = state in {"sealed", "ended"}
    ask_as_programs(town, *(each for each in town.programs if is_end or not each.endswith("alone")))
    deliver_webhooks(town)
    town.look_into_the_house(log.getvalue())
    seen = {each for each, states in _SEEN.items() if state in states}
    found.unseen += [f"{state}: {each}" for each in sorted(seen - town.watch.met.keys())]
    click.echo(f"{__name__}: {state}: {town.watch.asked} texts until now", err=True)
