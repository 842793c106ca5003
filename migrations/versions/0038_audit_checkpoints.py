"""Keep signed checkpoints of the audit trail, append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_TABLE = "audit_checkpoints"


def upgrade() -> None:
    """Make the table and its guards."""
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint("published_on", name=op.f(f"uq_{_TABLE}_published_on")),
    )
    op.create_index(op.f(f"ix_{_TABLE}_made_at"), _TABLE, ["made_at"])
    for verb in ("update", "delete"):
        op.execute(_guard(verb))
    if _is_postgresql():
        op.execute(
            f"CREATE TRIGGER {_TABLE}_no_truncate BEFORE TRUNCATE ON {_TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _guard(verb: str) -> str:
    begin = f"CREATE TRIGGER {_TABLE}_no_{verb} BEFORE {verb.upper()} ON {_TABLE} "
    if _is_postgresql():
        return begin + "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    return begin + f"BEGIN SELECT RAISE(ABORT, '{_TABLE} is append-only'); END"


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def downgrade() -> None:
    """Remove it; its guards go with it."""
    op.drop_table(_TABLE)
