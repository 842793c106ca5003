"""The difference of two versions of 2,000 requirements as a reader gets it, database and page included."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import update
from sqlmodel import col

from accounts.identity import CONSOLE
from app import create_app
from bench.measures import measure, median_seconds
from bench.specification_difference import make_versions
from catalog.specifications import services
from catalog.specifications.models import SpecificationState, SpecificationVersion
from core import cli, db
from core.config import Settings
from tests.factories import thaw

_COUNT = 2_000
_ADDRESS = "/specifications/BENCH/2.0/changes?from=1.0"
_BASE = f"2 × {_COUNT:,} requirements, SQLite on disk, server time"


def publish_two_versions(count: int) -> None:
    """Import a version and its revision, and put both on public view."""
    days = {"1.0": date(2025, 4, 1), "2.0": date(2026, 4, 1)}
    for label, drafts in zip(days, make_versions(count), strict=True):
        facts = services.ImportFacts(code="BENCH", label=label, applies_from=days[label])
        source = services.ImportedFile("bench.csv", "0" * 64)
        with db.transaction() as session:
            made = services.import_requirements(
                session, CONSOLE, facts, drafts=drafts, source=source
            )
            thaw(session)
            session.execute(
                update(SpecificationVersion)
                .where(col(SpecificationVersion.id) == made.id)
                .values(
                    state=SpecificationState.EFFECTIVE,
                    published_on=days[label],
                    published_at=db.now(session),
                )
            )


@contextmanager
def opened_versions(count: int) -> Iterator[FlaskClient]:
    """Give a signed-out reader's client for a site with the two versions."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        database = db.configure(url)
        cli.upgrade_database()
        publish_two_versions(count)
        settings = Settings(env="development", database_url=url, data_dir=Path(folder))
        yield create_app(settings).test_client()
        database.dispose()


def time_answer(suffix: str) -> float:
    """Return the median server time of one form of the difference in seconds."""
    with opened_versions(_COUNT) as client:

        def fetch() -> None:
            assert client.get(_ADDRESS + suffix).status_code == 200

        return median_seconds(fetch)


@measure("difference_page", goal="<= 1", unit="s", base=_BASE)
def time_page() -> float:
    """Return the time of the page."""
    return time_answer("")


@measure("difference_xlsx", goal="<= 1", unit="s", base=_BASE)
def time_workbook() -> float:
    """Return the time of the workbook."""
    return time_answer("&format=xlsx")


@measure("difference_json", goal="<= 1", unit="s", base=_BASE)
def time_data() -> float:
    """Return the time of the JSON."""
    return time_answer("&format=json")
