"""Keep the conditions under which people compute costs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TABLE = "cost_profiles"
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_OWNER = (("person_id", "people"), ("organisation_id", "organisations"))
_WHOLE = "(baseline_yearly IS NULL) = (baseline_ends_on IS NULL)"


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
        sa.Column("conditions", _JSON, nullable=False),
        sa.Column("baseline_yearly", sa.BigInteger(), nullable=True),
        sa.Column("baseline_ends_on", sa.Date(), nullable=True),
        sa.CheckConstraint(_WHOLE, name=op.f(f"ck_{_TABLE}_whole_baseline")),
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
            name=op.f(f"uq_{_TABLE}_person_id_organisation_id"),
        ),
    )
    op.create_index(op.f(f"ix_{_TABLE}_organisation_id"), _TABLE, ["organisation_id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table(_TABLE)
