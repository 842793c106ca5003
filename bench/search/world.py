"""A generated catalog on disk: database and index as in production, for as long as the bench runs."""

import atexit
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tantivy

from bench.search.catalog import fill
from bench.search.market import Market
from core import cli, db
from search.embedded import EmbeddedEngine
from search.embedded_query import TOKENIZER

SMALL, LARGE = 10_000, 100_000
ROOT = Path(__file__).resolve().parents[2]
_LOOK_SECONDS = 0.05
_NARABI = [sys.executable, "-c", "from app import cli; cli()"]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How the first rebuild went, by the command that an operator runs."""

    seconds: float
    peak_megabytes: float


@dataclass(frozen=True, slots=True)
class World:
    """One generated catalog."""

    market: Market
    folder: Path
    rebuilt: Rebuilt

    @property
    def engine(self) -> EmbeddedEngine:
        """A new engine over its index."""
        return EmbeddedEngine(self.folder)

    @property
    def generation(self) -> Path:
        """The folder of its index."""
        return self.folder / "search" / (self.folder / "search" / "CURRENT").read_text().strip()

    def use(self) -> "World":
        """Make its database the one that this process reads."""
        db.configure(_url(self.folder))
        return self

    def searcher(self) -> tantivy.Searcher:
        """Open the index without the product."""
        index = tantivy.Index.open(str(self.generation))
        blank = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        index.register_tokenizer(TOKENIZER, blank)
        return index.searcher()


_worlds: dict[int, World] = {}
_failed: set[int] = set()


def open_world(size: int) -> World:
    """Make a catalog of so many listings, once, and remove it at the end; a failure is not repeated."""
    if size in _failed:
        raise RuntimeError("the catalog could not be made")
    if size not in _worlds:
        _failed.add(size)
        _worlds[size] = _make_world(size)
        _failed.discard(size)
    return _worlds[size]


def _make_world(size: int) -> World:
    folder = Path(tempfile.mkdtemp(prefix="narabi-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    market = Market(size)
    db.configure(_url(folder))
    cli.upgrade_database()
    fill(market)
    db.current().dispose()
    return World(market, folder, _rebuild(folder))


def large() -> World:
    """Give the catalog that the goals speak of."""
    return open_world(LARGE).use()


def small() -> World:
    """Give the catalog to which growth is compared, and samples are taken from."""
    return open_world(SMALL).use()


def _rebuild(folder: Path) -> Rebuilt:
    start = time.perf_counter()
    process = subprocess.Popen([*_NARABI, "search", "rebuild"], env=_environment(folder))
    peak = 0.0
    # What wait4() tells of memory includes the peak of whoever started the program (here, of this bench).
    while process.poll() is None:
        with suppress(OSError, ValueError):  # it has just ended
            peak = max(peak, megabytes(process.pid, "VmHWM"))
        time.sleep(_LOOK_SECONDS)
    if process.returncode:
        raise RuntimeError("the rebuild failed")
    return Rebuilt(time.perf_counter() - start, peak)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/narabi.db"


def _environment(folder: Path, **values: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NARABI_")}
    own = {"NARABI_ENV": "development", "NARABI_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    own["NARABI_API_ANONYMOUS_PER_MINUTE"] = "10000000"  # the measure is of the search
    return {**kept, **own, "NARABI_DATABASE_URL": _url(folder), **values}


# --- processes -----------------------------------------------------------------------------------


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for as long as the block lasts."""
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=silent, stderr=silent)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def served(world: World) -> Iterator["Site"]:
    """Serve a catalog by one worker of the server, as in production."""
    port = free_port()
    environment = _environment(world.folder, PORT=str(port), WEB_CONCURRENCY="1")
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
    with running(command, environment) as process:
        wait_for(port, process)
        yield Site(port, process.pid)


@contextmanager
def indexing(world: World) -> Iterator[int]:
    """Run the outbox worker of a catalog; gives its process."""
    with running([*_NARABI, "outbox", "run"], _environment(world.folder)) as process:
        yield process.pid


class Site:
    """A server on this machine, asked over one kept connection."""

    def __init__(self, port: int, pid: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._port, self._pid = port, pid

    def another(self) -> "Site":
        """Open a connection of another reader."""
        return Site(self._port, self._pid)

    def get(self, address: str) -> bytes:
        """Fetch an answer; fails when it is not 200."""
        self._connection.request("GET", address)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status} {address}: {body[:300].decode()}")
        return body

    def ask(self, address: str) -> tuple[float, Any]:
        """Fetch data; gives the seconds until the last byte, and the data."""
        start = time.perf_counter()
        body = self.get(address)
        return time.perf_counter() - start, json.loads(body)

    def worker_megabytes(self) -> float:
        """The resident memory of the largest worker process."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        return max(megabytes(int(child)) for child in children)


def megabytes(pid: int, field: str = "VmRSS") -> float:
    """Read a process's resident memory, or its peak (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [each for each in lines if each.startswith(f"{field}:")]
    return int(line.split()[1]) / 1024


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until a server accepts connections."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start")
