"""Keep quote rounds, questions and sealed quotes; the database guards deadline, opening and people.

The triggers run after the CHECKs, the same on both databases; a later migration that rebuilds one of
these tables on SQLite (batch mode) calls `drop_triggers` first and `make_triggers` afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def _make_quote_rounds() -> None:
    op.create_table(
        "quote_rounds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("pack_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "returned",
                "sent",
                "opened",
                "withdrawn",
                name="round_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "comparison",
                "designated",
                "sole",
                name="quote_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("questions_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message", sa.String(length=2000), nullable=False),
        sa.Column("contact", sa.String(length=300), nullable=False),
        sa.Column("sole_reason", sa.String(length=2000), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("conditions_sha256", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("last_editor_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_reason", sa.String(length=2000), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawal_reason", sa.String(length=2000), nullable=False),
        sa.CheckConstraint(
            "(state = 'opened') = (opened_at IS NOT NULL)", name=op.f("ck_quote_rounds_opened")
        ),
        sa.CheckConstraint(
            "kind <> 'sole' OR sole_reason <> ''", name=op.f("ck_quote_rounds_sole_has_reason")
        ),
        sa.CheckConstraint(
            "state NOT IN ('sent', 'opened') OR (approved_by_id IS NOT NULL AND sent_at IS NOT NULL AND payload_sha256 <> '')",
            name=op.f("ck_quote_rounds_sent_is_approved"),
        ),
        sa.CheckConstraint(
            "(last_editor_id IS NULL OR approved_by_id IS NULL OR last_editor_id <> approved_by_id)",
            name=op.f("ck_quote_rounds_editor_four_eyes"),
        ),
        sa.CheckConstraint(
            "(submitted_by_id IS NULL OR approved_by_id IS NULL OR submitted_by_id <> approved_by_id)",
            name=op.f("ck_quote_rounds_four_eyes"),
        ),
        sa.CheckConstraint(
            "questions_until <= deadline_at", name=op.f("ck_quote_rounds_questions_before_deadline")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["people.id"], name=op.f("fk_quote_rounds_approved_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["last_editor_id"], ["people.id"], name=op.f("fk_quote_rounds_last_editor_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_quote_rounds_owner_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["pack_id"], ["evidence_packs.id"], name=op.f("fk_quote_rounds_pack_id_evidence_packs")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_quote_rounds_project_id_projects")
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["people.id"], name=op.f("fk_quote_rounds_submitted_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by_id"], ["people.id"], name=op.f("fk_quote_rounds_withdrawn_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_rounds")),
        sa.UniqueConstraint(
            "project_id", "ordinal", name=op.f("uq_quote_rounds_project_id_ordinal")
        ),
    )
    op.create_index(op.f("ix_quote_rounds_owner_id"), "quote_rounds", ["owner_id"], unique=False)
    op.create_index(op.f("ix_quote_rounds_pack_id"), "quote_rounds", ["pack_id"], unique=False)
    op.create_index(
        op.f("ix_quote_rounds_project_id"), "quote_rounds", ["project_id"], unique=False
    )
    op.create_index(op.f("ix_quote_rounds_state"), "quote_rounds", ["state"], unique=False)
    op.create_index(
        "uq_quote_rounds_live",
        "quote_rounds",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'submitted', 'returned', 'sent')"),
        sqlite_where=sa.text("state IN ('draft', 'submitted', 'returned', 'sent')"),
    )


def _make_quote_extensions() -> None:
    op.create_table(
        "quote_extensions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("previous_deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_quote_extensions_has_reason")),
        sa.CheckConstraint(
            "(proposed_by_id IS NULL OR approved_by_id IS NULL OR proposed_by_id <> approved_by_id)",
            name=op.f("ck_quote_extensions_four_eyes"),
        ),
        sa.CheckConstraint(
            "deadline_at > previous_deadline_at", name=op.f("ck_quote_extensions_later")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"],
            ["people.id"],
            name=op.f("fk_quote_extensions_approved_by_id_people"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["organisations.id"],
            name=op.f("fk_quote_extensions_owner_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"],
            ["people.id"],
            name=op.f("fk_quote_extensions_proposed_by_id_people"),
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["quote_rounds.id"],
            name=op.f("fk_quote_extensions_round_id_quote_rounds"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_extensions")),
    )
    op.create_index(
        op.f("ix_quote_extensions_owner_id"), "quote_extensions", ["owner_id"], unique=False
    )
    op.create_index(
        op.f("ix_quote_extensions_round_id"), "quote_extensions", ["round_id"], unique=False
    )


def _make_quote_invitations() -> None:
    op.create_table(
        "quote_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column("pack_id", sa.Uuid(), nullable=False),
        sa.Column("listing_version_id", sa.Uuid(), nullable=False),
        sa.Column("addressee_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declined_by_id", sa.Uuid(), nullable=True),
        sa.Column("decline_reason", sa.String(length=2000), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "chosen",
                "not_chosen",
                name="quote_outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(outcome IS NULL) = (outcome_at IS NULL)",
            name=op.f("ck_quote_invitations_outcome_has_time"),
        ),
        sa.CheckConstraint(
            "declined_at IS NULL OR decline_reason <> ''",
            name=op.f("ck_quote_invitations_decline_has_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["addressee_id"],
            ["organisations.id"],
            name=op.f("fk_quote_invitations_addressee_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["declined_by_id"],
            ["people.id"],
            name=op.f("fk_quote_invitations_declined_by_id_people"),
        ),
        sa.ForeignKeyConstraint(
            ["body_id"],
            ["organisations.id"],
            name=op.f("fk_quote_invitations_body_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["pack_id", "listing_version_id"],
            ["candidates.pack_id", "candidates.listing_version_id"],
            name="fk_quote_invitations_candidate",
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["quote_rounds.id"],
            name=op.f("fk_quote_invitations_round_id_quote_rounds"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["vendors.id"], name=op.f("fk_quote_invitations_seller_id_vendors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_invitations")),
        sa.UniqueConstraint(
            "round_id",
            "listing_version_id",
            name=op.f("uq_quote_invitations_round_id_listing_version_id"),
        ),
    )
    op.create_index(
        op.f("ix_quote_invitations_addressee_id"),
        "quote_invitations",
        ["addressee_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_quote_invitations_body_id"), "quote_invitations", ["body_id"], unique=False
    )
    op.create_index(
        op.f("ix_quote_invitations_round_id"), "quote_invitations", ["round_id"], unique=False
    )


def _make_quote_openings() -> None:
    op.create_table(
        "quote_openings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("first_by_id", sa.Uuid(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_by_id", sa.Uuid(), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_set_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(second_by_id IS NULL) = (second_at IS NULL) AND (second_by_id IS NULL) = (opened_set_sha256 = '')",
            name=op.f("ck_quote_openings_whole"),
        ),
        sa.CheckConstraint(
            "(first_by_id IS NULL OR second_by_id IS NULL OR first_by_id <> second_by_id)",
            name=op.f("ck_quote_openings_four_eyes"),
        ),
        sa.ForeignKeyConstraint(
            ["first_by_id"], ["people.id"], name=op.f("fk_quote_openings_first_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["organisations.id"],
            name=op.f("fk_quote_openings_owner_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["quote_rounds.id"], name=op.f("fk_quote_openings_round_id_quote_rounds")
        ),
        sa.ForeignKeyConstraint(
            ["second_by_id"], ["people.id"], name=op.f("fk_quote_openings_second_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_openings")),
        sa.UniqueConstraint("round_id", name=op.f("uq_quote_openings_round_id")),
    )
    op.create_index(
        op.f("ix_quote_openings_owner_id"), "quote_openings", ["owner_id"], unique=False
    )


def _make_questions() -> None:
    op.create_table(
        "questions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("published_text", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by_id", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(published_at IS NULL) = (answered_by_id IS NULL) AND (published_at IS NULL OR (published_text <> '' AND answer <> ''))",
            name=op.f("ck_questions_published_is_answered"),
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["people.id"], name=op.f("fk_questions_answered_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["people.id"], name=op.f("fk_questions_asked_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["quote_invitations.id"],
            name=op.f("fk_questions_invitation_id_quote_invitations"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_questions_owner_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["quote_rounds.id"], name=op.f("fk_questions_round_id_quote_rounds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_index(op.f("ix_questions_owner_id"), "questions", ["owner_id"], unique=False)
    op.create_index("ix_questions_round", "questions", ["round_id", "created_at"], unique=False)


def _make_quotes() -> None:
    op.create_table(
        "quotes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("current_revision", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("tax", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(opened_at IS NULL) = (content IS NULL) AND (content IS NULL) = (total IS NULL) AND (total IS NULL) = (tax IS NULL)",
            name=op.f("ck_quotes_sealed_until_opened"),
        ),
        sa.CheckConstraint("current_revision > 0", name=op.f("ck_quotes_has_revision")),
        sa.CheckConstraint(
            "opened_at IS NULL OR withdrawn_at IS NULL",
            name=op.f("ck_quotes_withdrawn_stays_sealed"),
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["quote_invitations.id"],
            name=op.f("fk_quotes_invitation_id_quote_invitations"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_quotes_owner_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["quote_rounds.id"], name=op.f("fk_quotes_round_id_quote_rounds")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by_id"], ["people.id"], name=op.f("fk_quotes_withdrawn_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_quotes_invitation_id")),
    )
    op.create_index(op.f("ix_quotes_owner_id"), "quotes", ["owner_id"], unique=False)
    op.create_index(op.f("ix_quotes_round_id"), "quotes", ["round_id"], unique=False)


def _make_quote_revisions() -> None:
    op.create_table(
        "quote_revisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_sha256", sa.String(length=64), nullable=False),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["quote_id"], ["quotes.id"], name=op.f("fk_quote_revisions_quote_id_quotes")
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"],
            ["people.id"],
            name=op.f("fk_quote_revisions_submitted_by_id_people"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_revisions")),
        sa.UniqueConstraint(
            "quote_id", "revision", name=op.f("uq_quote_revisions_quote_id_revision")
        ),
    )
    op.create_index(
        op.f("ix_quote_revisions_quote_id"), "quote_revisions", ["quote_id"], unique=False
    )


@dataclass(frozen=True)
class Rule:
    """What is refused: a condition for each verb; `columns` are those whose change is judged."""

    table: str
    name: str
    verbs: dict[str, str]
    columns: tuple[str, ...] = field(default=())

    def triggers(self) -> Iterator[tuple[str, str, str]]:
        """Give name, event and condition of each trigger."""
        for verb, condition in self.verbs.items():
            of = f" OF {', '.join(self.columns)}" if verb == "UPDATE" and self.columns else ""
            yield f"quoting_{self.table}_{self.name}_{verb.lower()}", f"{verb}{of}", condition


def _changed(*columns: str) -> str:
    return "(" + " OR ".join(f"OLD.{each} IS DISTINCT FROM NEW.{each}" for each in columns) + ")"


def _of_round(condition: str, row: str = "NEW") -> str:
    """Say something of the round `r` of the changed row."""
    return f"EXISTS (SELECT 1 FROM quote_rounds r WHERE r.id = {row}.round_id AND {condition})"


def _is_live(person: str, role: str) -> str:
    """Say that a person holds a role in the body that opens, at the moment of the opening."""
    return (
        f"EXISTS (SELECT 1 FROM memberships m WHERE m.person_id = {person}"
        f" AND m.organisation_id = NEW.owner_id AND m.role = '{role}' AND m.ended_at IS NULL"
        " AND (m.ends_at IS NULL OR m.ends_at > NEW.second_at))"
    )


_ALWAYS = "1 = 1"
_SENT_FACTS = (
    "project_id", "pack_id", "owner_id", "kind", "ordinal", "number", "questions_until",
    "message", "contact", "sole_reason", "conditions", "conditions_sha256", "payload",
    "payload_sha256", "last_editor_id", "submitted_by_id", "approved_by_id", "sent_at",
)  # fmt: skip
_OPENED_BY_TWO = "EXISTS (SELECT 1 FROM quote_openings o WHERE o.round_id = {round} AND o.second_by_id IS NOT NULL)"
_EXTENDED = (
    "EXISTS (SELECT 1 FROM quote_extensions e WHERE e.round_id = NEW.id"
    " AND e.previous_deadline_at = OLD.deadline_at AND e.deadline_at = NEW.deadline_at"
    " AND e.approved_by_id IS NOT NULL)"
)
_IN_TIME = (
    "EXISTS (SELECT 1 FROM quotes q JOIN quote_rounds r ON r.id = q.round_id"
    " WHERE q.id = NEW.quote_id AND r.state = 'sent' AND NEW.submitted_at <= r.deadline_at)"
)
_EXCLUDED = (
    "EXISTS (SELECT 1 FROM candidates c WHERE c.pack_id = NEW.pack_id"
    " AND c.listing_version_id = NEW.listing_version_id AND c.excluded_at IS NOT NULL)"
)
_PAIR = (
    f"(({_is_live('NEW.first_by_id', 'clerk')} AND {_is_live('NEW.second_by_id', 'approver')})"
    f" OR ({_is_live('NEW.first_by_id', 'approver')} AND {_is_live('NEW.second_by_id', 'clerk')}))"
)


def _rules() -> tuple[Rule, ...]:
    return (*_rules_of_rounds(), *_rules_of_quotes(), *_rules_of_questions())


def _rules_of_rounds() -> tuple[Rule, ...]:
    table, extensions, invitations = "quote_rounds", "quote_extensions", "quote_invitations"
    editable = _of_round("r.state IN ('draft', 'returned')")
    late = "NEW.approved_at IS NOT NULL AND NEW.approved_at > NEW.previous_deadline_at"
    facts = (
        "round_id",
        "owner_id",
        "previous_deadline_at",
        "deadline_at",
        "reason",
        "proposed_by_id",
    )
    invited = ("round_id", "body_id", "pack_id", "listing_version_id", "addressee_id", "seller_id")
    declined = ("declined_at", "declined_by_id", "decline_reason")
    told = ("outcome", "outcome_at")
    return (
        Rule(table, "begins_as_draft", {"INSERT": "NEW.state <> 'draft'"}),
        Rule(
            table, "sent_stays",
            {"UPDATE": f"OLD.sent_at IS NOT NULL AND {_changed(*_SENT_FACTS)}",
             "DELETE": "OLD.sent_at IS NOT NULL"},
        ),
        Rule(
            table, "deadline_extended",
            {"UPDATE": f"OLD.sent_at IS NOT NULL AND {_changed('deadline_at')} AND NOT {_EXTENDED}"},
            ("deadline_at",),
        ),
        Rule(
            table, "opened_by_two",
            {"UPDATE": "NEW.state = 'opened' AND OLD.state <> 'opened' AND NOT "
             + _OPENED_BY_TWO.format(round="NEW.id")},
            ("state",),
        ),
        Rule(
            table, "over_stays",
            {"UPDATE": "OLD.state IN ('opened', 'withdrawn') AND "
             + _changed("state", "opened_at", "withdrawn_at", "withdrawn_by_id", "withdrawal_reason")},
        ),
        Rule(
            extensions, "approved_in_time", {"INSERT": late, "UPDATE": late},
        ),
        Rule(
            extensions, "stays",
            {"UPDATE": f"OLD.approved_by_id IS NOT NULL OR {_changed(*facts)}",
             "DELETE": "OLD.approved_by_id IS NOT NULL"},
        ),
        Rule(
            invitations, "before_sending",
            {"INSERT": f"NOT {editable}", "DELETE": f"NOT {editable.replace('NEW.', 'OLD.')}"},
        ),
        Rule(invitations, "not_excluded", {"INSERT": _EXCLUDED}),
        Rule(
            invitations, "stays",
            {"UPDATE": f"{_changed(*invited)} OR (OLD.declined_at IS NOT NULL AND {_changed(*declined)})"
             f" OR (OLD.outcome IS NOT NULL AND {_changed(*told)})"},
        ),
    )  # fmt: skip


def _rules_of_quotes() -> tuple[Rule, ...]:
    revisions, openings = "quote_revisions", "quote_openings"
    opened = ("content", "total", "tax", "opened_at")
    opening = (
        f"{_changed(*opened)} AND (OLD.opened_at IS NOT NULL"
        f" OR NOT {_OPENED_BY_TWO.format(round='NEW.round_id')})"
    )
    own = ("current_revision", "withdrawn_at", "withdrawn_by_id")
    in_time = "r.state = 'sent' AND (NEW.withdrawn_at IS NULL OR NEW.withdrawn_at <= r.deadline_at)"
    pair = (
        "NEW.second_by_id IS NOT NULL AND ("
        f"NOT {_of_round('r.deadline_at < NEW.first_at AND r.deadline_at < NEW.second_at')}"
        f" OR NOT {_of_round('r.owner_id = NEW.owner_id')} OR NOT {_PAIR})"
    )
    return (
        Rule(
            "quotes", "sealed",
            {"INSERT": "NEW.content IS NOT NULL OR NOT " + _of_round("r.state = 'sent'"),
             "UPDATE": opening},
        ),
        Rule(
            "quotes", "in_time",
            {"UPDATE": f"{_changed(*own)} AND NOT {_of_round(in_time)}"}, own,
        ),
        Rule(
            "quotes", "stays",
            {"UPDATE": _changed("invitation_id", "round_id", "owner_id"), "DELETE": _ALWAYS},
        ),
        Rule(revisions, "in_time", {"INSERT": f"NOT {_IN_TIME}"}),
        Rule(revisions, "final", {"UPDATE": _ALWAYS, "DELETE": _ALWAYS}),
        Rule(openings, "two_after_the_deadline", {"INSERT": pair, "UPDATE": pair}),
        Rule(
            openings, "final",
            {"UPDATE": f"OLD.second_by_id IS NOT NULL OR {_changed('round_id', 'owner_id')}",
             "DELETE": "OLD.second_by_id IS NOT NULL"},
        ),
    )  # fmt: skip


def _rules_of_questions() -> tuple[Rule, ...]:
    asked = ("round_id", "owner_id", "invitation_id", "asked_by_id", "original")
    return (
        Rule(
            "questions", "stays",
            {"UPDATE": f"OLD.published_at IS NOT NULL OR {_changed(*asked)}", "DELETE": _ALWAYS},
        ),
    )  # fmt: skip


_FROZEN = ("quote_revisions", "quotes", "quote_openings", "questions")
_TABLES = (
    "quote_rounds", "quote_extensions", "quote_invitations", "quotes", "quote_revisions",
    "quote_openings", "questions",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables and their guards."""
    _make_quote_rounds()
    _make_quote_extensions()
    _make_quote_invitations()
    _make_quote_openings()
    _make_questions()
    _make_quotes()
    _make_quote_revisions()
    make_triggers()


def make_triggers() -> None:
    """Add all triggers of this migration; they refuse with the name of table and rule."""
    is_postgresql = _is_postgresql()
    for rule in _rules():
        for name, event, condition in rule.triggers():
            refusal = f"{rule.table}_{rule.name}"
            if is_postgresql:
                _add_to_postgresql(rule.table, name, event, condition, refusal)
            else:
                plain = condition.replace("IS DISTINCT FROM", "IS NOT")
                op.execute(
                    f"CREATE TRIGGER {name} AFTER {event} ON {rule.table} WHEN {plain}"
                    f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
                )
    if is_postgresql:
        for table in _FROZEN:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _add_to_postgresql(table: str, name: str, event: str, condition: str, refusal: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF ({condition}) THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = '23514'; END IF; "
        "RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def drop_triggers() -> None:
    """Remove all triggers of this migration."""
    is_postgresql = _is_postgresql()
    for rule in _rules():
        for name, _, _ in rule.triggers():
            if is_postgresql:
                op.execute(f"DROP FUNCTION {name}() CASCADE")
            else:
                op.execute(f"DROP TRIGGER {name}")
    if is_postgresql:
        for table in _FROZEN:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def downgrade() -> None:
    """Remove the tables with their guards."""
    drop_triggers()
    for table in reversed(_TABLES):
        op.drop_table(table)
