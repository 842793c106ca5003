"""Add the notices that bodies publish of their contracts."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_TABLE = "contract_notices"
_LIVE = sa.text("state <> 'withdrawn'")


def _link(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{_TABLE}_{column}_{target}")
    )


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("prepared_by_id", sa.Uuid(), nullable=False),
        sa.Column("published_by_id", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawal_reason", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        _link("contract_id", "contracts"),
        _link("owner_id", "organisations"),
        _link("prepared_by_id", "people"),
        _link("published_by_id", "people"),
        _link("withdrawn_by_id", "people"),
        sa.CheckConstraint(
            "(prepared_by_id IS NULL OR published_by_id IS NULL"
            " OR prepared_by_id <> published_by_id)",
            name=op.f(f"ck_{_TABLE}_four_eyes"),
        ),
        sa.CheckConstraint(
            "state <> 'published' OR (published_by_id IS NOT NULL AND published_at IS NOT NULL)",
            name=op.f(f"ck_{_TABLE}_published_whole"),
        ),
    )
    op.create_index(op.f(f"ix_{_TABLE}_contract_id"), _TABLE, ["contract_id"])
    op.create_index(op.f(f"ix_{_TABLE}_owner_id"), _TABLE, ["owner_id"])
    op.create_index(f"ix_{_TABLE}_published", _TABLE, ["published_at", "id"])
    op.create_index(
        f"uq_{_TABLE}_live",
        _TABLE,
        ["contract_id"],
        unique=True,
        postgresql_where=_LIVE,
        sqlite_where=_LIVE,
    )


def downgrade() -> None:
    """Take the table away."""
    op.drop_table(_TABLE)
