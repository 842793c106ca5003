"""Add identities of providers, the journeys there, and which identity opened a session."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_PURPOSES = ("sign_in", "confirm", "link", "arrival")


def _columns() -> list[sa.Column]:
    moment = sa.DateTime(timezone=True)
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    """Add the two tables, then the column of the sessions."""
    _add_identities()
    with op.batch_alter_table("sign_ins") as sign_ins:
        sign_ins.add_column(sa.Column("identity_id", sa.Uuid(), nullable=True))
        sign_ins.create_foreign_key(
            op.f("fk_sign_ins_identity_id_external_identities"),
            "external_identities",
            ["identity_id"],
            ["id"],
        )
        sign_ins.create_index(op.f("ix_sign_ins_identity_id"), ["identity_id"])
    _add_attempts()


def _add_identities() -> None:
    op.create_table(
        "external_identities",
        *_columns(),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("corporate_number", sa.String(length=13), nullable=False),
        sa.Column("asked_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_external_identities_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["asked_organisation_id"],
            ["organisations.id"],
            name=op.f("fk_external_identities_asked_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_identities")),
    )
    op.create_index(
        "uq_external_identities_live",
        "external_identities",
        ["issuer", "subject"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    for column in ("person_id", "asked_organisation_id"):
        op.create_index(op.f(f"ix_external_identities_{column}"), "external_identities", [column])


def _add_attempts() -> None:
    op.create_table(
        "sign_in_attempts",
        *_columns(),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                *_PURPOSES,
                name="attempt_purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("sign_in_id", sa.Uuid(), nullable=True),
        sa.Column("wanted", sa.String(length=2000), nullable=False),
        sa.Column("carried", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sign_in_id"], ["sign_ins.id"], name=op.f("fk_sign_in_attempts_sign_in_id_sign_ins")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_sign_in_attempts_state_hash")),
    )
    for column in ("sign_in_id", "expires_at"):
        op.create_index(op.f(f"ix_sign_in_attempts_{column}"), "sign_in_attempts", [column])


def downgrade() -> None:
    """Remove them again."""
    op.drop_table("sign_in_attempts")
    with op.batch_alter_table("sign_ins") as sign_ins:
        sign_ins.drop_index(op.f("ix_sign_ins_identity_id"))
        sign_ins.drop_constraint(
            op.f("fk_sign_ins_identity_id_external_identities"), type_="foreignkey"
        )
        sign_ins.drop_column("identity_id")
    op.drop_table("external_identities")
