"""A registered vendor renews its qualification: handed in, checked, decided by another, kept.

Pages and their words are read on SQLite only; services, races and the database's own refusals on both.
"""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlmodel import select

import tests.factories as make
from accounts.models import Organisation, OrganisationKind, OrganisationNotice, Role
from accounts.queries import list_members
from app import outbox_handlers
from core import db, outbox
from core.audit import AuditEvent
from core.errors import Conflict, DomainError, Forbidden, GuardFailed, Invalid
from tests.letterbox import empty_letterbox, receivers
from tests.page_checks import text_of
from tests.vendors.people import add_people
from tests.vendors.test_races import at_once
from vendors import filing_services, queries
from vendors.filing_models import FilingState, QualificationRenewal
from vendors.filing_services import FilingDecision
from vendors.models import VendorAction
from vendors.queries import filings

OLD, NEW = date(2027, 3, 31), date(2030, 3, 31)
HELD = {
    "qualification_number": "見本-000001",
    "qualification_kinds": ["goods_sale", "service"],
    "qualification_grade": "B",
    "qualification_regions": ["関東・甲信越"],
    "qualification_expires_on": OLD,
}
RENEWED = {**HELD, "qualification_grade": "A", "qualification_expires_on": NEW}
FORM = {
    "qualification_grade": "A",
    "qualification_expires_on-era": "western",
    "qualification_expires_on-year": "2030",
    "qualification_expires_on-month": "3",
    "qualification_expires_on-day": "31",
    "confirmed": "yes",
}


@pytest.fixture
def town(settings, hold_clock):
    """A vendor whose qualification ends soon, its administrator, two leads and a reviewer."""
    hold_clock(datetime(2027, 3, 1, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        office = make.organisation(session, OrganisationKind.AGENCY)
        vendor = make.vendor(
            session, name="見本川ソフト株式会社", roles=["seller"], contact_email="v@example.jp", **HELD
        )  # fmt: skip
        home = session.get_one(Organisation, vendor.owner_id)
        people = add_people(session, home, office)
    lead = make.actor(people["lead"], Role.LEAD_REVIEWER, office)
    checker = make.actor(people["reviewer"], Role.LEAD_REVIEWER, office)
    admin = make.actor(people["admin"], Role.VENDOR_ADMIN, home)
    return SimpleNamespace(
        settings=settings, vendor=vendor, people=people, lead=lead, checker=checker, admin=admin,
        path=f"/vendors/{vendor.id}/qualification",
    )  # fmt: skip


def act(service, town, *arguments, **values):
    with db.transaction() as session:
        row = queries.lock_vendor(session, town.vendor.id)
        return service(session, arguments[0], row, *arguments[1:], **values)


def hand_in(town, **values):
    return act(
        filing_services.submit, town, town.admin, QualificationRenewal, values={**RENEWED, **values}
    )


def check(town, renewal):
    by = town.people["reviewer"].id
    act(filing_services.assign, town, town.lead, renewal, reviewer_id=by, version=1)


def decide(town, who, renewal, decision=FilingDecision.APPROVE, reason="", version=2):
    values = {"decision": decision, "reason": reason, "version": version}
    act(filing_services.decide, town, who, renewal, **values)


def held_by(town):
    with db.reading() as session:
        vendor = queries.get_vendor(session, town.vendor.id)
        return {name: getattr(vendor, name) for name in QualificationRenewal.KIND.fields}


def signed_in(town, new_client, *names):
    browsers = {name: new_client() for name in names}
    for name, browser in browsers.items():
        make.sign_in_client(browser, town.people[name])
    return SimpleNamespace(**browsers)


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_vendor_hands_a_renewal_in_and_keeps_the_old_one_meanwhile(town, new_client):
    on = signed_in(town, new_client, "admin", "member", "rival", "outsider", "lead")
    public = new_client()
    renew = f"{town.path}/renew"
    assert "全省庁統一資格を更新する" in on.admin.get("/").text
    assert on.rival.get(town.path).status_code == 404
    assert on.outsider.get(town.path).status_code == 404
    assert on.member.get(renew).status_code == 403
    assert "届け出られるのは、会社の管理者です" in on.member.get(town.path).text
    for wrong, sentence in (
        ({"qualification_expires_on-month": "13"}, 'href="#f-qualification_expires_on'),
        ({"qualification_expires_on-year": "2026"}, "有効期限が過ぎています"),
        ({"qualification_expires_on-year": "2027", "qualification_expires_on-day": "30"}, "今の資格の期限"),
        ({"qualification_kinds": ["service"]}, "「物品の販売」も必要です"),
        ({"qualification_number": ""}, "資格の登録番号を入力してください"),
        ({"confirmed": []}, "チェックを入れて"),
    ):  # fmt: skip
        answer = on.admin.submit(renew, {**FORM, "qualification_number": "見本-2", **wrong})
        assert (answer.status_code, sentence in answer.text) == (422, True), sentence
        assert 'name="qualification_grade" value="A" checked' in answer.text
    click = on.admin.prepare(renew, FORM)
    assert [click().status_code for _ in range(2)] == [303, 303]  # a double click hands in once
    shown = text_of(on.member.page(town.path))
    for words in ("今の資格と、届け出られた更新", "令和12年3月31日", "変わりません", "提出済み"):
        assert words in shown, words
    assert "令和12年" not in public.get(f"/vendors/{town.vendor.id}").text
    assert "確かめています" in on.admin.get(renew).text
    assert "デジタル庁による資格の更新の確認" in on.admin.get("/").text
    assert held_by(town) == HELD
    late = on.admin.prepare(town.path, {}, action="/withdraw")
    assert on.admin.submit(town.path, {}, action="/withdraw").status_code == 303
    refused = late()  # from a page that was opened before
    assert (refused.status_code, "資格の更新は今「取下げ」です" in refused.text) == (412, True)
    assert "取下げ" in text_of(on.admin.page(town.path))
    assert "更新した資格を届け出る" in on.admin.get(town.path).text


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_agency_checks_refuses_for_a_reason_then_approves(town, new_client, hold_clock):
    on = signed_in(town, new_client, "admin", "lead", "reviewer", "outsider")
    public = new_client()
    first = hand_in(town, qualification_number="見本-誤り")
    assert "資格の更新を確かめる：見本川" in on.lead.get("/").text
    assert "1件の資格の更新" in text_of(on.lead.page("/vendors/queue"))
    assert "審査員が確認を始めたあと" in on.lead.get(f"{town.path}/decide").text
    assert on.admin.get(f"{town.path}/assign").status_code == 403
    chosen = {"reviewer_id": str(town.people["reviewer"].id)}
    assert on.lead.submit(f"{town.path}/assign", chosen).status_code == 303
    assert "見本-誤り" in on.reviewer.get(town.path).text
    assert on.outsider.get(town.path).status_code == 404
    assert "確認した人は判断できません" in on.reviewer.get(f"{town.path}/decide").text
    no = {"decision": "refuse", "confirmed": "yes"}
    assert "更新を認めない理由を" in on.lead.submit(f"{town.path}/decide", no).text
    no["reason"] = "番号が通知書と違います。"
    assert on.lead.submit(f"{town.path}/decide", no).status_code == 303
    assert "番号が通知書と違います。" in on.admin.get(town.path).text
    assert held_by(town) == HELD
    hold_clock(datetime(2027, 4, 1, 3, 0, tzinfo=UTC))  # the day after the old one ended
    for name in ("admin", "lead", "reviewer"):
        make.sign_in_client(getattr(on, name), town.people[name])
    file = f"/vendors/{town.vendor.id}/file"
    for browser, path in (
        (public, f"/vendors/{town.vendor.id}"), (on.admin, file), (on.lead, file),
        (on.admin, town.path), (on.admin, f"{town.path}/renew"), (on.admin, "/"),
    ):  # fmt: skip
        assert "期限切れ" in browser.get(path).text, path
    assert on.admin.submit(f"{town.path}/renew", FORM).status_code == 303
    assert on.lead.submit(f"{town.path}/assign", chosen).status_code == 303
    yes = {"decision": "approve", "confirmed": "yes"}
    late = on.lead.prepare(f"{town.path}/decide", yes)
    assert on.lead.submit(f"{town.path}/decide", yes).status_code == 303
    assert late().status_code == 404
    assert held_by(town) == RENEWED
    assert "期限切れ" not in public.get(f"/vendors/{town.vendor.id}").text
    history = text_of(on.admin.page(town.path))
    assert "資格の有効期限：令和9年3月31日（水）から令和12年3月31日（日）へ" in history
    outbox.drain(outbox_handlers(town.settings))
    assert "全省庁統一資格の更新が認められました" in on.admin.get("/").text
    with db.reading() as session:
        done = select(AuditEvent).where(
            AuditEvent.outcome == "done", AuditEvent.subject_id == town.vendor.id
        )
        acts = [event.action.removeprefix("vendor.") for event in session.exec(done)]
    assert acts == [
        "submit_renewal", "assign_renewal", "refuse_renewal",
        "submit_renewal", "assign_renewal", "approve_renewal",
    ]  # fmt: skip
    assert first.owner_id == town.vendor.owner_id


def test_reminders_lead_to_the_page_and_follow_the_new_expiry(town, hold_clock):
    with db.transaction() as session:
        outbox.publish(session, "vendor.state_changed", {"vendor_id": town.vendor.id})
    outbox.drain(outbox_handlers(town.settings))
    renewal = hand_in(town)
    check(town, renewal)
    decide(town, town.lead, renewal)
    for day in ((2027, 3, 25), (2030, 3, 1), (2030, 3, 2)):
        hold_clock(datetime(*day, 3, 0, tzinfo=UTC))
        outbox.drain(outbox_handlers(town.settings))
    with db.reading() as session:
        rows = session.exec(select(OrganisationNotice)).all()
    told = sorted((r.title.rpartition("あと")[2], r.due_on) for r in rows if r.due_on)
    assert told == [("30日です", NEW), ("60日です", NEW)]
    assert {r.path for r in rows} == {town.path}
    letters = empty_letterbox(town.settings)
    assert len(receivers(letters, "全省庁統一資格の有効期限まで、あと")) == 2
    with db.reading() as session:
        members = {each.person.email for each in list_members(session, town.vendor.owner_id)}
    assert receivers(letters, "更新が認められました") == sorted(members)


def test_three_people_are_needed_and_the_database_knows(town):
    renewal = hand_in(town)
    with pytest.raises(GuardFailed, match="前に届け出た更新"):
        hand_in(town)
    check(town, renewal)
    with pytest.raises(Forbidden, match="確認した人は判断できません"):
        decide(town, town.checker, renewal)
    same = sa.update(QualificationRenewal).values(
        decided_by_id=QualificationRenewal.assigned_reviewer_id
    )
    with pytest.raises(Conflict), db.transaction() as session:
        session.execute(same)
    unread = {"state": "approved", "decided_by_id": None}
    with pytest.raises(Conflict), db.transaction() as session:
        session.execute(sa.update(QualificationRenewal).values(**unread))
    with pytest.raises(Invalid):
        decide(town, town.lead, renewal, FilingDecision.REFUSE)
    with db.transaction() as session:
        queries.lock_vendor(session, town.vendor.id).apply(VendorAction.WITHDRAW)
    with pytest.raises(GuardFailed, match="資格は更新できません"):
        decide(town, town.lead, renewal)
    assert held_by(town) == HELD


def test_vendor_takes_it_back_while_a_lead_approves(town):
    renewal = hand_in(town)
    check(town, renewal)
    outcomes = at_once(
        lambda: act(filing_services.withdraw, town, town.admin, renewal, version=2),
        lambda: decide(town, town.lead, renewal),
        lambda: decide(town, town.lead, renewal, FilingDecision.REFUSE, "番号が違います。"),
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, DomainError) for outcome in outcomes) == 2
    with db.reading() as session:
        state = filings.get_filing(session, QualificationRenewal, renewal.id).state
    assert held_by(town) == (RENEWED if state is FilingState.APPROVED else HELD)
    doubled = at_once(lambda: hand_in(town, qualification_number="2"), lambda: hand_in(town, qualification_number="3"))  # fmt: skip
    assert sum(isinstance(outcome, QualificationRenewal) for outcome in doubled) == 1
