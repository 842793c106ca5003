"""Keep the papers of a project and their files, append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_FROZEN = ("project_papers", "paper_files")
_KINDS = (
    "search_record",
    "comparison_table",
    "quote_request",
    "selection_record",
    "usage_contract_request",
)


def _base() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    """Make both tables and their guards."""
    kind = sa.Enum(*_KINDS, name="paper_kind", native_enum=False, create_constraint=True, length=32)
    op.create_table(
        "project_papers",
        *_base(),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_by_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_project_papers_{column}_{table}")
            )
            for column, table in (
                ("project_id", "projects"),
                ("owner_id", "organisations"),
                ("made_by_id", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_papers")),
        sa.UniqueConstraint(
            "project_id",
            "kind",
            "revision",
            name=op.f("uq_project_papers_project_id_kind_revision"),
        ),
    )
    op.create_index(op.f("ix_project_papers_project_id"), "project_papers", ["project_id"])
    op.create_index(op.f("ix_project_papers_owner_id"), "project_papers", ["owner_id"])
    op.create_table(
        "paper_files",
        *_base(),
        sa.Column("paper_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["project_papers.id"], name=op.f("fk_paper_files_paper_id_project_papers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_files")),
        sa.UniqueConstraint("paper_id", "format", name=op.f("uq_paper_files_paper_id_format")),
    )
    op.create_index(op.f("ix_paper_files_paper_id"), "paper_files", ["paper_id"])
    for table in _FROZEN:
        _freeze(table)


def _freeze(table: str) -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for verb in ("update", "delete"):
        begin = f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        if on_postgresql:
            op.execute(begin + "FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        else:
            op.execute(begin + f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END")
    if on_postgresql:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Remove them; their guards go with them."""
    for table in reversed(_FROZEN):
        op.drop_table(table)
