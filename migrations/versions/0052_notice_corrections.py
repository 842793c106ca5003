"""Let a published notice be corrected only by another one, in an order that followers can trust.

A correction names what it corrects; every public act on a notice takes the next number. Triggers, the
same on both databases, keep what was published. A later migration that rebuilds the table on SQLite
(batch mode) has to call `drop_triggers` first and `make_triggers` afterwards.
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_TABLE = "contract_notices"
_PUBLISHED = (
    "id", "created_at", "contract_id", "owner_id", "content", "content_sha256", "prepared_by_id",
    "published_by_id", "published_at", "corrects_id", "correction_reason",
)  # fmt: skip
_WITHDRAWN = ("state", "sequence", "withdrawn_by_id", "withdrawn_at", "withdrawal_reason")


def _changed(*columns: str) -> str:
    return "(" + " OR ".join(f"OLD.{each} IS DISTINCT FROM NEW.{each}" for each in columns) + ")"


# Rule, event and what is refused.
RULES = (
    (
        "born_prepared", "INSERT",
        ("NEW.state <> 'prepared' OR NEW.published_by_id IS NOT NULL"
        " OR NEW.published_at IS NOT NULL OR NEW.sequence IS NOT NULL"),
    ),
    (
        "published_as_prepared", "UPDATE",
        (f"NEW.published_at IS NOT NULL AND {_changed(*_PUBLISHED[:7], *_PUBLISHED[9:])}"),
    ),
    ("publication_stays", "UPDATE", f"OLD.published_at IS NOT NULL AND {_changed(*_PUBLISHED)}"),
    (
        "never_prepared_again", "UPDATE",
        ("(OLD.state = 'published' AND NEW.state NOT IN ('published', 'superseded', 'withdrawn'))"
        " OR (OLD.state = 'superseded' AND NEW.state NOT IN ('superseded', 'withdrawn'))"),
    ),
    (
        "order_stays", "UPDATE",
        ("(NEW.published_at IS NOT NULL AND NEW.sequence IS NULL)"
        " OR (OLD.sequence IS NOT NULL AND NEW.sequence < OLD.sequence)"),
    ),
    ("withdrawal_stays", "UPDATE", f"OLD.state = 'withdrawn' AND {_changed(*_WITHDRAWN)}"),
    (
        "withdrawn_with_a_reason", "UPDATE",
        ("NEW.state = 'withdrawn' AND OLD.published_at IS NOT NULL AND (NEW.withdrawn_at IS NULL"
        " OR NEW.withdrawn_by_id IS NULL OR NEW.withdrawal_reason = '')"),
    ),
    ("kept", "DELETE", "OLD.published_at IS NOT NULL"),
)  # fmt: skip


def make_triggers() -> None:
    """Add all triggers of this migration; they refuse with the name of table and rule."""
    for rule, event, condition in RULES:
        name, refusal = f"four_eyes_{_TABLE}_{rule}_{event.lower()}", f"{_TABLE}_{rule}"
        if _is_postgresql():
            op.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF ({condition}) THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = '23514';"
                " END IF; RETURN NULL; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {_TABLE}"
                f" FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        else:
            plain = condition.replace("IS DISTINCT FROM", "IS NOT")
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {_TABLE} WHEN {plain}"
                f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
    if _is_postgresql():
        op.execute(
            f"CREATE TRIGGER {_TABLE}_no_truncate BEFORE TRUNCATE ON {_TABLE}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def drop_triggers() -> None:
    """Remove all triggers of this migration."""
    for rule, event, _ in RULES:
        name = f"four_eyes_{_TABLE}_{rule}_{event.lower()}"
        if _is_postgresql():
            op.execute(f"DROP FUNCTION {name}() CASCADE")
        else:
            op.execute(f"DROP TRIGGER {name}")
    if _is_postgresql():
        op.execute(f"DROP TRIGGER {_TABLE}_no_truncate ON {_TABLE}")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _make_index(name: str, state: str) -> None:
    where = sa.text(f"state = '{state}'")
    op.create_index(
        name, _TABLE, ["contract_id"], unique=True, postgresql_where=where, sqlite_where=where
    )


def upgrade() -> None:
    """Add the columns, number what is public already, and add the triggers."""
    op.drop_index("uq_contract_notices_live", _TABLE)
    with op.batch_alter_table(_TABLE) as batch:
        batch.add_column(sa.Column("corrects_id", sa.Uuid(), nullable=True))
        batch.add_column(
            sa.Column("correction_reason", sa.String(1000), nullable=False, server_default="")
        )
        batch.add_column(sa.Column("sequence", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f(f"fk_{_TABLE}_corrects_id_{_TABLE}"), _TABLE, ["corrects_id"], ["id"]
        )
    with op.batch_alter_table(_TABLE) as batch:
        batch.alter_column("correction_reason", existing_type=sa.String(1000), server_default=None)
    op.execute(
        "UPDATE contract_notices SET sequence = (SELECT count(*) FROM contract_notices other"
        " WHERE other.published_at IS NOT NULL"
        " AND (COALESCE(other.withdrawn_at, other.published_at), other.id)"
        " <= (COALESCE(contract_notices.withdrawn_at, contract_notices.published_at),"
        " contract_notices.id)) WHERE published_at IS NOT NULL"
    )
    op.create_index("uq_contract_notices_sequence", _TABLE, ["sequence"], unique=True)
    _make_index("uq_contract_notices_prepared", "prepared")
    _make_index("uq_contract_notices_published", "published")
    make_triggers()


def downgrade() -> None:
    """Take triggers and columns away; corrected notices become withdrawn ones, as they were before."""
    drop_triggers()
    for name in ("sequence", "prepared", "published"):
        op.drop_index(f"uq_{_TABLE}_{name}", _TABLE)
    op.execute(
        "UPDATE contract_notices SET state = 'withdrawn', withdrawal_reason = '訂正'"
        " WHERE state = 'superseded' OR (state = 'prepared' AND corrects_id IS NOT NULL)"
    )
    with op.batch_alter_table(_TABLE) as batch:
        batch.drop_constraint(op.f(f"fk_{_TABLE}_corrects_id_{_TABLE}"), type_="foreignkey")
        for name in ("sequence", "correction_reason", "corrects_id"):
            batch.drop_column(name)
    live = sa.text("state <> 'withdrawn'")
    op.create_index(
        "uq_contract_notices_live",
        _TABLE,
        ["contract_id"],
        unique=True,
        postgresql_where=live,
        sqlite_where=live,
    )
