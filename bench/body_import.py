"""Import of all 1,788 bodies by the command's own path."""

import tempfile
from pathlib import Path

from click.testing import CliRunner

from accounts.cli import bodies_group
from bench.measures import measure, median_seconds
from core import cli, db

_BODIES = Path(__file__).resolve().parent.parent / "accounts" / "data" / "bodies.csv"


@measure("body_import", goal="<= 3", unit="s", base="1,788 bodies, then again; SQLite on disk")
def import_all() -> float:
    """Return the median of three imports in seconds, the first into an empty table."""
    with tempfile.TemporaryDirectory() as folder:
        database = db.configure(f"sqlite:///{folder}/bench.db")
        cli.upgrade_database()
        seconds = median_seconds(_import, runs=3, warm_up=0)
        database.dispose()
    return seconds


def _import() -> None:
    result = CliRunner().invoke(bodies_group, ["import", str(_BODIES)])
    assert result.exit_code == 0, result.output
