"""The indexer is killed in mid-write while two gunicorn workers search its index: nothing is lost."""

import json
import mmap
import os
import random
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from app import outbox_handlers
from bench.measures import measure
from core import clock, db, outbox
from core.config import Settings
from search import embedded
from search.embedded import EmbeddedEngine
from search.indexer import check, rebuild
from search.queries import read_records
from search.queries.listings import list_offering_ids
from tests.drills.stage import open_stage, read, serve

LISTINGS = 8
ROUNDS = 100
LEAST_MIDWAY = 0.5
"""The share of kills that must come between the begin and the end of a write to the index."""

_BEGUN, _ENDED = 1, 2


@measure(
    "indexer killed in mid-write: rounds with a loss or a wrong answer",
    goal="== 0",
    unit="rounds",
    base=f"{ROUNDS} × kill -9, {LISTINGS} listings, two gunicorn workers searching",
)
def count_losses() -> float:
    """Return in how many rounds the index was broken, short of a change, or answered wrongly.

    Kills that are short of the least share in mid-write count too: they proved nothing.
    """
    lost, wrong, midway = rehearse(ROUNDS)
    return lost + wrong + max(0, int(ROUNDS * LEAST_MIDWAY) - midway)


def rehearse(rounds: int) -> tuple[int, int, int]:
    """Kill the indexer so many times; counts losses, wrong answers, and kills in mid-write."""
    lost = midway = 0
    with open_stage(LISTINGS) as settings:
        rebuild(EmbeddedEngine(settings.data_dir))
        with serve(settings) as address:
            reader = Reader(address)
            reader.start()
            try:
                for number in range(1, rounds + 1):
                    # Claims of the killed run out in two minutes; here the clock moves on.
                    with clock.fixed_at(clock.utcnow() + timedelta(minutes=5 * number)):
                        midway += _kill_in_mid_write(settings, _plant_drift(settings))
                    with clock.fixed_at(clock.utcnow() + timedelta(minutes=5 * number + 3)):
                        outbox.drain(outbox_handlers(settings))
                        engine = EmbeddedEngine(settings.data_dir)
                        lost += bool(check(engine).count or _count_open())
            finally:
                reader.stopped.set()
                reader.join()
    return lost, reader.wrong + (reader.asked == 0), midway


class Reader(threading.Thread):
    """Asks both workers all the time; every listing is there in every answer."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = f"{address}/api/v1/search"
        self.stopped = threading.Event()
        self.asked = self.wrong = 0

    def run(self) -> None:
        """Ask until stopped."""
        while not self.stopped.is_set():
            try:
                self.wrong += json.loads(read(self.address))["total"] != LISTINGS
            except OSError:
                self.wrong += 1
            self.asked += 1
            time.sleep(0.1)


def _plant_drift(settings: Settings) -> float:
    """Make every record stale, and send the messages that mend it; gives how long such a write takes."""
    with db.reading() as session:
        records = [record for _, record in read_records(session, list_offering_ids(session))]
    began = time.monotonic()
    EmbeddedEngine(settings.data_dir).upsert(replace(each, yearly_costs={}) for each in records)
    took = time.monotonic() - began
    with db.transaction() as session:
        for each in records:
            outbox.publish(session, "search.listing_changed", {"listing_id": each.listing_id})
    return took


def _kill_in_mid_write(settings: Settings, write_seconds: float) -> bool:
    """Start an indexer and kill it at some moment of its write; says whether it was still writing."""
    mark = mmap.mmap(-1, 1)  # one byte that parent and child see
    child = os.fork()
    if child == 0:
        try:
            db.configure(settings.effective_database_url)
            _mark_writes(mark)
            outbox.drain(outbox_handlers(settings))
        finally:
            os._exit(0)
    deadline = time.monotonic() + 30
    while not mark[0] and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(random.uniform(0, write_seconds))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return mark[0] == _BEGUN


def _mark_writes(mark: mmap.mmap) -> None:
    """Note in the byte when this process begins to write to the index, and when it has committed."""
    write = embedded._write

    def noted(folder: Path, changes: embedded._Changes) -> None:
        mark[0] = _BEGUN
        write(folder, changes)
        mark[0] = _ENDED

    embedded._write = noted


def _count_open() -> int:
    with db.reading() as session:
        return outbox.count_waiting(session)[0]
