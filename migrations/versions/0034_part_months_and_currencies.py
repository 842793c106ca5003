"""Add how a part of a month is charged, and the currency of a price."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# The CHECK stands in the column: SQLite adds it without rebuilding a table that has triggers.
_COLUMNS = (
    ("listing_versions", "part_month", ("whole", "days")),
    ("price_components", "currency", ("JPY", "USD")),
)


def upgrade() -> None:
    """Add the columns: what exists counts whole months, in yen."""
    for table, column, codes in _COLUMNS:
        listed = ", ".join(f"'{code}'" for code in codes)
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(32) DEFAULT '{codes[0]}' NOT NULL "
            f"CONSTRAINT ck_{table}_{column} CHECK ({column} IN ({listed}))"
        )


def downgrade() -> None:
    """Remove them."""
    for table, column, _codes in reversed(_COLUMNS):
        op.drop_column(table, column)
