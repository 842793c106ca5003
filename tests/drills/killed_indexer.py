"""The indexer is killed in mid-write while two gunicorn workers search its index: nothing is lost."""

import json
import os
import random
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta

from app import outbox_handlers
from bench.measures import measure
from core import clock, db, outbox
from core.config import Settings
from search.embedded import EmbeddedEngine
from search.indexer import check, rebuild
from search.queries import read_records
from search.queries.listings import list_offering_ids
from tests.drills.stage import open_stage, read, serve

LISTINGS = 8
ROUNDS = 100


@measure(
    "indexer killed in mid-write: rounds with a loss or a wrong answer",
    goal="== 0",
    unit="rounds",
    base=f"{ROUNDS} × kill -9, {LISTINGS} listings, two gunicorn workers searching",
)
def count_losses() -> float:
    """Return in how many rounds the index was broken, short of a change, or answered wrongly."""
    return sum(rehearse(ROUNDS)[:2])


def rehearse(rounds: int) -> tuple[int, int, int]:
    """Kill the indexer so many times; counts losses, wrong answers, and kills in mid-work."""
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
                        _plant_drift(settings)
                        _kill_in_mid_write(settings)
                        midway += _count_open() > 0
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


def _plant_drift(settings: Settings) -> None:
    """Make every record of the index stale, and send the messages that mend it."""
    with db.reading() as session:
        records = [record for _, record in read_records(session, list_offering_ids(session))]
    EmbeddedEngine(settings.data_dir).upsert(replace(each, yearly_costs={}) for each in records)
    with db.transaction() as session:
        for each in records:
            outbox.publish(session, "search.listing_changed", {"listing_id": each.listing_id})


def _kill_in_mid_write(settings: Settings) -> None:
    child = os.fork()
    if child == 0:
        try:
            db.configure(settings.effective_database_url)
            outbox.drain(outbox_handlers(settings))
        finally:
            os._exit(0)
    time.sleep(random.uniform(0.05, 0.5))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _count_open() -> int:
    with db.reading() as session:
        return outbox.count_waiting(session)[0]
