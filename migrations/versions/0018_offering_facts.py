"""Add what bodies compare besides functions: accreditations, users, data categories, maintenance, training."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_LISTS = ("body_kinds", "languages", "authentication", "accreditations", "data_categories")
_TEXTS = (("data_location", 200), ("accessibility_level", 20), ("accessibility_statement", 500))


def upgrade() -> None:
    """Add the columns in place, empty for what exists: nothing was told of these facts."""
    for name in _LISTS:
        op.add_column("offering_versions", _list(name))
    for name, length in _TEXTS:
        op.add_column("offering_versions", _text(name, length))
    op.add_column("listing_versions", sa.Column("maintenance_notice_days", sa.Integer()))
    op.add_column("listing_versions", _text("training", 500))


def _list(name: str) -> sa.Column[object]:
    return sa.Column(name, _JSON, nullable=False, server_default="[]")


def _text(name: str, length: int) -> sa.Column[object]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default="")
