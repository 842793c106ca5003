"""Add what surrounds specifications, tell organisations, and freeze what was approved.

A later migration that rebuilds `requirements`, `specification_versions` or `specification_sources` on
SQLite (batch mode) has to make their triggers again: see `frozen_triggers`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STAGES = (
    "candidate",
    "study",
    "draft_policy",
    "agreement",
    "promotion",
    "report",
    "monitoring",
)
_OUTCOMES = ("do", "conditions_first", "other_means", "not_now")
_EDITABLE = "('draft', 'consultation')"
_FACTS = (
    "label",
    "applies_from",
    "transition_ends_on",
    "source_name",
    "source_url",
    "source_sha256",
    "attribution",
    "imported_name",
    "imported_sha256",
)
_CONTENT = ("requirements", "specification_sources")
_SENTENCE = "approved content is frozen"


def upgrade() -> None:
    """Add the tables and, on both databases, the triggers."""
    _add_tables()
    if op.get_bind().dialect.name == "postgresql":
        _freeze_postgresql()
    else:
        for statement in frozen_triggers():
            op.execute(statement)


def _base(*columns: sa.Column) -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *columns,
    ]


def _codes(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _add_tables() -> None:
    op.create_table(
        "lifecycle_records",
        *_base(
            sa.Column("specification_id", sa.Uuid(), nullable=False),
            sa.Column("stage", _codes("lifecycle_stage", _STAGES), nullable=True),
            sa.Column("outcome", _codes("study_outcome", _OUTCOMES), nullable=True),
            sa.Column("as_of", sa.Date(), nullable=False),
            sa.Column("source_name", sa.String(length=300), nullable=False),
            sa.Column("source_url", sa.String(length=500), nullable=False),
            sa.Column("note", sa.String(length=1000), nullable=False),
            sa.Column("recorded_by_id", sa.Uuid(), nullable=False),
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR (stage IS NOT NULL AND stage <> 'candidate')",
            name=op.f("ck_lifecycle_records_outcome_after_study"),
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"],
            ["people.id"],
            name=op.f("fk_lifecycle_records_recorded_by_id_people"),
        ),
        sa.ForeignKeyConstraint(
            ["specification_id"],
            ["standard_specifications.id"],
            name=op.f("fk_lifecycle_records_specification_id_standard_specifications"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lifecycle_records")),
    )
    op.create_index(
        op.f("ix_lifecycle_records_specification_id"), "lifecycle_records", ["specification_id"]
    )
    _add_tables_of_versions()
    op.create_table(
        "organisation_notices",
        *_base(
            sa.Column("organisation_id", sa.Uuid(), nullable=False),
            sa.Column("kind", sa.String(length=60), nullable=False),
            sa.Column("title", sa.String(length=300), nullable=False),
            sa.Column("path", sa.String(length=500), nullable=False),
            sa.Column("due_on", sa.Date(), nullable=True),
            sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_organisation_notices_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_notices")),
    )
    op.create_index(
        op.f("ix_organisation_notices_organisation_id"), "organisation_notices", ["organisation_id"]
    )


def _add_tables_of_versions() -> None:
    version = "specification_version_id"
    op.create_table(
        "specification_version_ends",
        *_base(
            sa.Column(version, sa.Uuid(), nullable=False),
            sa.Column("reason", sa.String(length=2000), nullable=False),
            sa.Column("ended_by_id", sa.Uuid(), nullable=False),
            sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_specification_version_ends_has_reason")),
        sa.ForeignKeyConstraint(
            ["ended_by_id"],
            ["people.id"],
            name=op.f("fk_specification_version_ends_ended_by_id_people"),
        ),
        sa.ForeignKeyConstraint(
            [version],
            ["specification_versions.id"],
            name=op.f(
                "fk_specification_version_ends_specification_version_id_specification_versions"
            ),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specification_version_ends")),
        sa.UniqueConstraint(
            version, name=op.f("uq_specification_version_ends_specification_version_id")
        ),
    )
    op.create_table(
        "specification_sources",
        *_base(
            sa.Column(version, sa.Uuid(), nullable=False),
            sa.Column("filename", sa.String(length=200), nullable=False),
            sa.Column("media_type", sa.String(length=100), nullable=False),
            sa.Column("sha256", sa.String(length=64), nullable=False),
            sa.Column("content", sa.LargeBinary(), nullable=False),
        ),
        sa.ForeignKeyConstraint(
            [version],
            ["specification_versions.id"],
            name=op.f("fk_specification_sources_specification_version_id_specification_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specification_sources")),
        sa.UniqueConstraint(
            version, name=op.f("uq_specification_sources_specification_version_id")
        ),
    )


def frozen_triggers() -> list[str]:
    """Return SQLite's triggers: content, facts and state of what was approved never go back."""

    def is_frozen(row: str) -> str:
        state = (
            f"SELECT state FROM specification_versions WHERE id = {row}.specification_version_id"
        )
        return f"({state}) NOT IN {_EDITABLE}"

    refuse = f"BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END"
    found = []
    for table in _CONTENT:
        for verb, rows in (("INSERT", "NEW"), ("UPDATE", "OLD NEW"), ("DELETE", "OLD")):
            when = " OR ".join(is_frozen(row) for row in rows.split())
            found.append(
                f"CREATE TRIGGER {table}_frozen_{verb.lower()} BEFORE {verb} ON {table} "
                f"WHEN {when} {refuse}"
            )
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _FACTS)
    found.append(
        "CREATE TRIGGER specification_versions_frozen_update BEFORE UPDATE ON specification_versions "
        f"WHEN OLD.state NOT IN {_EDITABLE} AND (NEW.state IN {_EDITABLE} OR {changed}) {refuse}"
    )
    found.append(
        "CREATE TRIGGER specification_versions_frozen_delete BEFORE DELETE ON specification_versions "
        f"WHEN OLD.state NOT IN {_EDITABLE} {refuse}"
    )
    return found


def _freeze_postgresql() -> None:
    refuse = f"RAISE EXCEPTION '{_SENTENCE}' USING ERRCODE = '23514';"
    op.execute(
        "CREATE FUNCTION refuse_frozen_content() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP <> 'INSERT' AND EXISTS (SELECT 1 FROM specification_versions "
        f"WHERE id = OLD.specification_version_id AND state NOT IN {_EDITABLE}) "
        f"THEN {refuse} END IF; "
        "IF TG_OP <> 'DELETE' AND EXISTS (SELECT 1 FROM specification_versions "
        f"WHERE id = NEW.specification_version_id AND state NOT IN {_EDITABLE}) "
        f"THEN {refuse} END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    for table in _CONTENT:
        op.execute(
            f"CREATE TRIGGER {table}_frozen BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_frozen_content()"
        )
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _FACTS)
    op.execute(
        "CREATE FUNCTION refuse_frozen_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.state IN {_EDITABLE} THEN "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END IF; "
        f"IF TG_OP = 'DELETE' THEN {refuse} END IF; "
        f"IF NEW.state IN {_EDITABLE} OR {changed} THEN {refuse} END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER specification_versions_frozen BEFORE UPDATE OR DELETE "
        "ON specification_versions FOR EACH ROW EXECUTE FUNCTION refuse_frozen_version()"
    )


def downgrade() -> None:
    """Remove the triggers and the tables."""
    if op.get_bind().dialect.name == "postgresql":
        for table in (*_CONTENT, "specification_versions"):
            op.execute(f"DROP TRIGGER {table}_frozen ON {table}")
        op.execute("DROP FUNCTION refuse_frozen_content()")
        op.execute("DROP FUNCTION refuse_frozen_version()")
    else:
        for table in _CONTENT:
            for verb in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER {table}_frozen_{verb}")
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER specification_versions_frozen_{verb}")
    for table in (
        "organisation_notices",
        "specification_sources",
        "specification_version_ends",
        "lifecycle_records",
    ):
        op.drop_table(table)
