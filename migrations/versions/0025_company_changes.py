"""Add changes of the facts of registered companies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TABLE = "company_changes"
_STATES = ("submitted", "checking", "approved", "refused", "withdrawn")
_LINKS = (
    ("vendor_id", "vendors"),
    ("owner_id", "organisations"),
    ("submitted_by_id", "people"),
    ("assigned_reviewer_id", "people"),
    ("decided_by_id", "people"),
)
_CHECKS = (
    (
        "four_eyes",
        (
            "(submitted_by_id IS NULL OR assigned_reviewer_id IS NULL "
            "OR submitted_by_id <> assigned_reviewer_id) AND (submitted_by_id IS NULL "
            "OR decided_by_id IS NULL OR submitted_by_id <> decided_by_id) AND (assigned_reviewer_id "
            "IS NULL OR decided_by_id IS NULL OR assigned_reviewer_id <> decided_by_id)"
        ),
    ),
    (
        "decided_by_somebody",
        (
            "state NOT IN ('approved', 'refused') OR (decided_by_id IS NOT NULL "
            "AND decided_at IS NOT NULL AND assigned_reviewer_id IS NOT NULL)"
        ),
    ),
    ("refused_for_a_reason", "state <> 'refused' OR decision_reason <> ''"),
)


def upgrade() -> None:
    """Add the table."""
    moment = sa.DateTime(timezone=True)
    data = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    state = sa.Enum(
        *_STATES, name="renewal_state", native_enum=False, create_constraint=True, length=32
    )
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("proposed", data, nullable=False),
        sa.Column("replaced", data, nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", moment, nullable=False),
        sa.Column("assigned_reviewer_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("decision_reason", sa.String(length=2000), nullable=False),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{_TABLE}_{name}")) for name, rule in _CHECKS),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_{_TABLE}_{column}_{target}")
            )
            for column, target in _LINKS
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
    )
    for column in ("vendor_id", "assigned_reviewer_id"):
        op.create_index(op.f(f"ix_{_TABLE}_{column}"), _TABLE, [column])
    waiting = sa.text("state IN ('submitted', 'checking')")
    op.create_index(
        "uq_company_changes_open",
        _TABLE,
        ["vendor_id"],
        unique=True,
        postgresql_where=waiting,
        sqlite_where=waiting,
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table(_TABLE)
