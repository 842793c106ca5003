"""Trail, feed, evidence and sent documents refuse every change below the application, too."""

import importlib
import uuid

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from core import audit_checkpoints, changes, db

GUARDS = importlib.import_module("migrations.versions.0002_guards")
PAPERS = importlib.import_module("migrations.versions.0042_project_papers")._FROZEN
NO_UPDATE, NO_DELETE = (*GUARDS._NO_UPDATE, *PAPERS), (*GUARDS._NO_DELETE, *PAPERS)


def test_rows_that_prove_something_cannot_be_changed_removed_or_emptied(market):
    market.reach_approved()
    with db.transaction() as session:
        changes.append(session, "probe", uuid.uuid4())
    with db.reading() as session:
        before = _counts(session)
        head = audit_checkpoints.verify(session).head
    assert min(before.values()) > 0
    engine = db.current().engine
    attempts = [f"UPDATE {table} SET {_column(table)} = NULL" for table in NO_UPDATE]
    attempts += [f"DELETE FROM {table}" for table in NO_DELETE]
    if not db.current().is_sqlite:
        attempts += [f"TRUNCATE {table} CASCADE" for table in NO_DELETE]
        attempts += ["TRUNCATE projects CASCADE"]  # what leads to the evidence is no way round
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
            connection.execute(text(attempt))
    with db.reading() as session:
        assert _counts(session) == before
        assert (
            audit_checkpoints.verify(session).head,
            audit_checkpoints.verify(session).problems,
        ) == (head, ())


def _column(table: str) -> str:
    return str(inspect(db.current().engine).get_columns(table)[-1]["name"])


def _counts(session) -> dict[str, int]:
    return {
        table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        for table in {*NO_UPDATE, *NO_DELETE}
    }
