"""Keep the last day of service of a vendor that left the market."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("vendors", sa.Column("service_ends_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("vendors", "service_ends_on")
