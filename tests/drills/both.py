"""Races on both databases: acts that begin at one moment, so many rounds, one right outcome each.

@measure("race 9: rounds with another outcome", goal="== 0", unit="rounds", base=RACES)
@on_both()
def count_wrong(database, settings):
    town = build_town(database, settings)   # once per database

    def play(number: int) -> bool:          # once per round: was the outcome the right one?
        town.reach_proposed()               # a new purchase each time, walked by the services
        told = at_once(lambda: approve(town), lambda: remove(town))
        return ...

    return play
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import TypeVar, cast
from unittest.mock import patch

import click
from argon2 import PasswordHasher

from accounts import services
from core import db
from core.config import Settings
from core.documents import RenderedDocument, canonical_json, sha256_hex
from core.errors import DomainError
from core.paper import Format, Paper, describe_paper
from procurement.projects import papers
from tests.client import CheckedClient
from tests.databases import (
    DatabaseUnderTest,
    PostgresDatabase,
    SqliteDatabase,
    make_run_folder,
)
from tests.procurement.conftest import Market, build_market
from tests.stages import Stages

T = TypeVar("T")
Play = Callable[[int], bool]

ROUNDS = 200
RACES = f"{ROUNDS} rounds on SQLite and as many on PostgreSQL"
NOTE = "前の回とは別の施設で使うため。"
_FRESH = 50  # rounds after which the rows of the earlier ones are forgotten


def open_both(*kinds: str) -> Iterator[tuple[DatabaseUnderTest, Settings]]:
    """Give SQLite, then PostgreSQL: migrated, empty, and configured while the caller holds it."""
    folder = make_run_folder()
    # As in the suite: what passwords cost is not what is rehearsed.
    services._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    services._DUMMY_HASH = services._hash_of_nothing()
    os.environ["NARABI_TEST_OWNER"] = str(os.getpid())
    databases = (SqliteDatabase(folder, "drill"), PostgresDatabase(folder, "drill"))
    try:
        for database in databases:
            if kinds and database.kind not in kinds:
                continue
            database.reset()
            db.configure(database.url)
            files = folder / f"data-{database.kind}"
            yield (
                database,
                Settings(env="development", database_url=database.url, data_dir=files),
            )
            db.current().dispose()
    finally:
        databases[1].close()
        shutil.rmtree(folder, ignore_errors=True)


def on_both(
    rounds: int = ROUNDS, fresh: int = _FRESH
) -> Callable[
    [Callable[[DatabaseUnderTest, Settings], Play]],
    Callable[[], float],
]:
    """Turn what prepares a database and gives one round into the count of wrong rounds on both.

    What the preparation wrote is brought back after so many `fresh` rounds: 1 where every round
    begins at the very state that was prepared. A wrong round is named as it happens.
    """

    def turn(prepare: Callable[[DatabaseUnderTest, Settings], Play]) -> Callable[[], float]:
        @wraps(prepare)
        def count_wrong() -> float:
            wrong = 0
            for database, settings in open_both():
                play = prepare(database, settings)
                wrong += _count_wrong(prepare.__module__, database, play, rounds, fresh)
            return wrong

        return count_wrong

    return turn


def _count_wrong(
    name: str, database: DatabaseUnderTest, play: Play, rounds: int, fresh: int
) -> int:
    db.current().dispose()
    database.keep("prepared")
    wrong = 0
    for number in range(rounds):
        if number and number % fresh == 0:
            db.current().dispose()
            database.reset("prepared")
        if not play(number):
            wrong += 1
            click.echo(f"{name}: {database.kind}, round {number}: another outcome", err=True)
    return wrong


@contextmanager
def undrawn_papers() -> Iterator[None]:
    """Keep papers by what they say, without drawing them: for races that are not about papers."""
    with patch(f"{papers.__name__}.render_paper", _render_nothing):
        yield


def _render_nothing(
    paper: Paper, formats: Sequence[Format], **_more: str
) -> dict[Format, RenderedDocument]:
    content = canonical_json(describe_paper(paper))
    return {each: RenderedDocument(content, sha256_hex(content)) for each in formats}


def at_once(*acts: Callable[[], T]) -> list[T | DomainError]:
    """Let all acts begin at the same moment; returns in order what each gave or was told."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T | DomainError:
        gate.wait()
        try:
            return act()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


class Walking(Stages):
    """Every stretch of the way is walked again: each round has a purchase of its own."""

    def reach(self, stage: str, walk: Callable[[], object]) -> None:
        walk()


def build_town(database: DatabaseUnderTest, settings: Settings) -> Market:
    """Build the town and its market; `reach_…` then begins a new purchase, project() is the newest.

    Drills act by the services: nobody has a browser.
    """
    stages = Walking(database, settings.data_dir, settings.data_dir / "stages")
    town = build_market(settings, cast("Callable[[], CheckedClient]", _no_browser), stages)
    return replace(town, splitting_note=NOTE)


def _no_browser() -> None:
    raise NotImplementedError("drills act by the services")
