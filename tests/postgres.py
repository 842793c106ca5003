"""A throw-away PostgreSQL cluster from Debian's binaries, shared by all workers of one test run."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import psycopg

_BINARIES = Path("/usr/lib/postgresql")
# It outlives nobody: when the run's process is gone, however it went, the cluster ends and is removed.
_WATCH = """
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
  -c full_page_writes=off -c dynamic_shared_memory_type=mmap -c max_connections=200 -c log_min_messages=warning \
  >"$2/log" 2>&1 &
server=$!
while [ -d "/proc/$3" ] && kill -0 "$server" 2>/dev/null; do sleep 0.5; done
kill -QUIT "$server" 2>/dev/null
wait
rm -rf "$2"
"""


class PostgresUnavailableError(Exception):
    """PostgreSQL cannot be had here; the message says why in one line."""


class Cluster:
    """A running cluster; addressed by the folder of its Unix socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str) -> str:
        """Return the SQLAlchemy address of a database in this cluster."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def connect(self, name: str) -> psycopg.Connection:
        """Open an autocommitting superuser connection."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=name, autocommit=True)

    def create(self, name: str, template: str = "template0") -> None:
        """Create a database from a template."""
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())

    def drop(self, name: str) -> None:
        """Remove a database."""
        with self.connect("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def dump(self, name: str) -> bytes:
        """Return the database as SQL."""
        return self._run("pg_dump", name)

    def restore(self, name: str, content: bytes) -> None:
        """Run dumped SQL in an empty database."""
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", name, content=content)

    def _run(self, program: str, *arguments: str, content: bytes = b"") -> bytes:
        command = [
            str(find_binaries() / program),
            "-h",
            str(self.folder),
            "-U",
            "postgres",
            *arguments,
        ]
        done = subprocess.run(command, input=content, capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{program}: {done.stderr.decode()[-500:]}")
        return done.stdout

    def has(self, name: str) -> bool:
        """Tell whether the database exists."""
        with self.connect("postgres") as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            return row.fetchone() is not None


def start_cluster(folder: Path, owner_pid: int) -> Cluster:
    """Start (or find running) the cluster in `folder`; it lives as long as process `owner_pid`.

    The caller holds a lock. Raises PostgresUnavailableError.
    """
    cluster = Cluster(folder)
    if (folder / "ready").exists():
        return cluster
    binaries = find_binaries()
    prefix = run_as_postgres()
    folder.mkdir(mode=0o700)
    if prefix:
        shutil.chown(folder, "postgres", "postgres")
    initdb = [str(binaries / "initdb"), "--no-sync", "-D", str(folder / "data"), "-A", "trust"]
    options = ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*prefix, *initdb, *options], check=True, capture_output=True, cwd="/")
    watch = ["setsid", "--fork", "sh", "-c", _WATCH, "watch"]
    subprocess.run(
        [*prefix, *watch, str(binaries), str(folder), str(owner_pid)],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ready = [str(binaries / "pg_ctl"), "status", "-D", str(folder / "data")]
    for _ in range(300):
        if subprocess.run([*prefix, *ready], capture_output=True, cwd="/", check=False).returncode:
            subprocess.run(["sleep", "0.05"], check=True)
        elif _answers(cluster):
            (folder / "ready").touch()
            return cluster
    raise PostgresUnavailableError((folder / "log").read_text()[-500:] or "it did not start")


def _answers(cluster: Cluster) -> bool:
    try:
        cluster.connect("postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def find_binaries() -> Path:
    """Return the folder of the newest installed PostgreSQL; raises PostgresUnavailableError."""
    found = sorted(_BINARIES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise PostgresUnavailableError("PostgreSQL is not installed (apt-get install postgresql)")
    return found[-1].parent


def run_as_postgres() -> list[str]:
    """Return what stands before a command of PostgreSQL, which refuses root."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresUnavailableError("PostgreSQL refuses root and has no user here") from None
    # Root's path may lack the system folders, in a cron job for one.
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if runuser is None:
        raise PostgresUnavailableError("PostgreSQL refuses root and runuser is absent")
    return [runuser, "-u", "postgres", "--"]
