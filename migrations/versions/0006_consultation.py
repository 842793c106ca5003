"""Add consultations; no version leaves one with a comment that nobody disposed of."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OUTCOMES = ("modify", "keep", "sufficient")
_CATEGORIES = ("a", "b", "c", "d", "e", "f")
_STATES = ("open", "disposed", "withdrawn")
_PROPOSALS = ("change", "add", "delete", "reclassify", "postpone", "clarify")
_KINDS = ("body", "vendor", "agency", "audit")
_UNDISPOSED = (
    "EXISTS (SELECT 1 FROM consultation_comments JOIN consultations"
    " ON consultations.id = consultation_comments.consultation_id"
    " WHERE consultations.specification_version_id = NEW.id"
    " AND consultation_comments.state = 'open')"
)
_LEAVES = "OLD.state = 'consultation' AND NEW.state NOT IN ('consultation', 'withdrawn')"
_OVER = (
    "NEW.state = 'open' AND "
    "NOT EXISTS (SELECT 1 FROM consultations JOIN specification_versions"
    " ON specification_versions.id = consultations.specification_version_id"
    " WHERE consultations.id = NEW.consultation_id"
    " AND specification_versions.state = 'consultation')"
)
_APPROVED = "a comment has no disposition"
_LATE = "the consultation is over"


def upgrade() -> None:
    """Add the tables and, on both databases, the triggers."""
    _add_consultations()
    _add_dispositions()
    _add_comments()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


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


def _link(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
    )


def _add_consultations() -> None:
    op.create_table(
        "consultations",
        *_base(
            sa.Column("specification_version_id", sa.Uuid(), nullable=False),
            sa.Column("opens_on", sa.Date(), nullable=False),
            sa.Column("closes_on", sa.Date(), nullable=False),
            sa.Column("about", sa.String(length=2000), nullable=False),
            sa.Column("opened_by_id", sa.Uuid(), nullable=False),
            sa.Column("dispositions_published_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("dispositions_published_by_id", sa.Uuid(), nullable=True),
        ),
        sa.CheckConstraint("closes_on >= opens_on", name=op.f("ck_consultations_period")),
        sa.CheckConstraint(
            "(dispositions_published_at IS NULL) = (dispositions_published_by_id IS NULL)",
            name=op.f("ck_consultations_published_by_somebody"),
        ),
        _link("consultations", "specification_version_id", "specification_versions"),
        _link("consultations", "opened_by_id", "people"),
        _link("consultations", "dispositions_published_by_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultations")),
        sa.UniqueConstraint(
            "specification_version_id", name=op.f("uq_consultations_specification_version_id")
        ),
    )


def _add_dispositions() -> None:
    op.create_table(
        "dispositions",
        *_base(
            sa.Column("consultation_id", sa.Uuid(), nullable=False),
            sa.Column("outcome", _codes("outcome", _OUTCOMES), nullable=False),
            sa.Column("category", _codes("keep_category", _CATEGORIES), nullable=True),
            sa.Column("place", sa.String(length=300), nullable=False),
            sa.Column("requirement_id", sa.String(length=60), nullable=False),
            sa.Column("text", sa.Text(), nullable=False),
            sa.Column("reasoning", sa.Text(), nullable=False),
            sa.Column("decided_by_id", sa.Uuid(), nullable=False),
            sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        ),
        sa.CheckConstraint(
            "(outcome = 'keep') = (category IS NOT NULL)",
            name=op.f("ck_dispositions_category_when_kept"),
        ),
        sa.CheckConstraint(
            "outcome <> 'modify' OR (place <> '' AND text <> '')",
            name=op.f("ck_dispositions_says_where"),
        ),
        sa.CheckConstraint(
            "outcome = 'modify' OR reasoning <> ''", name=op.f("ck_dispositions_says_why")
        ),
        _link("dispositions", "consultation_id", "consultations"),
        _link("dispositions", "decided_by_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispositions")),
    )
    op.create_index(op.f("ix_dispositions_consultation_id"), "dispositions", ["consultation_id"])


def _add_comments() -> None:
    table = "consultation_comments"
    op.create_table(
        table,
        *_base(
            sa.Column("consultation_id", sa.Uuid(), nullable=False),
            sa.Column("number", sa.Integer(), nullable=False),
            sa.Column("state", _codes("comment_state", _STATES), nullable=False),
            sa.Column("organisation_id", sa.Uuid(), nullable=False),
            sa.Column("organisation_name", sa.String(length=250), nullable=False),
            sa.Column("organisation_kind", _codes("organisation_kind", _KINDS), nullable=False),
            sa.Column("author_id", sa.Uuid(), nullable=False),
            sa.Column("last_editor_id", sa.Uuid(), nullable=False),
            sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("requirement_id", sa.String(length=60), nullable=False),
            sa.Column("requirement_name", sa.String(length=300), nullable=False),
            sa.Column("requirement_text", sa.Text(), nullable=False),
            sa.Column("kind", _codes("proposal_kind", _PROPOSALS), nullable=False),
            sa.Column("text", sa.Text(), nullable=False),
            sa.Column("suggestion", sa.Text(), nullable=False),
            sa.Column("disposition_id", sa.Uuid(), nullable=True),
        ),
        sa.CheckConstraint(
            "(state = 'disposed') = (disposition_id IS NOT NULL)",
            name=op.f(f"ck_{table}_disposed_by_disposition"),
        ),
        _link(table, "consultation_id", "consultations"),
        _link(table, "organisation_id", "organisations"),
        _link(table, "author_id", "people"),
        _link(table, "last_editor_id", "people"),
        _link(table, "disposition_id", "dispositions"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "consultation_id", "number", name=op.f(f"uq_{table}_consultation_id_number")
        ),
    )
    for column in ("organisation_id", "disposition_id"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _guard_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER specification_versions_all_disposed BEFORE UPDATE ON specification_versions"
        f" WHEN {_LEAVES} AND {_UNDISPOSED} BEGIN SELECT RAISE(ABORT, '{_APPROVED}'); END"
    )
    for verb in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER consultation_comments_in_time_{verb.lower()} BEFORE {verb}"
            f" ON consultation_comments WHEN {_OVER}"
            f" BEGIN SELECT RAISE(ABORT, '{_LATE}'); END"
        )


def _guard_postgresql() -> None:
    for name, condition, sentence in (
        ("refuse_undisposed_comments", f"{_LEAVES} AND {_UNDISPOSED}", _APPROVED),
        ("refuse_late_comments", _OVER, _LATE),
    ):
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{sentence}' USING ERRCODE = '23514'; END IF; "
            "RETURN NEW; END $$"
        )
    op.execute(
        "CREATE TRIGGER specification_versions_all_disposed BEFORE UPDATE ON specification_versions"
        " FOR EACH ROW EXECUTE FUNCTION refuse_undisposed_comments()"
    )
    op.execute(
        "CREATE TRIGGER consultation_comments_in_time BEFORE INSERT OR UPDATE"
        " ON consultation_comments FOR EACH ROW EXECUTE FUNCTION refuse_late_comments()"
    )


def downgrade() -> None:
    """Remove the triggers and the tables."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER specification_versions_all_disposed ON specification_versions")
        op.execute("DROP TRIGGER consultation_comments_in_time ON consultation_comments")
        op.execute("DROP FUNCTION refuse_undisposed_comments()")
        op.execute("DROP FUNCTION refuse_late_comments()")
    else:
        op.execute("DROP TRIGGER specification_versions_all_disposed")
        op.execute("DROP TRIGGER consultation_comments_in_time_insert")
        op.execute("DROP TRIGGER consultation_comments_in_time_update")
    for table in ("consultation_comments", "dispositions", "consultations"):
        op.drop_table(table)
