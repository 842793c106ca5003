"""Add bodies that vendors name as users, and beside each listing those that said yes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLE = "adoption_references"
_STATES = ("asked", "confirmed", "refused", "withdrawn", "dropped")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ANSWERED = (
    "state NOT IN ('confirmed', 'refused', 'withdrawn') "
    "OR (answered_by_id IS NOT NULL AND answered_at IS NOT NULL)"
)
_LINKS = (
    ("listing_id", "listings"),
    ("owner_id", "organisations"),
    ("body_id", "organisations"),
    ("asked_by_id", "people"),
    ("answered_by_id", "people"),
)


def upgrade() -> None:
    """Add the table and the column; nobody is named yet."""
    moment = sa.DateTime(timezone=True)
    state = sa.Enum(
        *_STATES, name="reference_state", native_enum=False, create_constraint=True, length=32
    )
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("used_since", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("answered_by_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", moment, nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.CheckConstraint(_ANSWERED, name=op.f(f"ck_{_TABLE}_answered_by_somebody")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_{_TABLE}_{column}_{target}")
            )
            for column, target in _LINKS
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
    )
    for column in ("listing_id", "owner_id", "body_id", "state"):
        op.create_index(op.f(f"ix_{_TABLE}_{column}"), _TABLE, [column])
    live = sa.text("state IN ('asked', 'confirmed')")
    op.create_index(
        f"uq_{_TABLE}_live",
        _TABLE,
        ["listing_id", "body_id"],
        unique=True,
        postgresql_where=live,
        sqlite_where=live,
    )
    op.add_column("listings", sa.Column("references", _JSON, nullable=False, server_default="[]"))
