"""Have the registrations that were begun before now looked after as those begun from now on are."""

import uuid
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_TOPIC = "vendor.draft_watched"
_LOOK_AFTER = timedelta(days=76)  # two weeks before a draft ends that nobody touches


def upgrade() -> None:
    """Leave a message for each draft; its day comes when nobody has changed it for long."""
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    moment = datetime.now(UTC)
    at = moment if is_postgresql else moment.replace(tzinfo=None)
    vendors = sa.table("vendors", sa.column("id", sa.Uuid()), sa.column("state", sa.String()))
    drafts = connection.execute(sa.select(vendors.c.id).where(vendors.c.state == "draft"))
    data = sa.JSON() if not is_postgresql else postgresql.JSONB()
    messages = sa.table(
        "outbox_messages",
        sa.column("id", sa.Uuid()),
        sa.column("topic", sa.String()),
        sa.column("payload", data),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("due_at", sa.DateTime(timezone=True)),
        sa.column("attempts", sa.Integer()),
        sa.column("last_error", sa.String()),
    )
    rows = [
        {
            "id": uuid.uuid4(),
            "topic": _TOPIC,
            "payload": {"vendor_id": str(vendor_id)},
            "created_at": at,
            "due_at": at + _LOOK_AFTER,
            "attempts": 0,
            "last_error": "",
        }
        for (vendor_id,) in drafts.all()
    ]
    if rows:
        op.bulk_insert(messages, rows)


def downgrade() -> None:
    """Take the messages back."""
    op.execute(sa.text(f"DELETE FROM outbox_messages WHERE topic = '{_TOPIC}'"))
