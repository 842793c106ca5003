"""Add when and for whom a price counts, discounts by number of bodies, and support by the State."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_RULE = "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from"


def upgrade() -> None:
    """Add the columns: what exists counts always and for all, without discount or support."""
    with op.batch_alter_table("price_components") as components:
        components.add_column(sa.Column("valid_from", sa.Date(), nullable=True))
        components.add_column(sa.Column("valid_to", sa.Date(), nullable=True))
        components.add_column(sa.Column("size_classes", _JSON, nullable=False, server_default="[]"))
        components.create_check_constraint(op.f("ck_price_components_validity"), _RULE)
    table = "listing_versions"
    op.add_column(table, sa.Column("discounts", _JSON, nullable=False, server_default="[]"))
    op.add_column(table, sa.Column("state_support_yen", sa.Integer(), nullable=True))
    op.add_column(table, sa.Column("state_support_until", sa.Date(), nullable=True))
    note = sa.Column("state_support_note", sa.String(length=500), nullable=False, server_default="")
    op.add_column(table, note)
