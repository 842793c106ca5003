"""One chain of migrations builds exactly the declared tables, on both databases."""

import contextlib
import hashlib
import importlib
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import Connection, inspect, text

from app import cli
from core import db
from core.models import metadata

ROOT = Path(__file__).parent.parent
PACKAGES = ("core", "accounts", "vendors", "catalog", "search", "procurement")


def import_all_models() -> None:
    """Fill the metadata whatever else this process has imported."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.stem.rpartition("_")[2] == "models" or package == "core":
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


import_all_models()


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    return config


def test_migrated_database_equals_the_models(database):
    with db.current().engine.connect() as connection:
        command.check(alembic_config(connection))


def test_drift_between_models_and_database_is_seen(database):
    engine = db.current().engine
    with engine.begin() as connection:
        table = min(metadata.tables)
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN drifted INTEGER"))
        with pytest.raises(Exception, match="drifted"):
            command.check(alembic_config(connection))
        connection.rollback()


def test_every_declared_table_and_index_is_in_the_database(database):
    inspector = inspect(db.current().engine)
    tables = set(inspector.get_table_names()) - {"alembic_version"}
    assert tables == set(metadata.tables)
    for name, table in metadata.tables.items():
        found = {index["name"] for index in inspector.get_indexes(name)}
        assert {index.name for index in table.indexes} <= found, name


def test_declared_checks_and_unique_rules_are_in_the_database(database):
    inspector = inspect(db.current().engine)
    for name, table in metadata.tables.items():
        found = {check["name"] for check in inspector.get_check_constraints(name)}
        found |= {unique["name"] for unique in inspector.get_unique_constraints(name)}
        kinds = {"check_constraint", "unique_constraint"}
        declared = {
            str(rule.name)
            for rule in table.constraints
            if rule.__visit_name__ in kinds and rule.name is not None
        }
        assert declared <= found, name


def test_chain_is_linear_and_numbered():
    script = ScriptDirectory.from_config(alembic_config())
    revisions = list(reversed(list(script.walk_revisions())))
    assert len(script.get_heads()) == 1
    assert not [r.revision for r in revisions if r.is_merge_point or r.is_branch_point]
    numbers = [int(Path(r.path).name.partition("_")[0]) for r in revisions]
    assert numbers == list(range(1, len(revisions) + 1))


def test_upgrade_twice_changes_nothing(database):
    engine = db.current().engine
    before = sorted(inspect(engine).get_table_names())
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "head")
    assert sorted(inspect(engine).get_table_names()) == before


@pytest.mark.sqlite_only
def test_tables_with_rows_survive_being_rebuilt(database, tmp_path):
    """SQLite rebuilds a table to add a rule; what refers to its rows must find them again."""
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    before = db.current().url
    db.configure(url)
    try:
        command.upgrade(alembic_config(), "0004")
        _add_old_certifications()
        command.upgrade(alembic_config(), "head")
        with db.current().engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT number, state, first_cleared_at, second_cleared_at FROM certifications ORDER BY number"
                )
            ).all()
            kept = connection.execute(text("SELECT count(*) FROM recommendations")).scalar_one()
            enforced = connection.execute(text("PRAGMA foreign_keys")).scalar_one()
        assert [tuple(row) for row in rows] == [
            ("NC-1", "certified", "2026-04-01 00:00:00.000000", None),
            ("NC-2", "suspended", None, None),
        ]
        assert (kept, enforced) == (1, 1)
    finally:
        db.current().dispose()
        db.configure(before)


@pytest.mark.sqlite_only
def test_evidence_files_move_into_the_storage_and_back(database, tmp_path, monkeypatch):
    """Text in SQL alone: the models know nothing of the parts that the database once held."""
    monkeypatch.setenv("NARABI_ENV", "development")
    monkeypatch.setenv("NARABI_DATA_DIR", str(tmp_path))
    before = db.current().url
    db.configure(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    content = b"evidence" * 100_000
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        command.upgrade(alembic_config(), "0015")
        with contextlib.closing(db.current().engine.raw_connection()) as raw:
            _insert(raw, "organisations", {"id": "a" * 32, "kind": "vendor"})
            _insert(raw, "people", {"id": "b" * 32, "email": "b@example.jp"})
            owner = {"owner_id": "a" * 32, "uploaded_by_id": "b" * 32, "kind": "pdf"}
            _insert(raw, "evidence_files", {"id": "c" * 32, "sha256": sha256, **owner})
            for position, part in ((1, content[500_000:]), (0, content[:500_000])):
                own = {"file_id": "c" * 32, "position": position, "content": part}
                _insert(raw, "evidence_chunks", {"id": f"{position}" * 32, **own})
        command.upgrade(alembic_config(), "0016")
        assert "evidence_chunks" not in inspect(db.current().engine).get_table_names()
        path = tmp_path / "files" / sha256[:2] / sha256
        assert path.read_bytes() == content
        command.downgrade(alembic_config(), "0015")
        with db.current().engine.connect() as connection:
            parts = connection.execute(
                text("SELECT content FROM evidence_chunks ORDER BY position")
            ).scalars()
            assert b"".join(parts) == content
    finally:
        db.current().dispose()
        db.configure(before)


# One row each of what a certification refers to: the columns that no default fills.
OLD_ROWS = (
    ("organisations", "a", {"kind": "vendor"}),
    ("people", "b", {"email": "b@example.jp"}),
    ("people", "c", {"email": "c@example.jp"}),
    ("people", "d", {"email": "d@example.jp"}),
    ("vendors", "e", {"owner_id": "a" * 32, "state": "active"}),
    ("standard_specifications", "f", {"pattern": "b"}),
    ("specification_versions", "1", {"specification_id": "f" * 32, "state": "draft"}),
    ("offerings", "2", {"owner_id": "a" * 32, "maker_id": "e" * 32}),
)
OLD_VERSION = {"offering_id": "2" * 32, "owner_id": "a" * 32, "specification_version_id": "1" * 32}
OLD_CERTIFICATE = {
    "specification_version_id": "1" * 32, "owner_id": "a" * 32, "first_reviewer_id": "b" * 32,
    "second_reviewer_id": "c" * 32, "decided_by_id": "d" * 32, "valid_until": "2028-04-01 00:00:00.000000",
}  # fmt: skip


def _add_old_certifications() -> None:
    with contextlib.closing(db.current().engine.raw_connection()) as raw:
        for table, digit, values in OLD_ROWS:
            _insert(raw, table, {"id": digit * 32, **values})
        for count, digit in enumerate(("3", "4"), start=1):
            version = {"id": digit * 32, "number": count, "state": "draft", **OLD_VERSION}
            _insert(raw, "offering_versions", version)
        for digit, version_id, state in (("5", "3", "certified"), ("6", "4", "revoked")):
            number = f"NC-{int(digit) - 4}"
            own = {
                "id": digit * 32,
                "number": number,
                "state": state,
                "offering_version_id": version_id * 32,
            }
            _insert(raw, "certifications", own | OLD_CERTIFICATE)
        said = {"certification_id": "5" * 32, "reviewer_id": "b" * 32, "opinion": "certify"}
        _insert(raw, "recommendations", {"id": "7" * 32, **said})


def _insert(raw: Any, table: str, values: dict[str, Any]) -> None:
    """Insert a row; what must not be empty and is not named gets a plain value of its type."""
    plain = {"VARCHAR": "", "TEXT": "", "INTEGER": 1, "BOOLEAN": 0, "JSON": "[]"}
    row = {
        name: plain.get(kind.partition("(")[0], "2026-04-01 00:00:00.000000")
        for _, name, kind, is_needed, default, _ in raw.execute(f"PRAGMA table_info({table})")
        if is_needed and default is None
    } | values
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    raw.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def test_upgrade_builds_an_empty_database(database, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    if database.kind == "postgres":
        name = f"new_{database.worker}"
        database.cluster.create(name)
        request.addfinalizer(lambda: database.cluster.drop(name))
        url = database.cluster.url(name)
    told = {"NARABI_ENV": "development", "NARABI_DATABASE_URL": url}
    try:
        upgraded = CliRunner().invoke(cli, ["db", "upgrade"], env=told)
        assert upgraded.exit_code == 0, upgraded.output
        built = inspect(db.current().engine).get_table_names()
        assert (db.current().url, set(metadata.tables) - set(built)) == (url, set())
    finally:
        db.current().dispose()
        db.configure(database.url)
