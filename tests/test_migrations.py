"""One chain of migrations builds exactly the declared tables, on both databases."""

import importlib
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from core import db
from core.models import metadata
from tests.databases import upgrade

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


def test_upgrade_builds_an_empty_database(database, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    if database.kind == "postgres":
        name = f"new_{database.worker}"
        database.cluster.create(name)
        request.addfinalizer(lambda: database.cluster.drop(name))
        url = database.cluster.url(name)
    upgrade(url)
    engine = db.make_engine(url)
    try:
        assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    finally:
        engine.dispose()
