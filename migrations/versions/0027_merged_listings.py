"""Let two listings of one software come into one hand: the one that ended points at the other.

A seller still has one listing of a software, of those that were not merged into another.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_PAIR = ["offering_id", "seller_id"]
_OLD, _NEW = "uq_listings_offering_id_seller_id", "uq_listings_unmerged"
_LINK = "fk_listings_merged_into_id_listings"
_UNMERGED = sa.text("merged_into_id IS NULL")


def upgrade() -> None:
    """Add the pointer and narrow the uniqueness down."""
    with op.batch_alter_table("listings") as listings:
        listings.add_column(sa.Column("merged_into_id", sa.Uuid(), nullable=True))
        listings.create_foreign_key(op.f(_LINK), "listings", ["merged_into_id"], ["id"])
        listings.drop_constraint(op.f(_OLD), type_="unique")
    op.create_index(op.f("ix_listings_merged_into_id"), "listings", ["merged_into_id"])
    op.create_index(
        _NEW,
        "listings",
        _PAIR,
        unique=True,
        postgresql_where=_UNMERGED,
        sqlite_where=_UNMERGED,
    )


def downgrade() -> None:
    """Bring the old uniqueness back; impossible while a seller has two listings of one software."""
    op.drop_index(_NEW, table_name="listings")
    op.drop_index(op.f("ix_listings_merged_into_id"), table_name="listings")
    with op.batch_alter_table("listings") as listings:
        listings.create_unique_constraint(op.f(_OLD), _PAIR)
        listings.drop_constraint(op.f(_LINK), type_="foreignkey")
        listings.drop_column("merged_into_id")
