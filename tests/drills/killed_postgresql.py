"""PostgreSQL is killed under six clerks: nothing is lost or doubled, and the site is well again by itself.

Every other time one of its processes dies and it recovers; in between all of it dies and is started again, as an
init system does. The application is never restarted.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import psycopg

from app import create_app
from bench.measures import measure
from core import db
from core.config import Settings
from tests import databases
from tests.databases import make_run_folder
from tests.drills.stage import Node, read, serve_node
from tests.drills.writers import Writer, count_lost_and_doubled, dismiss, hire, longest_silence
from tests.postgres import Cluster, find_binaries, run_as_postgres

KILLS = 100
WRITERS = 6
HEALTHY_SECONDS = 10.0
_BASE = f"{KILLS} × kill -9 of the server or one of its processes, {WRITERS} writers, gunicorn"


@measure("PostgreSQL killed under writers: lost or doubled", goal="== 0", unit="acts", base=_BASE)
def count_losses() -> float:
    """Return how many acts were lost or doubled, and kills after which it took too long."""
    lost, doubled, late, acts, cut = rehearse(KILLS)
    click.echo(f"{acts} acts, {cut} answers cut off", err=True)
    return lost + doubled + late + (cut == 0)


def rehearse(kills: int) -> tuple[int, int, int, int, int]:
    """Kill it so often; counts acts lost, acts doubled, late recoveries, all acts, and failed tries."""
    with mortal_server() as server:
        database = server.prepare("drill")
        settings = Settings(env="development", database_url=database, data_dir=server.folder / "d")
        db.configure(database)
        create_app(settings)
        with serve_node(settings) as node:
            writers = hire(WRITERS, [node.address])
            for each in writers:
                each.start()
            try:
                late = sum(
                    _kill(server, node, writers, whole=number % 2 == 0) > HEALTHY_SECONDS
                    for number in range(kills)
                )
            finally:
                dismiss(writers)
        lost, doubled = count_lost_and_doubled(writers)
        db.current().dispose()
    told = sum(len(each.told) for each in writers)
    return lost, doubled, late, told, sum(each.failed_tries for each in writers)


class MortalServer:
    """A cluster that keeps what it has promised: everything is written to the disk before it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._prefix, self._binaries = run_as_postgres(), find_binaries()
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Make the cluster and start it."""
        if self._prefix:
            shutil.chown(self.folder, "postgres", "postgres")
        initdb = [str(self._binaries / "initdb"), "-D", str(self._data), "-A", "trust"]
        options = ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
        command = [*self._prefix, *initdb, *options]
        subprocess.run(command, check=True, capture_output=True, cwd="/")
        self.start()

    def prepare(self, name: str) -> str:
        """Make a migrated database; returns its address."""
        cluster = Cluster(self.folder)
        cluster.create(name)
        kept = databases.kept_outcome(".sql")
        if kept.exists():
            cluster.restore(name, kept.read_bytes())
        else:
            databases.upgrade(cluster.url(name))
        return cluster.url(name)

    def start(self) -> None:
        """Start it, as often as it takes: what is left of the killed one may still be going."""
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(self.folder)]
        options = ["-c", "listen_addresses=", "-c", "dynamic_shared_memory_type=mmap"]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(
                        [*self._prefix, *command, *options], cwd="/", stdout=log, stderr=log
                    )
            with suppress(psycopg.OperationalError):
                Cluster(self.folder).connect("postgres").close()
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text()[-1000:])

    def pids(self) -> tuple[int, list[int]]:
        """Return the process of the server, and those that answer the application."""
        first = int((self._data / "postmaster.pid").read_text().split("\n")[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return first, [int(each) for each in children if _is_backend(int(each))]

    def end(self) -> None:
        """Stop it for good."""
        with suppress(OSError, ValueError):
            os.kill(self.pids()[0], signal.SIGQUIT)
        if self._process is not None:
            self._process.wait(30)


def _is_backend(pid: int) -> bool:
    with suppress(OSError):
        return b"postgres drill" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@contextmanager
def mortal_server() -> Iterator[MortalServer]:
    """Give a running cluster in a folder of its own, and remove both at the end."""
    run = make_run_folder()
    os.environ["NARABI_TEST_OWNER"] = str(os.getpid())
    folder = run / "mortal"
    folder.mkdir(mode=0o700)
    server = MortalServer(folder)
    try:
        server.begin()
        yield server
    finally:
        server.end()
        shutil.rmtree(run, ignore_errors=True)


def _kill(server: MortalServer, node: Node, writers: list[Writer], *, whole: bool) -> float:
    """Kill the server or one of its processes; returns the seconds until act and readiness were there again.

    The application goes on in the processes that it had.
    """
    time.sleep(random.uniform(0.2, 1.0))
    workers = node.worker_pids()
    first, backends = server.pids()
    began = time.monotonic()
    os.kill(first if whole or not backends else random.choice(backends), signal.SIGKILL)
    server.start()
    deadline = began + 3 * HEALTHY_SECONDS
    while time.monotonic() < deadline:
        if longest_silence(writers, began) < float("inf") and _is_ready(node.address):
            break
        time.sleep(0.05)
    assert node.worker_pids() == workers, "a worker of the site was replaced"
    return max(longest_silence(writers, began), time.monotonic() - began)


def _is_ready(address: str) -> bool:
    with suppress(OSError):
        return bool(read(f"{address}/readyz"))
    return False
