"""Add exclusion periods, invoice numbers and how a registration ended."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns with blanks for what exists, then the table."""
    moment = sa.DateTime(timezone=True)
    for name, length in (("invoice_number", 14), ("end_reason", 2000)):
        column = sa.Column(name, sa.String(length=length), nullable=False, server_default="")
        op.add_column("vendors", column)
    op.add_column("vendors", sa.Column("left_market_at", moment, nullable=True))
    table = "exclusion_periods"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("authority", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("reference", sa.String(length=500), nullable=False),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=False),
        sa.Column("struck_at", moment, nullable=True),
        sa.Column("struck_by_id", sa.Uuid(), nullable=True),
        sa.Column("strike_reason", sa.String(length=1000), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f(f"ck_{table}_dates")),
        sa.CheckConstraint(
            "struck_at IS NULL OR strike_reason <> ''", name=op.f(f"ck_{table}_struck_for_a_reason")
        ),
        sa.CheckConstraint("reference <> ''", name=op.f(f"ck_{table}_has_reference")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
            )
            for column, target in (
                ("vendor_id", "vendors"),
                ("recorded_by_id", "people"),
                ("struck_by_id", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_vendor_id"), table, ["vendor_id"])


def downgrade() -> None:
    """Remove the table and the columns."""
    op.drop_table("exclusion_periods")
    with op.batch_alter_table("vendors") as vendors:
        for name in ("left_market_at", "end_reason", "invoice_number"):
            vendors.drop_column(name)
