"""The example client is killed again and again while it follows many changes: it ends equal to the server."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path

from sqlalchemy import update
from sqlmodel import col

from app import create_app
from bench.measures import measure
from catalog import feed_upkeep
from core import changes, db
from tests import factories
from tests.drills.stage import ROOT, open_stage, serve
from vendors.models import Vendor

KILLS = 30
CHANGES = 20_000
_VENDORS = 50
_PAGE = 10
# In pages so small that it is killed in the middle of the way, and mostly in the middle of a page.
_CLIENT = "import sys; from catalog import mirror; mirror.PAGE = {page}; sys.exit(mirror.main(sys.argv[1:]))"


@measure(
    "client killed while it follows the feed: kills too few, or a copy that is not equal",
    goal="== 0",
    unit="faults",
    base=f"{KILLS} × kill -9 within {CHANGES:,} changes, gunicorn",
)
def count_faults() -> float:
    """Return how many kills came too early or too late to prove anything, and 1 for an unequal copy."""
    (faults,) = rehearse(CHANGES, KILLS)
    return faults


def rehearse(changes_made: int, kills: int = 3) -> tuple[int]:
    """Let the client follow so many changes, kill it so often; returns what went wrong."""
    with open_stage(1) as settings:
        create_app(settings)
        with db.transaction() as session:
            vendors = [factories.vendor(session).id for _ in range(_VENDORS)]
        feed_upkeep.reconcile()
        path = settings.data_dir / "copy.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        with serve(settings) as address:
            arguments = ["--from", address, "--to", str(path)]
            assert _start(arguments, 1_000).wait(60) == 0
            start = _sequence(path)
            for number in range(changes_made // _VENDORS):
                _rename(vendors, f"ミホン{number}")
            midway = _kill(arguments, path, start + changes_made, kills)
            is_equal = _start([*arguments, "--verify"], 1_000).wait(600) == 0
            is_at_head = _sequence(path) == start + changes_made
    return (kills - midway + (not is_equal) + (not is_at_head),)


def _rename(vendors: list[uuid.UUID], name: str) -> None:
    with db.transaction() as session:
        session.execute(update(Vendor).where(col(Vendor.id).in_(vendors)).values(kana=name))
        for vendor_id in vendors:
            changes.append(session, "vendor", vendor_id)


def _kill(arguments: list[str], path: Path, head: int, kills: int) -> int:
    """Kill the client so often, each time when it has gone on a little; counts those on the way."""
    midway = 0
    for _ in range(kills):
        before = _sequence(path)
        client = _start(arguments, _PAGE)
        while client.poll() is None and _sequence(path) == before:
            time.sleep(0.005)
        time.sleep(random.random() * 0.02)
        client.send_signal(signal.SIGKILL)
        client.wait(30)
        midway += before < _sequence(path) < head
    return midway


def _start(arguments: list[str], page: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _CLIENT.format(page=page), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def _sequence(path: Path) -> int:
    with closing(sqlite3.connect(path, timeout=30)) as base:
        return int(base.execute("SELECT sequence FROM state").fetchone()[0])
