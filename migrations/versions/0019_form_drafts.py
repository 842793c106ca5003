"""Add form drafts: what a person typed into a page and has not saved."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLE = "form_drafts"


def upgrade() -> None:
    """Add the table."""
    moment = sa.DateTime(timezone=True)
    typed = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("typed", typed, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f(f"fk_{_TABLE}_person_id_people")
        ),
        sa.UniqueConstraint("person_id", "address", name=op.f(f"uq_{_TABLE}_person_id_address")),
    )
    op.create_index(op.f(f"ix_{_TABLE}_updated_at"), _TABLE, ["updated_at"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table(_TABLE)
