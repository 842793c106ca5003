"""Whoever reaches the tables past the application can neither decide alone nor rewrite a decision.

One table: at which stage, on which table, what is tried, and the name of the guard that refuses.
"""

import uuid

import pytest
from sqlalchemy import Uuid, bindparam, inspect, text
from sqlalchemy.exc import DatabaseError

from core import db
from procurement.contracts import services as request_services
from tests.procurement.test_register import register

_SELECTION, _REQUEST = "WHERE id = :selection", "WHERE id = :request"
_LIES = "payload = 'y', payload_sha256 = 'y', approved_sha256 = 'y', sent_sha256 = 'y'"
# An approval that looks whole except for what is tried.
_APPROVED = (
    "state = 'approved', approved_at = created_at, payload = 'x', approved_sha256 = 'x',"
    " number = '令和8-0009', fiscal_year = 2026, ordinal = 9"
)
_DECIDED = "is_approved = TRUE, decided_at = created_at"

PROPOSED = (
    ("selections", f"{_DECIDED}", "decided_by_somebody"),
    ("selections", f"{_DECIDED}, decided_by_id = :clerk", "four_eyes"),
    ("selections", f"{_DECIDED}, decided_by_id = :editor, last_editor_id = :editor", "editor_four"),
    ("selections", "last_editor_id = :second", "proposal_stays"),
    ("selections", "proposed_by_id = :second", "proposal_stays"),
    ("selections", "reason = 'y'", "proposal_stays"),
    ("projects", "state = 'selection_approved'", "approved_by_a_decision"),
    ("projects", "state = 'closed'", "approved_by_a_decision"),
    ("projects", "need = 'y'", "decided_need_stays"),
)
CHOSEN = (
    *(
        ("selections", f"{column} = {value}", "selections_")
        for column, value in (
            ("reason", "'y'"),
            ("total_with_tax", "1"),
            ("cost_basis", "'{}'"),
            ("proposed_by_id", ":second"),
            ("decided_by_id", ":second"),
            ("decided_at", "NULL"),
            ("is_approved", "FALSE"),
            ("is_approved", "NULL"),
            ("approved_sha256", "'y'"),
            ("return_reason", "'y'"),
        )
    ),
    ("projects", "term_months = 60", "decided_need_stays"),
    ("projects", "budget_line = 'y'", "decided_need_stays"),
)
SUBMITTED = (
    ("usage_contract_requests", _APPROVED, "approved_by_somebody"),
    ("usage_contract_requests", f"{_APPROVED}, approved_by_id = :clerk", "four_eyes"),
    (
        "usage_contract_requests",
        f"{_APPROVED}, approved_by_id = :editor, last_editor_id = :editor",
        "editor_four_eyes",
    ),
    (
        "usage_contract_requests",
        f"{_APPROVED}, approved_by_id = :clerk, submitted_by_id = :second, last_editor_id = :second",
        "approved_by_no_chooser",
    ),
    (
        "usage_contract_requests",
        f"{_APPROVED}, approved_by_id = :approver, submitted_by_id = NULL",
        "approved_by_somebody",
    ),
    ("usage_contract_requests", "state = 'sent', sent_sha256 = ''", "sent_has_hash"),
    ("usage_contract_requests", "state = 'accepted', sent_sha256 = 'x'", "sent_is_approved"),
)
APPROVED = (
    *(
        ("usage_contract_requests", f"{column} = {value}", "approval_stays")
        for column, value in (
            ("payload", "'y'"),
            ("message", "'y'"),
            ("number", "'令和8-9999'"),
            ("approved_by_id", ":second"),
            ("submitted_by_id", ":second"),
            ("last_editor_id", ":second"),
            ("selection_sha256", "'y'"),
            ("answer_due_at", "created_at"),
        )
    ),
    ("usage_contract_requests", f"state = 'sent', {_LIES}", "usage_contract_requests_"),
    (
        "usage_contract_requests",
        "state = 'sent', sent_sha256 = approved_sha256",
        "sent_by_somebody",
    ),
)
_BACK = "state = 'withdrawn', withdrawn_at = created_at, withdrawal_reason = 'x', withdrawn_by_id"
SENT = (
    ("usage_contract_requests", f"{_BACK} = submitted_by_id", "withdrawn_by_no_preparer"),
    ("usage_contract_requests", f"{_BACK} = last_editor_id", "withdrawn_by_no_preparer"),
)
REGISTERED = (
    ("usage_contract_requests", "state = 'accepted'", "outcome_stays"),
    ("usage_contract_requests", "answer_reason = 'y'", "outcome_stays"),
    ("usage_contract_requests", "sent_at = created_at", "sending_stays"),
    ("usage_contract_requests", "sent_by_id = :second", "sending_stays"),
    ("contracts", "number = 'y'", "registration_stays"),
    ("contracts", "ends_on = '2099-01-01'", "registration_stays"),
    ("contracts", "signed_record_sha256 = 'y'", "registration_stays"),
    ("contracts", "registered_by_id = :second", "registration_stays"),
    ("contracts", "confirmed_by_id = :clerk, confirmed_at = created_at", "four_eyes"),
    ("contracts", "confirmed_by_id = :approver", "confirmed_whole"),
)
_UNDECIDED = {
    "is_approved": "NULL",
    "decided_by_id": "NULL",
    "decided_at": "NULL",
    "approved_sha256": "''",
}
BORN = (
    ("selections", {"is_approved": "TRUE", "decided_at": "created_at"}, "born_undecided"),
    ("selections", {"last_editor_id": ":second", **_UNDECIDED}, "names_the_last_editor"),
    ("usage_contract_requests", {"state": "'withdrawn'", "ordinal": "NULL"}, "born_undecided"),
)  # fmt: skip
# A decision on paper: who records it, who is said to have prepared the choice and edited it last.
PAPER = (
    (("s.proposed_by_id", "s.proposed_by_id", ":second"), "ck_external_decisions_four_eyes"),
    ((":second", "s.proposed_by_id", ":second"), "ck_external_decisions_editor_four_eyes"),
    (("s.proposed_by_id", ":second", ":approver"), "external_decisions_of_the_choice"),
    (("s.last_editor_id", ":second", ":approver"), "external_decisions_of_the_choice"),
)
_ON_PAPER = (
    "INSERT INTO external_decisions (id, created_at, updated_at, version, selection_id, project_id,"
    " owner_id, document_number, decider_title, decider_name, decided_on, document_sha256,"
    " file_sha256, file_name, file_size, recorded_by_id, prepared_by_id, last_editor_id)"
    " SELECT :new, s.created_at, s.updated_at, 1, s.id, s.project_id, s.owner_id, 'x', 'x', 'x',"
    " CAST('2026-11-01' AS DATE), s.proposal_sha256, 'x', 'x', 1, {}, {}, {} FROM selections s"
)
DELETED = ("selections", "usage_contract_requests", "contracts")


def test_no_wrong_pair_and_no_rewritten_decision_enters_the_tables(market):
    for reach, attempts in (
        (market.reach_proposed, PROPOSED),
        (market.reach_chosen, CHOSEN),
        (market.reach_submitted, SUBMITTED),
        (market.reach_approved, APPROVED),
        (market.reach_sent, SENT),
        (lambda: _register(market), REGISTERED),
    ):
        market.stages.start_over("market")
        reach()
        known = _ids(market)
        for table, change, rule in attempts:
            statement = f"UPDATE {table} SET {change} WHERE id = :{_KEYS[table]}"
            _is_refused(statement, known, rule)
        if reach == market.reach_proposed:
            for people, rule in PAPER:
                _is_refused(_ON_PAPER.format(*people), known, rule)
    for table, changes, rule in BORN:
        _is_refused(_copying(table, changes), known, rule)
    for table in DELETED:
        _is_refused(f"DELETE FROM {table}", known, "kept|foreign key|FOREIGN KEY|append-only")
        if not db.current().is_sqlite:
            _is_refused(f"TRUNCATE {table} CASCADE", known, "append-only")
    # Nothing of it went through: what was registered still verifies.
    with db.reading() as session:
        request = market.load_request(session)
        assert request_services.compute_hash(session, request) == request.approved_sha256


_KEYS = {
    "selections": "selection",
    "projects": "project",
    "usage_contract_requests": "request",
    "contracts": "contract",
}


def _register(market):
    market.reach_accepted()
    assert register(market).status_code == 303


def _ids(market):
    known = {
        "clerk": market.clerk.id,
        "second": market.second_clerk.id,
        "approver": market.approver.id,
        "editor": market.both.id,
        "project": market.project().id,
        "selection": market.selection().id,
        "new": uuid.uuid4(),
    }
    with db.reading() as session:
        for key, table in (("request", "usage_contract_requests"), ("contract", "contracts")):
            found = session.execute(text(f"SELECT id FROM {table}")).scalar()
            known[key] = uuid.UUID(str(found)) if found else uuid.uuid4()
    return known


def _copying(table, changes):
    columns = [each["name"] for each in inspect(db.current().engine).get_columns(table)]
    changes = {"id": ":new", **changes}
    chosen = ", ".join(f"{changes.get(name, name)}" for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table}"


def _is_refused(statement, known, rule):
    used = [bindparam(name, value, type_=Uuid()) for name, value in known.items()]
    asked = text(statement)
    asked = asked.bindparams(*(each for each in used if f":{each.key}" in statement))
    with (
        pytest.raises(DatabaseError, match=rule),
        db.current().engine.begin() as connection,
    ):
        connection.execute(asked)
        pytest.fail(f"accepted: {statement}")
