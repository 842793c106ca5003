"""Add the programs of organisations, their tokens, and the assertions they have used up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_CLIENTS, _TOKENS, _ASSERTIONS = "api_clients", "access_tokens", "client_assertions"


def _base(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def _link(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
    )


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        _CLIENTS,
        *_base(_CLIENTS),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("auth_method", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("secret_made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("former_secret_hash", sa.String(64), nullable=False),
        sa.Column("former_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jwks", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("secret_seen_by_id", sa.Uuid(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('active', 'revoked')", name=op.f(f"ck_{_CLIENTS}_client_state")
        ),
        sa.CheckConstraint(
            "auth_method IN ('client_secret', 'private_key_jwt')",
            name=op.f(f"ck_{_CLIENTS}_auth_method"),
        ),
        sa.CheckConstraint(
            "(auth_method = 'client_secret') = (secret_hash <> '')"
            " AND (auth_method = 'private_key_jwt') = (jwks <> '')",
            name=op.f(f"ck_{_CLIENTS}_one_credential"),
        ),
        sa.CheckConstraint(
            "(state = 'revoked') = (revoked_at IS NOT NULL)",
            name=op.f(f"ck_{_CLIENTS}_revoked_dated"),
        ),
        sa.CheckConstraint(
            "(former_secret_hash = '') = (former_secret_until IS NULL)",
            name=op.f(f"ck_{_CLIENTS}_former_secret_ends"),
        ),
        _link(_CLIENTS, "owner_id", "organisations"),
        _link(_CLIENTS, "created_by_id", "people"),
        _link(_CLIENTS, "secret_seen_by_id", "people"),
    )
    op.create_index(op.f(f"ix_{_CLIENTS}_owner_id"), _CLIENTS, ["owner_id"])
    op.create_table(
        _TOKENS,
        *_base(_TOKENS),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        _link(_TOKENS, "client_id", _CLIENTS),
        sa.UniqueConstraint("token_hash", name=op.f(f"uq_{_TOKENS}_token_hash")),
    )
    op.create_index(op.f(f"ix_{_TOKENS}_client_id"), _TOKENS, ["client_id"])
    op.create_index(op.f(f"ix_{_TOKENS}_expires_at"), _TOKENS, ["expires_at"])
    op.create_table(
        _ASSERTIONS,
        *_base(_ASSERTIONS),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("jti_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _link(_ASSERTIONS, "client_id", _CLIENTS),
        sa.UniqueConstraint(
            "client_id", "jti_hash", name=op.f(f"uq_{_ASSERTIONS}_client_id_jti_hash")
        ),
    )
    op.create_index(op.f(f"ix_{_ASSERTIONS}_expires_at"), _ASSERTIONS, ["expires_at"])


def downgrade() -> None:
    """Remove them; programs then have no access."""
    for table in (_ASSERTIONS, _TOKENS, _CLIENTS):
        op.drop_table(table)
