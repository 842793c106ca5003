"""Keep the searches that people save."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_TABLE = "saved_searches"
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_OWNER = (("person_id", "people"), ("organisation_id", "organisations"))


def upgrade() -> None:
    """Make the table."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("conditions", _JSON, nullable=False),
        sa.Column("matches", _JSON, nullable=False),
        sa.Column("match_count", sa.Integer(), nullable=True),
        sa.Column("seen_at", moment, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_{_TABLE}_{column}_{table}")
            )
            for column, table in _OWNER
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint(
            "person_id",
            "organisation_id",
            "name",
            name=op.f(f"uq_{_TABLE}_person_id_organisation_id_name"),
        ),
    )
    op.create_index(op.f(f"ix_{_TABLE}_organisation_id"), _TABLE, ["organisation_id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table(_TABLE)
