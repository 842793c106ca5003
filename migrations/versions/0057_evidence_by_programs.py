"""Let a program send evidence files: whoever sent one is a person or a program, never both or none."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

_TABLE, _COLUMN = "evidence_files", "uploaded_by_client_id"
_RULE = f"ck_{_TABLE}_one_uploader"


def upgrade() -> None:
    """Add the program beside the person."""
    with op.batch_alter_table(_TABLE) as batch:
        batch.alter_column("uploaded_by_id", existing_type=sa.Uuid(), nullable=True)
        batch.add_column(sa.Column(_COLUMN, sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f(f"fk_{_TABLE}_{_COLUMN}_api_clients"), "api_clients", [_COLUMN], ["id"]
        )
        batch.create_check_constraint(
            op.f(_RULE), f"(uploaded_by_id IS NULL) <> ({_COLUMN} IS NULL)"
        )


def downgrade() -> None:
    """Take the program away again; refused while a file came from one, so that no uploader is lost."""
    with op.batch_alter_table(_TABLE) as batch:
        batch.drop_constraint(op.f(_RULE), type_="check")
        batch.drop_constraint(op.f(f"fk_{_TABLE}_{_COLUMN}_api_clients"), type_="foreignkey")
        batch.drop_column(_COLUMN)
        batch.alter_column("uploaded_by_id", existing_type=sa.Uuid(), nullable=False)
