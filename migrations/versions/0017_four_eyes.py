"""Let the database itself refuse every wrong pair of people around certificates and specifications.

What one row can tell stands in CHECKs; what needs another row (an opinion, a declaration, an
approval) stands in triggers, the same on both databases. They run after the CHECKs and look at the
changed row; rows from before this migration keep working, for only a change is judged.

A later migration that rebuilds one of these tables on SQLite (batch mode) has to call
`drop_triggers` first and `make_triggers` afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_DECIDED = "('certified', 'conditional', 'refused', 'suspended', 'revoked', 'superseded')"
_PAST_REVIEW = f"('recommended', {_DECIDED[1:]}"
_PUBLISHED = "('scheduled', 'effective', 'superseded', 'retired')"
_PAIR_OF = "{row}.first_reviewer_id, {row}.second_reviewer_id"
_PAIR = _PAIR_OF.format(row="NEW")
_PAIR_OF_REVIEW = _PAIR_OF.format(row="c")

_CHECKS = {
    "two_reviewers": (
        f"state NOT IN {_PAST_REVIEW} OR based_on_id IS NOT NULL "
        "OR (first_reviewer_id IS NOT NULL AND second_reviewer_id IS NOT NULL)"
    ),
    "decided": (
        f"(state NOT IN {_DECIDED} OR decided_by_id IS NOT NULL) "
        "AND (state NOT IN ('certified', 'conditional') OR valid_until IS NOT NULL)"
    ),
    "based_on_another": "based_on_id IS NULL OR based_on_id <> id",
}
_CHECKS_BEFORE = {
    "two_reviewers": (
        "state NOT IN ('recommended', 'certified', 'conditional') OR based_on_id IS NOT NULL "
        "OR (first_reviewer_id IS NOT NULL AND second_reviewer_id IS NOT NULL)"
    ),
    "decided": (
        "state NOT IN ('certified', 'conditional') OR (decided_by_id IS NOT NULL AND valid_until IS NOT NULL)"
    ),
}


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
            yield f"four_eyes_{self.table}_{self.name}_{verb.lower()}", f"{verb}{of}", condition


def _changed(*columns: str) -> str:
    return "(" + " OR ".join(f"OLD.{each} IS DISTINCT FROM NEW.{each}" for each in columns) + ")"


def _has_conflict(version: str, people: str) -> str:
    """Say that one of these people declared a conflict on any version of the same offering."""
    return (
        "EXISTS (SELECT 1 FROM conflict_declarations d"
        " JOIN certifications dc ON dc.id = d.certification_id"
        " JOIN offering_versions dv ON dv.id = dc.offering_version_id"
        f" WHERE d.has_conflict AND d.person_id IN ({people}) AND dv.offering_id ="
        f" (SELECT offering_id FROM offering_versions WHERE id = {version}))"
    )


def _of_review(condition: str) -> str:
    """Say something of the certification `c` to which the changed row belongs."""
    return (
        f"EXISTS (SELECT 1 FROM certifications c WHERE c.id = NEW.certification_id AND {condition})"
    )


def _took_part(person: str, review: str) -> str:
    """Say that a person submitted or reviewed a certification, or owed a declaration on it."""
    pair = _PAIR_OF.format(row=review)
    return (
        f"{person} IN ({review}.submitted_by_id, {pair})"
        f" OR EXISTS (SELECT 1 FROM review_submissions s WHERE s.certification_id = {review}.id"
        f" AND s.submitted_by_id = {person})"
        f" OR EXISTS (SELECT 1 FROM conflict_declarations t WHERE t.certification_id = {review}.id"
        f" AND t.person_id = {person}) OR " + _has_conflict(f"{review}.offering_version_id", person)
    )


def _cleared(place: str, row: str = "NEW") -> str:
    return (
        f"EXISTS (SELECT 1 FROM conflict_declarations d WHERE d.certification_id = {row}.id"
        f" AND d.person_id = {row}.{place}_reviewer_id AND NOT d.has_conflict)"
    )


_OPINIONS = (
    "(SELECT count(*) FROM recommendations r WHERE r.certification_id = NEW.id"
    f" AND r.reviewer_id IN ({_PAIR}))"
)
# The certificate of an older version stands in for one of the two opinions (surveillance).
_NEEDED = (
    "CASE WHEN NEW.based_on_id IS NOT NULL AND NEW.state IN ('certified', 'conditional')"
    " THEN 1 ELSE 2 END"
)
_ENTERS = (
    f"NEW.state IN {_PAST_REVIEW} AND (OLD.state NOT IN {_PAST_REVIEW}"
    " OR NEW.state IN ('recommended', 'refused') AND OLD.state <> NEW.state)"
)
_BASE = (
    "EXISTS (SELECT 1 FROM certifications b"
    " JOIN offering_versions bv ON bv.id = b.offering_version_id"
    " JOIN offering_versions v ON v.id = NEW.offering_version_id"
    " WHERE b.id = NEW.based_on_id AND bv.offering_id = v.offering_id AND bv.id <> v.id"
    " AND b.specification_version_id = NEW.specification_version_id"
    " AND b.state IN ('certified', 'conditional'))"
)
_REVIEWER_TIED = (
    f"{_has_conflict('NEW.offering_version_id', _PAIR)}"
    " OR EXISTS (SELECT 1 FROM review_submissions s WHERE s.certification_id = NEW.id"
    f" AND s.submitted_by_id IN ({_PAIR}))"
    " OR EXISTS (SELECT 1 FROM offering_versions v WHERE v.id = NEW.offering_version_id"
    f" AND v.approved_by_id IN (NEW.submitted_by_id, {_PAIR}))"
)
_DECIDER_TIED = (
    f"NEW.decided_by_id IS NOT NULL AND ({_took_part('NEW.decided_by_id', 'NEW')}"
    " OR EXISTS (SELECT 1 FROM appeals a WHERE a.certification_id = NEW.id"
    " AND a.state = 'upheld' AND a.first_decider_id = NEW.decided_by_id))"
)
_MEASURES = ("suspended_by_id", "revocation_proposed_by_id", "revocation_confirmed_by_id")
_MEASURE_TIED = _has_conflict(
    "NEW.offering_version_id", ", ".join(f"NEW.{each}" for each in _MEASURES)
)
_UNDECLARED = " OR ".join(
    f"(NEW.{place}_cleared_at IS NOT NULL AND {{changed_{place}}} AND NOT {_cleared(place)})"
    for place in ("first", "second")
)
_APPROVER_TIED = (
    "NEW.approved_by_id IS NOT NULL AND EXISTS (SELECT 1 FROM certifications c"
    " WHERE c.offering_version_id = {version} AND c.state <> 'refused'"
    f" AND ({_took_part('NEW.approved_by_id', 'c')}))"
)
_DISPUTED_DECIDERS = _of_review(
    "NEW.first_decider_id = CASE NEW.disputed WHEN 'refusal' THEN c.decided_by_id"
    " WHEN 'suspension' THEN c.suspended_by_id ELSE c.revocation_proposed_by_id END"
    " AND (NEW.disputed <> 'revocation' OR NEW.second_decider_id = c.revocation_confirmed_by_id)"
)
_APPEAL_TIED = "NEW.decided_by_id IS NOT NULL AND " + _of_review(
    f"({_took_part('NEW.decided_by_id', 'c')})"
)
_FINDER_TIED = (
    "{person} IS NOT NULL AND "
    + _of_review(
        "({person} = c.submitted_by_id"
        " OR ({person} = c.first_reviewer_id AND c.first_cleared_at IS NULL)"
        " OR ({person} = c.second_reviewer_id AND c.second_cleared_at IS NULL)"
        f" OR {_has_conflict('c.offering_version_id', '{person}')})"
    )
)  # fmt: skip


def _rules() -> tuple[Rule, ...]:
    return (*_rules_of_reviews(), *_rules_of_proceedings(), *_rules_of_approval())


def _rules_of_reviews() -> tuple[Rule, ...]:
    table = "certifications"
    pair = ("first_reviewer_id", "second_reviewer_id")
    fresh = {f"changed_{place}": "1 = 1" for place in ("first", "second")}
    moved = {
        f"changed_{place}": _changed(f"{place}_cleared_at", f"{place}_reviewer_id")
        for place in ("first", "second")
    }
    astray = (
        "EXISTS (SELECT 1 FROM recommendations r WHERE r.certification_id = NEW.id"
        " AND r.reviewer_id IS DISTINCT FROM NEW.first_reviewer_id"
        " AND r.reviewer_id IS DISTINCT FROM NEW.second_reviewer_id)"
    )
    rebased = (
        f"{_changed('based_on_id')}"
        f" AND (OLD.state NOT IN ('under_review', 'recommended') OR NOT {_BASE})"
    )
    nameless = (
        "NEW.state = 'suspended' AND OLD.state <> 'suspended' AND NEW.suspended_by_id IS NULL"
    )
    return (
        Rule(
            table,
            "two_opinions",
            {
                "INSERT": f"NEW.state IN {_PAST_REVIEW}",
                "UPDATE": f"{_ENTERS} AND {_OPINIONS} < {_NEEDED}",
            },
            ("state",),
        ),
        Rule(
            table, "based_on", {"INSERT": "NEW.based_on_id IS NOT NULL", "UPDATE": rebased},
            ("based_on_id",),
        ),
        Rule(table, "opinion_of_the_pair", {"UPDATE": astray}, pair),
        Rule(
            table, "reviewer_apart", dict.fromkeys(("INSERT", "UPDATE"), _REVIEWER_TIED),
            ("submitted_by_id", *pair),
        ),
        Rule(
            table,
            "declared_first",
            {"INSERT": _UNDECLARED.format(**fresh), "UPDATE": _UNDECLARED.format(**moved)},
            (*pair, "first_cleared_at", "second_cleared_at"),
        ),
        Rule(
            table, "decider_apart", dict.fromkeys(("INSERT", "UPDATE"), _DECIDER_TIED),
            ("decided_by_id",),
        ),
        Rule(
            table, "measure_apart", dict.fromkeys(("INSERT", "UPDATE"), _MEASURE_TIED), _MEASURES
        ),
        Rule(table, "suspended_by_somebody", {"UPDATE": nameless}, ("state", "suspended_by_id")),
    )  # fmt: skip


def _rules_of_proceedings() -> tuple[Rule, ...]:
    opinion = (
        f"NOT {_of_review(f'NEW.reviewer_id IN ({_PAIR_OF_REVIEW})')}"
        " OR NOT EXISTS (SELECT 1 FROM conflict_declarations d"
        " WHERE d.certification_id = NEW.certification_id AND d.person_id = NEW.reviewer_id"
        " AND NOT d.has_conflict)"
    )
    late = _of_review("c.state NOT IN ('assigned', 'under_review')")
    kept = (
        "EXISTS (SELECT 1 FROM certifications c WHERE c.id = OLD.certification_id"
        f" AND c.state IN {_PAST_REVIEW})"
    )
    submitter = _of_review(f"NEW.submitted_by_id IN ({_PAIR_OF_REVIEW}, c.decided_by_id)")
    facts = ("certification_id", "disputed", "disputed_at", "first_decider_id",
             "second_decider_id", "filed_by_id")  # fmt: skip
    judged = "NEW.judged_by_id IS NOT NULL AND " + _of_review(
        "(NEW.judged_by_id = c.submitted_by_id"
        f" OR {_has_conflict('c.offering_version_id', 'NEW.judged_by_id')})"
    )
    always, both = "1 = 1", ("INSERT", "UPDATE")
    return (
        Rule("recommendations", "of_a_reviewer", {"INSERT": opinion}),
        Rule("recommendations", "in_time", {"INSERT": late}),
        Rule("recommendations", "final", {"UPDATE": always, "DELETE": kept}),
        Rule("conflict_declarations", "final", {"UPDATE": always, "DELETE": always}),
        Rule("review_submissions", "submitter_apart", {"INSERT": submitter, "UPDATE": submitter}),
        Rule(
            "findings",
            "finder_apart",
            dict.fromkeys(both, _FINDER_TIED.format(person="NEW.raised_by_id")),
            ("raised_by_id", "certification_id"),
        ),
        Rule(
            "findings", "settler_apart",
            dict.fromkeys(both, _FINDER_TIED.format(person="NEW.settled_by_id")),
            ("settled_by_id",),
        ),
        Rule("appeals", "names_the_deciders", {"INSERT": f"NOT {_DISPUTED_DECIDERS}"}),
        Rule("appeals", "facts_stay", {"UPDATE": _changed(*facts)}, facts),
        Rule("appeals", "decider_apart", dict.fromkeys(both, _APPEAL_TIED), ("decided_by_id",)),
        Rule("condition_reports", "judge_apart", dict.fromkeys(both, judged), ("judged_by_id",)),
    )  # fmt: skip


def _rules_of_approval() -> tuple[Rule, ...]:
    with_version = (
        "EXISTS (SELECT 1 FROM offering_versions v WHERE v.id = NEW.offering_version_id"
        " AND v.state IN ('submitted', 'in_review', 'approved')) AND "
        + _APPROVER_TIED.format(version="NEW.offering_version_id")
    )
    nameless = f"NEW.state IN {_PUBLISHED} AND NEW.publisher_id IS NULL"
    rewritten = (
        "(OLD.state NOT IN ('draft', 'consultation') AND " + _changed("last_editor_id") + ")"
        f" OR (OLD.state IN {_PUBLISHED} AND " + _changed("publisher_id") + ")"
    )
    both = ("INSERT", "UPDATE")
    return (
        Rule(
            "offering_versions", "approver_apart",
            {"UPDATE": _APPROVER_TIED.format(version="NEW.id")}, ("approved_by_id",),
        ),
        Rule(
            "listing_versions", "approver_apart", dict.fromkeys(both, with_version),
            ("approved_by_id",),
        ),
        Rule(
            "specification_versions", "published_by_somebody",
            {"INSERT": nameless, "UPDATE": f"{nameless} AND OLD.state NOT IN {_PUBLISHED}"},
            ("state",),
        ),
        Rule(
            "specification_versions", "names_stay", {"UPDATE": rewritten},
            ("last_editor_id", "publisher_id"),
        ),
    )  # fmt: skip


def upgrade() -> None:
    """Change the CHECKs of certifications, then add the triggers."""
    _change_checks(_CHECKS_BEFORE, _CHECKS)
    make_triggers()


def _change_checks(old: dict[str, str], new: dict[str, str]) -> None:
    with op.batch_alter_table("certifications") as batch:
        for name in old:
            batch.drop_constraint(op.f(f"ck_certifications_{name}"), type_="check")
        for name, rule in new.items():
            batch.create_check_constraint(op.f(f"ck_certifications_{name}"), rule)


def make_triggers() -> None:
    """Add all triggers of this migration; they refuse with the name of table and rule."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
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


_HANGS_ON_REVIEW = (
    "recommendations", "conflict_declarations", "review_submissions", "findings", "appeals",
    "condition_reports",
)  # fmt: skip


def _add_to_postgresql(table: str, name: str, event: str, condition: str, refusal: str) -> None:
    lock = ""
    if table in _HANGS_ON_REVIEW:
        # Two transactions must not each miss what the other has not committed yet.
        row = "OLD" if event == "DELETE" else "NEW"
        lock = f"PERFORM 1 FROM certifications WHERE id = {row}.certification_id FOR UPDATE; "
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {lock}"
        f"IF ({condition}) THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = '23514'; END IF; "
        "RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def drop_triggers() -> None:
    """Remove all triggers of this migration."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for rule in _rules():
        for name, _, _ in rule.triggers():
            if is_postgresql:
                op.execute(f"DROP FUNCTION {name}() CASCADE")
            else:
                op.execute(f"DROP TRIGGER {name}")


def downgrade() -> None:
    """Remove the triggers; the CHECKs are as before."""
    drop_triggers()
    _change_checks(_CHECKS, _CHECKS_BEFORE)
