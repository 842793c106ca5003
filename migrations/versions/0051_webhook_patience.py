"""Keep for how long a receiver of webhooks asked to be left alone."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("webhook_attempts", sa.Column("asked_seconds", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the column away."""
    op.drop_column("webhook_attempts", "asked_seconds")
