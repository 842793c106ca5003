"""A site for drills: a migrated SQLite database with listings, and gunicorn over it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core import db
from core.config import Settings
from tests import factories
from tests.databases import SqliteDatabase, make_run_folder

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def open_stage(listings: int) -> Iterator[Settings]:
    """Give the settings of a database with so many listings, and remove it at the end."""
    folder = make_run_folder()
    os.environ["NARABI_TEST_OWNER"] = str(os.getpid())
    try:
        database = SqliteDatabase(folder, "drill")
        database.reset()
        db.configure(database.url)
        with db.transaction() as session:
            maker, version = factories.vendor(session), factories.specification(session)
            for _ in range(listings):
                factories.offering(session, maker, version)
        yield Settings(env="development", database_url=database.url, data_dir=folder / "data")
        db.current().dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Node:
    """A served site: its address, and the process of gunicorn that begets the workers."""

    address: str
    process: "subprocess.Popen[bytes]"

    def worker_pids(self) -> list[int]:
        """Return the workers that live now."""
        pid = self.process.pid
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@contextmanager
def serve(settings: Settings, *, workers: int = 2, **environment: str) -> Iterator[str]:
    """Serve the site by gunicorn with the house's settings; gives its address."""
    with serve_node(settings, workers=workers, **environment) as node:
        yield node.address


@contextmanager
def serve_node(settings: Settings, *, workers: int = 2, **environment: str) -> Iterator[Node]:
    """Serve the site by gunicorn with the house's settings, at a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    variables = {
        "NARABI_ENV": "development",
        "NARABI_DATABASE_URL": settings.effective_database_url,
        "NARABI_DATA_DIR": str(settings.data_dir),
        "NARABI_BIND": f"127.0.0.1:{port}",
        "WEB_CONCURRENCY": str(workers),
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "tests/drills/gunicorn.conf.py"],
        cwd=ROOT,
        env=os.environ | variables | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_answered(address)
        yield Node(address, server)
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nobody is being answered any more
        server.wait(timeout=30)


def _wait_until_answered(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            read(address + "/about")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def read(address: str) -> bytes:
    """Read one page; raises OSError for anything but 200."""
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - this machine's own address
        content: bytes = answer.read()
    return content
