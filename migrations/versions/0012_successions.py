"""Add successions: one vendor takes over from another."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLE = "successions"
_STATES = ("proposed", "completed", "dropped")
_LINKS = (
    ("from_vendor_id", "vendors"),
    ("to_vendor_id", "vendors"),
    ("offering_id", "offerings"),
    ("proposed_by_id", "people"),
    ("confirmed_by_id", "people"),
)
_CHECKS = (
    (
        "four_eyes",
        "(proposed_by_id IS NULL OR confirmed_by_id IS NULL OR proposed_by_id <> confirmed_by_id)",
    ),
    (
        "confirmed_by_somebody",
        "state <> 'completed' OR (confirmed_by_id IS NOT NULL AND confirmed_at IS NOT NULL)",
    ),
    ("two_vendors", "from_vendor_id <> to_vendor_id"),
    ("has_reason", "reason <> ''"),
)


def upgrade() -> None:
    """Add the table."""
    moment = sa.DateTime(timezone=True)
    state = sa.Enum(
        *_STATES, name="succession_state", native_enum=False, create_constraint=True, length=32
    )
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_vendor_id", sa.Uuid(), nullable=False),
        sa.Column("to_vendor_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=True),
        sa.Column("offering_name", sa.String(length=120), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{_TABLE}_{name}")) for name, rule in _CHECKS),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_{_TABLE}_{column}_{target}")
            )
            for column, target in _LINKS
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
    )
    for column in ("from_vendor_id", "to_vendor_id", "offering_id"):
        op.create_index(op.f(f"ix_{_TABLE}_{column}"), _TABLE, [column])
    proposed = sa.text("state = 'proposed'")
    op.create_index(
        "uq_successions_proposed",
        _TABLE,
        ["from_vendor_id"],
        unique=True,
        postgresql_where=proposed,
        sqlite_where=proposed,
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table(_TABLE)
