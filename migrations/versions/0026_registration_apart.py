"""Let the database refuse a decision on a registration by whoever checked it.

A trigger judges only a change, so that a registration from before this migration stays as it is.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_NAME = "four_eyes_vendors_decider_apart"
_TIED = "NEW.decided_by_id IS NOT NULL AND NEW.decided_by_id = NEW.assigned_reviewer_id"
_REFUSAL = "vendors_decider_apart"
_EVENTS = {"insert": "INSERT", "update": "UPDATE OF decided_by_id, assigned_reviewer_id"}


def upgrade() -> None:
    """Add the triggers."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        op.execute(
            f"CREATE FUNCTION {_NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF ({_TIED}) THEN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = '23514'; END IF; "
            "RETURN NULL; END $$"
        )
    for verb, event in _EVENTS.items():
        head = f"CREATE TRIGGER {_NAME}_{verb} AFTER {event} ON vendors"
        if is_postgresql:
            op.execute(f"{head} FOR EACH ROW EXECUTE FUNCTION {_NAME}()")
        else:
            op.execute(f"{head} WHEN {_TIED} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END")


def downgrade() -> None:
    """Remove the triggers."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {_NAME}() CASCADE")
        return
    for verb in _EVENTS:
        op.execute(f"DROP TRIGGER {_NAME}_{verb}")
