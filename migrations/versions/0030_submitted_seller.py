"""Keep with submitted terms the number of who submitted them, whoever takes the listing over."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; terms that were submitted before name their seller of today."""
    number = sa.Column("submitted_seller", sa.String(13), nullable=False, server_default="")
    op.add_column("listing_versions", number)
    op.execute(
        "UPDATE listing_versions SET submitted_seller = (SELECT vendors.corporate_number"
        " FROM listings JOIN vendors ON vendors.id = listings.seller_id"
        " WHERE listings.id = listing_versions.listing_id)"
        " WHERE content_sha256 <> ''"
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_column("listing_versions", "submitted_seller")
