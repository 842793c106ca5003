"""Add the bodies of a project, its conditions, exclusions that cite one, and evaluations.

What one row can tell stands in CHECKs; what needs another row stands in triggers, the same on both
databases: conditions are frozen with the search, exclusions change only until the comparison, scores
exist only under fixed weights that sum to 100, and nothing is compared before all is scored.
Candidates excluded before this migration cite nothing and are marked so.

A later migration that rebuilds one of these tables on SQLite (batch mode) has to call
`drop_triggers` first and `make_triggers` afterwards.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_NEW_TABLES = (
    "evaluation_scores",
    "evaluation_criteria",
    "evaluations",
    "evidence_conditions",
    "project_conditions",
    "project_bodies",
)
_KEPT = (
    "candidates",
    "evidence_conditions",
    "evaluations",
    "evaluation_criteria",
    "evaluation_scores",
)


def _state(column: str, row: str) -> str:
    return f"(SELECT state FROM projects WHERE id = {row}.{column})"


def _state_by_pack(row: str) -> str:
    return (
        "(SELECT p.state FROM projects p JOIN evidence_packs k ON k.project_id = p.id"
        f" WHERE k.id = {row}.pack_id)"
    )


def _evaluation(row: str, state: str) -> str:
    found = f"(SELECT state FROM evaluations WHERE id = {row}.evaluation_id)"
    return f"{found} IS DISTINCT FROM '{state}'"


def _changed(*columns: str) -> str:
    return "(" + " OR ".join(f"OLD.{each} IS DISTINCT FROM NEW.{each}" for each in columns) + ")"


def _while(condition: str) -> dict[str, str]:
    """Give a condition on the row for all three verbs."""
    old, new = condition.format(row="OLD"), condition.format(row="NEW")
    return {"INSERT": new, "UPDATE": f"{old} OR {new}", "DELETE": old}


_WEIGHTS = "(SELECT COALESCE(SUM(weight), 0) FROM evaluation_criteria WHERE evaluation_id = NEW.id)"
_UNSCORED = (
    "EXISTS (SELECT 1 FROM candidates c JOIN evaluation_criteria k ON k.evaluation_id = NEW.id"
    " WHERE c.pack_id = NEW.pack_id AND c.excluded_at IS NULL AND NOT k.is_price AND NOT EXISTS"
    " (SELECT 1 FROM evaluation_scores s WHERE s.criterion_id = k.id AND s.candidate_id = c.id))"
)
_OF_ANOTHER_PACK = (
    "NOT EXISTS (SELECT 1 FROM candidates c JOIN evaluations e ON e.pack_id = c.pack_id"
    " WHERE c.id = NEW.candidate_id AND e.id = NEW.evaluation_id AND c.excluded_at IS NULL)"
)
_PRICE = "EXISTS (SELECT 1 FROM evaluation_criteria k WHERE k.id = NEW.criterion_id AND k.is_price)"
_LATER_PACK = (
    "EXISTS (SELECT 1 FROM evidence_packs mine JOIN evidence_packs later"
    " ON later.project_id = mine.project_id AND later.revision > mine.revision"
    " WHERE mine.id = NEW.pack_id)"
)
_NOT_EVALUATED = (
    "NOT EXISTS (SELECT 1 FROM evaluations e JOIN evidence_packs k ON k.id = e.pack_id"
    " WHERE k.project_id = NEW.id AND e.state = 'scored' AND k.revision ="
    " (SELECT MAX(revision) FROM evidence_packs WHERE project_id = NEW.id))"
)
_FOREIGN_PACK = (
    "NOT EXISTS (SELECT 1 FROM evidence_packs k WHERE k.id = NEW.pack_id"
    " AND k.project_id = NEW.project_id)"
)
_IDENTITY = (
    "id",
    "pack_id",
    "rank",
    "listing_version_id",
    "listing_sha256",
    "offering_sha256",
)
_ALWAYS = "1 = 1"
_EVALUATION_MOVES = (
    "OLD.state = 'scored' OR "
    + _changed("id", "project_id", "pack_id")
    + " OR (OLD.state = 'draft' AND NEW.state = 'scored')"
    + " OR (OLD.state = 'fixed' AND NEW.state <> 'draft' AND "
    + _changed("basis", "fixed_by_id", "fixed_at")
    + ")"
)

# Table, name of the rule, and for each verb what is refused.
RULES: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "project_conditions",
        "until_the_lock",
        _while(_state("project_id", "{row}") + " NOT IN ('draft', 'searching')"),
    ),
    ("evidence_conditions", "by_the_lock", {"INSERT": _state_by_pack("NEW") + " <> 'searching'"}),
    ("evidence_conditions", "append_only", {"UPDATE": _ALWAYS, "DELETE": _ALWAYS}),
    (
        "candidates",
        "narrowing",
        {
            "INSERT": f"NEW.excluded_uncited OR {_state_by_pack('NEW')} <> 'searching'",
            "UPDATE": (
                f"{_state_by_pack('NEW')} <> 'evidence_locked' OR {_LATER_PACK}"
                f" OR {_changed(*_IDENTITY)} OR (NEW.excluded_uncited AND NOT OLD.excluded_uncited)"
            ),
            "DELETE": _ALWAYS,
        },
    ),
    ("evaluation_criteria", "before_scores", _while(_evaluation("{row}", "draft"))),
    ("evaluation_scores", "under_fixed_weights", _while(_evaluation("{row}", "fixed"))),
    (
        "evaluation_scores",
        "of_a_candidate",
        {"INSERT": _OF_ANOTHER_PACK, "UPDATE": _OF_ANOTHER_PACK},
    ),
    ("evaluation_scores", "price_is_computed", {"INSERT": _PRICE, "UPDATE": _PRICE}),
    (
        "evaluations",
        "in_order",
        {
            "INSERT": f"NEW.state <> 'draft' OR {_FOREIGN_PACK}",
            "UPDATE": _EVALUATION_MOVES,
            "DELETE": "OLD.state <> 'draft'",
        },
    ),
    (
        "evaluations",
        "weights_sum_up",
        {
            "UPDATE": "OLD.state = 'draft' AND NEW.state = 'fixed' AND "
            f"{_WEIGHTS} <> CASE WHEN NEW.basis = 'weighted' THEN 100 ELSE 0 END"
        },
    ),
    (
        "evaluations",
        "no_score_without_weights",
        {
            "UPDATE": "OLD.state = 'fixed' AND NEW.state = 'draft' AND EXISTS"
            " (SELECT 1 FROM evaluation_scores s WHERE s.evaluation_id = NEW.id)"
        },
    ),
    (
        "evaluations",
        "all_scored",
        {"UPDATE": f"OLD.state = 'fixed' AND NEW.state = 'scored' AND {_UNSCORED}"},
    ),
    (
        "projects",
        "compared_when_evaluated",
        {
            "UPDATE": "OLD.state = 'evidence_locked' AND NEW.state = 'compared'"
            f" AND {_NOT_EVALUATED}"
        },
    ),
)


def upgrade() -> None:
    """Make the tables, let exclusions cite, name each body the lead of its projects, add the guards."""
    _make_project_tables()
    _make_evaluations()
    _let_exclusions_cite()
    _name_leads()
    make_triggers()


def _make_project_tables() -> None:
    op.create_table(
        "project_bodies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "lead",
                "joining",
                name="body_role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "population IS NULL OR population > 0", name=op.f("ck_project_bodies_population")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_project_bodies_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_bodies_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_bodies")),
        sa.UniqueConstraint(
            "project_id",
            "organisation_id",
            name=op.f("uq_project_bodies_project_id_organisation_id"),
        ),
    )
    op.create_index(
        op.f("ix_project_bodies_organisation_id"),
        "project_bodies",
        ["organisation_id"],
        unique=False,
    )
    op.create_index(
        "uq_project_bodies_lead",
        "project_bodies",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("role = 'lead'"),
        postgresql_where=sa.text("role = 'lead'"),
    )
    op.create_table(
        "project_conditions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "case",
                "search",
                "function",
                "term",
                "security",
                "exit",
                "other",
                name="condition_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_project_conditions_has_text")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_conditions_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_conditions")),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_project_conditions_project_id_key")),
    )
    op.create_table(
        "evidence_conditions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pack_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "case",
                "search",
                "function",
                "term",
                "security",
                "exit",
                "other",
                name="condition_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pack_id"],
            ["evidence_packs.id"],
            name=op.f("fk_evidence_conditions_pack_id_evidence_packs"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_conditions")),
        sa.UniqueConstraint("pack_id", "key", name=op.f("uq_evidence_conditions_pack_id_key")),
    )


def _make_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("pack_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "fixed",
                "scored",
                name="evaluation_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "basis",
            sa.Enum(
                "price_only",
                "weighted",
                name="evaluation_basis",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("fixed_by_id", sa.Uuid(), nullable=True),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scored_by_id", sa.Uuid(), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_editor_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state <> 'scored' OR (scored_by_id IS NOT NULL AND scored_at IS NOT NULL)",
            name=op.f("ck_evaluations_scored"),
        ),
        sa.CheckConstraint(
            "state = 'draft' OR (fixed_by_id IS NOT NULL AND fixed_at IS NOT NULL)",
            name=op.f("ck_evaluations_fixed"),
        ),
        sa.CheckConstraint(
            "scored_at IS NULL OR scored_at >= fixed_at", name=op.f("ck_evaluations_order")
        ),
        sa.ForeignKeyConstraint(
            ["fixed_by_id"], ["people.id"], name=op.f("fk_evaluations_fixed_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["last_editor_id"], ["people.id"], name=op.f("fk_evaluations_last_editor_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["pack_id"], ["evidence_packs.id"], name=op.f("fk_evaluations_pack_id_evidence_packs")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_evaluations_project_id_projects")
        ),
        sa.ForeignKeyConstraint(
            ["scored_by_id"], ["people.id"], name=op.f("fk_evaluations_scored_by_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint("pack_id", name=op.f("uq_evaluations_pack_id")),
    )
    op.create_index(op.f("ix_evaluations_project_id"), "evaluations", ["project_id"], unique=False)
    op.create_table(
        "evaluation_criteria",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("evaluation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("is_price", sa.Boolean(), nullable=False),
        sa.Column("how", sa.String(length=200), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_evaluation_criteria_has_name")),
        sa.CheckConstraint("weight BETWEEN 1 AND 100", name=op.f("ck_evaluation_criteria_weight")),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluations.id"],
            name=op.f("fk_evaluation_criteria_evaluation_id_evaluations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_criteria")),
        sa.UniqueConstraint(
            "evaluation_id", "id", name=op.f("uq_evaluation_criteria_evaluation_id_id")
        ),
        sa.UniqueConstraint(
            "evaluation_id", "position", name=op.f("uq_evaluation_criteria_evaluation_id_position")
        ),
    )
    op.create_table(
        "evaluation_scores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("evaluation_id", sa.Uuid(), nullable=False),
        sa.Column("criterion_id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.CheckConstraint("points BETWEEN 0 AND 100", name=op.f("ck_evaluation_scores_points")),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_evaluation_scores_candidate_id_candidates"),
        ),
        sa.ForeignKeyConstraint(
            ["evaluation_id", "criterion_id"],
            ["evaluation_criteria.evaluation_id", "evaluation_criteria.id"],
            name="fk_evaluation_scores_criterion",
        ),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluations.id"],
            name=op.f("fk_evaluation_scores_evaluation_id_evaluations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_scores")),
        sa.UniqueConstraint(
            "criterion_id",
            "candidate_id",
            name=op.f("uq_evaluation_scores_criterion_id_candidate_id"),
        ),
    )
    op.create_index(
        op.f("ix_evaluation_scores_candidate_id"),
        "evaluation_scores",
        ["candidate_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evaluation_scores_evaluation_id"),
        "evaluation_scores",
        ["evaluation_id"],
        unique=False,
    )


@contextmanager
def _without_looking_at_triggers() -> Iterator[None]:
    """Let SQLite rebuild a table that triggers of other tables read: they find it again by name."""
    if _is_postgresql():
        yield
        return
    op.execute("PRAGMA legacy_alter_table = 1")
    try:
        yield
    finally:
        op.execute("PRAGMA legacy_alter_table = 0")


def _let_exclusions_cite() -> None:
    with _without_looking_at_triggers(), op.batch_alter_table("candidates") as batch:
        batch.add_column(sa.Column("condition_key", sa.String(length=20), nullable=True))
        batch.add_column(
            sa.Column("excluded_uncited", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("UPDATE candidates SET excluded_uncited = true WHERE excluded_at IS NOT NULL")
    with _without_looking_at_triggers(), op.batch_alter_table("candidates") as batch:
        batch.create_foreign_key(
            "fk_candidates_condition",
            "evidence_conditions",
            ["pack_id", "condition_key"],
            ["pack_id", "key"],
        )
        batch.create_check_constraint(
            op.f("ck_candidates_exclusion_cites"),
            "excluded_at IS NULL OR condition_key IS NOT NULL OR excluded_uncited",
        )


def _name_leads() -> None:
    # A migration runs outside any transaction of the house, so it reads the clock itself.
    moment = datetime.now(UTC)
    projects = sa.table(
        "projects",
        sa.column("id", sa.Uuid()),
        sa.column("owner_id", sa.Uuid()),
        sa.column("created_at", sa.DateTime(timezone=True)),
    )
    bodies = sa.table(
        "project_bodies",
        sa.column("id", sa.Uuid()),
        *(
            sa.column(n, sa.DateTime(timezone=True))
            for n in ("created_at", "updated_at", "joined_at")
        ),
        sa.column("version", sa.Integer()),
        sa.column("project_id", sa.Uuid()),
        sa.column("organisation_id", sa.Uuid()),
        sa.column("role", sa.String()),
    )
    known = op.get_bind().execute(sa.select(projects)).all()
    rows = [
        {
            "id": uuid.uuid4(),
            "created_at": moment,
            "updated_at": moment,
            "joined_at": each.created_at,
            "version": 1,
            "project_id": each.id,
            "organisation_id": each.owner_id,
            "role": "lead",
        }
        for each in known
    ]
    if rows:
        op.bulk_insert(bodies, rows)


def make_triggers() -> None:
    """Add all triggers of this migration; they refuse with the name of table and rule."""
    for table, name, verbs in RULES:
        for verb, condition in verbs.items():
            _add(table, name, verb, condition)
    if _is_postgresql():
        for table in _KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _add(table: str, name: str, verb: str, condition: str) -> None:
    trigger, refusal = _trigger(table, name, verb), _refusal(table, name)
    event = f"{verb} OF state" if (table, verb) == ("projects", "UPDATE") else verb
    if not _is_postgresql():
        plain = condition.replace("IS DISTINCT FROM", "IS NOT")
        op.execute(
            f"CREATE TRIGGER {trigger} AFTER {event} ON {table} WHEN {plain}"
            f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
        return
    lock = ""
    if table in {"evaluation_criteria", "evaluation_scores"}:
        # Two transactions must not each miss what the other has not committed yet.
        row = "OLD" if verb == "DELETE" else "NEW"
        lock = f"PERFORM 1 FROM evaluations WHERE id = {row}.evaluation_id FOR UPDATE; "
    op.execute(
        f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {lock}"
        f"IF ({condition}) THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = '23514'; END IF; "
        "RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {trigger} AFTER {event} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {trigger}()"
    )


def _trigger(table: str, name: str, verb: str) -> str:
    return f"keep_{table}_{name}_{verb.lower()}"


def _refusal(table: str, name: str) -> str:
    return f"{table} is append-only" if name == "append_only" else f"{table}_{name}"


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def drop_triggers() -> None:
    """Remove all triggers of this migration."""
    for table, name, verbs in RULES:
        for verb in verbs:
            trigger = _trigger(table, name, verb)
            if _is_postgresql():
                op.execute(f"DROP FUNCTION {trigger}() CASCADE")
            else:
                op.execute(f"DROP TRIGGER {trigger}")
    if _is_postgresql():
        for table in _KEPT:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")


def downgrade() -> None:
    """Remove the guards, what exclusions cite, and the tables."""
    drop_triggers()
    with _without_looking_at_triggers(), op.batch_alter_table("candidates") as batch:
        batch.drop_constraint(op.f("ck_candidates_exclusion_cites"), type_="check")
        batch.drop_constraint("fk_candidates_condition", type_="foreignkey")
        batch.drop_column("excluded_uncited")
        batch.drop_column("condition_key")
    for table in _NEW_TABLES:
        op.drop_table(table)
