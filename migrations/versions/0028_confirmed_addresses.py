"""Note whose address was not confirmed yet, and count what networks try."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_TABLE = "throttles"


def upgrade() -> None:
    """Add the column and the table; whoever has an account already keeps it as it is."""
    claimed = sa.Column(
        "awaits_confirmation", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("people", claimed)
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
    )
    op.create_index(op.f(f"ix_{_TABLE}_began_at"), _TABLE, ["began_at"])


def downgrade() -> None:
    """Remove both."""
    op.drop_table(_TABLE)
    op.drop_column("people", "awaits_confirmation")
