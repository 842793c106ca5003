"""What surrounds a decision, as acts on the database: conflicts, findings, measures, appeals."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from accounts.models import OrganisationNotice, Role
from accounts.notices import ORGANISATION_TOLD, PERSON_TOLD, tell_members
from catalog.certification import queries, services
from catalog.certification.assessment import assess
from catalog.certification.changing import changes_between
from catalog.certification.checks import CheckOutcome
from catalog.certification.models import FindingAction, FindingState, Opinion, ReviewState
from catalog.certification.queries import proceedings
from catalog.certification.services.telling import CERTIFICATE_CHANGED
from catalog.offerings import services as offerings
from catalog.offerings.answer_rules import AnswerValues
from catalog.offerings.models import OfferState
from catalog.specifications.models import Requirement
from catalog.terms import Answer, CertificationState
from core import changes, clock, db, outbox
from core.clock import today_jst
from core.config import Settings
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
    SETTINGS,
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
from tests.catalog.certification.test_services import change_answer, state_of

SOON = timedelta(days=14)


def act(service, actor, certification_id: UUID, *arguments, **values):
    """Run one act on a review as a page does."""
    with db.transaction() as session:
        return service(session, actor, *arguments, load(session, certification_id), **values)


def measure(service, actor, certification_id: UUID, reason: str = "理由です。"):
    """Run one act of a lead on a certificate."""
    with db.reading() as session:
        version = load(session, certification_id).version
    return act(service, actor, certification_id, SETTINGS, reason=reason, version=version)


def public_state(certification_id: UUID) -> CertificationState:
    with db.reading() as session:
        return load(session, certification_id).public_state(db.now(session))


def told(stage: Stage) -> list[str]:
    """Deliver what is due and give the kinds of what the vendor was told."""
    topics = ("search.listing_changed", CERTIFICATE_CHANGED, PERSON_TOLD)
    ignored = dict.fromkeys(topics, lambda _session, _payload: None)
    outbox.drain({**services.HANDLERS, ORGANISATION_TOLD: tell_members, **ignored})
    with db.reading() as session:
        rows = session.exec(select(OrganisationNotice).order_by(OrganisationNotice.told_at))
        return [
            row.kind.removeprefix("certification.")
            for row in rows
            if row.organisation_id == stage.company.home.id
        ]


def make_certified(stage: Stage) -> UUID:
    certification_id = make_recommended(stage)
    decide(stage.lead(), certification_id)
    return certification_id


@pytest.mark.acceptance(29)
def test_reviewer_with_a_conflict_leaves_unread_and_is_replaced(stage: Stage) -> None:
    certification_id = submit(stage)
    with db.transaction() as session:
        ids = [person.id for person in stage.reviewers]
        services.assign(session, stage.lead(), load(session, certification_id), *ids)
        third = factories.person(session, Role.REVIEWER, stage.agency, name="審査 五")
    with pytest.raises(NotFound):
        recommend(stage, certification_id, 0)
    with pytest.raises(NotFound):
        act(services.request_info, stage.reviewer(0), certification_id,
            reason="説明を。", due_on=today_jst() + SOON)  # fmt: skip
    with pytest.raises(Invalid):
        act(services.declare, stage.reviewer(0), certification_id, has_conflict=True, words=" ")
    declare(stage.reviewer(0), certification_id, "前の職場です。")
    with pytest.raises(NotFound):
        declare(stage.reviewer(0), certification_id)
    with db.reading() as session:
        review = load(session, certification_id)
        assert (review.first_reviewer_id, review.is_incomplete) == (None, True)
        assert stage.reviewers[0].id not in {
            each.id for each in queries.list_eligible_reviewers(session, review)
        }
    for wrong in (stage.reviewers[0], stage.reviewers[1]):
        with pytest.raises(Invalid):
            act(services.reassign, stage.lead(), certification_id,
                place="first", person_id=wrong.id, reason="空いたため。")  # fmt: skip
    act(services.reassign, stage.lead(), certification_id,
        place="first", person_id=third.id, reason="空いたため。")  # fmt: skip
    declare(stage.reviewer(1), certification_id)
    with pytest.raises(Conflict, match="一度だけ"):
        declare(stage.reviewer(1), certification_id)
    recommend(stage, certification_id, 1)
    with pytest.raises(Conflict, match="替えられません"):
        act(services.reassign, stage.lead(), certification_id,
            place="second", person_id=third.id, reason="替えたい。")  # fmt: skip
    fifth = factories.actor(third, Role.REVIEWER, stage.agency)
    declare(fifth, certification_id)
    act(services.recommend, fifth, certification_id, opinion=Opinion.CERTIFY, reason="よい。")
    assert state_of(certification_id) is ReviewState.RECOMMENDED


@pytest.mark.acceptance(9)
def test_findings_are_answered_mended_and_the_first_submission_stays(stage: Stage) -> None:
    change_answer(stage, Answer.NOT_CONFORMING, conformity_date=None)
    certification_id = submit(stage)
    assign(stage, certification_id)
    with db.reading() as session:
        answers = proceedings.list_submissions(session, certification_id)[0].content["answers"]
        assert answers["R-001"]["answer"] == "not_conforming"
        assert load(session, certification_id).check_outcome is CheckOutcome.FAIL
        row = session.exec(_requirement(stage)).one()
    finding = act(services.raise_finding, stage.reviewer(0), certification_id,
                  requirement_id=row.id, words="必須の要件です。")  # fmt: skip
    whole = act(services.raise_finding, stage.reviewer(1), certification_id,
                requirement_id=None, words="画面の一覧がありません。")  # fmt: skip
    with pytest.raises(Forbidden):
        act(lambda s, a, c: services.settle(s, a, c, finding.id, action=FindingAction.ACCEPT),
            stage.company.acts(), certification_id)  # fmt: skip
    with pytest.raises(Forbidden):
        act(lambda s, a, c: services.reply(s, a, c, finding.id, "直します。"),
            stage.company.acts(Role.VENDOR_MEMBER), certification_id)  # fmt: skip
    act(services.request_info, stage.reviewer(0), certification_id,
        reason="直してください。", due_on=today_jst() + SOON)  # fmt: skip
    with pytest.raises(GuardFailed, match="指摘が2件"):
        submit(stage)
    for each in (finding, whole):
        act(lambda s, a, c, each=each: services.reply(s, a, c, each.id, "直しました。"),
            stage.company.acts(), certification_id)  # fmt: skip
    act(lambda s, a, c: services.ask_again(s, a, c, whole.id, "どこにありますか。"),
        stage.reviewer(1), certification_id)  # fmt: skip
    with pytest.raises(GuardFailed, match="指摘が1件"):
        submit(stage)
    act(lambda s, a, c: services.reply(s, a, c, whole.id, "説明に加えました。"),
        stage.company.acts(), certification_id)  # fmt: skip
    with db.transaction() as session:
        version = load_version(session, stage.version_id)
        values = AnswerValues(Answer.CONFORMS, evidence_url="https://example.jp/a")
        offerings.save_answers(session, stage.company.acts(), version,
                               version=version.version, answers={row.id: values})  # fmt: skip
    submit(stage)
    with db.reading() as session:
        first, second = proceedings.list_submissions(session, certification_id)
        assert first.content["answers"]["R-001"]["answer"] == "not_conforming"
        assert second.content["answers"]["R-001"]["answer"] == "conforms"
        assert first.content_sha256 != second.content_sha256
        review = load(session, certification_id)
        assert (review.check_outcome, review.info_due_on) == (CheckOutcome.PERSON, None)
    for number in range(2):
        recommend(stage, certification_id, number)
    with pytest.raises(GuardFailed, match="解決していない指摘が2件"):
        decide(stage.lead(), certification_id)
    _settle_before_decision(stage, certification_id, finding.id, whole.id)


def _requirement(stage: Stage):
    return select(Requirement).where(
        Requirement.specification_version_id == stage.specification.id,
        Requirement.requirement_id == "R-001",
    )


def _settle_before_decision(stage: Stage, certification_id: UUID, *finding_ids: UUID) -> None:
    steps = (FindingAction.ACCEPT, FindingAction.WITHDRAW)
    for finding_id, action in zip(finding_ids, steps, strict=True):
        act(lambda s, a, c, f=finding_id, k=action: services.settle(s, a, c, f, action=k),
            stage.reviewer(0), certification_id)  # fmt: skip
    with pytest.raises(WrongState):
        act(lambda s, a, c: services.reply(s, a, c, finding_ids[0], "まだあります。"),
            stage.company.acts(), certification_id)  # fmt: skip
    decide(stage.lead(), certification_id)
    with db.reading() as session:
        rows = proceedings.list_findings(session, certification_id)
        assert [row.state for row in rows] == [FindingState.ACCEPTED, FindingState.WITHDRAWN]
        assert [m.words for m in rows[1].messages] == [
            "画面の一覧がありません。", "直しました。", "どこにありますか。", "説明に加えました。",
        ]  # fmt: skip
    assert told(stage).count("finding") == 3


@pytest.mark.acceptance(26)
def test_suspension_reaches_everybody_at_once_and_ends(stage: Stage) -> None:
    certification_id = make_certified(stage)
    publish(stage)
    with pytest.raises(Invalid):
        measure(services.suspend, stage.lead(1), certification_id, " ")
    old = factories.actor(
        stage.leads[1], Role.LEAD_REVIEWER, stage.agency,
        authenticated_at=clock.utcnow() - timedelta(minutes=11),
    )  # fmt: skip
    for service in (services.suspend, services.propose_revocation):
        with pytest.raises(ReauthenticationRequired):
            measure(service, old, certification_id)
    with pytest.raises(StaleVersion):
        act(services.suspend, stage.lead(1), certification_id, SETTINGS, reason="遅い。", version=1)
    with db.reading() as session:
        head = changes.head(session)
    measure(services.suspend, stage.lead(1), certification_id)
    assert public_state(certification_id) is CertificationState.SUSPENDED
    with db.reading() as session:
        news = changes.list_changes(session, head, 10)
        assert [(each.kind, each.subject_id) for each in news] == [
            ("certificate", certification_id)
        ]
        assert load(session, certification_id).ended_on == today_jst()
    with pytest.raises(Forbidden):
        measure(services.resume, stage.company.acts(), certification_id)
    measure(services.resume, stage.lead(0), certification_id)
    assert public_state(certification_id) is CertificationState.CERTIFIED
    assert told(stage) == ["decided", "suspended", "resumed"]


@pytest.mark.acceptance(26)
def test_revocation_needs_two_leads(stage: Stage) -> None:
    certification_id = make_certified(stage)
    with pytest.raises(GuardFailed, match="提案がありません"):
        measure(services.confirm_revocation, stage.lead(1), certification_id)
    measure(services.propose_revocation, stage.lead(0), certification_id, "申告と違う。")
    assert public_state(certification_id) is CertificationState.CERTIFIED
    with pytest.raises(Conflict):
        measure(services.propose_revocation, stage.lead(1), certification_id)
    with pytest.raises(Forbidden):
        measure(services.confirm_revocation, stage.lead(0), certification_id)
    measure(services.drop_revocation, stage.lead(1), certification_id)
    measure(services.propose_revocation, stage.lead(1), certification_id, "申告と違う。")
    with db.reading() as session:
        [(waiting, *kinds)] = proceedings.list_pending(session)
        assert (waiting.id, kinds) == (certification_id, [False, False])
    measure(services.confirm_revocation, stage.lead(0), certification_id, "確かめた。")
    assert public_state(certification_id) is CertificationState.REVOKED
    assert state_of(certification_id) is ReviewState.REVOKED
    with pytest.raises(WrongState):
        measure(services.suspend, stage.lead(0), certification_id)


def test_appeal_is_decided_by_a_lead_without_part_in_the_decision(stage: Stage, hold_clock) -> None:
    certification_id = make_certified(stage)
    with pytest.raises(WrongState):
        act(services.file_appeal, stage.company.acts(), certification_id, reason="不服です。")
    measure(services.propose_revocation, stage.lead(0), certification_id)
    measure(services.confirm_revocation, stage.lead(1), certification_id)
    with pytest.raises(Forbidden):
        act(services.file_appeal, stage.company.acts(Role.VENDOR_MEMBER), certification_id,
            reason="不服です。")  # fmt: skip
    act(services.file_appeal, stage.company.acts(), certification_id, reason="不服です。")
    with pytest.raises(Conflict):
        act(services.file_appeal, stage.company.acts(), certification_id, reason="もう一度。")
    with db.transaction() as session:
        person = factories.person(session, Role.LEAD_REVIEWER, stage.agency)
    third = factories.actor(person, Role.LEAD_REVIEWER, stage.agency)
    for first in (stage.lead(0), stage.lead(1)):
        with pytest.raises(Forbidden):
            act(services.decide_appeal, first, certification_id, SETTINGS,
                upheld=True, reason="よい。")  # fmt: skip
    act(
        services.decide_appeal,
        third,
        certification_id,
        SETTINGS,
        upheld=True,
        reason="誤りだった。",
    )
    assert public_state(certification_id) is CertificationState.CERTIFIED
    with pytest.raises(NotFound):
        act(services.decide_appeal, third, certification_id, SETTINGS, upheld=True, reason="二度。")
    measure(services.suspend, stage.lead(0), certification_id)
    hold_clock(clock.utcnow() + timedelta(days=SETTINGS.appeal_days + 1))
    with pytest.raises(GuardFailed, match="期限"):
        act(services.file_appeal, stage.company.acts(), certification_id, reason="遅れました。")


def test_upheld_appeal_on_a_refusal_begins_the_review_again(stage: Stage) -> None:
    certification_id = make_recommended(stage, Opinion.REFUSE)
    decide(stage.lead(0), certification_id, Opinion.REFUSE)
    act(services.file_appeal, stage.company.acts(), certification_id, reason="不服です。")
    with pytest.raises(GuardFailed, match="不服申立て"):
        submit(stage)
    act(services.withdraw_appeal, stage.company.acts(), certification_id)
    with pytest.raises(Conflict):
        act(services.file_appeal, stage.company.acts(), certification_id, reason="もう一度。")
    again = submit(stage)
    assert again != certification_id
    assign(stage, again)
    for number in range(2):
        recommend(stage, again, number, Opinion.REFUSE)
    decide(stage.lead(0), again, Opinion.REFUSE)
    act(services.file_appeal, stage.company.acts(), again, reason="不服です。")
    act(services.decide_appeal, stage.lead(1), again, SETTINGS, upheld=True, reason="見落とし。")
    assert state_of(again) is ReviewState.INFO_REQUESTED
    assert submit(stage) == again
    for number in range(2):
        recommend(stage, again, number)
    with pytest.raises(Forbidden):
        decide(stage.lead(0), again)
    decide(stage.lead(1), again)
    assert state_of(again) is ReviewState.CERTIFIED


def make_conditional(stage: Stage) -> UUID:
    counts_from = today_jst() + timedelta(days=100)
    change_answer(stage, Answer.CONDITIONAL, conformity_date=counts_from)
    certification_id = make_recommended(stage, Opinion.CONDITIONAL)
    condition = services.Condition("R-001", counts_from, "画面を直す")
    decide(stage.lead(), certification_id, Opinion.CONDITIONAL, conditions=[condition])
    return certification_id


def test_conditions_are_reported_confirmed_and_make_the_certificate_plain(
    stage: Stage, hold_clock
) -> None:
    certification_id = make_conditional(stage)
    measure(services.suspend, stage.lead(0), certification_id)
    measure(services.resume, stage.lead(0), certification_id)
    assert public_state(certification_id) is CertificationState.CONDITIONAL
    good = {"requirement_id": "R-001", "met_on": today_jst(), "note": "直しました。"}
    for wrong in (
        {"requirement_id": "R-002"},
        {"met_on": today_jst() + timedelta(days=1)},
        {"note": " "},
    ):
        with pytest.raises(Invalid):
            act(services.report_condition, stage.company.acts(), certification_id,
                **{**good, **wrong})  # fmt: skip
    report = act(services.report_condition, stage.company.acts(), certification_id, **good)
    with pytest.raises(Conflict):
        act(services.report_condition, stage.company.acts(), certification_id, **good)

    def judge(actor, report_id, *, is_met: bool, note: str = "") -> None:
        with db.transaction() as session:
            review = load(session, certification_id)
            services.judge_report(session, actor, review, report_id, is_met=is_met, note=note)

    with pytest.raises(Invalid):
        judge(stage.reviewer(0), report.id, is_met=False)
    judge(stage.reviewer(0), report.id, is_met=False, note="画面がまだ古い。")
    second = act(services.report_condition, stage.company.acts(), certification_id, **good)
    with pytest.raises(Forbidden):
        judge(stage.company.acts(), second.id, is_met=True)
    judge(stage.reviewer(1), second.id, is_met=True)
    assert public_state(certification_id) is CertificationState.CERTIFIED
    with db.reading() as session:
        review = load(session, certification_id)
        assert review.conditions[0]["fulfilled_on"] == today_jst().isoformat()
        standing = queries.standing_of(review, db.now(session), has_answers=True)
        assert (standing.state, standing.due_on) == (CertificationState.CERTIFIED, None)
    assert told(stage)[-2:] == ["condition_judged", "condition_judged"]


def test_days_recall_a_question_and_turn_the_checks_of_the_queue(stage: Stage, hold_clock) -> None:
    start = clock.utcnow()
    change_answer(stage, Answer.NOT_CONFORMING, conformity_date=today_jst() + timedelta(days=20))
    certification_id = submit(stage)
    assign(stage, certification_id)
    due_on = today_jst() + timedelta(days=10)
    act(services.request_info, stage.lead(), certification_id, reason="なぜか。", due_on=due_on)
    with db.reading() as session:
        assert load(session, certification_id).check_outcome is CheckOutcome.PERSON
    assert told(stage)[-1] == "info_requested"
    for days, kinds in ((4, ["info_near"]), (9, ["info_near"]), (11, ["info_due"])):
        before = len(told(stage))
        hold_clock(start + timedelta(days=days))
        assert told(stage)[before:] == kinds
    with db.reading() as session:
        review = load(session, certification_id)
        assert review.check_outcome is CheckOutcome.PERSON
    hold_clock(start + timedelta(days=20))
    told(stage)
    with db.reading() as session:
        review = load(session, certification_id)
        assert review.check_outcome is assess(session, review).check_outcome is CheckOutcome.FAIL


def test_condition_that_was_not_met_in_time_is_told(stage: Stage, hold_clock) -> None:
    certification_id = make_conditional(stage)
    assert "condition_due" not in told(stage)
    hold_clock(clock.utcnow() + timedelta(days=101))
    assert told(stage)[-1] == "condition_due"
    assert public_state(certification_id) is CertificationState.EXPIRED
    good = {"requirement_id": "R-001", "met_on": today_jst(), "note": "直しました。"}
    late = act(services.report_condition, stage.company.acts(), certification_id, **good)
    assert public_state(certification_id) is CertificationState.EXPIRED
    with db.transaction() as session:
        review = load(session, certification_id)
        services.judge_report(session, stage.reviewer(1), review, late.id, is_met=True, note="")
    assert public_state(certification_id) is CertificationState.CERTIFIED


def test_report_in_time_keeps_a_certificate_until_it_is_judged(stage: Stage, hold_clock) -> None:
    certification_id = make_conditional(stage)
    good = {"requirement_id": "R-001", "met_on": today_jst(), "note": "直しました。"}
    report = act(services.report_condition, stage.company.acts(), certification_id, **good)
    hold_clock(clock.utcnow() + timedelta(days=101))
    assert told(stage)[-1] == "condition_due"
    assert public_state(certification_id) is CertificationState.CONDITIONAL
    with db.transaction() as session:
        review = load(session, certification_id)
        services.judge_report(
            session, stage.reviewer(1), review, report.id, is_met=False, note="まだ古い。"
        )
    assert public_state(certification_id) is CertificationState.EXPIRED


def submit_next_version(stage: Stage) -> UUID:
    """Publish the certified version and submit a changed one; returns the new review's id."""
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        offerings.publish_version(session, stage.company.acts(), row)
    with db.transaction() as session:
        row = load_version(session, stage.version_id)
        made = offerings.start_new_version(session, stage.company.acts(), row.offering)
        session.flush()
        version_id = made.id
        session.expunge_all()
        made = load_version(session, version_id)
        offerings.edit_offering_version(
            session, stage.company.acts(), made, version=made.version, summary="画面の色を変えた。"
        )
    with db.transaction() as session:
        made = load_version(session, version_id)
        return services.submit_offering(session, stage.company.acts(), made).id


@pytest.mark.acceptance(27)
def test_changed_version_is_covered_only_after_surveillance(stage: Stage) -> None:
    first_id = make_certified(stage)
    second_id = submit_next_version(stage)
    assert public_state(second_id) is CertificationState.CLAIMED
    assign(stage, second_id)
    with pytest.raises(WrongState):
        measure(services.cover, stage.lead(), second_id)
    with db.reading() as session:
        base = proceedings.find_base(session, load(session, second_id))
        assert base is not None
        assert base.id == first_id
        [changed] = changes_between(session, base, load(session, second_id))
        assert changed.label == "一行の説明"
    recommend(stage, second_id, 0)
    measure(services.cover, stage.lead(), second_id, "画面の色だけの変更です。")
    with db.transaction() as session:
        old, new = load(session, first_id), load(session, second_id)
        assert (new.based_on_id, new.valid_until) == (old.id, old.valid_until)
        assert new.number != old.number
        assert new.offering_version.state is OfferState.APPROVED
        offerings.publish_version(session, stage.company.acts(), new.offering_version)
    assert public_state(first_id) is CertificationState.CERTIFIED
    told(stage)
    assert state_of(first_id) is ReviewState.SUPERSEDED
    assert public_state(second_id) is CertificationState.CERTIFIED


def test_surveillance_needs_a_certificate_and_no_new_gap(stage: Stage) -> None:
    certification_id = submit(stage)
    assign(stage, certification_id)
    recommend(stage, certification_id, 0)
    with pytest.raises(GuardFailed, match="前の版に有効な認証書がない"):
        measure(services.cover, stage.lead(), certification_id)


def test_appeal_days_are_a_setting() -> None:
    assert Settings(env="development").appeal_days == 90
    assert Settings(env="development", appeal_days=30).appeal_days == 30
