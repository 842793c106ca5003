"""Add estimated prices: sealed, for named people, fixed before anything is opened or proposed."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_PRICES, _READERS = "estimated_prices", "estimated_price_readers"
_EARLY = "('draft', 'searching', 'evidence_locked', 'compared', 'quoting')"
_LATE = f"EXISTS (SELECT 1 FROM projects p WHERE p.id = NEW.project_id AND p.state NOT IN {_EARLY})"
_REWRITTEN = " OR ".join(
    f"OLD.{name} IS DISTINCT FROM NEW.{name}"
    for name in ("id", "estimated_price_id", "person_id", "named_by_id", "created_at")
)
# Table, name, event and what is refused; the same on both databases.
RULES = (
    (_PRICES, "starts_as_draft", "INSERT", "NEW.state <> 'draft'"),
    (_PRICES, "fixed_stays", "UPDATE", "OLD.state = 'fixed'"),
    (_PRICES, "fixed_in_time", "UPDATE", f"NEW.state = 'fixed' AND {_LATE}"),
    (_PRICES, "of_one_project", "UPDATE", "OLD.project_id <> NEW.project_id"),
    (_PRICES, "kept", "DELETE", "OLD.state = 'fixed'"),
    (_READERS, "names_stay", "UPDATE", f"OLD.removed_at IS NOT NULL OR {_REWRITTEN}"),
    (_READERS, "kept", "DELETE", "1 = 1"),
)


def upgrade() -> None:
    """Make both tables and their guards."""
    op.create_table(
        _PRICES,
        *_base(
            sa.Column("project_id", sa.Uuid(), nullable=False),
            sa.Column("owner_id", sa.Uuid(), nullable=False),
            sa.Column(
                "state",
                sa.Enum(
                    *("draft", "fixed"),
                    name="estimate_state",
                    native_enum=False,
                    create_constraint=True,
                    length=32,
                ),
                nullable=False,
            ),
            sa.Column("sealed", sa.LargeBinary(), nullable=True),
            sa.Column("commitment", sa.String(length=64), nullable=False),
            sa.Column("created_by_id", sa.Uuid(), nullable=False),
            sa.Column("last_editor_id", sa.Uuid(), nullable=False),
            sa.Column("fixed_by_id", sa.Uuid(), nullable=True),
            sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True),
        ),
        sa.CheckConstraint(
            "state <> 'fixed' OR (sealed IS NOT NULL AND commitment <> '' "
            "AND fixed_by_id IS NOT NULL AND fixed_at IS NOT NULL)",
            name=op.f(f"ck_{_PRICES}_fixed_by_somebody"),
        ),
        *(
            _link(_PRICES, name, target)
            for name, target in (
                ("project_id", "projects"),
                ("owner_id", "organisations"),
                ("created_by_id", "people"),
                ("last_editor_id", "people"),
                ("fixed_by_id", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_PRICES}")),
        sa.UniqueConstraint("project_id", name=op.f(f"uq_{_PRICES}_project_id")),
    )
    op.create_index(op.f(f"ix_{_PRICES}_owner_id"), _PRICES, ["owner_id"])
    _add_readers()
    for rule in RULES:
        _add_rule(*rule)
    if _is_postgresql():
        for table in (_PRICES, _READERS):
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _add_readers() -> None:
    op.create_table(
        _READERS,
        *_base(
            sa.Column("estimated_price_id", sa.Uuid(), nullable=False),
            sa.Column("person_id", sa.Uuid(), nullable=False),
            sa.Column("named_by_id", sa.Uuid(), nullable=False),
            sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("removed_by_id", sa.Uuid(), nullable=True),
        ),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by_id IS NULL)",
            name=op.f(f"ck_{_READERS}_removed_by_somebody"),
        ),
        *(
            _link(_READERS, name, target)
            for name, target in (
                ("estimated_price_id", _PRICES),
                ("person_id", "people"),
                ("named_by_id", "people"),
                ("removed_by_id", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_READERS}")),
    )
    op.create_index(op.f(f"ix_{_READERS}_estimated_price_id"), _READERS, ["estimated_price_id"])
    op.create_index(
        f"uq_{_READERS}_live",
        _READERS,
        ["estimated_price_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )


def _base(*columns: sa.Column[object]) -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *columns,
    )


def _link(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
    )


def _add_rule(table: str, rule: str, event: str, condition: str) -> None:
    name, refusal = f"{table}_{rule}_{event.lower()}", f"{table}_{rule}"
    if not _is_postgresql():
        plain = condition.replace("IS DISTINCT FROM", "IS NOT")
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {plain}"
            f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
        return
    row = "OLD" if event == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF ({condition}) THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = '23514'; END IF; "
        f"RETURN {row}; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def downgrade() -> None:
    """Remove both tables; on PostgreSQL the functions of their guards, too."""
    op.drop_table(_READERS)
    op.drop_table(_PRICES)
    if _is_postgresql():
        for table, rule, event, _ in RULES:
            op.execute(f"DROP FUNCTION {table}_{rule}_{event.lower()}()")
