"""Six writers commit to the feed on PostgreSQL with random pauses: a reader sees no gap and no reorder."""

import os
import random
import shutil
import time
import uuid
from multiprocessing import get_context

from bench.measures import measure
from catalog.feed import SOURCE
from core import changes, db
from tests import factories
from tests.databases import PostgresDatabase, make_run_folder
from vendors.models import Vendor

WRITERS = 6
COMMITS = 10_000
_POLL_SECONDS = 0.02
_LONGEST_PAUSE = 0.002


@measure(
    "feed under parallel writers: numbers missed, doubled or out of order",
    goal="== 0",
    unit="changes",
    base=f"PostgreSQL, {WRITERS} processes × {COMMITS:,} commits, a reader every 20 ms",
)
def count_disorder() -> float:
    """Return how many numbers the reader did not see exactly once and in order."""
    disorder, _ = rehearse(COMMITS)
    return disorder


def rehearse(commits: int) -> tuple[int, int]:
    """Let the writers commit so often each; returns the disorder and how often the reader looked."""
    folder = make_run_folder()
    os.environ["NARABI_TEST_OWNER"] = str(os.getpid())
    database = PostgresDatabase(folder, "drill")
    try:
        database.reset()
        database.close()
        db.configure(database.url)
        changes.use_source(SOURCE)
        with db.transaction() as session:
            vendors = [factories.vendor(session).id for _ in range(WRITERS)]
        start = get_context("spawn")
        writers = [
            start.Process(target=write, args=(database.url, each, commits)) for each in vendors
        ]
        for writer in writers:
            writer.start()
        seen, looks, head = [], 0, 0
        while any(writer.is_alive() for writer in writers) or _read(head):
            found = _read(head)
            seen += found
            looks += 1
            head = found[-1] if found else head
            time.sleep(_POLL_SECONDS)
        expected = list(range(1, WRITERS * commits + 1))
        wrong = sum(a != b for a, b in zip(seen, expected, strict=False))
        failed = sum(writer.exitcode != 0 for writer in writers)
        db.current().dispose()
        return wrong + abs(len(expected) - len(seen)) + failed, looks
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(since: int) -> list[int]:
    with db.reading() as session:
        return [each.sequence for each in changes.list_changes(session, since, 1_000)]


def write(url: str, vendor_id: uuid.UUID, commits: int) -> None:
    """Change a vendor so often, with its record written each time."""
    db.configure(url)
    changes.use_source(SOURCE)
    dice = random.Random(str(vendor_id))
    for number in range(commits):
        with db.transaction() as session:
            session.get_one(Vendor, vendor_id).revise(kana=f"ミホン{number}")
            time.sleep(dice.random() * _LONGEST_PAUSE)
            changes.append(session, "vendor", vendor_id)
        time.sleep(dice.random() * _LONGEST_PAUSE)
