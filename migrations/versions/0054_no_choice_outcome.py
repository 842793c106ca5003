"""Let whoever quoted be told that no quote was chosen: a third outcome of an invitation."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_TABLE = "quote_invitations"
_CHECK = f"ck_{_TABLE}_quote_outcome"
_TRIGGERS = sa.text(
    "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name ORDER BY name"
)


def _allow(*outcomes: str) -> None:
    """Replace the CHECK; SQLite rebuilds the table, so its triggers are made again as they were."""
    rule = f"outcome IN {outcomes}"
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.drop_constraint(op.f(_CHECK), _TABLE, type_="check")
        op.create_check_constraint(op.f(_CHECK), _TABLE, rule)
        return
    triggers = list(bind.execute(_TRIGGERS, {"name": _TABLE}).scalars())
    op.execute("PRAGMA legacy_alter_table = 1")
    with op.batch_alter_table(_TABLE) as batch:
        batch.drop_constraint(op.f(_CHECK), type_="check")
        batch.create_check_constraint(op.f(_CHECK), rule)
    op.execute("PRAGMA legacy_alter_table = 0")
    for each in triggers:
        op.execute(each)


def upgrade() -> None:
    """Add the third word."""
    _allow("chosen", "not_chosen", "no_choice")


def downgrade() -> None:
    """Take it back; invitations that say it cannot be kept by the earlier schema."""
    _allow("chosen", "not_chosen")
