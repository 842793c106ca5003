"""Keep the changes of the words that search treats as equal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_TABLE = "synonym_changes"
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_CHECKS = {
    "four_eyes": "(proposed_by_id IS NULL OR confirmed_by_id IS NULL"
    " OR proposed_by_id <> confirmed_by_id)",
    "applied_by_somebody": "(state = 'applied') = (number IS NOT NULL"
    " AND confirmed_by_id IS NOT NULL AND confirmed_at IS NOT NULL)",
    "has_reason": "reason <> ''",
}
_PEOPLE = ("proposed_by_id", "confirmed_by_id")


def upgrade() -> None:
    """Make the table; the words that come with the program need no row."""
    moment = sa.DateTime(timezone=True)
    state = sa.Enum(
        *("proposed", "applied", "dropped"),
        name="synonym_state",
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("after", _JSON, nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{_TABLE}_{n}")) for n, rule in _CHECKS.items()),
        *(
            sa.ForeignKeyConstraint(
                [column], ["people.id"], name=op.f(f"fk_{_TABLE}_{column}_people")
            )
            for column in _PEOPLE
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint("number", name=op.f(f"uq_{_TABLE}_number")),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table(_TABLE)
