"""The feed at size: the snapshot beside a plain dump of the same rows, its memory, and a page of changes.

The records are those of a small generated market, repeated under new ids: both paths read nothing but
the tables of the feed.
"""

import json
import sqlite3
import statistics
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from app import create_app
from bench.measures import measure
from bench.search.catalog import fill
from bench.search.market import Market
from catalog import feed_upkeep
from core import changes, cli, db
from core.config import Settings
from tests.drills.stage import serve

_SMALL, _LARGE = 10_000, 100_000
_FEW = 1_000
_SEED = 200
_CHUNK = 64 * 2**10
_MODULUS = 2**256
_ROW = "INSERT INTO public_records (kind, subject_id, content, sha256, sequence) VALUES (?, ?, ?, ?, ?)"
_LOG = (
    "INSERT INTO public_changes (sequence, kind, subject_id, operation, occurred_at)"
    " VALUES (?, ?, ?, 'upsert', '2026-11-22 00:00:00.000000')"
)


@contextmanager
def open_catalog(offerings: int) -> Iterator[Settings]:
    """Give the settings of a catalog with so many offerings and as many listings in its feed."""
    with tempfile.TemporaryDirectory(dir=Path("build") if Path("build").is_dir() else None) as name:
        folder = Path(name).resolve()
        settings = Settings(
            env="development", database_url=f"sqlite:///{folder}/bench.db", data_dir=folder
        )
        database = db.configure(settings.database_url)
        cli.upgrade_database()
        create_app(settings)
        fill(Market(_SEED))
        feed_upkeep.reconcile()
        database.dispose()
        _multiply(folder / "bench.db", offerings)
        yield settings
        database.dispose()


def _multiply(path: Path, offerings: int) -> None:
    """Repeat offerings and listings until there are so many of each, and sum up their hashes."""
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("BEGIN")
    sequence, count, total = base.execute(
        "SELECT head, record_count, catalog_hash FROM feed_state"
    ).fetchone()
    sum_ = int(total, 16)
    for kind in ("offering", "listing"):
        held = base.execute("SELECT content FROM public_records WHERE kind = ?", (kind,)).fetchall()
        rows = []
        for (content,) in islice(cycle(held), offerings - len(held)):
            sequence, subject_id = sequence + 1, uuid.uuid4()
            sha256 = changes.hash_record(kind, subject_id, content)
            sum_ += int(sha256, 16)
            rows.append((kind, subject_id.hex, content, sha256, sequence))
        base.executemany(_ROW, rows)
        base.executemany(_LOG, ((row[4], row[0], row[1]) for row in rows))
        count += len(rows)
    base.execute(
        "UPDATE feed_state SET head = ?, record_count = ?, catalog_hash = ?",
        (sequence, count, f"{sum_ % _MODULUS:064x}"),
    )
    base.execute("COMMIT")
    base.close()


def _download(address: str) -> int:
    size = 0
    with urllib.request.urlopen(f"{address}/api/v1/snapshot", timeout=600) as answer:  # noqa: S310 - this machine
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
        assert size == int(answer.headers["Content-Length"])
    return size


def _dump(path: Path, out: Path) -> None:
    """Write the same columns of the same rows as JSON, as plainly as Python can."""
    base = sqlite3.connect(path)
    with out.open("w", encoding="utf-8") as file:
        for row in base.execute("SELECT kind, subject_id, content FROM public_records"):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    base.close()


def _peak_kilobytes(bind: str) -> int:
    """Return the most memory that a process of the server at this address ever held."""
    found = [0]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if bind.encode() in (process / "environ").read_bytes():
                told = (process / "status").read_text().split("VmHWM:")[1]
                found.append(int(told.split()[0]))
        except (OSError, IndexError):
            continue
    return max(found)


@cache
def _take(offerings: int) -> tuple[float, float]:
    """Return the share of a plain dump's rate that the snapshot reaches, and the peak in megabytes."""
    with (
        open_catalog(offerings) as settings,
        serve(settings, workers=1, NARABI_FEED_KEEP_DAYS="400") as address,
    ):
        shares = []
        for _ in range(3):
            start = time.perf_counter()
            _download(address)
            middle = time.perf_counter()
            _dump(settings.data_dir / "bench.db", settings.data_dir / "dump.json")
            shares.append((time.perf_counter() - middle) / (middle - start))
        peak = _peak_kilobytes(f"NARABI_BIND={address.removeprefix('http://')}")
        return statistics.median(shares), peak / 1024


@measure(
    "snapshot_rate",
    goal=">= 0.5",
    unit="×",
    base=f"plain dump of the same columns; {_LARGE:,} offerings and as many listings, gunicorn, SQLite",
)
def compare_rates() -> float:
    """Return how many times the dump's rate the snapshot reaches."""
    return _take(_LARGE)[0]


@measure(
    "snapshot_memory_growth",
    goal="<= 50",
    unit="MB",
    base=f"from {_SMALL:,} to {_LARGE:,} offerings, peak after three downloads",
)
def count_memory() -> float:
    """Return by how much the peak of the server's worker grows with the catalog."""
    return _take(_LARGE)[1] - _take(_SMALL)[1]


@measure(
    "changes_page_growth",
    goal="<= 1.2",
    unit="×",
    base=f"a page in the small one: the last 100 changes, {_FEW:,} and {_LARGE:,} offerings, medians of 100 in turn",
)
def compare_pages() -> float:
    """Return how many times longer a page of changes takes in the large catalog."""
    return _time_page(_LARGE) / _time_page(_FEW)


def _time_page(offerings: int) -> float:
    with open_catalog(offerings) as settings:
        client = create_app(settings).test_client()
        head = client.get("/api/v1/changes?since=0&limit=1").get_json()["head"]
        durations = []
        for _ in range(120):
            start = time.perf_counter()
            answer = client.get(f"/api/v1/changes?since={head - 100}")
            durations.append(time.perf_counter() - start)
            assert answer.data.count(b'"upsert"') == 100
        return statistics.median(durations[20:])
