"""The database as one file, and back: exactly one moment of it, while others go on writing.

SQLite copies its pages; PostgreSQL is dumped by its own pg_dump, as of the snapshot that the session shows.
Both come back in one step: until its end everybody sees what was there before.
"""

import gzip
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from psycopg.conninfo import make_conninfo
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from core import clock, db
from core.backups.archive import BackupRefusedError
from core.cli import alembic_config, upgrade_database

_DEBIAN = Path("/usr/lib/postgresql")
_LEVEL = 6
_LOCK_WAIT = "10s"
# What a migration lays down, and that a worker was there: a database with nothing else was never used.
_LAID_DOWN = {"alembic_version", "feed_state", "small_amount_ceilings", "outbox_workers"}
# Comes with naming the schema, which is there already.
_LEFT_OUT = (b"\\", b"CREATE SCHEMA ", b"COMMENT ON SCHEMA ")
_CLEAR = """
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT oid::regclass AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
    EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', each.name);
  END LOOP;
  FOR each IN SELECT oid::regprocedure AS name FROM pg_proc
      WHERE pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e') LOOP
    EXECUTE format('DROP FUNCTION %s', each.name);
  END LOOP;
END $$
"""


def kind() -> Literal["sqlite", "postgresql"]:
    """Return which database is configured."""
    return "sqlite" if db.current().is_sqlite else "postgresql"


def dump_name() -> str:
    """Return how the dump is called inside a backup."""
    return "database.sqlite.gz" if db.current().is_sqlite else "database.sql.gz"


@contextmanager
def dumped(folder: Path) -> Iterator[tuple[Session, Path]]:
    """Give a view of the database, and a file in the folder that holds what the view shows."""
    path = folder / dump_name()
    if not db.current().is_sqlite:
        with db.reading() as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            _run_pg_dump(session, path)
            yield session, path
        return
    copy = folder / "copy.sqlite"
    with closing(_open_live()) as live, closing(sqlite3.connect(copy)) as target:
        live.backup(target)  # all pages in one step: one moment, and no writer waits
    moment = clock.utcnow()
    engine = db.make_engine(f"sqlite:///{copy}")
    with Session(engine, autoflush=False) as session:
        session.info.update(now=moment, read_only=True)
        yield session, _compress(copy, path)
    engine.dispose()


def _open_live() -> sqlite3.Connection:
    # Never made by looking: a database that is not there is refused.
    return sqlite3.connect(f"{_sqlite_path().absolute().as_uri()}?mode=rw", uri=True)


def _sqlite_path() -> Path:
    return Path(make_url(db.current().url).database or "")


@contextmanager
def _configured(url: str) -> Iterator[None]:
    before = db.current().url
    db.configure(url)
    try:
        yield
    finally:
        db.configure(before)


def _compress(source: Path, target: Path) -> Path:
    with source.open("rb") as plain, gzip.open(target, "wb", compresslevel=_LEVEL) as out:
        shutil.copyfileobj(plain, out)
    return target


def _run_pg_dump(session: Session, path: Path) -> None:
    snapshot = session.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    command = [
        _find_pg_dump(),
        "--schema=public",
        "--no-owner",
        "--no-privileges",
        "--encoding=UTF8",
        f"--snapshot={snapshot}",
        f"--compress={_LEVEL}",
        f"--file={path}",
        f"--dbname={_read_address()}",
    ]
    password = make_url(db.current().url).password
    secret = {"PGPASSWORD": str(password)} if password else {}
    done = subprocess.run(  # noqa: S603 - our own words and the database's own address
        command, env=os.environ | secret, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupRefusedError(f"pg_dump が終わりませんでした。{done.stderr.strip()[-500:]}")


def _read_address() -> str:
    """Return the address as PostgreSQL's own programs read it, without the password: anybody sees it."""
    url = make_url(db.current().url)
    named: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    return make_conninfo("", **{**named, **url.query, "password": None})


def _find_pg_dump() -> str:
    folders = sorted(_DEBIAN.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    # The newest one reads every older server; the one of the path is what the operator chose.
    found = shutil.which("pg_dump") or shutil.which("pg_dump", path=":".join(map(str, folders)))
    if found is None:
        raise BackupRefusedError(
            "pg_dump がありません。サーバーと同じかより新しい版の PostgreSQL クライアントを入れてください。"
        )
    return found


# --- and back ------------------------------------------------------------------------------------


def is_used() -> bool:
    """Tell whether the configured database holds anything that its migrations did not lay down."""
    if db.current().is_sqlite and not _sqlite_path().exists():
        return False
    with db.reading() as session:
        tables = set(inspect(session.connection()).get_table_names()) - _LAID_DOWN
        return any(session.execute(_any_row_of(each)).first() for each in sorted(tables))


def _any_row_of(table: str) -> Any:
    return text(f'SELECT 1 FROM "{table}" LIMIT 1')  # noqa: S608 - names that the database gave


@contextmanager
def brought_back(dump: IO[bytes]) -> Iterator[Session]:
    """Give a writing session over the dumped database, of the newest migration; the end puts it in place.

    An exception inside leaves what was there before. Raises BackupRefusedError while others hold it.
    """
    try:
        with _from_pages(dump) if db.current().is_sqlite else _from_statements(dump) as session:
            yield session
    except (OperationalError, sqlite3.OperationalError) as error:
        raise BackupRefusedError(
            f"データベースを置き換えられません。サイトと narabi outbox run を止めてから、やり直してください（{error}）。"
        ) from error


@contextmanager
def _from_pages(dump: IO[bytes]) -> Iterator[Session]:
    path = _sqlite_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".restore-") as folder:
        copy = Path(folder) / "copy.sqlite"
        with gzip.open(dump) as plain, copy.open("wb") as out:
            shutil.copyfileobj(plain, out)
        with _configured(f"sqlite:///{copy}"):
            upgrade_database()
            with db.transaction() as session:
                yield session
        # One transaction of SQLite: whoever has the old file open reads the new pages from now on.
        with closing(sqlite3.connect(copy)) as ready, closing(sqlite3.connect(path)) as target:
            ready.backup(target)


@contextmanager
def _from_statements(dump: IO[bytes]) -> Iterator[Session]:
    with db.transaction() as session:
        session.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'"))
        session.execute(text(_CLEAR))
        driver: Any = session.connection().connection.driver_connection
        with gzip.open(dump) as lines, driver.cursor() as cursor:
            _run_dump(cursor, lines)
            cursor.execute("RESET ALL")
        session.execute(text("SET LOCAL statement_timeout = 0"))
        config = alembic_config()
        config.attributes["connection"] = session.connection()
        upgrade_database(config)
        yield session
        session.execute(text("ANALYZE"))


def _run_dump(cursor: Any, lines: Iterable[bytes]) -> None:
    """Run what pg_dump wrote in plain form: statements, and after each COPY rows."""
    rows = iter(lines)
    statements: list[bytes] = []
    for line in rows:
        if line.startswith(b"COPY ") and line.endswith(b" FROM stdin;\n"):
            _execute(cursor, statements)
            with cursor.copy(line) as copy:
                for row in rows:
                    if row == b"\\.\n":
                        break
                    copy.write(row)
        elif not line.startswith(_LEFT_OUT):
            statements.append(line)
    _execute(cursor, statements)


def _execute(cursor: Any, statements: list[bytes]) -> None:
    if statements:
        cursor.execute(b"".join(statements))
    statements.clear()
