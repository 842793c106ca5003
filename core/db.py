"""Engine, sessions, and transaction(): the only place that commits."""

import fcntl
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session

from core import audit, changes, clock
from core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    GuardFailed,
    NotFound,
    ReauthenticationRequired,
    StaleVersion,
    WrongState,
)

_BUSY_TIMEOUT_MS = 10_000
_STATEMENT_TIMEOUT_MS = 15_000
_CONNECT_SECONDS = 5
_ALONE_SECONDS = 60.0


@dataclass(slots=True)
class Database:
    """One database address and, per process, its engine (made after fork)."""

    url: str
    _engine: Engine | None = None
    _pid: int = 0
    _making: threading.Lock = field(default_factory=threading.Lock)
    _options: dict[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        # Two threads at once must not make two engines: the lost one would keep its connections.
        with self._making:
            if self._engine is None or self._pid != os.getpid():
                self._engine, self._pid = make_engine(self.url), os.getpid()
            return self._engine

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is the embedded database."""
        return make_url(self.url).get_backend_name() == "sqlite"

    def dispose(self) -> None:
        """Close all connections of this process; the engine keeps its compiled statements."""
        if self._engine is not None and self._pid == os.getpid():
            self._engine.dispose()


_current: Database | None = None
_known: dict[str, Database] = {}


def configure(url: str) -> Database:
    """Set the database of this process; closes the connections to the one before."""
    global _current  # noqa: PLW0603 - the one database of the process
    if _current is not None and _current.url != url:
        _current.dispose()
    if _current is None or _current.url != url:
        _current = _known.setdefault(url, Database(url))
    return _current


def current() -> Database:
    """Return the configured database; raises RuntimeError when there is none."""
    if _current is None:
        msg = "core.db.configure() was not called"
        raise RuntimeError(msg)
    return _current


def make_engine(url: str) -> Engine:
    """Return an engine with the house settings for SQLite or PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        wait = {"timeout": _BUSY_TIMEOUT_MS / 1000}
        engine = create_engine(parsed, hide_parameters=True, connect_args=wait)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c timezone=UTC"
    return create_engine(
        parsed,
        hide_parameters=True,  # what was typed is no part of an error: errors are logged
        pool_pre_ping=True,
        pool_size=8,
        connect_args={"options": options, "connect_timeout": _CONNECT_SECONDS},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": _BUSY_TIMEOUT_MS,
    }
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name} = {value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != value:
            msg = f"SQLite refused PRAGMA {name} = {value}: it is {found}"
            raise RuntimeError(msg)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("narabi_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _Unindexed(FunctionElement[Any]):
    """A column whose index SQLite shall not use."""

    inherit_cache = True
    name = "unindexed"

    def __init__(self, column: Any) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_Unindexed)
def _compile_plain(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.clauses
    return compiler.process(column, **options)


@compiles(_Unindexed, "sqlite")
def _compile_for_sqlite(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{_compile_plain(element, compiler, **options)}"


def unindexed(column: Any) -> Any:
    """Return a column for a test that most rows pass, such as a state.

    SQLite counts no values: it takes the index of the state and reads nearly all rows, where the ids
    of the same statement lead to a few. PostgreSQL knows better by itself.
    """
    return _Unindexed(column)


def now(session: Session) -> datetime:
    """Return the one moment of this transaction, aware UTC."""
    moment: datetime = session.info["now"]
    return moment


@contextmanager
def transaction(*, request_id: str = "") -> Iterator[Session]:
    """Run one act: everything in it commits together with its audit events and public changes.

    A domain error rolls everything back, is written to the trail as a refused or conflicting
    attempt when the act had named its actor, and is raised again.
    """
    session = open_session(writes=True)
    session.info["request_id"] = request_id or _request_id()
    try:
        yield session
        session.flush()
        audit.flush_events(session)
        changes.flush_changes(session, _read_moment)
        session.commit()
    except DomainError as error:
        session.rollback()
        _record_refusal(session, error)
        raise
    except IntegrityError as error:
        session.rollback()
        conflict = Conflict("同じ内容がすでに登録されているか、決まりに合わない組み合わせです。")
        _record_refusal(session, conflict)
        raise conflict from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


_request_id_source: Any = None


def set_request_id_source(source: Any) -> None:
    """Tell where the id of the current web request comes from."""
    global _request_id_source  # noqa: PLW0603 - set once by the application
    _request_id_source = source


def _request_id() -> str:
    return str(_request_id_source()) if _request_id_source else ""


@contextmanager
def reading() -> Iterator[Session]:
    """Open a consistent read-only view; nothing done in it is kept."""
    session = open_session(writes=False)
    try:
        yield session
    finally:
        session.close()


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Let one process at a time, of all with this database, be in a part of the program.

    Nobody else waits for it: it locks no row, and is freed even if the process is killed. What is
    read inside is newer than what the one before has read. TimeoutError after a minute.
    """
    database = current()
    if database.is_sqlite:
        path = Path(f"{make_url(database.url).database}.{name}.lock")
        with path.open("w") as lock:
            _wait_until(lambda: _lock_file(lock.fileno()), name)
            yield
        return
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
    ask = text("SELECT pg_try_advisory_xact_lock(:key)").bindparams(key=key)
    with database.engine.connect() as connection:
        _wait_until(lambda: bool(connection.execute(ask).scalar_one()), name)
        yield


def _lock_file(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_until(done: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + _ALONE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process is still at {name}")
        time.sleep(0.02)


def try_writing(lock: int, seconds: float) -> None:
    """Get as far as an act that takes an advisory lock, and change nothing.

    Raises OperationalError or TimeoutError when that takes longer, or when nothing can be written here.
    """
    database = current()
    if database.is_sqlite:
        with closing(
            sqlite3.connect(make_url(database.url).database or "", timeout=seconds)
        ) as held:
            held.isolation_level = None
            try:
                held.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise TimeoutError(str(error)) from error
        return
    with database.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = {int(seconds * 1000)}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=lock))
        if connection.execute(text("SHOW transaction_read_only")).scalar_one() != "off":
            raise TimeoutError("the database takes no writes")


def open_session(*, writes: bool) -> Session:
    """Return a session with its moment read once; close it yourself unless transaction() does."""
    database = current()
    engine: Engine
    if writes:
        engine = database.engine.execution_options(narabi_write=True)
    elif database.is_sqlite:
        engine = database.engine
    else:
        engine = database.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    session = Session(engine, expire_on_commit=False, autoflush=writes)
    session.info["read_only"] = not writes
    session.info["now"] = _read_moment(session)
    return session


def _read_moment(session: Session) -> datetime:
    if not current().is_sqlite and not clock.is_fixed():
        moment: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment
    session.connection()
    return clock.utcnow()


def _record_refusal(session: Session, error: DomainError) -> None:
    attempt: audit.Draft | None = session.info.get("attempt")
    if attempt is None:
        return
    if isinstance(error, StaleVersion | WrongState | Conflict):
        outcome = audit.Outcome.CONFLICT
    elif isinstance(error, Forbidden | NotFound | GuardFailed | ReauthenticationRequired):
        outcome = audit.Outcome.REFUSED
    else:
        return
    with transaction(request_id=session.info.get("request_id", "")) as fresh:
        audit.record(
            fresh,
            attempt.actor,
            attempt.action,
            attempt.subject_kind,
            attempt.subject_id,
            owner_id=attempt.owner_id,
            case_id=attempt.case_id,
            outcome=outcome,
            error=error.code,
            message=error.message,
        )


def name_attempt(session: Session, attempt: audit.Draft) -> None:
    """Say who attempts what, so that a refusal can be recorded."""
    session.info.setdefault("attempt", attempt)


def narrow_attempt(session: Session, attempt: audit.Draft) -> None:
    """Say more closely what is attempted, where a refusal itself tells something worth recording."""
    session.info["attempt"] = attempt
