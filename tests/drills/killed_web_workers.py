"""Gunicorn's workers are killed again and again under eight clerks: no project is lost, none is there twice."""

import os
import random
import signal
import sys
import time
from contextlib import suppress

import click

from app import create_app
from bench.measures import measure
from tests.drills.both import open_both
from tests.drills.stage import Node, serve_node
from tests.drills.writers import Writer, count_lost_and_doubled, dismiss, hire, longest_silence

KILLS = 100
WRITERS = 8
HEALTHY_SECONDS = 10.0
_BASE = f"{KILLS} × kill -9 on PostgreSQL and a third of that on SQLite, {WRITERS} writers, one form in ten twice"


@measure("web workers killed under writers: lost or doubled", goal="== 0", unit="acts", base=_BASE)
def count_losses() -> float:
    """Return how many acts were lost or doubled, and kills after which nobody was served in time."""
    faults = 0
    for kind, kills in (("postgres", KILLS), ("sqlite", KILLS // 3)):
        lost, doubled, late, acts, cut = rehearse_on(kind, kills)
        click.echo(f"{kind}: {acts} acts, {cut} answers cut off, {kills} kills", err=True)
        faults += lost + doubled + late + (cut == 0)
    return faults


def rehearse(kills: int) -> tuple[int, int, int, int, int]:
    """Kill so many workers over PostgreSQL; see rehearse_on."""
    return rehearse_on("postgres", kills)


def rehearse_on(kind: str, kills: int) -> tuple[int, int, int, int, int]:
    """Kill so many workers; counts acts lost, acts doubled, late recoveries, all acts, and failed tries."""
    for _, settings in open_both(kind):
        create_app(settings)
        with serve_node(settings) as node:
            writers = hire(WRITERS, [node.address])
            for each in writers:
                each.start()
            try:
                late = sum(_kill_one(node, writers) > HEALTHY_SECONDS for _ in range(kills))
            finally:
                dismiss(writers)
        lost, doubled = count_lost_and_doubled(writers)
        told = sum(len(each.told) for each in writers)
        return lost, doubled, late, told, sum(each.failed_tries for each in writers)
    sys.exit("no database")


def _kill_one(node: Node, writers: list[Writer]) -> float:
    """Kill a worker at some moment of its work; returns the seconds until the next act was done."""
    time.sleep(random.uniform(0.05, 0.4))
    workers = node.worker_pids()
    while not workers:
        time.sleep(0.01)
        workers = node.worker_pids()
    began = time.monotonic()
    with suppress(ProcessLookupError):
        os.kill(random.choice(workers), signal.SIGKILL)
    deadline = began + 3 * HEALTHY_SECONDS
    while longest_silence(writers, began) == float("inf") and time.monotonic() < deadline:
        time.sleep(0.02)
    return longest_silence(writers, began)
