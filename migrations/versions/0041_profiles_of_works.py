"""Tell by work which quantities and which contract of today a person keeps for computing costs.

What was kept before is of no work that anybody told; it stays for the person to say so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_TABLE = "cost_profiles"
_OWNER = ["person_id", "organisation_id"]
_WORK = "specification_id"
_OLD = f"uq_{_TABLE}_{'_'.join(_OWNER)}"
_NEW = f"uq_{_TABLE}_{'_'.join([*_OWNER, _WORK])}"
_LINK = f"fk_{_TABLE}_{_WORK}_standard_specifications"
_GENERAL = f"uq_{_TABLE}_general"


def upgrade() -> None:
    """Add the work; one general row for a person and an organisation stays the rule."""
    with op.batch_alter_table(_TABLE) as batch:
        batch.add_column(sa.Column(_WORK, sa.Uuid(), nullable=True))
        batch.create_foreign_key(op.f(_LINK), "standard_specifications", [_WORK], ["id"])
        batch.drop_constraint(op.f(_OLD), type_="unique")
        batch.create_unique_constraint(op.f(_NEW), [*_OWNER, _WORK])
        batch.create_index(op.f(f"ix_{_TABLE}_{_WORK}"), [_WORK])
    only = sa.text(f"{_WORK} IS NULL")
    op.create_index(_GENERAL, _TABLE, _OWNER, unique=True, postgresql_where=only, sqlite_where=only)


def downgrade() -> None:
    """Keep the general rows alone."""
    op.drop_index(_GENERAL, table_name=_TABLE)
    work = sa.column(_WORK)
    op.execute(sa.table(_TABLE, work).delete().where(work.is_not(None)))
    with op.batch_alter_table(_TABLE) as batch:
        batch.drop_constraint(op.f(_NEW), type_="unique")
        batch.drop_constraint(op.f(_LINK), type_="foreignkey")
        batch.drop_index(op.f(f"ix_{_TABLE}_{_WORK}"))
        batch.drop_column(_WORK)
        batch.create_unique_constraint(op.f(_OLD), _OWNER)
