"""A round of quotes by the services, and what the database itself refuses, on both databases."""

import json
import uuid
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from accounts.models import Membership, OrganisationNotice, Role
from accounts.notices import ORGANISATION_TOLD
from core import db
from core.audit import AuditDetail, AuditEvent
from core.clock import utcnow
from core.errors import (
    Conflict,
    Forbidden,
    GuardFailed,
    Invalid,
    NotFound,
    StaleVersion,
    WrongState,
)
from core.outbox import OutboxMessage
from core.sealing import commit
from procurement.projects import queries as project_queries
from procurement.projects.models import ProjectState
from procurement.quoting import queries, services
from procurement.quoting.models import QuoteKind, QuoteOutcome, QuoteRevision, RoundState
from tests.drills.race_opening import is_receipt_opened
from tests.page_checks import text_of
from tests.procurement.quoting import AFTER, DEADLINE, Quoting, written


@pytest.fixture
def quoting(market):
    market.reach_compared()
    return Quoting(market)


def test_quotes_stay_sealed_until_two_people_open_them_after_the_deadline(quoting, hold_clock):
    market = quoting.market
    quoting.draft()
    quoting.submit()
    with pytest.raises(Forbidden), db.transaction() as session:  # the one who submitted it
        found = quoting.round(session)
        both = market.actor(market.clerk, Role.APPROVER)
        services.approve_round(session, both, market.settings, found, version=found.version)
    assert [quoting.approve(), quoting.approve()] == [True, False]  # a second click
    assert market.project().state is ProjectState.QUOTING

    first = quoting.quote(quoting.seller, market.cheap.id, 24_000)
    assert quoting.quote(quoting.rival, market.other.id, 23_000).revision == 1
    with pytest.raises(NotFound):  # another's invitation does not exist
        quoting.quote(quoting.seller, market.other.id, 1)
    with pytest.raises(StaleVersion):  # somebody of the same vendor was faster
        quoting.quote(quoting.seller, market.cheap.id, 22_000)
    second = quoting.quote(quoting.seller, market.cheap.id, 22_000, revision=1, notes="値下げ")
    assert (second.revision, second.receipt_sha256 != first.receipt_sha256) == (2, True)
    assert all(each.content is None and each.total is None for each in quoting.quotes())
    assert (b"22000" in second.sealed, len(second.sealed)) == (False, len(first.sealed))
    with db.reading() as session:
        assert queries.opened_quotes(session, market.project().id) == ()

    with pytest.raises(Conflict, match="締切"):
        quoting.open(quoting.clerk)
    hold_clock(AFTER)
    with pytest.raises(Conflict, match="締切"):
        quoting.quote(quoting.seller, market.cheap.id, 20_000, revision=2)
    _open_by_two(quoting)
    with pytest.raises(WrongState):
        quoting.quote(quoting.seller, market.cheap.id, 20_000, revision=2)

    with db.reading() as session:
        opened = queries.opened_quotes(session, market.project().id)
        assert not queries.has_live_round(session, market.project().id)
        raw = json.loads(queries.list_quotes(session, quoting.round(session).id)[0].content)
    both = {22_000 * 36 * 11 // 10, 23_000 * 36 * 11 // 10}
    assert {each.total for each in opened} == both
    assert opened[0].basis["total"] == opened[0].total
    assert second.receipt_sha256 in {each.receipt for each in opened}
    assert commit(raw["content"], bytes.fromhex(raw["nonce"])) in {e.receipt for e in opened}
    assert market.project().state is ProjectState.QUOTES_OPENED
    _trail_tells_no_amount(market.project().id, opened)


def _open_by_two(quoting):
    market = quoting.market
    assert quoting.open(quoting.clerk) is False
    with pytest.raises(Forbidden, match="1人目"):
        quoting.open(quoting.clerk)
    with pytest.raises(Forbidden, match="違う役割"):
        quoting.open(market.actor(market.second_clerk, Role.CLERK))
    assert all(each.opened_at is None for each in quoting.quotes())
    assert quoting.open(quoting.approver) is True


def _trail_tells_no_amount(project_id, opened):
    """Vendors' acts are no part of the case before the opening; no event holds an amount."""
    with db.reading() as session:
        rows = session.execute(
            sa.select(AuditEvent, AuditDetail).join(
                AuditDetail, AuditDetail.sequence == AuditEvent.sequence
            )
        ).all()
    case = [event.action for event, _ in rows if event.case_id == project_id]
    assert not [action for action in case if action.startswith(("quote.", "question.ask"))]
    assert {"quote_round.send", "quote_round.open"} <= set(case)
    told = json.dumps([detail.detail for _, detail in rows])
    assert not any(str(each.total) in told for each in opened)
    (detail,) = [detail.detail for event, detail in rows if "receipts" in detail.detail]
    assert sorted(detail["receipts"]) == sorted(each.receipt for each in opened)


def test_first_openers_mark_lives_ten_minutes_and_their_right_is_read_again(quoting, hold_clock):
    market = quoting.market
    quoting.send()
    hold_clock(AFTER)
    assert quoting.open(quoting.approver) is False
    hold_clock(AFTER + timedelta(minutes=11))
    assert quoting.open(quoting.clerk) is False  # the mark was too old: the clerk is now the first
    with db.transaction() as session:
        found = session.execute(
            sa.select(Membership).where(Membership.person_id == market.clerk.id)
        ).scalar_one()
        found.ended_at = utcnow()
    with pytest.raises(Forbidden):
        quoting.open(quoting.approver)
    second = market.actor(market.second_clerk, Role.CLERK)
    hold_clock(AFTER + timedelta(minutes=22))
    assert quoting.open(quoting.approver) is False
    assert quoting.open(market.actor(market.second_clerk, Role.CLERK)) is True
    assert second.person_id is not None
    with db.reading() as session:  # nobody quoted: opened with an empty set
        assert queries.opened_quotes(session, market.project().id) == ()
    assert market.project().state is ProjectState.QUOTES_OPENED


def test_wrong_drafts_quotes_and_questions_are_refused_with_a_sentence(quoting, hold_clock):
    market = quoting.market
    for values, field in (
        ({"candidates": [market.cheap.id]}, "candidates"),
        ({"candidates": [uuid.uuid4(), market.cheap.id]}, "candidates"),
        ({"kind": QuoteKind.SOLE}, "candidates"),
        ({"kind": QuoteKind.SOLE, "candidates": [market.cheap.id]}, "sole_reason"),
        ({"deadline_on": utcnow().date()}, "deadline_on"),
        ({"questions_on": DEADLINE.date()}, "questions_on"),
    ):
        with pytest.raises(Invalid) as told:
            quoting.draft(**values)
        assert field in told.value.errors
    quoting.draft()
    with pytest.raises(GuardFailed):
        quoting.draft()  # one live round
    quoting.submit()
    quoting.approve()
    early = written(1)
    with pytest.raises(Invalid, match="有効期限"), db.transaction() as session:
        services.submit_quote(
            session,
            quoting.seller,
            market.settings,
            quoting.invitation(session, market.cheap.id),
            written=type(early)(early.lines, DEADLINE.date(), ""),
            revision=0,
        )
    with pytest.raises(Invalid, match="一つも"), db.transaction() as session:
        services.submit_quote(
            session,
            quoting.seller,
            market.settings,
            quoting.invitation(session, market.cheap.id),
            written=type(early)((), early.valid_until, ""),
            revision=0,
        )
    hold_clock(DEADLINE - timedelta(days=2))
    with pytest.raises(Conflict, match="質問の受付"), db.transaction() as session:
        invitation = quoting.invitation(session, market.cheap.id)
        services.ask_question(session, quoting.seller, invitation, question="いつですか")


def test_question_is_answered_to_all_and_deadline_moves_for_all(quoting, hold_clock):
    market = quoting.market
    quoting.send()
    with db.transaction() as session:
        invitation = quoting.invitation(session, market.cheap.id)
        services.ask_question(
            session, quoting.seller, invitation, question="弊社（株式会社たね）の型番は？"
        )
    with db.transaction() as session:
        (asked,) = queries.list_questions(session, quoting.round(session).id)
        with pytest.raises(GuardFailed):
            services.publish_answers(session, quoting.clerk, quoting.round(session))
        services.answer_question(
            session,
            quoting.clerk,
            asked,
            version=asked.version,
            published_text="型番の指定はありますか。",
            answer="ありません。",
        )
        assert services.publish_answers(session, quoting.clerk, quoting.round(session)) == 1
        later = DEADLINE.date() + timedelta(days=7)
        found = quoting.round(session)
        services.propose_extension(
            session, quoting.clerk, found, deadline_on=later, reason="質問への答えを読む時間のため"
        )
    with db.reading() as session:
        waiting = queries.open_extension(session, quoting.round(session)).id
    with pytest.raises(NotFound), db.transaction() as session:  # a vendor decides nothing
        found = quoting.round(session)
        services.approve_extension(session, quoting.seller, found, extension_id=waiting)
    with db.transaction() as session:
        found = quoting.round(session)
        services.approve_extension(session, quoting.approver, found, extension_id=waiting)
    hold_clock(AFTER)
    assert quoting.quote(quoting.rival, market.other.id, 20_000).revision == 1
    with pytest.raises(Conflict):
        quoting.open(quoting.approver)
    with db.transaction() as session:
        invitation = quoting.invitation(session, market.other.id)
        with pytest.raises(Conflict, match="取り下げ"):
            services.decline_invitation(session, quoting.rival, invitation, reason="都合のため")
        services.withdraw_quote(session, quoting.rival, invitation, revision=1)
        services.decline_invitation(session, quoting.rival, invitation, reason="都合のため")
    with db.transaction() as session:  # an approver ends it; quotes stay sealed
        found = quoting.round(session)
        services.withdraw_round(
            session, quoting.approver, found, version=found.version, reason="予算の見直しのため"
        )
    assert market.project().state is ProjectState.COMPARED
    assert all(each.content is None for each in quoting.quotes())
    with db.reading() as session:
        assert quoting.round(session).state is RoundState.WITHDRAWN
        assert session.execute(sa.select(OrganisationNotice)).first() is None  # only by the outbox


# What is tried, the name of the guard that refuses it, and how.
_SQL = (
    (
        "deadline moved without an extension",
        "deadline_extended",
        "UPDATE quote_rounds SET deadline_at = questions_until",
    ),
    ("conditions changed after sending", "sent_stays", "UPDATE quote_rounds SET conditions = '{}'"),
    ("letter changed after sending", "sent_stays", "UPDATE quote_rounds SET payload = '{}'"),
    ("sent round deleted", "sent_stays|foreign key", "DELETE FROM quote_rounds"),
    (
        "opened without opening",
        "opened_by_two",
        "UPDATE quote_rounds SET state = 'opened', opened_at = deadline_at",
    ),
    (
        "approved by the submitter",
        "ck_quote_rounds_four_eyes",
        "UPDATE quote_rounds SET submitted_by_id = approved_by_id",
    ),
    (
        "approved by the last editor",
        "ck_quote_rounds_editor_four_eyes",
        "UPDATE quote_rounds SET last_editor_id = approved_by_id",
    ),
    (
        "invitation added after sending",
        "before_sending",
        (
            "INSERT INTO quote_invitations SELECT {new}, created_at, updated_at, version, round_id,"
            " body_id, pack_id, (SELECT listing_version_id FROM candidates c WHERE NOT EXISTS"
            " (SELECT 1 FROM quote_invitations q WHERE q.listing_version_id = c.listing_version_id)),"
            " addressee_id, seller_id, declined_at, declined_by_id, decline_reason, outcome, outcome_at"
            " FROM quote_invitations LIMIT 1"
        ),
    ),
    ("invitation taken away", "before_sending|foreign key", "DELETE FROM quote_invitations"),
    (
        "invitation turned to another",
        "quote_invitations_stays",
        "UPDATE quote_invitations SET addressee_id = body_id",
    ),
    (
        "quote opened by hand",
        "quotes_sealed",
        ("UPDATE quotes SET opened_at = created_at, content = '{{}}', total = 1, tax = 0"),
    ),
    ("quote taken away", "quotes_stays|foreign key", "DELETE FROM quotes"),
    ("sealed bytes changed", "revisions_final", "UPDATE quote_revisions SET sealed = {blob}"),
    ("receipt changed", "revisions_final", "UPDATE quote_revisions SET receipt_sha256 = 'x'"),
    ("revision taken away", "revisions_final", "DELETE FROM quote_revisions"),
    (
        "revision after the deadline",
        "revisions_in_time",
        (
            "INSERT INTO quote_revisions (id, created_at, updated_at, version, quote_id, revision,"
            " sealed, receipt_sha256, submitted_by_id, submitted_at) SELECT {new}, created_at,"
            " updated_at, version, quote_id, 9, sealed, receipt_sha256, submitted_by_id,"
            " '2099-04-01 00:00:00' FROM quote_revisions LIMIT 1"
        ),
    ),
    (
        "opened before the deadline by the right two",
        "two_after_the_deadline",
        (
            "INSERT INTO quote_openings (id, created_at, updated_at, version, round_id, owner_id,"
            " first_by_id, first_at, second_by_id, second_at, opened_set_sha256) SELECT {new},"
            " created_at, updated_at, 1, id, owner_id, submitted_by_id, sent_at, approved_by_id,"
            " sent_at, 'x' FROM quote_rounds"
        ),
    ),
    (
        "opened by two of one role",
        "two_after_the_deadline",
        (
            "INSERT INTO quote_openings (id, created_at, updated_at, version, round_id, owner_id,"
            " first_by_id, first_at, second_by_id, second_at, opened_set_sha256) SELECT {new},"
            " created_at, updated_at, 1, id, owner_id, submitted_by_id, '2099-04-01 00:00:00',"
            " {second_clerk}, '2099-04-01 00:00:00', 'x' FROM quote_rounds"
        ),
    ),
    (
        "opened by one person twice",
        "ck_quote_openings_four_eyes",
        (
            "INSERT INTO quote_openings (id, created_at, updated_at, version, round_id, owner_id,"
            " first_by_id, first_at, second_by_id, second_at, opened_set_sha256) SELECT {new},"
            " created_at, updated_at, 1, id, owner_id, approved_by_id, '2099-04-01 00:00:00',"
            " approved_by_id, '2099-04-01 00:00:00', 'x' FROM quote_rounds"
        ),
    ),
    ("question rewritten", "questions_stays", "UPDATE questions SET original = 'x'"),
    ("question taken away", "questions_stays", "DELETE FROM questions"),
    (
        "extension approved by its proposer",
        "ck_quote_extensions_four_eyes",
        (
            "INSERT INTO quote_extensions (id, created_at, updated_at, version, round_id, owner_id,"
            " previous_deadline_at, deadline_at, reason, proposed_by_id, approved_by_id, approved_at)"
            " SELECT {new}, created_at, updated_at, 1, id, owner_id, deadline_at,"
            " '2099-05-01 00:00:00', 'x', submitted_by_id, submitted_by_id, sent_at FROM quote_rounds"
        ),
    ),
    (
        "extension approved too late",
        "approved_in_time",
        (
            "INSERT INTO quote_extensions (id, created_at, updated_at, version, round_id, owner_id,"
            " previous_deadline_at, deadline_at, reason, proposed_by_id, approved_by_id, approved_at)"
            " SELECT {new}, created_at, updated_at, 1, id, owner_id, deadline_at,"
            " '2099-05-01 00:00:00', 'x', submitted_by_id, approved_by_id, '2099-04-01 00:00:00'"
            " FROM quote_rounds"
        ),
    ),
    (
        "returned extension approved",
        "quote_extensions_returned_stays",
        (
            "UPDATE quote_extensions SET approved_by_id = (SELECT approved_by_id FROM quote_rounds),"
            " approved_at = created_at"
        ),
    ),
)


def test_database_itself_guards_deadline_opening_and_people(quoting, database):
    market = quoting.market
    quoting.send().quote(quoting.seller, market.cheap.id, 24_000)
    with db.transaction() as session:
        invitation = quoting.invitation(session, market.cheap.id)
        services.ask_question(session, quoting.seller, invitation, question="いつですか")
        found, later = quoting.round(session), DEADLINE.date() + timedelta(days=7)
        proposed = services.propose_extension(
            session, quoting.clerk, found, deadline_on=later, reason="x"
        )
        said = {"extension_id": proposed.id, "reason": "年度をまたぐため"}
        services.return_extension(session, quoting.approver, found, **said)
    is_sqlite = database.kind == "sqlite"
    clerk = f"'{market.second_clerk.id.hex if is_sqlite else market.second_clerk.id}'"
    for name, rule, statement in _SQL:
        key = uuid.uuid4()
        filled = statement
        for mark, value in (
            ("{new}", f"'{key.hex}'" if is_sqlite else f"'{key}'::uuid"),
            ("{blob}", "x'00'" if is_sqlite else "'\\x00'::bytea"),
            ("{second_clerk}", clerk if is_sqlite else f"{clerk}::uuid"),
            ("{{}}", "{}"),
        ):
            filled = filled.replace(mark, value)
        if not is_sqlite:
            filled = filled.replace(
                " '2099-04-01 00:00:00'", " '2099-04-01 00:00:00+00'::timestamptz"
            )
            filled = filled.replace(
                " '2099-05-01 00:00:00'", " '2099-05-01 00:00:00+00'::timestamptz"
            )
        with pytest.raises(IntegrityError, match=rule), db.current().engine.begin() as connection:
            connection.exec_driver_sql(filled)
            pytest.fail(name)
    with db.reading() as session:
        assert session.execute(sa.select(sa.func.count(QuoteRevision.id))).scalar_one() == 1


def test_receipt_given_at_the_deadline_is_opened_or_was_refused(quoting):
    """The race that the drill rehearses 200 times: here on both databases, a few rounds."""
    assert is_receipt_opened(quoting.market)
    for _ in range(2):
        quoting.market.stages.start_over("market")
        quoting.market.reach_compared()
        assert is_receipt_opened(quoting.market)


def test_who_quoted_in_an_earlier_round_hears_of_the_choice_in_the_later_one(market, hold_clock):
    market.reach_compared()
    town = Quoting(market).send()
    town.quote(town.seller, market.cheap.id, 24_001)
    hold_clock(AFTER)
    town.open(town.clerk)
    town.open(town.approver)
    earlier = (market.cheap.id, market.other.id)
    with db.reading() as session:
        first = [town.invitation(session, key).id for key in earlier]
    later = {"deadline_on": date(2099, 5, 31), "questions_on": date(2099, 5, 20)}
    town.draft(**later)
    town.submit()
    town.approve()
    town.quote(town.seller, market.cheap.id, 23_000)
    hold_clock(AFTER + timedelta(days=62))
    town.open(town.clerk)
    town.open(town.approver)
    with db.transaction() as session:
        project = project_queries.get_project(session, market.project().id)
        services.announce_outcomes(session, project, market.cheap.id)
    with db.reading() as session:
        outcomes = [queries.get_invitation(session, key).outcome for key in first]
        assert outcomes == [QuoteOutcome.NOT_CHOSEN, QuoteOutcome.NOT_CHOSEN]
        chosen = [town.invitation(session, key).outcome for key in earlier]
        assert chosen == [QuoteOutcome.CHOSEN, QuoteOutcome.NOT_CHOSEN]


@pytest.mark.parametrize("ending", ["abandon-quotes", "none-suitable", "cancel"])
def test_each_who_quoted_is_told_its_own_that_no_quote_was_chosen(market, hold_clock, ending):
    market.reach_compared()
    town = Quoting(market).send()
    town.quote(town.seller, market.cheap.id, 24_001)
    town.quote(town.rival, market.other.id, 25_002)
    hold_clock(AFTER)
    town.open(town.clerk)
    town.open(town.approver)
    path = f"/projects/{market.project().id}/{ending}"
    said = {"confirmed": "yes", "reason": "予算がなくなったため。"}
    assert market.as_(market.clerk).submit(path, said).status_code == 303
    if ending != "abandon-quotes":  # the record stays in reach, and nothing more can begin
        case = text_of(market.as_(market.clerk).page(f"/projects/{market.project().id}"))
        assert ("開封した見積" in case, "終わると始められます" in case) == (True, False)
    with db.reading() as session:
        found = [town.invitation(session, each.id) for each in (market.cheap, market.other)]
        asked = select(OutboxMessage).where(OutboxMessage.topic == ORGANISATION_TOLD)
        told = [str(each.payload) for each in session.exec(asked)]
    assert {each.outcome for each in found} == {QuoteOutcome.NO_CHOICE}
    people = (market.seller_admin, market.rival_admin)
    for mine, theirs, person in zip(found, reversed(found), people, strict=True):
        # By mail and in the list of notices: to each the address of its own request alone.
        (message,) = (each for each in told if str(mine.addressee_id) in each and "結果" in each)
        assert str(mine.id) in message
        assert str(theirs.id) not in message
        browser = market.as_(person)
        inbox = text_of(browser.page("/requests/inbox"))
        assert inbox.count("どの見積も採用されませんでした") == 1
        page = text_of(browser.page(f"/quote-requests/{mine.id}"))
        assert "団体はどの見積も採用しないことを決めました" in page
        assert "予算がなくなった" not in page
        assert browser.get(f"/quote-requests/{theirs.id}").status_code == 404
