"""A migrated, empty database for each test, on SQLite and on PostgreSQL, reset in milliseconds."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg

from core import db
from tests.postgres import Cluster, start_cluster

_ROOT = Path(__file__).parent.parent
_TEMPLATE = "narabi_template"
_SEED = "seed"
_ENOUGH_MEMORY_BYTES = 2 * 1024**3


def make_run_folder() -> Path:
    """Make the folder that all workers of one run share; on a memory disk where there is room."""
    memory = Path("/dev/shm")  # noqa: S108 - faster, and nothing here outlives the run
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ENOUGH_MEMORY_BYTES
    folder = Path(tempfile.mkdtemp(prefix="narabi-test-", dir=memory if roomy else None))
    folder.chmod(0o755)
    (folder / "owner").write_text(str(os.getpid()))
    for other in folder.parent.glob("narabi-test-*"):
        _remove_if_left_behind(other)
    return folder


def _remove_if_left_behind(folder: Path) -> None:
    """Remove the folder of a run that was killed."""
    with suppress(OSError, ValueError):
        if not Path(f"/proc/{int((folder / 'owner').read_text())}").exists():
            shutil.rmtree(folder)


def upgrade(url: str) -> None:
    """Migrate a database exactly as an operator does."""
    environment = os.environ | {"NARABI_ENV": "development", "NARABI_DATABASE_URL": url}
    command = [sys.executable, "-c", "from app import cli; cli()", "db", "upgrade"]
    done = subprocess.run(
        command, env=environment, cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"narabi db upgrade failed:\n{done.stdout}\n{done.stderr}")


def kept_outcome(suffix: str) -> Path:
    """Name the file that keeps the outcome of exactly these migrations between runs."""
    digest = hashlib.sha256()
    made_by = [_ROOT / "core" / "db.py", _ROOT / "catalog" / "records.py"]
    for path in sorted([*(_ROOT / "migrations").rglob("*.py"), *made_by]):
        digest.update(path.name.encode() + path.read_bytes())
    folder = _ROOT / "build" / "testbed"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{digest.hexdigest()[:16]}{suffix}"


def _keep(content: bytes, path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def _use(url: str) -> db.Database:
    """Configure a database; unlike in the program, that before keeps its connections."""
    db._current = None
    return db.configure(url)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between the workers of a run."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class SqliteDatabase:
    """One SQLite file per worker, copied from a migrated one."""

    run: Path
    worker: str
    kind: str = "sqlite"

    @property
    def path(self) -> Path:
        """The file of this worker."""
        return self.run / f"{self.worker}.sqlite3"

    @property
    def url(self) -> str:
        """The SQLAlchemy address."""
        return f"sqlite:///{self.path}"

    def configure(self) -> None:
        """Let the program use this database; closes its connections."""
        _use(self.url).dispose()

    def reset(self, kept: str | None = None) -> None:
        """Bring back the freshly migrated or a kept state; all connections must be closed."""
        # The file is made anew: a connection that a test forgot keeps the old one to itself.
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._kept_path(kept) if kept else self._template, self.path)

    def keep(self, name: str) -> None:
        """Keep the present state for later tests of this worker; all connections must be closed."""
        shutil.copyfile(self.path, self._kept_path(name))

    def _kept_path(self, name: str) -> Path:
        return self.run / f"{self.worker}-{name}.sqlite3"

    @cached_property
    def _template(self) -> Path:
        path = self.run / "template.sqlite3"
        with locked(self.run / "sqlite.lock"):
            if not path.exists():
                draft, kept = self.run / "draft.sqlite3", kept_outcome(".sqlite3")
                if draft.exists():
                    raise AssertionError("the migrations failed on SQLite, see the first test")
                if kept.exists():
                    shutil.copyfile(kept, draft)
                else:
                    upgrade(f"sqlite:///{draft}")
                    _keep(draft.read_bytes(), kept)
                draft.rename(path)
        return path


@dataclass(frozen=True)
class PostgresDatabase:
    """One PostgreSQL database per worker, cloned from a migrated one."""

    run: Path
    worker: str
    kind: str = "postgres"

    @property
    def url(self) -> str:
        """The SQLAlchemy address."""
        return self.cluster.url(self.worker)

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster of the run; raises PostgresUnavailableError."""
        with locked(self.run / "postgres.lock"):
            return start_cluster(self.run / "pg", int(os.environ["NARABI_TEST_OWNER"]))

    def configure(self) -> None:
        """Let the program use this database; its idle connections stay, for they cost much to open."""
        _use(self.url)

    def reset(self, kept: str | None = None) -> None:
        """Bring back the freshly migrated or a kept state; no transaction may be open."""
        self._connection.execute(self._restore[f"kept_{kept}" if kept else _SEED])

    def keep(self, name: str) -> None:
        """Keep the present state for later tests of this worker."""
        self._restore[f"kept_{name}"] = self._copy_into(f"kept_{name}")

    def close(self) -> None:
        """Close all connections."""
        if "_connection" in self.__dict__:
            _use(self.url).dispose()
            self._connection.close()

    @cached_property
    def _connection(self) -> psycopg.Connection:
        cluster = self.cluster
        with locked(self.run / "template.lock"):
            if not cluster.has(_TEMPLATE):
                draft = f"{_TEMPLATE}_draft"
                if cluster.has(draft):
                    raise AssertionError("the migrations failed on PostgreSQL, see the first test")
                cluster.create(draft)
                kept = kept_outcome(".sql")
                if kept.exists():
                    cluster.restore(draft, kept.read_bytes())
                else:
                    upgrade(cluster.url(draft))
                    _keep(cluster.dump(draft), kept)
                with cluster.connect("postgres") as connection:
                    connection.execute(f"ALTER DATABASE {draft} RENAME TO {_TEMPLATE}".encode())
            if not cluster.has(self.worker):
                cluster.create(self.worker, _TEMPLATE)
        connection = cluster.connect(self.worker)
        # Append-only tables forbid deletion by triggers; a replica's session does not fire them.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET lock_timeout = '10s'")
        return connection

    @cached_property
    def _restore(self) -> dict[str, bytes]:
        """What brings back each kept state, by the schema that holds its rows."""
        self._connection  # noqa: B018 - the database exists from here on
        return {_SEED: self._copy_into(_SEED)}

    def _copy_into(self, schema: str) -> bytes:
        """Copy all rows aside; returns the statement that puts them back."""
        rows = self._connection.execute(
            "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )
        tables = [name for (name,) in rows if name != "alembic_version"]
        self._connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        self._connection.execute(f"CREATE SCHEMA {schema}".encode())
        steps = []
        for table in tables:
            steps.append(f"IF EXISTS (SELECT 1 FROM {table}) THEN DELETE FROM {table}; END IF;")
            found = self._connection.execute(f"SELECT 1 FROM {table} LIMIT 1".encode()).fetchone()
            if found:
                copy = f"CREATE TABLE {schema}.{table} AS TABLE {table}"
                self._connection.execute(copy.encode())
                steps.append(f"INSERT INTO {table} SELECT * FROM {schema}.{table};")
        sequences = self._connection.execute(
            "SELECT format('%I', sequencename), coalesce(last_value, start_value),"
            " last_value IS NOT NULL FROM pg_sequences WHERE schemaname = 'public'"
        )
        steps += [
            f"PERFORM setval('{name}', {value}, {str(used).lower()});"
            for name, value, used in sequences
        ]
        # A function is read and planned once by the connection that resets, a block each time.
        self._connection.execute(
            f"CREATE FUNCTION {schema}.restore() RETURNS void LANGUAGE plpgsql AS"
            f" $$ BEGIN {' '.join(steps)} END $$".encode()
        )
        return f"SELECT {schema}.restore()".encode()


DatabaseUnderTest = SqliteDatabase | PostgresDatabase
