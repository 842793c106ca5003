"""Refuse in the database itself that whoever prepared a sent request takes it back.

A later migration that rebuilds usage_contract_requests on SQLite (batch mode) calls `drop_trigger`
first and `make_trigger` afterwards.
"""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

_TABLE = "usage_contract_requests"
_NAME = f"four_eyes_{_TABLE}_withdrawn_by_no_preparer_update"
_REFUSAL = f"{_TABLE}_withdrawn_by_no_preparer"
_CONDITION = (
    "NEW.sent_at IS NOT NULL AND NEW.withdrawn_by_id IS NOT NULL"
    " AND (NEW.withdrawn_by_id = NEW.submitted_by_id OR NEW.withdrawn_by_id = NEW.last_editor_id)"
)


def make_trigger() -> None:
    """Add the trigger; it refuses with the name of table and rule."""
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
    """Guard the pair from here on."""
    make_trigger()


def downgrade() -> None:
    """Leave the pair to the service again."""
    drop_trigger()
