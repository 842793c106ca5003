"""Keep what bodies lay down for their contracts: rules by two people, frozen, with route and ceilings."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_RULES, _STEPS, _COUNTERS = "body_rules", "approval_steps", "document_counters"
_CEILINGS = "small_amount_ceilings"
_OPEN = (
    "EXISTS (SELECT 1 FROM body_rules r WHERE r.id = {row}.body_rules_id AND r.state = 'proposed')"
)


def _guards() -> Iterator[tuple[str, str, str, str]]:
    """Give table, name, verb and what is refused."""
    yield _RULES, "begins_proposed", "INSERT", "NEW.state <> 'proposed'"
    yield _RULES, "frozen", "UPDATE", "OLD.state <> 'proposed'"
    yield _RULES, "proposer_stays", "UPDATE", "OLD.proposed_by_id <> NEW.proposed_by_id"
    yield _RULES, "kept", "DELETE", "OLD.state <> 'proposed'"
    for table, belongs in ((_STEPS, ""), (_CEILINGS, "{row}.body_rules_id IS NOT NULL AND ")):
        for verb, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
            refused = [(f"({belongs}NOT {_OPEN})").format(row=row) for row in rows]
            yield table, "of_open_rules", verb, " OR ".join(refused)


def upgrade() -> None:
    """Make tables, columns and guards."""
    _make_rules()
    _make_steps()
    _make_counters()
    with op.batch_alter_table(_CEILINGS) as batch:
        batch.add_column(sa.Column("body_rules_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f(f"fk_{_CEILINGS}_body_rules_id_body_rules"), _RULES, ["body_rules_id"], ["id"]
        )
    for name, kind in _BUDGET.items():
        op.add_column("projects", sa.Column(name, kind, nullable=True))
    for table, name, verb, refused in _guards():
        _add_guard(table, name, verb, refused)
    if _is_postgresql():
        for table in (_RULES, _STEPS):
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


_BUDGET: dict[str, sa.types.TypeEngine[object]] = {
    "budget_fiscal_year": sa.Integer(),
    "budget_amount": sa.Integer(),
    "burden_limit": sa.Integer(),
    "burden_voted_on": sa.Date(),
    "burden_until": sa.Date(),
}


def _columns() -> list[sa.Column[object]]:
    moment = sa.DateTime(timezone=True)
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def _code(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
    )


def _make_rules() -> None:
    checks = {
        "four_eyes": (
            "(proposed_by_id IS NULL OR confirmed_by_id IS NULL OR proposed_by_id <> confirmed_by_id)"
        ),
        "confirmed": (
            "state <> 'confirmed' OR (confirmed_by_id IS NOT NULL AND confirmed_at IS NOT NULL)"
        ),
        "long_term": "NOT long_term_allowed OR (long_term_max_months > 0 AND long_term_source <> '')",
        "quotes": "quotes_at_least BETWEEN 2 AND 10",
        "designated": "designated_at_least BETWEEN 2 AND 20",
    }
    op.create_table(
        _RULES,
        *_columns(),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state", _code("rulesstate", "proposed", "confirmed", "withdrawn"), nullable=False
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("saas_category", _code("contractcategory", "services", "lease"), nullable=False),
        sa.Column(
            "rounding", _code("taxrounding", "per_month", "per_year", "whole"), nullable=False
        ),
        sa.Column("long_term_allowed", sa.Boolean(), nullable=False),
        sa.Column("long_term_max_months", sa.Integer(), nullable=True),
        sa.Column("long_term_source", sa.String(length=300), nullable=False),
        sa.Column("quotes_at_least", sa.Integer(), nullable=False),
        sa.Column("designated_at_least", sa.Integer(), nullable=False),
        sa.Column("single_quote_up_to", sa.Integer(), nullable=True),
        sa.Column("sheet_omitted_up_to", sa.Integer(), nullable=True),
        sa.Column("number_pattern", sa.String(length=60), nullable=False),
        sa.Column("head_title", sa.String(length=40), nullable=False),
        sa.Column("head_name", sa.String(length=60), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawal_reason", sa.String(length=1000), nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{_RULES}_{name}"))
            for name, rule in checks.items()
        ),
        _reference(_RULES, "organisation_id", "organisations"),
        *(
            _reference(_RULES, column, "people")
            for column in ("proposed_by_id", "confirmed_by_id", "withdrawn_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_RULES}")),
    )
    op.create_index(op.f(f"ix_{_RULES}_organisation_id"), _RULES, ["organisation_id"])
    op.create_index(
        "uq_body_rules_confirmed",
        _RULES,
        ["organisation_id", "valid_from"],
        unique=True,
        sqlite_where=sa.text("state = 'confirmed'"),
        postgresql_where=sa.text("state = 'confirmed'"),
    )


def _make_steps() -> None:
    op.create_table(
        _STEPS,
        *_columns(),
        sa.Column("body_rules_id", sa.Uuid(), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("upto_amount", sa.Integer(), nullable=True),
        sa.Column(
            "kind", _code("stepkind", "prepare", "examine", "join", "decide"), nullable=False
        ),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.CheckConstraint(
            "upto_amount IS NULL OR upto_amount > 0", name=op.f(f"ck_{_STEPS}_positive")
        ),
        sa.CheckConstraint("title <> ''", name=op.f(f"ck_{_STEPS}_has_title")),
        _reference(_STEPS, "body_rules_id", _RULES),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_STEPS}")),
        sa.UniqueConstraint(
            "body_rules_id",
            "band",
            "position",
            name=op.f(f"uq_{_STEPS}_body_rules_id_band_position"),
        ),
    )


def _make_counters() -> None:
    op.create_table(
        _COUNTERS,
        *_columns(),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        _reference(_COUNTERS, "owner_id", "organisations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_COUNTERS}")),
        sa.UniqueConstraint(
            "owner_id",
            "series",
            "fiscal_year",
            name=op.f(f"uq_{_COUNTERS}_owner_id_series_fiscal_year"),
        ),
    )


def _add_guard(table: str, name: str, verb: str, refused: str) -> None:
    trigger, refusal = f"rules_{table}_{name}_{verb.lower()}", f"{table}_{name}"
    begin = f"CREATE TRIGGER {trigger} BEFORE {verb} ON {table} "
    if not _is_postgresql():
        op.execute(f"{begin}WHEN {refused} BEGIN SELECT RAISE(ABORT, '{refusal}'); END")
        return
    lock = ""
    if name == "of_open_rules":
        # A confirmation that has not committed yet must not be missed.
        row = "OLD" if verb == "DELETE" else "NEW"
        lock = f"PERFORM 1 FROM body_rules WHERE id = {row}.body_rules_id FOR UPDATE; "
    op.execute(
        f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {lock}"
        f"IF ({refused}) THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = '23514'; END IF; "
        f"RETURN {'OLD' if verb == 'DELETE' else 'NEW'}; END $$"
    )
    op.execute(f"{begin}FOR EACH ROW EXECUTE FUNCTION {trigger}()")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def downgrade() -> None:
    """Remove them; a body's own ceilings go with its rules."""
    for table, name, verb, _ in _guards():
        trigger = f"rules_{table}_{name}_{verb.lower()}"
        op.execute(
            f"DROP FUNCTION {trigger}() CASCADE" if _is_postgresql() else f"DROP TRIGGER {trigger}"
        )
    op.execute(f"DELETE FROM {_CEILINGS} WHERE body_rules_id IS NOT NULL")
    with op.batch_alter_table(_CEILINGS) as batch:
        batch.drop_constraint(op.f(f"fk_{_CEILINGS}_body_rules_id_body_rules"), type_="foreignkey")
        batch.drop_column("body_rules_id")
    for name in _BUDGET:
        op.drop_column("projects", name)
    for table in (_COUNTERS, _STEPS, _RULES):
        op.drop_table(table)
