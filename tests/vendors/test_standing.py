"""The end of a registration, exclusion periods, reminders and the invoice number."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlmodel import select

import tests.factories as make
from accounts.models import Membership, Organisation, OrganisationNotice, Person, Role
from app import outbox_handlers
from catalog.feed_upkeep import reconcile
from core import changes, db, outbox
from core.audit import AuditEvent
from core.errors import DomainError, GuardFailed
from tests.vendors.test_races import at_once
from vendors import queries, standing_services
from vendors.models import ExclusionPeriod, Vendor, VendorState
from vendors.queries import agreements

REASON = {"confirmed": "yes", "reason": "事業をやめるため。"}
SURE = REASON | {
    "ends_on-era": "western",
    "ends_on-year": "2031",
    "ends_on-month": "3",
    "ends_on-day": "31",
}


@pytest.fixture
def market(new_client):
    """A vendor with a listing and its administrator, a lead and a member, each in a browser."""
    with db.transaction() as session:
        vendor = make.vendor(session, name="見本川ソフト株式会社")
        version = make.offering(session, vendor, make.specification(session), name="見本の窓口")
        home = session.get_one(Organisation, vendor.owner_id)
        held = session.exec(select(Membership).where(Membership.organisation_id == home.id)).one()
        people = {
            "admin": session.get_one(Person, held.person_id),
            "member": make.person(session, Role.VENDOR_MEMBER, home),
            "lead": make.person(session, Role.LEAD_REVIEWER),
            "rival": make.person(session, Role.VENDOR_ADMIN),
            "reviewer": make.person(session, Role.REVIEWER),
        }
    browsers = {name: new_client() for name in people}
    for name, browser in browsers.items():
        make.sign_in_client(browser, people[name])
    path = f"/vendors/{vendor.id}"
    listing = f"/listings/{version.listing_id}"
    return SimpleNamespace(vendor=vendor, path=path, listing=listing, people=people, **browsers)


def the_vendor(market):
    with db.reading() as session:
        return session.get(Vendor, market.vendor.id)


@pytest.mark.sqlite_only  # pages and words: the same on both
@pytest.mark.query_budget(60)
def test_vendor_withdraws_and_everything_but_the_records_is_gone(market, client):
    assert client.get(market.listing).status_code == 200
    assert market.member.get(f"{market.path}/withdraw").status_code == 403
    assert market.rival.get(f"{market.path}/withdraw").status_code == 404
    assert market.lead.get(f"{market.path}/withdraw").status_code == 403
    assert market.admin.submit(f"{market.path}/withdraw", {"reason": "x"}).status_code == 422
    reconcile()
    undated = market.admin.submit(f"{market.path}/withdraw", REASON)
    assert (undated.status_code, "終える日を入力して" in undated.text) == (422, True)
    assert market.admin.submit(f"{market.path}/withdraw", SURE).status_code == 303
    gone = client.get(market.path)
    assert (gone.status_code, "事業をやめるため。" in gone.text) == (410, True)
    for page, status in ((market.listing, 410), (f"{market.listing}/history", 200)):
        answer = client.get(page)
        assert (answer.status_code, "事業をやめるため。" in answer.text) == (status, True), page
    assert "令和13年3月31日に終わります" in gone.text
    assert "登録は終わりました" in market.member.get(f"{market.path}/file").text
    again = market.admin.get(f"{market.path}/withdraw")
    assert "今は取り下げられません" in again.text
    with db.reading() as session:
        vendor = session.get(Vendor, market.vendor.id)
        assert vendor.state is VendorState.WITHDRAWN
        with pytest.raises(GuardFailed):
            agreements.require_selling(session, vendor)
        ended = {(c.kind, c.operation) for c in changes.list_changes(session, 0, 99)[-3:]}
        assert ended == {(k, changes.Operation.DELETE) for k in ("vendor", "listing", "offering")}
        topics = {m.topic for m in session.exec(select(outbox.OutboxMessage))}
        assert "vendor.state_changed" in topics


@pytest.mark.sqlite_only  # pages and words: the same on both
@pytest.mark.query_budget(60)
def test_lead_ends_a_registration_for_a_reason(market, client):
    assert market.reviewer.get(f"{market.path}/terminate").status_code == 403
    assert market.lead.submit(f"{market.path}/terminate", {"confirmed": "yes"}).status_code == 422
    assert market.lead.submit(f"{market.path}/terminate", SURE).status_code == 303
    assert client.get(market.path).status_code == 410
    assert the_vendor(market).state is VendorState.TERMINATED
    with db.transaction() as session:
        draft = make.vendor(session, VendorState.SUBMITTED)
        admin = make.person(session, Role.VENDOR_ADMIN, session.get(Organisation, draft.owner_id))
    make.sign_in_client(client, admin)
    assert client.submit(f"/vendors/{draft.id}/withdraw", REASON).status_code == 303
    assert client.get(f"/vendors/{draft.id}").status_code == 404  # it was never public


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_exclusion_is_public_while_it_lasts_and_can_be_struck_out(market, client, hold_clock):
    hold_clock(datetime(2026, 10, 1, 3, 0, tzinfo=UTC))
    for browser in (market.admin, market.lead):
        make.sign_in_client(browser, market.people["admin" if browser is market.admin else "lead"])
    path = f"{market.path}/exclusions"
    values = {
        "authority": "見本県",
        "reason": "虚偽の記載。",
        "reference": "見本県告示第1号",
        **{
            f"starts_on-{k}": v
            for k, v in zip(
                ("era", "year", "month", "day"), ("western", "2026", "10", "2"), strict=True
            )
        },
        **{
            f"ends_on-{k}": v
            for k, v in zip(
                ("era", "year", "month", "day"), ("western", "2026", "10", "3"), strict=True
            )
        },
    }
    assert market.admin.get(path).status_code == 403
    backwards = market.lead.submit(path, {**values, "ends_on-day": "1"})
    assert (backwards.status_code, "終わる日は" in backwards.text) == (422, True)
    assert market.lead.submit(path, values).status_code == 303
    for moment, shown in (
        (datetime(2026, 10, 1, 14, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 1, 15, 0, tzinfo=UTC), True),
        (datetime(2026, 10, 3, 14, 59, tzinfo=UTC), True),
        (datetime(2026, 10, 3, 15, 0, tzinfo=UTC), False),
    ):
        hold_clock(moment)
        assert ("見本県告示第1号" in client.get(market.path).text) is shown, moment
    hold_clock(datetime(2026, 10, 2, 3, 0, tzinfo=UTC))
    make.sign_in_client(market.lead, market.people["lead"])
    with db.reading() as session:
        period = session.exec(select(ExclusionPeriod)).one()
    strike = f"{path}/{period.id}/strike"
    assert (
        market.lead.submit(strike, {"reason": "別の会社。", "confirmed": "yes"}).status_code == 303
    )
    assert "見本県告示第1号" not in client.get(market.path).text
    assert "取消し（別の会社。）" in market.lead.get(path).text
    assert market.lead.submit(strike, {"reason": "x", "confirmed": "yes"}).status_code == 422
    with db.reading() as session:
        done = select(AuditEvent).where(AuditEvent.outcome == "done")
        acts = [e.action for e in session.exec(done) if e.subject_kind == "Vendor"]
    assert acts == ["vendor.exclude", "vendor.strike_exclusion"]


def test_reminders_come_once_and_not_after_a_renewal(settings, hold_clock):
    expires = date(2027, 3, 31)
    noon = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)
    hold_clock(noon)
    with db.transaction() as session:
        vendor = make.vendor(
            session, qualification_expires_on=expires, contact_email="info@example.jp"
        )
        for _ in range(2):
            outbox.publish(session, "vendor.state_changed", {"vendor_id": vendor.id})
    told = []
    for day in (date(2027, 1, 29), date(2027, 1, 30), date(2027, 3, 1), date(2027, 3, 10)):
        hold_clock(datetime(day.year, day.month, day.day, 3, 0, tzinfo=UTC))
        with db.transaction() as session:  # from March on only administrators are left to write to
            row = queries.lock_vendor(session, vendor.id)
            row.revise(contact_email="" if day.month == 3 else "info@example.jp")
        outbox.drain(outbox_handlers(settings))
        with db.reading() as session:
            told.append(len(session.exec(select(OrganisationNotice)).all()))
    assert told == [0, 1, 2, 2]
    with db.transaction() as session:
        row = queries.lock_vendor(session, vendor.id)
        row.revise(qualification_expires_on=expires + timedelta(days=365))
    hold_clock(datetime(2027, 3, 24, 3, 0, tzinfo=UTC))
    outbox.drain(outbox_handlers(settings))
    with db.reading() as session:
        notices = session.exec(select(OrganisationNotice)).all()
    assert {(n.title.rpartition("あと")[2], n.due_on) for n in notices} == {
        ("60日です", expires),
        ("30日です", expires),
    }
    letters = [p.read_text() for p in (settings.data_dir / "mail").glob("*.eml")]
    assert len(letters) == 2
    with db.reading() as session:
        admin = session.exec(select(Person)).one().email
    assert sorted("info@example.jp" in letter for letter in letters) == [False, True]
    assert sum(admin in letter for letter in letters) == 1


def test_vendor_withdraws_while_a_lead_stops_it(settings):
    with db.transaction() as session:
        vendor = make.vendor(session)
        home = session.get_one(Organisation, vendor.owner_id)
        held = session.exec(select(Membership).where(Membership.organisation_id == home.id)).one()
        admin = session.get_one(Person, held.person_id)
        lead = make.person(session, Role.LEAD_REVIEWER)
        office = (
            session.exec(select(Membership).where(Membership.person_id == lead.id))
            .one()
            .organisation_id
        )
        agency = session.get_one(Organisation, office)

    def act(service, who, role, at):
        def run():
            with db.transaction() as session:
                row = queries.lock_vendor(session, vendor.id)
                actor = make.actor(who, role, at)
                service(session, actor, settings, row, reason="理由", version=vendor.version)

        return run

    outcomes = at_once(
        act(standing_services.withdraw, admin, Role.VENDOR_ADMIN, home),
        act(standing_services.terminate, lead, Role.LEAD_REVIEWER, agency),
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, DomainError) for outcome in outcomes) == 1
    with db.reading() as session:
        assert session.get(Vendor, vendor.id).left_market_at is not None


@pytest.mark.sqlite_only  # pages and words: the same on both
def test_invoice_number_is_checked_and_belongs_to_the_company(client):
    with db.transaction() as session:
        vendor = make.vendor(session, VendorState.DRAFT, corporate_number="8000012010038")
        home = session.get(Organisation, vendor.owner_id)
        admin = make.person(session, Role.VENDOR_ADMIN, home)
    make.sign_in_client(client, admin)
    path = f"/vendors/{vendor.id}/file/company"
    for value, sentence in (
        ("T8000012010039", "検査用数字"),
        (f"T{make.corporate_number(5)}", "法人番号と違います"),
        ("T123", "13桁"),
    ):
        response = client.submit(path, {"invoice_number": value})
        assert (response.status_code, sentence in response.text) == (422, True), value
        assert f'value="{value}"' in response.text
    assert (
        client.submit(path, {"invoice_number": "Ｔ８０００-０１２０-１００３８"}).status_code == 303
    )
    with db.reading() as session:
        assert session.get(Vendor, vendor.id).invoice_number == "T8000012010038"
