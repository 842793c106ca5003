"""Add the versions of the framework agreement; the database refuses changes to an issued one."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE = "agreement_versions"
_VERBS = ("UPDATE", "DELETE")


def upgrade() -> None:
    """Add the table and its triggers."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("applies_from", sa.Date(), nullable=False),
        sa.Column("accept_by", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("issued_by_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", moment, nullable=False),
        sa.CheckConstraint("accept_by >= applies_from", name=op.f(f"ck_{_TABLE}_dates")),
        sa.CheckConstraint("text <> ''", name=op.f(f"ck_{_TABLE}_has_text")),
        sa.ForeignKeyConstraint(
            ["issued_by_id"], ["people.id"], name=op.f(f"fk_{_TABLE}_issued_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint("label", name=op.f(f"uq_{_TABLE}_label")),
        sa.UniqueConstraint("applies_from", name=op.f(f"uq_{_TABLE}_applies_from")),
    )
    _protect()


def _protect() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for verb in _VERBS:
        act = (
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            if is_postgresql
            else f"BEGIN SELECT RAISE(ABORT, '{_TABLE} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {_TABLE}_no_{verb.lower()} BEFORE {verb} ON {_TABLE} {act}")


def downgrade() -> None:
    """Remove the table; its triggers go with it."""
    op.drop_table(_TABLE)
