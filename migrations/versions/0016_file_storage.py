"""Move the evidence files from the database into the file storage.

The content of a file is its name there, so moving twice is moving once: a step that broke off is
simply run again.
"""

import io
import uuid

import sqlalchemy as sa
from alembic import op

from core import clock, storage
from core.config import read_settings

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_FILES = sa.table("evidence_files", sa.column("id", sa.Uuid()), sa.column("sha256", sa.String()))
_TABLE = "evidence_chunks"
_PARTS = sa.table(
    _TABLE,
    sa.column("id", sa.Uuid()),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("updated_at", sa.DateTime(timezone=True)),
    sa.column("version", sa.Integer()),
    sa.column("file_id", sa.Uuid()),
    sa.column("position", sa.Integer()),
    sa.column("content", sa.LargeBinary()),
)


def upgrade() -> None:
    """Keep every file in the storage of the settings, then drop the table of parts."""
    connection = op.get_bind()
    files = connection.execute(sa.select(_FILES.c.id, _FILES.c.sha256)).all()
    if files:
        store = storage.get_store(read_settings())
        for file_id, sha256 in files:
            parts = sa.select(_PARTS.c.content).where(_PARTS.c.file_id == file_id)
            rows = connection.execute(parts.order_by(_PARTS.c.position)).scalars()
            store.keep(sha256, io.BytesIO(b"".join(rows)))
    op.drop_table(_TABLE)


def downgrade() -> None:
    """Bring the parts back; the storage keeps its files."""
    op.create_table(
        _TABLE,
        *(sa.Column(column.name, column.type, nullable=False) for column in _PARTS.c),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["evidence_files.id"], name=op.f(f"fk_{_TABLE}_file_id_evidence_files")
        ),
        sa.UniqueConstraint("file_id", "position", name=op.f(f"uq_{_TABLE}_file_id_position")),
    )
    connection = op.get_bind()
    files = connection.execute(sa.select(_FILES.c.id, _FILES.c.sha256)).all()
    if not files:
        return
    store, moment = storage.get_store(read_settings()), clock.utcnow()
    for file_id, sha256 in files:
        content = store.open(sha256)
        for position, part in enumerate(storage.read_parts(content)):
            connection.execute(
                _PARTS.insert().values(
                    id=uuid.uuid4(),
                    created_at=moment,
                    updated_at=moment,
                    version=1,
                    file_id=file_id,
                    position=position,
                    content=part,
                )
            )
        content.close()
