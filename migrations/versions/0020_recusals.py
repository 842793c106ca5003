"""Keep out of all versions of an offering whoever declared a conflict of interests on one of them."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLE = "recusals"
_DECLARED = (
    "SELECT d.person_id, v.offering_id, max(d.declared_at) AS declared FROM conflict_declarations d"
    " JOIN certifications c ON c.id = d.certification_id"
    " JOIN offering_versions v ON v.id = c.offering_version_id"
    " WHERE d.has_conflict GROUP BY d.person_id, v.offering_id"
)


def upgrade() -> None:
    """Add the table; what was declared so far binds from now on."""
    moment = sa.DateTime(timezone=True)
    table = op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f(f"fk_{_TABLE}_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint(
            "person_id", "subject_id", name=op.f(f"uq_{_TABLE}_person_id_subject_id")
        ),
    )
    op.create_index(op.f(f"ix_{_TABLE}_subject_id"), _TABLE, ["subject_id"])
    found = op.get_bind().execute(
        sa.text(_DECLARED).columns(person_id=sa.Uuid(), offering_id=sa.Uuid(), declared=moment)
    )
    rows = [
        {
            "id": uuid.uuid4(),
            "created_at": declared,
            "updated_at": declared,
            "version": 1,
            "person_id": person_id,
            "subject_id": offering_id,
        }
        for person_id, offering_id, declared in found
    ]
    if rows:
        op.bulk_insert(table, rows)


def downgrade() -> None:
    """Remove the table; the declarations stay."""
    op.drop_table(_TABLE)
