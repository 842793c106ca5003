"""Whom the acts of a review tell by mail: each act once per person, and no word of its content."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select

from accounts.identity import Actor
from accounts.models import Membership, Organisation, Person, Role
from accounts.notices import PERSON_TOLD, make_handlers
from accounts.queries import list_members
from accounts.services import recuse
from catalog.certification import services
from catalog.certification.models import FindingAction, Opinion
from catalog.certification.queries import proceedings
from catalog.certification.services import Condition
from catalog.certification.services.telling import Task, tell_leads
from catalog.offerings.models import OfferingVersion
from catalog.terms import Answer
from core import db
from core.clock import start_of_day, today_jst
from core.config import Settings
from core.outbox import OutboxMessage
from tests import factories
from tests.catalog.certification.conftest import (
    Stage,
    declare,
    load,
    load_version,
    make_recommended,
    recommend,
)
from tests.catalog.certification.test_services import change_answer
from tests.letterbox import empty_letterbox, receivers

SECRET = "意見の理由はここだけ"
DUE = timedelta(days=60)


def act(service: Callable[..., Any], actor: Actor, certification_id: UUID, *args: Any) -> None:
    with db.transaction() as session:
        service(session, actor, load(session, certification_id), *args)


def measure(service: Callable[..., Any], lead: Actor, settings: Settings, number: UUID) -> None:
    with db.transaction() as session:
        review = load(session, number)
        service(session, lead, settings, review, reason=SECRET, version=review.version)


def addresses(*people: Person) -> list[str]:
    return sorted(person.email for person in people)


def members(stage: Stage) -> list[str]:
    with db.reading() as session:
        return sorted({each.person.email for each in list_members(session, stage.company.home.id)})


def test_each_act_of_a_review_writes_to_the_people_concerned(
    stage: Stage, settings: Settings
) -> None:
    with db.transaction() as session:
        home = session.get_one(Organisation, stage.company.home.id)
        factories.membership(
            session, session.get_one(Person, stage.leads[1].id), Role.VENDOR_MEMBER, home
        )
    free_lead = addresses(stage.leads[0])
    pair = addresses(*stage.reviewers)
    with db.transaction() as session:
        version = load_version(session, stage.version_id)
        review_id = services.submit_offering(session, stage.company.acts(), version).id
    told = empty_letterbox(settings)
    # A lead who belongs to the vendor has no business in its review.
    assert receivers(told, "審査員を決めてください") == free_lead
    with db.transaction() as session:
        ids = [person.id for person in stage.reviewers]
        services.assign(session, stage.lead(), load(session, review_id), *ids)
    told = empty_letterbox(settings)
    assert receivers(told, "審査の担当になりました") == pair
    [first, _] = next(iter(told.values()))
    assert f"/reviews/{review_id}" in first.get_content()
    assert "審査 一 様" in "".join(each.get_content() for each in next(iter(told.values())))
    for number in range(2):
        declare(stage.reviewer(number), review_id)
    _converse(stage, settings, review_id)
    recommend(stage, review_id, 0)
    assert empty_letterbox(settings) == {}  # blind: nobody learns that one opinion is filed
    recommend(stage, review_id, 1)
    told = empty_letterbox(settings)
    assert list(told) == ["2人の審査員の意見がそろいました。決定してください：" + version.name]
    assert receivers(told, "決定してください") == free_lead
    assert "意見の理由" not in "".join(one.get_content() for each in told.values() for one in each)


def _converse(stage: Stage, settings: Settings, review_id: UUID) -> None:
    vendor, pair = members(stage), addresses(*stage.reviewers)
    act(lambda *a: services.raise_finding(*a, requirement_id=None, words=SECRET),
        stage.reviewer(), review_id)  # fmt: skip
    told = empty_letterbox(settings)
    assert receivers(told, "審査員から指摘があります") == vendor
    assert SECRET not in "".join(one.as_string() for each in told.values() for one in each)
    with db.reading() as session:
        finding_id = proceedings.list_findings(session, review_id)[0].id
    act(services.reply, stage.company.acts(), review_id, finding_id, SECRET)
    assert receivers(empty_letterbox(settings), "指摘への回答が届きました") == pair
    act(lambda *a: services.settle(*a, action=FindingAction.ACCEPT),
        stage.reviewer(), review_id, finding_id)  # fmt: skip
    act(lambda *a: services.request_info(*a, reason=SECRET, due_on=today_jst() + DUE),
        stage.reviewer(), review_id)  # fmt: skip
    told = empty_letterbox(settings)
    assert receivers(told, "追加の説明を求めています") == vendor
    assert "期限：令和" in next(iter(told.values()))[0].get_content()
    with db.transaction() as session:
        version = load_version(session, stage.version_id)
        services.submit_offering(session, stage.company.acts(), version)
    assert receivers(empty_letterbox(settings), "追加の説明が届きました") == pair


def test_after_the_decision_deadlines_measures_and_appeals_are_written_of(
    stage: Stage, settings: Settings, hold_clock: Callable[[datetime], None]
) -> None:
    due = today_jst() + DUE
    change_answer(stage, Answer.CONDITIONAL, conformity_date=due)
    review_id = make_recommended(stage, Opinion.CONDITIONAL)
    vendor = members(stage)
    empty_letterbox(settings)
    with db.transaction() as session:
        review = load(session, review_id)
        condition = Condition("R-001", due, "期日までに画面を直す。")
        services.decide(
            session, stage.lead(), settings, review, decision=Opinion.CONDITIONAL, reason=SECRET,
            conditions=[condition], valid_until=today_jst() + timedelta(days=700),
            version=review.version,
        )  # fmt: skip
        third = factories.person(session, Role.LEAD_REVIEWER, stage.agency, name="主任 五")
    told = empty_letterbox(settings)
    assert receivers(told, "認証について決定がありました") == vendor
    assert receivers(told, "担当した審査について決定") == addresses(*stage.reviewers)
    hold_clock(start_of_day(due - timedelta(days=30)))
    told = empty_letterbox(settings)
    assert receivers(told, "条件の期限が近づいています") == vendor
    hold_clock(start_of_day(due + timedelta(days=1)))
    told = empty_letterbox(settings)
    assert receivers(told, "条件の期限が過ぎました") == sorted(
        [*vendor, *addresses(*stage.leads, third)]
    )
    hold_clock(start_of_day(today_jst()) + timedelta(hours=9))
    lead, other = stage.lead(), stage.lead(1)
    measure(services.suspend, lead, settings, review_id)
    assert receivers(empty_letterbox(settings), "効力が止められました") == vendor
    act(lambda *a: services.file_appeal(*a, reason=SECRET), stage.company.acts(), review_id)
    told = empty_letterbox(settings)
    # Not to the lead whose suspension is disputed.
    assert receivers(told, "不服申立てがありました") == addresses(stage.leads[1], third)
    measure(services.propose_revocation, lead, settings, review_id)
    assert receivers(empty_letterbox(settings), "取消しが提案") == addresses(stage.leads[1], third)
    measure(services.confirm_revocation, other, settings, review_id)
    told = empty_letterbox(settings)
    assert receivers(told, "認証が取り消されました") == vendor
    assert SECRET not in "".join(one.as_string() for each in told.values() for one in each)


def test_a_letter_goes_only_to_who_still_is_concerned_and_keeps_its_name(
    stage: Stage, settings: Settings
) -> None:
    review_id = make_recommended(stage)
    with db.transaction() as session:
        third = factories.person(session, Role.LEAD_REVIEWER, stage.agency, name="主任 五")
        version = session.get_one(OfferingVersion, stage.version_id)
        recuse(session, third.id, version.offering_id)
        assert third.id not in {stage.leads[0].id, stage.leads[1].id}
        tell_leads(session, load(session, review_id), Task.DECIDE_APPEAL)
        of_lead = select(Membership).where(Membership.person_id == stage.leads[0].id)
        for held in session.exec(of_lead):
            held.ended_at = db.now(session)
    told = empty_letterbox(settings)
    assert receivers(told, "そろいました。決定してください：") == addresses(stage.leads[1])
    # Whoever keeps out of the offering for a conflict of interests is told nothing of it.
    assert receivers(told, "不服申立てがありました") == addresses(stage.leads[1])
    [letter] = next(each for subject, each in told.items() if "そろいました" in subject)
    with db.transaction() as session:  # delivered once more after a lost answer: the same letter
        of_people = select(OutboxMessage).where(OutboxMessage.topic == PERSON_TOLD)
        messages = session.exec(of_people).all()
        address = stage.leads[1].id
        again = next(
            each.payload for each in messages
            if "そろいました" in each.payload["title"] and each.payload["person_id"] == str(address)
        )  # fmt: skip
        make_handlers(settings)[PERSON_TOLD](session, dict(again))
    [twice] = next(iter(empty_letterbox(settings).values()))
    assert twice["Message-ID"] == letter["Message-ID"]
