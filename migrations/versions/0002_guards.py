"""Make the audit trail and evidence append-only, and seed what is data by law."""

import uuid
from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NO_UPDATE = (
    "audit_events",
    "audit_details",
    "public_changes",
    "evidence_packs",
    "request_documents",
)
_NO_DELETE = ("audit_events", "public_changes", "evidence_packs", "request_documents")
_SOURCE = "地方自治法施行令 別表第五（令和7年4月1日施行）"
_CEILINGS = (
    ("municipality", "services", 1_000_000),
    ("municipality", "lease", 800_000),
    ("prefecture_or_designated_city", "services", 2_000_000),
    ("prefecture_or_designated_city", "lease", 1_500_000),
)


def upgrade() -> None:
    """Add triggers on both databases; insert the decree's ceilings and the feed's identity."""
    if op.get_bind().dialect.name == "postgresql":
        _protect_postgresql()
    else:
        _protect_sqlite()
    _seed()


def _protect_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514'; END $$"
    )
    for verb, tables in (("UPDATE", _NO_UPDATE), ("DELETE", _NO_DELETE)):
        for table in tables:
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
    for table in _NO_DELETE:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _protect_sqlite() -> None:
    for verb, tables in (("UPDATE", _NO_UPDATE), ("DELETE", _NO_DELETE)):
        for table in tables:
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _seed() -> None:
    # A migration runs outside any transaction of the house, so it reads the clock itself.
    moment = datetime.now(UTC)
    ceilings = sa.table(
        "small_amount_ceilings",
        sa.column("id", sa.Uuid()),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("updated_at", sa.DateTime(timezone=True)),
        sa.column("version", sa.Integer()),
        sa.column("group", sa.String()),
        sa.column("category", sa.String()),
        sa.column("amount", sa.Integer()),
        sa.column("valid_from", sa.Date()),
        sa.column("source", sa.String()),
    )
    op.bulk_insert(
        ceilings,
        [
            {
                "id": uuid.uuid4(),
                "created_at": moment,
                "updated_at": moment,
                "version": 1,
                "group": group,
                "category": category,
                "amount": amount,
                "valid_from": date(2025, 4, 1),
                "source": _SOURCE,
            }
            for group, category, amount in _CEILINGS
        ],
    )
    feed = sa.table("feed_state", sa.column("id", sa.Integer()), sa.column("epoch", sa.String()))
    op.bulk_insert(feed, [{"id": 1, "epoch": str(uuid.uuid4())}])


def downgrade() -> None:
    """Remove the triggers and the seeded rows."""
    suffix = "postgresql" if op.get_bind().dialect.name == "postgresql" else "sqlite"
    for verb, tables in (("update", _NO_UPDATE), ("delete", _NO_DELETE)):
        for table in tables:
            on = f" ON {table}" if suffix == "postgresql" else ""
            op.execute(f"DROP TRIGGER {table}_no_{verb}{on}")
    if suffix == "postgresql":
        for table in _NO_DELETE:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
        op.execute("DROP FUNCTION refuse_change()")
    op.execute("DELETE FROM small_amount_ceilings WHERE organisation_id IS NULL")
    op.execute("DELETE FROM feed_state")
