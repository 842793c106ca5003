"""Alembic environment: one chain for SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Connection, Enum
from sqlmodel.sql.sqltypes import AutoString

import accounts.models
import catalog.certification.after_models
import catalog.certification.models
import catalog.kept.models
import catalog.offerings.reference_models
import catalog.specifications.consultation.models
import core.audit
import core.audit_checkpoints
import core.changes
import core.form_drafts
import core.form_keys
import core.idempotency
import core.outbox
import procurement.contracts.models
import procurement.projects.evaluation_models
import procurement.projects.paper_models
import procurement.quoting.models
import vendors.models
from core.db import current
from core.models import UTCDateTime, metadata


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write the house's column types so that a migration needs no import of the models."""
    if kind != "type":
        return False
    if isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    if isinstance(item, Enum):
        values = ", ".join(repr(value) for value in item.enums)
        return (
            f"sa.Enum({values}, name={item.name!r}, native_enum=False, "
            f"create_constraint=True, length={item.length})"
        )
    if isinstance(item, JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


def run_migrations() -> None:
    """Run the chain on the configured database."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    engine = current().engine.execution_options(narabi_write=True)
    with engine.connect() as opened, _without_foreign_keys(opened), opened.begin():
        _run(opened)
        _check_foreign_keys(opened)


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Let SQLite rebuild a table that others refer to; PostgreSQL alters tables in place."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys = 0")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys = 1")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            msg = f"the migration broke references: {broken[:5]}"
            raise RuntimeError(msg)


def _run(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run_migrations()
