"""Keep on a project by which quantities and options its costs are computed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Add the column: what exists is computed by the registered population alone."""
    column = sa.Column("cost_conditions", _JSON, nullable=False, server_default="{}")
    op.add_column("projects", column)


def downgrade() -> None:
    """Remove it."""
    op.drop_column("projects", "cost_conditions")
