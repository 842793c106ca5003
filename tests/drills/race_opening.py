"""Race 5: a quote is handed in or replaced while two people open; every receipt is opened, or told 409.

All quotes are in time by their own transactions' clocks, and the opening begins after the deadline:
only the locks decide who comes first. A clock of each thread stands for what the database tells.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session

from accounts.identity import Actor
from bench.measures import measure
from core import db
from core.config import Settings
from core.errors import Conflict, DomainError, WrongState
from procurement.quoting import queries
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, build_town, on_both, undrawn_papers
from tests.procurement.conftest import Market
from tests.procurement.quoting import AFTER, DEADLINE, Quoting

T = TypeVar("T")
_mine = threading.local()
_read_moment = db._read_moment


def _moment_of_thread(session: Session) -> datetime:
    given: datetime | None = getattr(_mine, "moment", None)
    known = _read_moment(session)
    return known if given is None else given


@contextmanager
def own_clocks() -> Iterator[None]:
    """Let each thread have a clock of its own while inside."""
    db._read_moment = _moment_of_thread
    try:
        yield
    finally:
        db._read_moment = _read_moment


def at(moment: datetime, act: Callable[[], T]) -> Callable[[], T]:
    """Return an act whose transactions read this moment."""

    def run() -> T:
        _mine.moment = moment
        try:
            return act()
        finally:
            _mine.moment = None

    return run


@measure(
    "race 5, quoted while opened: rounds with another outcome",
    goal="== 0",
    unit="rounds",
    base=RACES,
)
@on_both(fresh=1)
def count_wrong(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Let two vendors quote at the deadline while clerk and approver open."""
    return prepare(database, settings)


def prepare(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Return one round of the race on a town of its own."""
    town = build_town(database, settings)
    with undrawn_papers():
        town.reach_compared()
    quoting, before = send_and_quote(town)

    def play(_number: int) -> bool:
        with undrawn_papers():
            return is_round_true(quoting, before)

    return play


def send_and_quote(town: Market) -> tuple[Quoting, str]:
    """Ask two vendors and let the first quote once; gives the receipt that is replaced next."""
    quoting = Quoting(town).send()
    return quoting, quoting.quote(quoting.seller, town.cheap.id, 24_000).receipt_sha256


def is_receipt_opened(town: Market) -> bool:
    """Ask, quote and run one round of the race."""
    return is_round_true(*send_and_quote(town))


def is_round_true(quoting: Quoting, before: str) -> bool:
    """Run one round; tells whether exactly the receipts that were given are in the opened set."""
    town, seller, rival = quoting.market, quoting.seller, quoting.rival
    with own_clocks():
        replaced, first, late, opened = at_once(
            at(DEADLINE, lambda: _hand_in(quoting, seller, town.cheap.id, 1)),
            at(DEADLINE, lambda: _hand_in(quoting, rival, town.other.id, 0)),
            at(AFTER, lambda: _hand_in(quoting, rival, town.other.id, 0)),
            at(AFTER + timedelta(seconds=1), lambda: _open(quoting)),
        )
    refused = [each for each in (replaced, first, late) if isinstance(each, DomainError)]
    if opened is not True or any(not isinstance(each, Conflict | WrongState) for each in refused):
        return False
    with db.reading() as session:
        receipts = {each.receipt for each in queries.opened_quotes(session, town.project().id)}
    given = {before if isinstance(replaced, DomainError) else replaced}
    given |= set() if isinstance(first, DomainError) else {first}
    return late in refused and receipts == given


def _hand_in(quoting: Quoting, actor: Actor, version_id: Any, revision: int) -> Any:
    return quoting.quote(actor, version_id, 23_000, revision).receipt_sha256


def _open(quoting: Quoting) -> Any:
    clerk = replace(quoting.clerk, authenticated_at=AFTER)
    approver = replace(quoting.approver, authenticated_at=AFTER)
    return quoting.open(clerk) is False and quoting.open(approver)
