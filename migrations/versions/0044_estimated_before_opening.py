"""Refuse to fix an estimated price once any quote of its project was opened."""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_NAME = "estimated_prices_fixed_before_opening"
_LATE = (
    "NEW.state = 'fixed' AND EXISTS (SELECT 1 FROM quote_rounds r"
    " JOIN quote_openings o ON o.round_id = r.id"
    " WHERE r.project_id = NEW.project_id AND o.second_at IS NOT NULL)"
)


def upgrade() -> None:
    """Add the guard; a round that was opened and given up counts, too."""
    if op.get_bind().dialect.name != "postgresql":
        op.execute(
            f"CREATE TRIGGER {_NAME} BEFORE UPDATE ON estimated_prices WHEN {_LATE}"
            f" BEGIN SELECT RAISE(ABORT, '{_NAME}'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {_NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF ({_LATE}) THEN RAISE EXCEPTION '{_NAME}' USING ERRCODE = '23514'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {_NAME} BEFORE UPDATE ON estimated_prices"
        f" FOR EACH ROW EXECUTE FUNCTION {_NAME}()"
    )


def downgrade() -> None:
    """Remove the guard."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {_NAME}() CASCADE")
    else:
        op.execute(f"DROP TRIGGER {_NAME}")
