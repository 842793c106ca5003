"""What the first page lists around consultations, reviews and certificates, for whom and until when.

The same words on both databases, so asked once.
"""

from datetime import date

import pytest

from accounts.models import Role
from catalog.certification import services
from catalog.certification.after_models import Appeal, ConditionReport, Disputed
from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferingVersion
from core import db
from core.clock import today_jst
from tests import factories
from tests.catalog.certification.conftest import load, set_stage, submit
from tests.catalog.specifications.consulting import CLOSED, NOON, make_scene
from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only
CONDITION = {"requirement_id": "R-003", "name": "機能3", "due_on": "2027-03-31"}


@pytest.fixture
def browser(database, new_client, hold_clock):
    """Make the signed-in browser of a person."""
    hold_clock(NOON)

    def sign_in(person, at):
        client = new_client()
        factories.sign_in_client(client, person, at)
        return client

    return sign_in


def desk_of(client) -> str:
    """Give the words of the first page's task lists."""
    lists = client.page("/").iter("ol")
    return " ".join(text_of(each) for each in lists if each.get("class") == "tasks")


def test_consultations_invite_organisations_and_give_comments_to_the_agency(
    browser, new_client, hold_clock
):
    scene = make_scene(new_client)
    assert "意見を出す" not in desk_of(scene.browser("clerk"))
    scene.open()
    for who in ("clerk", "approver", "admin", "member"):
        shown = desk_of(scene.browser(who))
        assert "意見を出す：" in shown, who
        assert "期限 令和8年10月30日" in shown
        assert "を処理する" not in shown
    assert "を処理する" not in desk_of(scene.browser("reviewer"))
    scene.say("clerk", "曜日ごとに要ります。")
    scene.say("admin", "時間ごとに要ります。")
    for who in ("reviewer", "lead"):
        assert "提出意見2件を処理する：" in desk_of(scene.browser(who))
        assert "意見を出す：" not in desk_of(scene.browser(who))
    scene.dispose(1)
    hold_clock(CLOSED)
    assert "提出意見1件を処理する：" in desk_of(scene.browser("lead"))
    assert "意見を出す：" not in desk_of(scene.browser("clerk"))
    scene.dispose(2)
    assert "を処理する" not in desk_of(scene.browser("lead"))


def test_reviews_ask_the_vendor_and_reviewers_declare_first(browser):
    with db.transaction() as session:
        stage = set_stage(session)
    review_id = submit(stage)
    with db.transaction() as session:
        people = [each.id for each in stage.reviewers]
        services.assign(session, stage.lead(), load(session, review_id), *people)
    reviewer = browser(stage.reviewers[0], stage.agency)
    assert "利害関係を申告する：見本の窓口予約" in desk_of(reviewer)
    for number in range(2):
        with db.transaction() as session:
            row = load(session, review_id)
            services.declare(session, stage.reviewer(number), row, has_conflict=False, words="")
    assert "意見を提出する：見本の窓口予約" in desk_of(reviewer)
    vendor = browser(stage.company.admin, stage.company.home)
    assert "審査：見本の窓口予約" in desk_of(vendor)
    with db.transaction() as session:
        row = load(session, review_id)
        found = services.raise_finding(
            session, stage.reviewer(), row, requirement_id=None, words="資料がありません。"
        )
    shown = desk_of(vendor)
    assert "指摘に答える：見本の窓口予約未回答の指摘1件" in shown
    assert "審査：見本の窓口予約" not in shown
    with db.transaction() as session:
        row, due_on = load(session, review_id), date(2026, 10, 20)
        services.request_info(session, stage.reviewer(), row, reason="資料を。", due_on=due_on)
    shown = desk_of(vendor)
    assert "追加の説明を出す：見本の窓口予約未回答の指摘1件・期限 令和8年10月20日" in shown
    assert "差し戻された内容を直す" not in shown
    assert "期限 令和8年10月20日" in desk_of(browser(stage.leads[0], stage.agency))
    with db.transaction() as session:
        row = load(session, review_id)
        services.reply(session, stage.company.acts(), row, found.id, "資料を付けました。")
    assert "未回答の指摘" not in desk_of(vendor)


def test_certificates_ask_vendor_leads_and_reviewers_for_what_is_theirs(browser):
    with db.transaction() as session:
        stage = set_stage(session)
        rows = {}
        leads = [each.id for each in stage.leads]
        for name, state, values in (
            ("条件つき", ReviewState.CONDITIONAL, {"conditions": [CONDITION]}),
            ("取消し候補", ReviewState.CERTIFIED, {"revocation_proposed_by_id": leads[0]}),
            ("停止中", ReviewState.SUSPENDED, {"suspended_by_id": leads[1]}),
        ):
            made = factories.offering(session, stage.company.vendor, stage.specification, name=name)
            covered = session.get_one(OfferingVersion, made.offering_version_id)
            more = {"revocation_proposed_at": NOON} if "revocation" in str(values) else {}
            pair = {"first_reviewer_id": stage.reviewers[0].id}
            rows[name] = factories.certification(session, covered, state, **values, **more, **pair)
        told = {"owner_id": stage.company.home.id, "reason": "見本の理由"}
        session.add(
            Appeal(
                certification_id=rows["停止中"].id,
                disputed=Disputed.SUSPENSION,
                disputed_at=NOON,
                first_decider_id=leads[1],
                filed_by_id=stage.company.admin.id,
                filed_at=NOON,
                **told,
            )
        )
    vendor = browser(stage.company.admin, stage.company.home)
    shown = desk_of(vendor)
    assert "条件を満たして報告する：条件つき条件：R-003・期限 令和9年3月31日" in shown
    assert "新しい版で確かめ直す" not in shown
    first, second = (browser(each, stage.agency) for each in stage.leads)
    assert "ほかの主任審査員による取消しの確認：取消し候補" in desk_of(first)
    assert "不服申立てを決定する：停止中対象：効力停止" in desk_of(first)
    assert "取消しを確認する：取消し候補" in desk_of(second)
    assert "取消しを確認する：取消し候補" not in desk_of(first)
    assert "ほかの主任審査員による不服申立ての決定：停止中" in desk_of(second)
    with db.transaction() as session:
        session.add(
            ConditionReport(
                certification_id=rows["条件つき"].id,
                owner_id=stage.company.home.id,
                requirement_id="R-003",
                note="満たしました。",
                met_on=today_jst(),
                reported_by_id=stage.company.admin.id,
                reported_at=NOON,
            )
        )
        old = stage.specification
        newer = factories.specification(
            session, code="NEXT", label="9.0", applies_from=date(2027, 4, 1)
        )
        factories.thaw(session)
        newer.specification_id = old.specification_id
        old.applies_from = date(2025, 4, 1)
    assert "条件の報告の確認：条件つき" in desk_of(vendor)
    assert "新しい版で確かめ直す：条件つき" in desk_of(vendor)
    assert "期限 令和9年4月1日" in desk_of(vendor)
    assert len(vendor.statements) <= 20
    reviewer = browser(stage.reviewers[0], stage.agency)
    assert "条件の報告を確認する：条件つき" in desk_of(reviewer)
    assert "取消し候補" not in desk_of(reviewer)
    assert "条件の報告を確認する：条件つき" in desk_of(first)
    with db.transaction() as session:
        stranger = factories.person(session, Role.REVIEWER, stage.agency)
    assert "条件つき" not in desk_of(browser(stranger, stage.agency))
