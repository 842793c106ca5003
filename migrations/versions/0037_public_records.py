"""Keep the public record of each thing beside the change feed, and the sum of their hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("head", sa.BigInteger(), "0"),
    ("floor", sa.BigInteger(), "0"),
    ("catalog_hash", sa.String(64), "0" * 64),
    ("record_count", sa.Integer(), "0"),
    ("shape", sa.Integer(), "0"),
)
_FUNCTION = (
    "CREATE FUNCTION refuse_held_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF OLD.sequence > (SELECT floor FROM feed_state WHERE id = 1) THEN "
    "RAISE EXCEPTION '% is append-only above its floor', TG_TABLE_NAME USING ERRCODE = '23514'; "
    "END IF; RETURN OLD; END $$"
)


def upgrade() -> None:
    """Make table and columns; of the changes, those up to the floor may go.

    The records themselves are written by `narabi db upgrade`, which knows how to read them.
    """
    op.create_table(
        "public_records",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject_id", name=op.f("pk_public_records")),
    )
    for name, kind, default in _COLUMNS:
        op.add_column("feed_state", sa.Column(name, kind, nullable=False, server_default=default))
    op.execute(
        "UPDATE feed_state SET head = (SELECT COALESCE(MAX(sequence), 0) FROM public_changes)"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION)
        op.execute("DROP TRIGGER public_changes_no_delete ON public_changes")
        op.execute(
            "CREATE TRIGGER public_changes_no_delete BEFORE DELETE ON public_changes "
            "FOR EACH ROW EXECUTE FUNCTION refuse_held_change()"
        )
    else:
        op.execute("DROP TRIGGER public_changes_no_delete")
        op.execute(
            "CREATE TRIGGER public_changes_no_delete BEFORE DELETE ON public_changes "
            "WHEN OLD.sequence > (SELECT floor FROM feed_state WHERE id = 1) "
            "BEGIN SELECT RAISE(ABORT, 'public_changes is append-only above its floor'); END"
        )


def downgrade() -> None:
    """Remove them; every change may not go again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER public_changes_no_delete ON public_changes")
        op.execute("DROP FUNCTION refuse_held_change()")
        op.execute(
            "CREATE TRIGGER public_changes_no_delete BEFORE DELETE ON public_changes "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    else:
        op.execute("DROP TRIGGER public_changes_no_delete")
        op.execute(
            "CREATE TRIGGER public_changes_no_delete BEFORE DELETE ON public_changes "
            "BEGIN SELECT RAISE(ABORT, 'public_changes is append-only'); END"
        )
    for name, _kind, _default in reversed(_COLUMNS):
        op.drop_column("feed_state", name)
    op.drop_table("public_records")
