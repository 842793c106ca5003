"""Add the evidence of answers, drafts and uploads of answers, and copies to another specification version."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_COPY = sa.text("copied_from_id IS NOT NULL AND state <> 'withdrawn'")


def upgrade() -> None:
    """Add five tables; let an offering version say what it was copied from."""
    _add_files()
    _add_table(
        "answer_evidence",
        [
            _id("answer_id"),
            _id("file_id"),
            sa.Column("name", sa.String(length=200), nullable=False),
        ],
        {"answer_id": "conformance_answers", "file_id": "evidence_files"},
        unique=["answer_id", "file_id"],
        indexed=["file_id"],
    )
    _add_waiting()
    _extend_offering_versions()


def _add_files() -> None:
    kind = sa.Enum(
        "pdf", "png", "xlsx", "csv",
        name="evidence_kind", native_enum=False, create_constraint=True, length=32,
    )  # fmt: skip
    _add_table(
        "evidence_files",
        [
            _id("owner_id"),
            sa.Column("sha256", sa.String(length=64), nullable=False),
            sa.Column("kind", kind, nullable=False),
            sa.Column("size", sa.Integer(), nullable=False),
            _id("uploaded_by_id"),
        ],
        {"owner_id": "organisations", "uploaded_by_id": "people"},
        unique=["owner_id", "sha256"],
        indexed=["owner_id"],
    )
    _add_table(
        "evidence_chunks",
        [
            _id("file_id"),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("content", sa.LargeBinary(), nullable=False),
        ],
        {"file_id": "evidence_files"},
        unique=["file_id", "position"],
    )


def _add_waiting() -> None:
    _add_table(
        "answer_drafts",
        [
            _id("person_id"),
            _id("offering_version_id"),
            _id("requirement_id"),
            sa.Column("typed", _JSON, nullable=False),
        ],
        {
            "person_id": "people",
            "offering_version_id": "offering_versions",
            "requirement_id": "requirements",
        },
        unique=["person_id", "offering_version_id", "requirement_id"],
        indexed=["offering_version_id"],
    )
    _add_table(
        "answer_uploads",
        [
            _id("person_id"),
            _id("offering_version_id"),
            sa.Column("filename", sa.String(length=200), nullable=False),
            sa.Column("sha256", sa.String(length=64), nullable=False),
            sa.Column("rows", _JSON, nullable=False),
            sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        ],
        {"person_id": "people", "offering_version_id": "offering_versions"},
        indexed=["person_id", "offering_version_id"],
    )


def _id(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=False)


def _add_table(
    name: str,
    columns: Sequence[sa.Column[object]],
    links: dict[str, str],
    *,
    unique: Sequence[str] = (),
    indexed: Sequence[str] = (),
) -> None:
    rules: list[sa.Constraint] = [
        sa.ForeignKeyConstraint([own], [f"{other}.id"], name=op.f(f"fk_{name}_{own}_{other}"))
        for own, other in links.items()
    ]
    if unique:
        rules.append(sa.UniqueConstraint(*unique, name=op.f(f"uq_{name}_{'_'.join(unique)}")))
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *columns,
        *rules,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    for column in indexed:
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column])


def _extend_offering_versions() -> None:
    table, rule = "offering_versions", "fk_offering_versions_copied_from_id_offering_versions"
    if op.get_bind().dialect.name == "sqlite":
        # Added in place: rebuilding the table would break what refers to its rows.
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN copied_from_id CHAR(32) "
            f"CONSTRAINT {rule} REFERENCES {table} (id)"
        )
    else:
        op.add_column(table, sa.Column("copied_from_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(rule), table, table, ["copied_from_id"], ["id"])
    op.add_column(table, sa.Column("requirement_changes", _JSON, nullable=True))
    op.create_index(
        "uq_offering_versions_copy",
        table,
        ["offering_id", "specification_version_id"],
        unique=True,
        postgresql_where=_COPY,
        sqlite_where=_COPY,
    )
