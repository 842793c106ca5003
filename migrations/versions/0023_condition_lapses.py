"""Note with each certificate when it stops to count because a condition is overdue."""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLE = "certifications"
_JAPAN = timezone(timedelta(hours=9))


def upgrade() -> None:
    """Add the column; conditions of now that are open give it their first due date.

    A report that waits for a reviewer keeps its condition out.
    """
    moment = sa.DateTime(timezone=True)
    op.add_column(_TABLE, sa.Column("lapses_at", moment, nullable=True))
    connection = op.get_bind()
    reported = connection.execute(
        sa.text(
            "SELECT certification_id, requirement_id FROM condition_reports WHERE state = 'reported'"
        )
    )
    waiting = {(row[0], row[1]) for row in reported}
    rows = connection.execute(sa.text(f"SELECT id, conditions FROM {_TABLE}")).all()
    statement = sa.text(f"UPDATE {_TABLE} SET lapses_at = :lapses_at WHERE id = :id").bindparams(
        sa.bindparam("lapses_at", type_=moment)
    )
    for key, conditions in rows:
        days = [
            date.fromisoformat(each["due_on"])
            for each in _read(conditions)
            if each.get("due_on")
            and not each.get("fulfilled_on")
            and (key, each["requirement_id"]) not in waiting
        ]
        if days:
            end = datetime.combine(min(days) + timedelta(days=1), time(), _JAPAN)
            connection.execute(statement, {"lapses_at": end.astimezone(UTC), "id": key})


def _read(conditions: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        json.loads(conditions) if isinstance(conditions, str) else conditions
    )
    return found or []


def downgrade() -> None:
    """Remove the column."""
    op.drop_column(_TABLE, "lapses_at")
