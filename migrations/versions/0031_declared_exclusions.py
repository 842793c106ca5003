"""Keep what a vendor declares of 指名停止等 in its registration."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; who registered before has answered nothing."""
    data = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("vendors", sa.Column("has_exclusions", sa.Boolean(), nullable=True))
    op.add_column(
        "vendors", sa.Column("exclusions", data, nullable=False, server_default=sa.text("'[]'"))
    )


def downgrade() -> None:
    """Remove the columns."""
    op.drop_column("vendors", "exclusions")
    op.drop_column("vendors", "has_exclusions")
