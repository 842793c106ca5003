"""Fixtures of the whole suite; `docs/testing.md` says how to use them."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from core.clock import fixed_at
from core.config import Settings
from tests.acceptance import AcceptanceLedger
from tests.client import CheckedClient
from tests.databases import (
    DatabaseUnderTest,
    PostgresDatabase,
    SqliteDatabase,
    make_run_folder,
)
from tests.postgres import PostgresUnavailableError

# Real input and descriptions of other systems, beside the checkout of those who have them.
SHARED = Path(__file__).parents[2] / "shared"
# The suite describes its own settings; what the caller's shell holds must not leak in.
_KEPT = {
    "NARABI_TEST_RUN",
    "NARABI_TEST_OWNER",
    "NARABI_TEST_MEILISEARCH_URL",
    "NARABI_TEST_MEILISEARCH_KEY",
}


_LONG = (
    "test_walk.py",
    "test_first_time_vendor.py",
    "test_isolation.py",
    "test_large_numbers.py",
    "test_demo.py",
    "test_live_search.py",
    "test_drills.py",
    "test_kill_drills.py",
    "test_paging.py",
    "test_machines.py",
    "test_large_import.py",
    "test_keyboard_and_zoom.py",
    "test_sheets.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the acceptance ledger's output file."""
    parser.addoption("--acceptance-report", help="write the 40 acceptance lines to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Give all workers one folder and start the ledger."""
    for name in [n for n in os.environ if n.startswith("NARABI_") and n not in _KEPT]:
        del os.environ[name]
    os.environ["NARABI_ENV"] = "development"
    os.environ["NARABI_API_ANONYMOUS_PER_MINUTE"] = "1000000"  # tests ask faster than programs may
    if not hasattr(config, "workerinput"):
        os.environ["NARABI_TEST_RUN"] = str(make_run_folder())
        os.environ["NARABI_TEST_OWNER"] = str(os.getpid())
    config.pluginmanager.register(AcceptanceLedger(config.getoption("--acceptance-report")))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's folder; the cluster in it ends by itself when this process does."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop("NARABI_TEST_RUN"))
        shutil.rmtree(folder, ignore_errors=True)


def _begins(item: pytest.Item) -> int:
    """Say how soon a test begins: the longest first, so that none runs alone at the end."""
    return next((n for n, name in enumerate(_LONG) if name in item.nodeid), len(_LONG))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what this machine is not meant to run, before it could count as skipped."""
    items.sort(key=_begins)
    absent = {
        "meilisearch": not os.environ.get("NARABI_TEST_MEILISEARCH_URL"),
        "shared_data": not SHARED.is_dir(),
    }
    left_out = [name for name, is_absent in absent.items() if is_absent]
    items[:] = [i for i in items if not any(i.get_closest_marker(name) for name in left_out)]
    if url := os.environ.get("NARABI_TEST_MEILISEARCH_URL"):
        hosts = ["127.0.0.1", "::1", "localhost", str(urlsplit(url).hostname)]
        for item in items:
            if item.get_closest_marker("meilisearch"):
                item.add_marker(pytest.mark.allow_hosts(hosts))


def pytest_collection_finish() -> None:
    """Look through what now lives to the end no more, and through what comes more seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that touches a database on both, unless its marker names one."""
    if "database" not in metafunc.fixturenames:
        return
    only = {"sqlite_only": "sqlite", "postgres_only": "postgres"}
    kinds = [k for m, k in only.items() if any(metafunc.definition.iter_markers(m))]
    marks = {"postgres": [pytest.mark.postgres]}
    wanted = kinds or ["sqlite", "postgres"]
    params = [pytest.param(kind, id=kind, marks=marks.get(kind, [])) for kind in wanted]
    metafunc.parametrize("database", params, indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI a skipped test is a failed test: nothing goes unchecked in silence."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"CI forbids skipping: {reason}"
    return report


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """The folder that all workers of this run share."""
    return Path(os.environ["NARABI_TEST_RUN"])


@pytest.fixture(scope="session")
def _databases(run_folder: Path, worker_id: str) -> Iterator[dict[str, DatabaseUnderTest]]:
    postgres = PostgresDatabase(run_folder, worker_id)
    yield {"sqlite": SqliteDatabase(run_folder, worker_id), "postgres": postgres}
    postgres.close()


@pytest.fixture
def database(
    request: pytest.FixtureRequest, _databases: dict[str, DatabaseUnderTest]
) -> Iterator[DatabaseUnderTest]:
    """A freshly migrated, empty database, configured in core.db; the test runs on both kinds."""
    chosen = _databases[request.param]
    try:
        chosen.reset()
    except PostgresUnavailableError as error:
        pytest.skip(f"PostgreSQL cannot be had: {error}")
    chosen.configure()
    yield chosen
    chosen.configure()


@pytest.fixture
def settings(database: DatabaseUnderTest, tmp_path: Path) -> Settings:
    """Development settings over the database and an empty data folder."""
    return Settings(env="development", database_url=database.url, data_dir=tmp_path / "data")


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> None:
    """Hash with the least that argon2 allows: the suite signs hundreds of people in."""
    from argon2 import PasswordHasher

    from accounts import services

    services._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    services._DUMMY_HASH = services._hash_of_nothing()


@pytest.fixture(scope="session", autouse=True)
def _public_records() -> None:
    """Announce as the application does, whether or not a test has made one."""
    from catalog.feed import SOURCE
    from core import changes

    changes.use_source(SOURCE)


@pytest.fixture(scope="session")
def _applications() -> dict[str, tuple[Flask, dict[str, Any]]]:
    return {}


@pytest.fixture
def app(
    settings: Settings, run_folder: Path, _applications: dict[str, tuple[Flask, dict[str, Any]]]
) -> Flask:
    """The whole application over the database; made once per worker, its settings anew."""
    from app import create_app

    if settings.database_url not in _applications:
        application = create_app(settings)
        # The templates are compiled once for all workers.
        templates = run_folder / "templates"
        templates.mkdir(exist_ok=True)
        application.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(templates))
        application.testing = True
        application.test_client_class = CheckedClient
        _applications[settings.database_url] = (application, dict(application.config))
    application, config = _applications[settings.database_url]
    application.config.clear()
    application.config.update(config, NARABI=settings)
    return application


@pytest.fixture
def new_client(app: Flask, request: pytest.FixtureRequest) -> Callable[[], CheckedClient]:
    """Make one more person's browser: each call has its own cookies."""

    def make() -> CheckedClient:
        client = app.test_client()
        assert isinstance(client, CheckedClient)
        marker = request.node.get_closest_marker("query_budget")
        if marker:
            client.query_budget = marker.args[0]
        return client

    return make


@pytest.fixture
def client(new_client: Callable[[], CheckedClient]) -> CheckedClient:
    """One person's browser, signed out; checks every page it fetches."""
    return new_client()


@pytest.fixture
def hold_clock() -> Iterator[Callable[[datetime], None]]:
    """Hold the clock at an aware moment; call again to move it."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def hold(moment: datetime) -> None:
            stack.enter_context(fixed_at(moment))

        yield hold


def pytest_report_header() -> list[str]:
    """Say at the top where this run keeps its databases."""
    return [f"databases: {os.environ['NARABI_TEST_RUN']}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each reason for skipping, and what this machine was not meant to run, in one line."""
    if not SHARED.is_dir():
        words = (
            "LEFT OUT: every test marked shared_data, the walk among them, for want of ../shared"
        )
        terminalreporter.write_line(words, yellow=True)
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.items():
        terminalreporter.write_line(f"SKIPPED {count} tests: {reason}", yellow=True)
