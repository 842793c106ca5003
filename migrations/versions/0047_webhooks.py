"""Add webhooks with their keys, what is told to them, and every try to tell it."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_STATES = ("active", "stopped")
_REASONS = ("owner", "gone", "unreached")
_SIGNATURES = ("ed25519", "hmac")
_KINDS = ("catalog.changed", "webhook.test")
_MESSAGE_STATES = ("waiting", "delivered", "failed")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the four tables."""
    _add(
        "webhooks",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("signature", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("stop_reason", sa.String(32), nullable=True),
        sa.Column("stopped_at", _MOMENT, nullable=True),
        sa.Column("told_epoch", sa.String(36), nullable=False),
        sa.Column("told_sequence", sa.BigInteger(), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("claimed_until", _MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_ms", sa.Integer(), nullable=False),
        _one_of("webhooks", "signature", "signature", _SIGNATURES),
        _one_of("webhooks", "webhook_state", "state", _STATES),
        _one_of("webhooks", "stop_reason", "stop_reason", _REASONS),
        sa.CheckConstraint(
            "(state = 'stopped') = (stop_reason IS NOT NULL) "
            "AND (state = 'stopped') = (stopped_at IS NOT NULL)",
            name=op.f("ck_webhooks_stopped_whole"),
        ),
        _to("webhooks", "owner_id", "organisations"),
    )
    op.create_index(op.f("ix_webhooks_owner_id"), "webhooks", ["owner_id"])
    op.create_index("ix_webhooks_due", "webhooks", ["state", "due_at"])
    _add(
        "webhook_keys",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.String(80), nullable=False),
        sa.Column("shown_at", _MOMENT, nullable=True),
        sa.Column("ends_at", _MOMENT, nullable=True),
        _to("webhook_keys", "webhook_id", "webhooks"),
    )
    op.create_index(op.f("ix_webhook_keys_webhook_id"), "webhook_keys", ["webhook_id"])
    _add(
        "webhook_messages",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("is_single", sa.Boolean(), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _one_of("webhook_messages", "message_kind", "kind", _KINDS),
        _one_of("webhook_messages", "message_state", "state", _MESSAGE_STATES),
        _to("webhook_messages", "webhook_id", "webhooks"),
    )
    op.create_index("ix_webhook_messages_log", "webhook_messages", ["webhook_id", "created_at"])
    op.create_index("ix_webhook_messages_due", "webhook_messages", ["state", "due_at"])
    _add(
        "webhook_attempts",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("ms", sa.Integer(), nullable=False),
        _to("webhook_attempts", "message_id", "webhook_messages"),
    )
    op.create_index(op.f("ix_webhook_attempts_message_id"), "webhook_attempts", ["message_id"])


def _add(table: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _one_of(table: str, name: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN {values}", name=op.f(f"ck_{table}_{name}"))


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("webhook_attempts", "webhook_messages", "webhook_keys", "webhooks"):
        op.drop_table(table)
