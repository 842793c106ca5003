"""Let the database itself keep decisions: who may decide, and that nothing decided is rewritten.

Selections gain method, grounds, the source of the price and their hashes; decisions on paper get a
table; contracts are confirmed. The guards are triggers, the same on both databases, that look at the
changed row. A later migration that rebuilds one of these tables on SQLite (batch mode) has to call
`drop_triggers` first and `make_triggers` afterwards.
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_GROUNDS = (
    "small_amount", "sole_supplier", "welfare", "new_product", "urgent", "unfavourable",
    "favourable", "no_bidder", "successor",
)  # fmt: skip
_METHODS = ("list_price", "quotes", "single_quote", "proposal", "designated")
_SOURCES = ("list", "quote")
_DECISIONS = "external_decisions"

# --- what is refused ----------------------------------------------------------------------------

# What a proposal says; a decision adds to it and changes nothing of it.
_PROPOSED = (
    "id", "created_at", "project_id", "owner_id", "pack_id", "listing_version_id", "method",
    "price_source", "quote_id", "ground", "grounds_text", "category", "ceiling_amount",
    "ceiling_source", "total_with_tax", "total_without_tax", "reason", "sole_source_reason",
    "not_lowest_reason", "splitting_note", "change_note", "cost_basis", "proposed_by_id",
    "last_editor_id", "proposal_sha256",
)  # fmt: skip
# Addressee and seller follow a merger of vendors; everything else stays as it was approved.
_APPROVED = (
    "id", "created_at", "project_id", "selection_id", "owner_id", "fiscal_year", "ordinal", "number",
    "sender_name", "contact_name", "contact_department", "contact_phone", "contact_email",
    "message", "bidder_list", "bidder_list_note", "payload", "payload_sha256", "approved_sha256",
    "selection_sha256", "submitted_by_id", "last_editor_id", "approved_by_id", "approved_at",
    "answer_due_at",
)  # fmt: skip
_REGISTERED = (
    "id", "created_at", "request_id", "owner_id", "listing_version_id", "number", "signed_on",
    "starts_on", "ends_on", "signed_record_sha256", "signed_record_name", "registered_by_id",
)  # fmt: skip
_NEEDED = (
    "owner_id", "number", "title", "need", "starts_on", "term_months", "term_basis", "budget_line",
    "category", "specification_version_id", "search_query", "cost_conditions", "created_by_id",
    "budget_fiscal_year", "budget_amount", "burden_limit", "burden_voted_on", "burden_until",
)  # fmt: skip
_DECIDED_STATES = "('approved', 'sent', 'accepted', 'declined', 'lapsed', 'contract_registered')"
_AFTER_PROPOSAL = "('selection_proposed', 'selection_approved', 'closed')"


def _changed(*columns: str) -> str:
    return "(" + " OR ".join(f"OLD.{each} IS DISTINCT FROM NEW.{each}" for each in columns) + ")"


_APPROVED_ONE = (
    "((SELECT s.is_approved FROM selections s WHERE s.project_id = NEW.id"
    " ORDER BY s.created_at DESC, s.id LIMIT 1) IS TRUE)"
)
_OPENED = (
    "EXISTS (SELECT 1 FROM quotes q JOIN quote_rounds r ON r.id = q.round_id"
    " JOIN quote_invitations i ON i.id = q.invitation_id"
    " WHERE q.id = NEW.quote_id AND q.opened_at IS NOT NULL AND r.project_id = NEW.project_id"
    " AND i.listing_version_id = NEW.listing_version_id AND q.total = NEW.total_with_tax)"
)
_OF_THE_CHOICE = (
    "EXISTS (SELECT 1 FROM selections s WHERE s.id = NEW.selection_id"
    " AND s.project_id = NEW.project_id AND s.owner_id = NEW.owner_id"
)
# Table, rule, event and what is refused.
RULES = (
    (
        "projects", "decided_need_stays", "UPDATE",
        f"OLD.state IN {_AFTER_PROPOSAL} AND {_changed(*_NEEDED)}",
    ),
    (
        "projects", "approved_by_a_decision", "UPDATE",
        ("NEW.state IN ('selection_approved', 'closed') AND OLD.state <> NEW.state"
        f" AND NOT {_APPROVED_ONE}"),
    ),
    (
        "projects", "born_undecided", "INSERT",
        "NEW.state IN ('selection_approved', 'closed')",
    ),
    (
        "selections", "born_undecided", "INSERT",
        ("NEW.is_approved IS NOT NULL OR NEW.decided_by_id IS NOT NULL"
        " OR NEW.decided_at IS NOT NULL OR NEW.approved_sha256 <> ''"),
    ),
    (
        "selections", "names_the_last_editor", "INSERT",
        ("NOT EXISTS (SELECT 1 FROM projects p WHERE p.id = NEW.project_id"
        " AND p.owner_id = NEW.owner_id AND p.last_editor_id = NEW.last_editor_id)"),
    ),
    (
        "selections", "remaining_candidate", "INSERT",
        ("NOT EXISTS (SELECT 1 FROM candidates c JOIN evidence_packs e ON e.id = c.pack_id"
        " WHERE c.pack_id = NEW.pack_id AND c.listing_version_id = NEW.listing_version_id"
        " AND c.excluded_at IS NULL AND e.project_id = NEW.project_id)"),
    ),
    ("selections", "opened_quote", "INSERT", f"NEW.price_source = 'quote' AND NOT {_OPENED}"),
    ("selections", "proposal_stays", "UPDATE", _changed(*_PROPOSED)),
    ("selections", "decision_stays", "UPDATE", "OLD.is_approved IS NOT NULL"),
    (
        "selections", "decided_by_somebody", "UPDATE",
        ("NEW.is_approved IS NOT NULL AND (NEW.decided_at IS NULL OR (NEW.decided_by_id IS NULL"
        " AND NOT (NEW.is_approved IS TRUE AND EXISTS (SELECT 1 FROM external_decisions d"
        " WHERE d.selection_id = NEW.id))))"),
    ),
    ("selections", "kept", "DELETE", "1 = 1"),
    (
        _DECISIONS, "of_the_choice", "INSERT",
        (f"NOT {_OF_THE_CHOICE} AND s.proposed_by_id = NEW.prepared_by_id"
        " AND s.last_editor_id = NEW.last_editor_id AND s.is_approved IS NULL"
        " AND s.proposal_sha256 = NEW.document_sha256 AND s.proposal_sha256 <> '')"),
    ),
    (_DECISIONS, "kept", "DELETE", "1 = 1"),
    (_DECISIONS, "stays", "UPDATE", "1 = 1"),
    (
        "usage_contract_requests", "born_undecided", "INSERT",
        "NEW.state <> 'draft' OR NEW.approved_by_id IS NOT NULL OR NEW.sent_at IS NOT NULL",
    ),
    (
        "usage_contract_requests", "of_an_approved_choice", "INSERT",
        f"NOT {_OF_THE_CHOICE} AND s.is_approved IS TRUE)",
    ),
    (
        "usage_contract_requests", "approved_by_somebody", "UPDATE",
        (f"NEW.state IN {_DECIDED_STATES} AND (NEW.approved_by_id IS NULL"
        " OR NEW.approved_at IS NULL OR NEW.submitted_by_id IS NULL OR NEW.number IS NULL"
        " OR NEW.payload = '' OR NEW.approved_sha256 = '')"),
    ),
    (
        "usage_contract_requests", "approval_stays", "UPDATE",
        f"OLD.approved_by_id IS NOT NULL AND {_changed(*_APPROVED)}",
    ),
    (
        "usage_contract_requests", "sending_stays", "UPDATE",
        f"OLD.sent_at IS NOT NULL AND {_changed('sent_sha256', 'sent_by_id', 'sent_at')}",
    ),
    (
        "usage_contract_requests", "sent_by_somebody", "UPDATE",
        "NEW.sent_sha256 <> '' AND (NEW.sent_by_id IS NULL OR NEW.sent_at IS NULL)",
    ),
    (
        "usage_contract_requests", "outcome_stays", "UPDATE",
        ("(OLD.state IN ('declined', 'withdrawn', 'lapsed', 'contract_registered')"
        " AND NEW.state <> OLD.state)"
        " OR (OLD.state = 'accepted' AND NEW.state NOT IN ('accepted', 'contract_registered'))"
        " OR (OLD.answered_at IS NOT NULL AND "
        f"{_changed('answered_at', 'answered_by_id', 'answer_reason')})"
        " OR (OLD.withdrawn_at IS NOT NULL AND "
        f"{_changed('withdrawn_at', 'withdrawn_by_id', 'withdrawal_reason')})"),
    ),
    ("usage_contract_requests", "kept", "DELETE", "OLD.submitted_by_id IS NOT NULL"),
    ("contracts", "registration_stays", "UPDATE", _changed(*_REGISTERED)),
    (
        "contracts", "confirmation_stays", "UPDATE",
        f"OLD.confirmed_at IS NOT NULL AND {_changed('confirmed_by_id', 'confirmed_at')}",
    ),
    ("contracts", "born_unconfirmed", "INSERT", "NEW.confirmed_by_id IS NOT NULL"),
    (
        "contracts", "of_an_accepted_request", "INSERT",
        ("NOT EXISTS (SELECT 1 FROM usage_contract_requests r WHERE r.id = NEW.request_id"
        " AND r.owner_id = NEW.owner_id AND r.state IN ('accepted', 'contract_registered'))"),
    ),
    ("contracts", "kept", "DELETE", "1 = 1"),
)  # fmt: skip
TABLES = ("selections", _DECISIONS, "usage_contract_requests", "contracts")


def make_triggers() -> None:
    """Add all triggers of this migration; they refuse with the name of table and rule."""
    for table, rule, event, condition in RULES:
        name, refusal = f"four_eyes_{table}_{rule}_{event.lower()}", f"{table}_{rule}"
        if _is_postgresql():
            op.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF ({condition}) THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = '23514';"
                " END IF; RETURN NULL; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        else:
            plain = condition.replace("IS DISTINCT FROM", "IS NOT")
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} WHEN {plain}"
                f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
    if _is_postgresql():
        for table in TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def drop_triggers() -> None:
    """Remove all triggers of this migration."""
    for table, rule, event, _ in RULES:
        name = f"four_eyes_{table}_{rule}_{event.lower()}"
        if _is_postgresql():
            op.execute(f"DROP FUNCTION {name}() CASCADE")
        else:
            op.execute(f"DROP TRIGGER {name}")
    if _is_postgresql():
        for table in TABLES:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


# --- columns and tables ---------------------------------------------------------------------------


def upgrade() -> None:
    """Add the columns, the table of decisions on paper, and the triggers."""
    _widen_selections()
    _add_decisions()
    op.add_column(
        "usage_contract_requests",
        sa.Column("selection_sha256", sa.String(64), nullable=False, server_default=""),
    )
    with op.batch_alter_table("contracts") as batch:
        batch.add_column(sa.Column("confirmed_by_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_foreign_key(
            op.f("fk_contracts_confirmed_by_id_people"), "people", ["confirmed_by_id"], ["id"]
        )
        batch.create_check_constraint(
            op.f("ck_contracts_four_eyes"),
            "(registered_by_id IS NULL OR confirmed_by_id IS NULL"
            " OR registered_by_id <> confirmed_by_id)",
        )
        batch.create_check_constraint(
            op.f("ck_contracts_confirmed_whole"),
            "(confirmed_by_id IS NULL) = (confirmed_at IS NULL)",
        )
    make_triggers()


def _widen_selections() -> None:
    with op.batch_alter_table("selections") as batch:
        batch.drop_constraint(op.f("ck_selections_ground"), type_="check")
        batch.alter_column("ground", existing_type=sa.String(32), nullable=True)
        batch.alter_column("ceiling_amount", existing_type=sa.Integer(), nullable=True)
        for name, kind in (
            ("method", sa.String(32)),
            ("price_source", sa.String(32)),
        ):
            first = {"method": _METHODS[0], "price_source": _SOURCES[0]}[name]
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=first))
        batch.add_column(sa.Column("quote_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_selections_quote_id_quotes"), "quotes", ["quote_id"], ["id"]
        )
        for name in ("grounds_text", "not_lowest_reason", "sole_acknowledgement"):
            batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        for name in ("proposal_sha256", "approved_sha256"):
            batch.add_column(sa.Column(name, sa.String(64), nullable=False, server_default=""))
        for name, rule in (
            ("ground", f"ground IN {_GROUNDS}"),
            ("selection_method", f"method IN {_METHODS}"),
            ("price_source", f"price_source IN {_SOURCES}"),
            ("quote_priced", "(price_source = 'quote') = (quote_id IS NOT NULL)"),
            ("direct_contract_has_ground", "ground IS NOT NULL OR method = 'designated'"),
        ):
            batch.create_check_constraint(op.f(f"ck_selections_{name}"), rule)


def _add_decisions() -> None:
    links = {
        "selection_id": "selections",
        "project_id": "projects",
        "owner_id": "organisations",
        "recorded_by_id": "people",
        "prepared_by_id": "people",
        "last_editor_id": "people",
    }
    op.create_table(
        _DECISIONS,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in links),
        sa.Column("document_number", sa.String(60), nullable=False),
        sa.Column("decider_title", sa.String(60), nullable=False),
        sa.Column("decider_name", sa.String(100), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("document_sha256", sa.String(64), nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        *(
            sa.CheckConstraint(
                f"(recorded_by_id IS NULL OR {other} IS NULL OR recorded_by_id <> {other})",
                name=op.f(f"ck_{_DECISIONS}_{name}"),
            )
            for name, other in (
                ("four_eyes", "prepared_by_id"),
                ("editor_four_eyes", "last_editor_id"),
            )
        ),
        sa.CheckConstraint(
            "document_number <> '' AND decider_title <> '' AND decider_name <> ''",
            name=op.f(f"ck_{_DECISIONS}_says_who"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [name], [f"{target}.id"], name=op.f(f"fk_{_DECISIONS}_{name}_{target}")
            )
            for name, target in links.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_DECISIONS}")),
        sa.UniqueConstraint("selection_id", name=op.f(f"uq_{_DECISIONS}_selection_id")),
    )
    for name in ("project_id", "owner_id"):
        op.create_index(op.f(f"ix_{_DECISIONS}_{name}"), _DECISIONS, [name])


def downgrade() -> None:
    """Take all of it back; choices on another ground than 1号 cannot be kept by the earlier schema."""
    drop_triggers()
    with op.batch_alter_table("contracts") as batch:
        for name in ("four_eyes", "confirmed_whole"):
            batch.drop_constraint(op.f(f"ck_contracts_{name}"), type_="check")
        batch.drop_constraint(op.f("fk_contracts_confirmed_by_id_people"), type_="foreignkey")
        batch.drop_column("confirmed_at")
        batch.drop_column("confirmed_by_id")
    op.drop_column("usage_contract_requests", "selection_sha256")
    op.drop_table(_DECISIONS)
    with op.batch_alter_table("selections") as batch:
        for name in (
            "ground", "selection_method", "price_source", "quote_priced",
            "direct_contract_has_ground",
        ):  # fmt: skip
            batch.drop_constraint(op.f(f"ck_selections_{name}"), type_="check")
        batch.drop_constraint(op.f("fk_selections_quote_id_quotes"), type_="foreignkey")
        for name in (
            "method", "price_source", "quote_id", "grounds_text", "not_lowest_reason",
            "sole_acknowledgement", "proposal_sha256", "approved_sha256",
        ):  # fmt: skip
            batch.drop_column(name)
        batch.alter_column("ceiling_amount", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("ground", existing_type=sa.String(32), nullable=False)
        batch.create_check_constraint(op.f("ck_selections_ground"), "ground IN ('small_amount')")
