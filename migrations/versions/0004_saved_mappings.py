"""Keep the column mappings that reviewers saved per ministry."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of saved mappings."""
    op.create_table(
        "saved_mappings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ministry", sa.String(length=100), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column(
            "mapping", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_saved_mappings_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_mappings")),
        sa.UniqueConstraint(
            "ministry", "fingerprint", name=op.f("uq_saved_mappings_ministry_fingerprint")
        ),
    )
    with op.batch_alter_table("saved_mappings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_saved_mappings_fingerprint"), ["fingerprint"], unique=False
        )


def downgrade() -> None:
    """Drop the table of saved mappings."""
    with op.batch_alter_table("saved_mappings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_mappings_fingerprint"))
    op.drop_table("saved_mappings")
