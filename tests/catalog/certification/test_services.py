"""What a review allows, refuses and leaves behind, as acts on the database."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from accounts.models import Role
from catalog.certification import queries, services
from catalog.certification.assessment import visible_opinions
from catalog.certification.models import Certification, Opinion, Recommendation, ReviewState
from catalog.certification.queries import queue as waiting
from catalog.certification.queue import QueueFilter
from catalog.offerings import services as offerings
from catalog.offerings.models import ConformanceAnswer, OfferingVersion, OfferState
from catalog.specifications.models import Requirement, SpecificationAction, SpecificationVersion
from catalog.terms import Answer, CertificationState
from core import audit, audit_checkpoints, changes, db, outbox
from core.clock import end_of_day, today_jst
from core.errors import (
    Conflict,
    Forbidden,
    GuardFailed,
    Invalid,
    NotFound,
    ReauthenticationRequired,
    StaleVersion,
    WrongState,
)
from tests import factories
from tests.catalog.certification.conftest import (
    Stage,
    assign,
    decide,
    declare,
    load,
    load_version,
    make_recommended,
    publish,
    recommend,
    submit,
)
from tests.databases import DatabaseUnderTest
from tests.drills.two_leads import is_one_decision

ROUNDS = 5
NEXT_WEEK = today_jst() + timedelta(days=7)


def state_of(certification_id) -> ReviewState:
    with db.reading() as session:
        return load(session, certification_id).state


def version_state(stage: Stage) -> OfferState:
    with db.reading() as session:
        return load_version(session, stage.version_id).state


def test_certified_offering_carries_number_results_and_announcements(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id)
    with db.reading() as session:
        review = load(session, certification_id)
        year = today_jst().year - (today_jst().month < 4)
        assert review.number == f"NC-{year}-{certification_id.hex[:8].upper()}"
        assert review.valid_until == end_of_day(today_jst() + timedelta(days=730))
        assert review.offering_version.state is OfferState.APPROVED
        assert review.offering_version.approved_by_id == stage.leads[0].id
        assert {r["class"]: r["total"] for r in review.results["classes"]} == {
            "must": 4, "may": 1, "must_not": 1,
        }  # fmt: skip
        assert [row["total"] for row in review.results["chapters"]] == [4, 2]
        assert changes.list_changes(session, 0, 10) == []
        messages = session.exec(select(outbox.OutboxMessage)).all()
        topics = {message.topic: message for message in messages}
        assert set(topics) == {
            "search.listing_changed", "certification.expired", "organisation.told", "person.told",
        }  # fmt: skip
        assert topics["organisation.told"].payload["organisation_id"] == str(review.owner_id)
        assert topics["certification.expired"].due_at == review.valid_until
        standing = queries.standings(session, [review.offering_version])[stage.version_id]
        assert standing.state is CertificationState.CERTIFIED
        offering_id = review.offering_version.offering_id
    publish(stage)
    with db.reading() as session:
        news = {(each.kind, each.subject_id) for each in changes.list_changes(session, 0, 10)}
        assert {("certificate", certification_id), ("offering", offering_id)} < news


@pytest.mark.acceptance(29)
def test_nobody_of_the_vendor_reviews_and_no_person_twice(stage: Stage) -> None:
    certification_id = submit(stage)
    first, second = stage.reviewers
    with db.transaction() as session:
        factories.membership(session, first, Role.VENDOR_MEMBER, stage.company.home)
    for ids, field in (((first.id, second.id), "first_id"), ((second.id, second.id), "second_id")):
        with pytest.raises(Invalid) as caught, db.transaction() as session:
            services.assign(session, stage.lead(), load(session, certification_id), *ids)
        assert field in caught.value.errors
    with db.reading() as session:
        eligible = queries.list_eligible_reviewers(session, load(session, certification_id))
        assert [person.id for person in eligible] == [second.id]


def test_reviewer_who_joins_the_vendor_later_is_refused(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    insider = factories.actor(stage.reviewers[0], Role.REVIEWER, stage.agency)
    insider = replace(insider, organisation_ids=frozenset({stage.agency.id, stage.company.home.id}))
    with pytest.raises(NotFound), db.transaction() as session:
        services.recommend(
            session,
            insider,
            load(session, certification_id),
            opinion=Opinion.CERTIFY,
            reason="よい。",
        )
    assert state_of(certification_id) is ReviewState.ASSIGNED


@pytest.mark.acceptance(29)
def test_lead_who_reviewed_cannot_decide(stage: Stage) -> None:
    with db.transaction() as session:
        factories.membership(session, stage.leads[0], Role.REVIEWER, stage.agency)
    certification_id = submit(stage)
    with db.transaction() as session:
        ids = (stage.leads[0].id, stage.reviewers[1].id)
        services.assign(session, stage.lead(1), load(session, certification_id), *ids)
    for someone in (stage.leads[0], stage.reviewers[1]):
        declare(factories.actor(someone, Role.REVIEWER, stage.agency), certification_id)
    for someone in (stage.leads[0], stage.reviewers[1]):
        with db.transaction() as session:
            services.recommend(
                session,
                factories.actor(someone, Role.REVIEWER, stage.agency),
                load(session, certification_id),
                opinion=Opinion.CERTIFY,
                reason="確認した。",
            )
    with pytest.raises(Forbidden):
        decide(stage.lead(), certification_id)
    with pytest.raises(Forbidden), db.transaction() as session:
        services.approve_claim(session, stage.lead(), load(session, certification_id))
    decide(stage.lead(1), certification_id)
    assert state_of(certification_id) is ReviewState.CERTIFIED


PEOPLE = ("submitted_by_id", "first_reviewer_id", "second_reviewer_id", "decided_by_id")


@pytest.mark.acceptance(29)
def test_database_refuses_one_person_in_two_parts(database: DatabaseUnderTest) -> None:
    with db.transaction() as session:
        made = factories.offering(
            session, factories.vendor(session), factories.specification(session)
        )
        version = session.get_one(OfferingVersion, made.offering_version_id)
        submitter = factories.person(session)
        row = factories.certification(session, version, submitted_by_id=submitter.id)
        people = {name: getattr(row, name) for name in PEOPLE}
    assert len(set(people.values())) == len(PEOPLE)
    for one, other in itertools.permutations(PEOPLE, 2):
        value = people[one].hex if database.kind == "sqlite" else people[one]
        with pytest.raises(Conflict) as caught, db.transaction() as session:
            session.execute(text(f"UPDATE certifications SET {other} = :value"), {"value": value})
        assert "ck_certifications_four_eyes" in str(caught.value.__cause__)
    with db.reading() as session:
        found = load(session, row.id)
        assert {name: getattr(found, name) for name in PEOPLE} == people


def test_database_refuses_a_certificate_without_decider_or_end(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    sql = text("UPDATE certifications SET state = 'certified'")
    with pytest.raises(Conflict) as caught, db.transaction() as session:
        session.execute(sql)
    assert "ck_certifications_decided" in str(caught.value.__cause__)
    assert state_of(certification_id) is ReviewState.RECOMMENDED


def test_only_one_opinion_each_with_declaration_and_reason(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)

    def file(**values) -> None:
        given = {"opinion": Opinion.CERTIFY, "reason": "確認した。", **values}
        with db.transaction() as session:
            found = load(session, certification_id)
            services.recommend(session, stage.reviewer(), found, **given)

    with pytest.raises(Invalid) as caught:
        file(reason="  ")
    assert "reason" in caught.value.errors
    file()
    with pytest.raises(Conflict, match="もう提出"):
        file()
    assert state_of(certification_id) is ReviewState.UNDER_REVIEW


def test_tampered_content_stops_opinion_and_decision(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    recommend(stage, certification_id, 0)

    def tamper(note: str) -> None:
        with db.transaction() as session:
            answer = session.exec(select(ConformanceAnswer).order_by(ConformanceAnswer.id)).first()
            answer.revise(note=note)

    tamper("あとから書いた説明")
    with pytest.raises(GuardFailed, match="提出された内容"):
        recommend(stage, certification_id, 1)
    tamper("")
    recommend(stage, certification_id, 1)
    tamper("あとから書いた説明")
    with pytest.raises(GuardFailed, match="提出された内容"):
        decide(stage.lead(), certification_id)
    assert state_of(certification_id) is ReviewState.RECOMMENDED


def test_answered_question_drops_older_opinions_and_keeps_them_in_the_trail(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    recommend(stage, certification_id, 0)
    with db.transaction() as session:
        found = load(session, certification_id)
        services.request_info(
            session, stage.reviewer(1), found, reason="R-001の証拠は何か。", due_on=NEXT_WEEK
        )
    assert version_state(stage) is OfferState.RETURNED
    with pytest.raises(WrongState):
        recommend(stage, certification_id, 1)
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        older = row.content_sha256
        actor = stage.company.acts()
        offerings.edit_offering_version(
            session, actor, row, version=row.version, summary="直した。"
        )
    assert submit(stage) == certification_id
    with db.reading() as session:
        review = load(session, certification_id)
        assert review.state is ReviewState.UNDER_REVIEW
        assert review.evaluated_sha256 == review.offering_version.content_sha256 != older
        assert queries.list_recommendations(session, certification_id) == []
        events = {
            event.action: detail for event, detail, _ in queries.list_events(session, review.id)
        }
        removed = events["certification.opinion_removed"]
        assert removed.detail["opinion"] == "certify"
        assert removed.detail["evaluated_sha256"] == older
    for number in range(2):
        recommend(stage, certification_id, number)
    decide(stage.lead(), certification_id)
    assert version_state(stage) is OfferState.APPROVED


def test_unchanged_answer_keeps_the_opinion_and_nobody_who_filed_is_replaced(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    recommend(stage, certification_id, 0, Opinion.REFUSE)
    with db.transaction() as session:
        third = factories.person(session, Role.REVIEWER, stage.agency)

    def ask() -> None:
        with db.transaction() as session:
            found = load(session, certification_id)
            services.request_info(session, stage.lead(), found, reason="なぜか。", due_on=NEXT_WEEK)

    def answer() -> None:
        with db.transaction() as session:
            services.submit_offering(
                session, stage.company.acts(), load_version(session, stage.version_id)
            )

    def replace_first() -> None:
        with db.transaction() as session:
            services.reassign(session, stage.lead(), load(session, certification_id),
                              place="first", person_id=third.id, reason="替えたい。")  # fmt: skip

    ask()
    answer()
    with db.reading() as session:
        review = load(session, certification_id)
        filed = queries.list_recommendations(session, certification_id)
        assert [each.opinion for each in filed] == [Opinion.REFUSE]
        assert visible_opinions(review, filed, stage.leads[0].id) == []
        assert visible_opinions(review, filed, stage.reviewers[1].id) == []
        assert visible_opinions(review, filed, stage.reviewers[0].id) == filed
    ask()
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        actor = stage.company.acts()
        offerings.edit_offering_version(session, actor, row, version=row.version, summary="直し。")
    answer()
    with db.reading() as session:
        assert queries.list_recommendations(session, certification_id) == []
    with pytest.raises(Conflict, match="替えられません"):
        replace_first()
    for number in range(2):
        recommend(stage, certification_id, number)
    with db.reading() as session:
        review = load(session, certification_id)
        filed = queries.list_recommendations(session, certification_id)
        assert visible_opinions(review, filed, stage.leads[0].id) == filed


def test_refusal_needs_a_reason_returns_and_may_be_tried_again(stage: Stage) -> None:
    certification_id = make_recommended(stage, Opinion.REFUSE)
    with pytest.raises(Invalid) as caught:
        decide(stage.lead(), certification_id, Opinion.REFUSE, reason=" ")
    assert "reason" in caught.value.errors
    decide(stage.lead(), certification_id, Opinion.REFUSE)
    assert version_state(stage) is OfferState.RETURNED
    again = submit(stage)
    assert again != certification_id
    assert state_of(certification_id) is ReviewState.REFUSED


def test_deciding_against_the_opinions_needs_a_reason(stage: Stage) -> None:
    certification_id = make_recommended(stage, Opinion.REFUSE)
    with pytest.raises(Invalid, match="意見と違う決定"):
        decide(stage.lead(), certification_id)
    decide(stage.lead(), certification_id, reason="証拠をあらためて確認した。")
    assert state_of(certification_id) is ReviewState.CERTIFIED


def change_answer(stage: Stage, answer: Answer, *, conformity_date: date | None) -> None:
    """Make the first requirement unmet before submission, counting from a day."""
    with db.transaction() as session:
        factories.thaw(session)
        requirement = session.exec(
            select(Requirement).where(
                Requirement.specification_version_id == stage.specification.id,
                Requirement.requirement_id == "R-001",
            )
        ).one()
        requirement.revise(conformity_date=conformity_date)
        row = session.exec(
            select(ConformanceAnswer).where(
                ConformanceAnswer.offering_version_id == stage.version_id,
                ConformanceAnswer.requirement_id == requirement.id,
            )
        ).one()
        due = today_jst() + timedelta(days=90) if answer is Answer.CONDITIONAL else None
        row.revise(answer=answer, due_on=due)


@pytest.mark.parametrize("decision", [Opinion.CERTIFY, Opinion.CONDITIONAL])
def test_overdue_must_rules_out_every_certificate(stage: Stage, decision: Opinion) -> None:
    change_answer(stage, Answer.NOT_CONFORMING, conformity_date=today_jst())
    certification_id = make_recommended(stage, decision)
    due = [services.Condition("R-001", today_jst() + timedelta(days=30))]
    with pytest.raises(GuardFailed) as caught:
        decide(
            stage.lead(),
            certification_id,
            decision,
            conditions=due if decision is Opinion.CONDITIONAL else [],
        )
    assert "R-001" in caught.value.reasons[0][1]
    assert state_of(certification_id) is ReviewState.RECOMMENDED


def test_open_condition_needs_its_date_before_it_counts(stage: Stage) -> None:
    counts_from = today_jst() + timedelta(days=100)
    change_answer(stage, Answer.CONDITIONAL, conformity_date=counts_from)
    certification_id = make_recommended(stage, Opinion.CONDITIONAL)
    with pytest.raises(GuardFailed, match="条件付きで認証する"):
        decide(stage.lead(), certification_id, reason="よい。")
    for day in (None, today_jst(), counts_from + timedelta(days=1)):
        with pytest.raises(Invalid) as caught:
            decide(
                stage.lead(),
                certification_id,
                Opinion.CONDITIONAL,
                conditions=[services.Condition("R-001", day)],
            )
        assert set(caught.value.errors) == {"due_1"}
    decide(
        stage.lead(),
        certification_id,
        Opinion.CONDITIONAL,
        conditions=[services.Condition("R-001", counts_from, "画面を直す")],
    )
    with db.reading() as session:
        review = load(session, certification_id)
        assert review.conditions == [
            {
                "requirement_id": "R-001",
                "name": "機能1",
                "due_on": counts_from.isoformat(),
                "text": "画面を直す",
            }
        ]
        standing = queries.standings(session, [review.offering_version])[stage.version_id]
        assert (standing.state, standing.due_on) == (CertificationState.CONDITIONAL, counts_from)


def test_conditional_certificate_without_any_condition_is_refused(stage: Stage) -> None:
    certification_id = make_recommended(stage, Opinion.CONDITIONAL)
    with pytest.raises(Invalid, match="条件がありません"):
        decide(stage.lead(), certification_id, Opinion.CONDITIONAL)
    with pytest.raises(Invalid, match="まだ満たされていない要件"):
        decide(
            stage.lead(),
            certification_id,
            Opinion.CONDITIONAL,
            conditions=[services.Condition("R-999", today_jst() + timedelta(days=30))],
        )


@pytest.mark.acceptance(28)
def test_impossible_dates_are_refused(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    today = today_jst()
    latest = services.last_possible_day(today)
    for day in (None, today - timedelta(days=1), today, latest + timedelta(days=1)):
        with pytest.raises(Invalid) as caught:
            decide(stage.lead(), certification_id, valid_until=day)
        assert set(caught.value.errors) == {"valid_until"}
    with db.transaction() as session:
        row = session.get_one(SpecificationVersion, stage.specification.id)
        row.revise(published_on=today + timedelta(days=1))
    with pytest.raises(GuardFailed, match="まだ公表されていない"):
        decide(stage.lead(), certification_id)
    with db.transaction() as session:
        session.get_one(SpecificationVersion, stage.specification.id).revise(published_on=today)
    decide(stage.lead(), certification_id, valid_until=latest)
    assert state_of(certification_id) is ReviewState.CERTIFIED


@pytest.mark.acceptance(28)
def test_database_refuses_a_certificate_that_ends_before_it_begins(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id)
    sql = text("UPDATE certifications SET valid_until = valid_from")
    with pytest.raises(Conflict) as caught, db.transaction() as session:
        session.execute(sql)
    assert "ck_certifications_validity" in str(caught.value.__cause__)


def test_last_day_of_a_leap_day_is_the_28th() -> None:
    assert services.last_possible_day(date(2028, 2, 29)) == date(2033, 2, 28)
    assert services.last_possible_day(date(2027, 3, 1)) == date(2032, 3, 1)


def test_claim_is_published_after_one_opinion_and_certified_later(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)

    def claim() -> None:
        with db.transaction() as session:
            services.approve_claim(session, stage.lead(), load(session, certification_id))

    with pytest.raises(WrongState):
        claim()
    recommend(stage, certification_id, 0)
    claim()
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        offerings.publish_version(session, stage.company.acts(), row)
    with db.reading() as session:
        row = load_version(session, stage.version_id)
        assert queries.standings(session, [row])[row.id].state is CertificationState.CLAIMED
    recommend(stage, certification_id, 1)
    decide(stage.lead(), certification_id)
    with db.reading() as session:
        row = load_version(session, stage.version_id)
        assert row.state is OfferState.PUBLISHED
        assert queries.standings(session, [row])[row.id].state is CertificationState.CERTIFIED


@pytest.mark.acceptance(27)
def test_certificate_for_one_version_never_counts_for_the_next(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id)
    with db.transaction() as session:
        spec = session.get_one(SpecificationVersion, stage.specification.id)
        newer = factories.specification(session)
        row = load_version(session, stage.version_id)
        offerings.publish_version(session, stage.company.acts(), row)
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        made = offerings.start_new_version(session, stage.company.acts(), row.offering)
        made.revise(specification_version_id=newer.id)
        second_id = made.id
    with db.reading() as session:
        rows = [load_version(session, each) for each in (stage.version_id, second_id)]
        states = queries.standings(session, rows)
        assert states[stage.version_id].state is CertificationState.CERTIFIED
        assert states[second_id].state is CertificationState.CLAIMED
        assert load(session, certification_id).specification_version_id == spec.id


def test_expiry_is_announced_when_the_last_day_is_over(stage: Stage, hold_clock) -> None:
    begin = datetime(2026, 4, 1, 3, tzinfo=UTC)
    hold_clock(begin)
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id, valid_until=date(2027, 3, 31))
    publish(stage)
    indexed = []
    handlers = {
        **services.HANDLERS,
        "search.listing_changed": lambda _session, payload: indexed.append(payload),
    }
    hold_clock(datetime(2027, 3, 31, 14, 59, tzinfo=UTC))
    outbox.drain(handlers)
    with db.reading() as session:
        before = changes.head(session)
        review = load(session, certification_id)
        assert review.public_state(db.now(session)) is CertificationState.CERTIFIED
    hold_clock(datetime(2027, 3, 31, 15, 0, tzinfo=UTC))
    outbox.drain(handlers)
    with db.reading() as session:
        news = changes.list_changes(session, before, 10)
        assert [(each.kind, each.subject_id) for each in news] == [
            ("certificate", certification_id)
        ]
        row = load(session, certification_id).offering_version
        assert queries.standings(session, [row])[row.id].state is CertificationState.EXPIRED


def test_withdrawn_draft_leaves_the_queue_and_takes_no_decision(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    with db.reading() as session:
        assert [row.id for row in queries.list_queue(session)] == [certification_id]
        first, stranger = stage.reviewers[0].id, stage.leads[0].id
        for chosen, person_id, reviewer_id, count in (
            ({}, first, None, 1), ({"order": "age"}, None, first, 1), ({}, None, stranger, 0),
            ({"check": "person"}, first, first, 1), ({"check": "pass"}, first, None, 0),
            ({"place": "mine"}, first, None, 1), ({"place": "mine"}, stranger, None, 0),
            ({"place": "assigned", "state": "under_review"}, first, None, 0),
            ({"place": "assigned", "state": "assigned"}, first, None, 1),
            ({"place": "unassigned"}, first, None, 0), ({"specification": "NONE"}, first, None, 0),
        ):  # fmt: skip
            asked = (session, QueueFilter.read(chosen), person_id, reviewer_id)
            page = waiting.list_queue_page(*asked, limit=5, offset=0)
            assert waiting.count_queue(*asked) == len(page) == count, chosen
            assert waiting.list_queue_page(*asked, limit=5, offset=1) == []
        assert len(waiting.list_queue_specifications(session, first)) == 1
    with db.transaction() as session:
        found = load(session, certification_id)
        services.request_info(
            session, stage.lead(), found, reason="説明してほしい。", due_on=NEXT_WEEK
        )
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        offerings.discard_version(session, stage.company.acts(), row)
    with db.reading() as session:
        assert queries.list_queue(session) == []
        assert waiting.count_queue(session, QueueFilter(), None, None) == 0


def test_second_decision_names_the_first_and_is_logged(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    decide(stage.lead(0), certification_id)
    with pytest.raises(StaleVersion) as caught:
        decide(stage.lead(1), certification_id, Opinion.REFUSE)
    assert "主任 三さん" in caught.value.message
    assert "「認証済み」" in caught.value.message
    with db.reading() as session:
        event, detail, name = queries.list_events(session, certification_id)[0]
        assert (event.action, event.outcome) == ("certification.decide", audit.Outcome.CONFLICT)
        assert name == "主任 四"
        assert "主任 三" in detail.detail["message"]


def test_old_sign_in_decides_nothing_and_is_in_the_trail(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    old = replace(stage.lead(), authenticated_at=datetime.now(UTC) - timedelta(minutes=11))
    never = replace(stage.lead(), authenticated_at=None)
    for lead in (old, never):
        with pytest.raises(ReauthenticationRequired):
            decide(lead, certification_id)
    assert state_of(certification_id) is ReviewState.RECOMMENDED
    with db.reading() as session:
        for event, detail, name in queries.list_events(session, certification_id)[:2]:
            assert (event.action, event.outcome) == ("certification.decide", audit.Outcome.REFUSED)
            assert (event.owner_id, name) == (stage.company.home.id, "主任 三")
            assert detail.detail["error"] == "reauthentication_required"
        assert audit_checkpoints.verify(session).problems == ()


@pytest.mark.postgres_only
def test_two_leads_at_once_make_one_decision(stage: Stage) -> None:
    """A short version of the drill: without the lock, the first rounds already go wrong."""
    for _ in range(ROUNDS):
        assert is_one_decision(stage)
        assert stage.stages is not None
        stage.stages.start_over("draft")


def test_unassigned_people_do_not_learn_of_a_review(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    with db.transaction() as session:
        outsider = factories.person(session, Role.REVIEWER, stage.agency)
    stranger = factories.actor(outsider, Role.REVIEWER, stage.agency)
    with pytest.raises(NotFound), db.transaction() as session:
        services.recommend(
            session,
            stranger,
            load(session, certification_id),
            opinion=Opinion.CERTIFY,
            reason="よい。",
        )
    with db.reading() as session:
        assert session.exec(select(Recommendation)).all() == []
        assert session.exec(select(Certification)).one().state is ReviewState.ASSIGNED


def test_nothing_is_certified_against_a_retired_specification(stage: Stage) -> None:
    certification_id = make_recommended(stage)
    with db.transaction() as session:
        version = session.get_one(SpecificationVersion, stage.specification.id)
        version.apply(SpecificationAction.TAKE_EFFECT)
        version.apply(SpecificationAction.RETIRE)
    with pytest.raises(GuardFailed, match="廃止された標準仕様書"):
        decide(stage.lead(), certification_id)
    decide(stage.lead(), certification_id, Opinion.REFUSE)
    assert state_of(certification_id) is ReviewState.REFUSED
