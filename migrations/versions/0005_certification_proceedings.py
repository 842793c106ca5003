"""Add what surrounds a decision: declarations, findings, submissions, measures, appeals, reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_LINKS = {
    "based_on_id": "certifications",
    "suspended_by_id": "people",
    "revocation_proposed_by_id": "people",
    "revocation_confirmed_by_id": "people",
}
_RULES = {
    "check_outcome": "check_outcome IN ('pass', 'person', 'fail')",
    "two_reviewers": (
        "state NOT IN ('recommended', 'certified', 'conditional') "
        "OR based_on_id IS NOT NULL "
        "OR (first_reviewer_id IS NOT NULL "
        "AND second_reviewer_id IS NOT NULL)"
    ),
    "revoked_by_two": (
        "(submitted_by_id IS NULL "
        "OR revocation_proposed_by_id IS NULL "
        "OR submitted_by_id <> revocation_proposed_by_id) "
        "AND (submitted_by_id IS NULL "
        "OR revocation_confirmed_by_id IS NULL "
        "OR submitted_by_id <> revocation_confirmed_by_id) "
        "AND (revocation_proposed_by_id IS NULL "
        "OR revocation_confirmed_by_id IS NULL "
        "OR revocation_proposed_by_id <> revocation_confirmed_by_id) "
        "AND (revocation_confirmed_by_id IS NULL "
        "OR revocation_proposed_by_id IS NOT NULL) "
        "AND (state <> 'revoked' "
        "OR revocation_confirmed_by_id IS NOT NULL)"
    ),
    "suspended_by_another": (
        "(submitted_by_id IS NULL OR suspended_by_id IS NULL OR submitted_by_id <> suspended_by_id)"
    ),
}
_COLUMNS = (
    "first_cleared_at", "second_cleared_at", "check_outcome", "info_due_on", "based_on_id",
    "suspended_by_id", "suspended_at", "suspension_reason", "revocation_proposed_by_id",
    "revocation_proposed_at", "revocation_reason", "revocation_confirmed_by_id", "revoked_at",
    "appeal_until",
)  # fmt: skip
_TABLES = (
    "finding_messages", "findings", "review_submissions", "conflict_declarations",
    "condition_reports", "appeals",
)  # fmt: skip


def upgrade() -> None:
    """Add the tables, then the columns and rules of certifications."""
    _add_tables()
    _end_nameless_revocations()
    _extend_certifications()
    _clear_those_who_filed()


def _add_tables() -> None:
    _add_appeals()
    _add_condition_reports()
    _add_conflict_declarations()
    _add_findings()
    _add_review_submissions()
    _add_finding_messages()


def _add_appeals() -> None:
    op.create_table(
        "appeals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("certification_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "filed",
                "upheld",
                "dismissed",
                "withdrawn",
                name="appeal_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "disputed",
            sa.Enum(
                "refusal",
                "suspension",
                "revocation",
                name="disputed",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_decider_id", sa.Uuid(), nullable=False),
        sa.Column("second_decider_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("filed_by_id", sa.Uuid(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(length=2000), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR (decided_by_id IS NOT NULL AND decision_reason <> '')",
            name=op.f("ck_appeals_decided"),
        ),
        sa.CheckConstraint(
            "(filed_by_id IS NULL OR first_decider_id IS NULL OR filed_by_id <> first_decider_id) AND (filed_by_id IS NULL OR decided_by_id IS NULL OR filed_by_id <> decided_by_id) AND (first_decider_id IS NULL OR decided_by_id IS NULL OR first_decider_id <> decided_by_id) AND (second_decider_id IS NULL OR decided_by_id IS NULL OR second_decider_id <> decided_by_id)",
            name=op.f("ck_appeals_four_eyes"),
        ),
        sa.ForeignKeyConstraint(
            ["certification_id"],
            ["certifications.id"],
            name=op.f("fk_appeals_certification_id_certifications"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["people.id"], name=op.f("fk_appeals_decided_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["filed_by_id"], ["people.id"], name=op.f("fk_appeals_filed_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["first_decider_id"], ["people.id"], name=op.f("fk_appeals_first_decider_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_appeals_owner_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["second_decider_id"], ["people.id"], name=op.f("fk_appeals_second_decider_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
        sa.UniqueConstraint(
            "certification_id",
            "disputed",
            "disputed_at",
            name=op.f("uq_appeals_certification_id_disputed_disputed_at"),
        ),
    )
    with op.batch_alter_table("appeals", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_appeals_certification_id"), ["certification_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_appeals_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(
            "uq_appeals_filed",
            ["certification_id"],
            unique=True,
            postgresql_where=sa.text("state = 'filed'"),
            sqlite_where=sa.text("state = 'filed'"),
        )


def _add_condition_reports() -> None:
    op.create_table(
        "condition_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("certification_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("requirement_id", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "reported",
                "confirmed",
                "returned",
                name="report_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("evidence_url", sa.String(length=500), nullable=False),
        sa.Column("met_on", sa.Date(), nullable=False),
        sa.Column("reported_by_id", sa.Uuid(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_by_id", sa.Uuid(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_note", sa.String(length=2000), nullable=False),
        sa.CheckConstraint(
            "state = 'reported' OR judged_by_id IS NOT NULL",
            name=op.f("ck_condition_reports_judged"),
        ),
        sa.CheckConstraint(
            "(reported_by_id IS NULL OR judged_by_id IS NULL OR reported_by_id <> judged_by_id)",
            name=op.f("ck_condition_reports_four_eyes"),
        ),
        sa.ForeignKeyConstraint(
            ["certification_id"],
            ["certifications.id"],
            name=op.f("fk_condition_reports_certification_id_certifications"),
        ),
        sa.ForeignKeyConstraint(
            ["judged_by_id"], ["people.id"], name=op.f("fk_condition_reports_judged_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["organisations.id"],
            name=op.f("fk_condition_reports_owner_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["reported_by_id"],
            ["people.id"],
            name=op.f("fk_condition_reports_reported_by_id_people"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condition_reports")),
    )
    with op.batch_alter_table("condition_reports", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_condition_reports_certification_id"), ["certification_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_condition_reports_owner_id"), ["owner_id"], unique=False
        )
        batch_op.create_index(
            "uq_condition_reports_standing",
            ["certification_id", "requirement_id"],
            unique=True,
            postgresql_where=sa.text("state <> 'returned'"),
            sqlite_where=sa.text("state <> 'returned'"),
        )


def _add_conflict_declarations() -> None:
    op.create_table(
        "conflict_declarations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("certification_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("has_conflict", sa.Boolean(), nullable=False),
        sa.Column("words", sa.String(length=2000), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_id"],
            ["certifications.id"],
            name=op.f("fk_conflict_declarations_certification_id_certifications"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_conflict_declarations_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflict_declarations")),
        sa.UniqueConstraint(
            "certification_id",
            "person_id",
            name=op.f("uq_conflict_declarations_certification_id_person_id"),
        ),
    )
    with op.batch_alter_table("conflict_declarations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_conflict_declarations_certification_id"),
            ["certification_id"],
            unique=False,
        )


def _add_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("certification_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "answered",
                "accepted",
                "withdrawn",
                name="finding_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("raised_by_id", sa.Uuid(), nullable=False),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["certification_id"],
            ["certifications.id"],
            name=op.f("fk_findings_certification_id_certifications"),
        ),
        sa.ForeignKeyConstraint(
            ["raised_by_id"], ["people.id"], name=op.f("fk_findings_raised_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirements.id"],
            name=op.f("fk_findings_requirement_id_requirements"),
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["people.id"], name=op.f("fk_findings_settled_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint(
            "certification_id", "number", name=op.f("uq_findings_certification_id_number")
        ),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_findings_certification_id"), ["certification_id"], unique=False
        )


def _add_review_submissions() -> None:
    op.create_table(
        "review_submissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("certification_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_id"],
            ["certifications.id"],
            name=op.f("fk_review_submissions_certification_id_certifications"),
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"],
            ["people.id"],
            name=op.f("fk_review_submissions_submitted_by_id_people"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_submissions")),
        sa.UniqueConstraint(
            "certification_id", "number", name=op.f("uq_review_submissions_certification_id_number")
        ),
    )
    with op.batch_alter_table("review_submissions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_review_submissions_certification_id"), ["certification_id"], unique=False
        )


def _add_finding_messages() -> None:
    op.create_table(
        "finding_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("is_from_vendor", sa.Boolean(), nullable=False),
        sa.Column("submission_number", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["people.id"], name=op.f("fk_finding_messages_author_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_finding_messages_finding_id_findings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_messages")),
        sa.UniqueConstraint(
            "finding_id", "number", name=op.f("uq_finding_messages_finding_id_number")
        ),
    )
    with op.batch_alter_table("finding_messages", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_finding_messages_finding_id"), ["finding_id"], unique=False
        )


def _end_nameless_revocations() -> None:
    # Nothing but sample data could be revoked before, and in nobody's name: it stays out of force.
    op.execute("UPDATE certifications SET state = 'suspended' WHERE state = 'revoked'")


def _extend_certifications() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("certifications") as batch:
        batch.add_column(sa.Column("first_cleared_at", moment))
        batch.add_column(sa.Column("second_cleared_at", moment))
        batch.add_column(sa.Column("check_outcome", sa.String(length=32)))
        batch.add_column(sa.Column("info_due_on", sa.Date()))
        batch.add_column(sa.Column("based_on_id", sa.Uuid()))
        batch.add_column(sa.Column("suspended_by_id", sa.Uuid()))
        batch.add_column(sa.Column("suspended_at", moment))
        batch.add_column(_words("suspension_reason"))
        batch.add_column(sa.Column("revocation_proposed_by_id", sa.Uuid()))
        batch.add_column(sa.Column("revocation_proposed_at", moment))
        batch.add_column(_words("revocation_reason"))
        batch.add_column(sa.Column("revocation_confirmed_by_id", sa.Uuid()))
        batch.add_column(sa.Column("revoked_at", moment))
        batch.add_column(sa.Column("appeal_until", sa.Date()))
        for column, table in _LINKS.items():
            name = f"fk_certifications_{column}_{table}"
            batch.create_foreign_key(op.f(name), table, [column], ["id"])
        for name, rule in _RULES.items():
            batch.create_check_constraint(op.f(f"ck_certifications_{name}"), rule)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=2000), nullable=False, server_default="")


def _clear_those_who_filed() -> None:
    """Whoever filed an opinion declared with it that no interests conflict."""
    for place in ("first", "second"):
        op.execute(
            f"UPDATE certifications SET {place}_cleared_at = ("
            "SELECT no_conflict_declared_at FROM recommendations "
            "WHERE recommendations.certification_id = certifications.id "
            f"AND recommendations.reviewer_id = certifications.{place}_reviewer_id)"
        )


def downgrade() -> None:
    """Drop the rules, columns and tables."""
    with op.batch_alter_table("certifications") as batch:
        for name in _RULES:
            batch.drop_constraint(op.f(f"ck_certifications_{name}"), type_="check")
        for column, table in _LINKS.items():
            batch.drop_constraint(op.f(f"fk_certifications_{column}_{table}"), type_="foreignkey")
        for name in _COLUMNS:
            batch.drop_column(name)
    for table in _TABLES:
        op.drop_table(table)
