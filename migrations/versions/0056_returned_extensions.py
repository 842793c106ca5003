"""Let an approver return a proposed later deadline, so that another one can be proposed.

A later migration that rebuilds quote_extensions on SQLite (batch mode) calls `drop_trigger` first and
`make_trigger` afterwards.
"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_TABLE = "quote_extensions"
_NAME = f"{_TABLE}_returned_stays_update"
_REFUSAL = f"{_TABLE}_returned_stays"
_CONDITION = (
    "OLD.returned_at IS NOT NULL"
    " OR (NEW.returned_at IS NOT NULL AND NEW.approved_by_id IS NOT NULL)"
    " OR (NEW.returned_at IS NOT NULL AND COALESCE(NEW.return_reason, '') = '')"
)


def make_trigger() -> None:
    """Add the trigger: what was returned, with its reason, is never approved."""
    if _is_postgresql():
        op.execute(
            f"CREATE FUNCTION {_NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF ({_CONDITION}) THEN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = '23514';"
            " END IF; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {_NAME} AFTER UPDATE ON {_TABLE}"
            f" FOR EACH ROW EXECUTE FUNCTION {_NAME}()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER {_NAME} AFTER UPDATE ON {_TABLE} WHEN {_CONDITION}"
            f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )


def drop_trigger() -> None:
    """Remove the trigger."""
    if _is_postgresql():
        op.execute(f"DROP FUNCTION {_NAME}() CASCADE")
    else:
        op.execute(f"DROP TRIGGER {_NAME}")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def upgrade() -> None:
    """Add the columns and their rule."""
    op.add_column(_TABLE, sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(_TABLE, sa.Column("return_reason", sa.String(length=1000), nullable=True))
    make_trigger()


def downgrade() -> None:
    """Take the columns away."""
    drop_trigger()
    op.drop_column(_TABLE, "return_reason")
    op.drop_column(_TABLE, "returned_at")
