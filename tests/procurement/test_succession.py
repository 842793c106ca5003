"""A company, or one offering, goes over to another vendor: everything keeps its id, only the owner changes."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

import tests.factories as make
from accounts.models import Organisation, OrganisationKind, Role
from catalog.certification.models import Certification
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    OfferAction,
    Offering,
    OfferingVersion,
)
from core import changes, db
from core.audit import AuditEvent, verify
from core.db import now
from core.errors import Conflict, DomainError
from core.outbox import OutboxMessage
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.succession import queries, services
from tests.page_checks import text_of
from tests.procurement.test_register import register
from tests.vendors.test_races import at_once
from vendors.models import Vendor, VendorState
from vendors.succession_models import Succession, SuccessionState

TABLES: tuple[Any, ...] = (
    Offering,
    OfferingVersion,
    Listing,
    ListingVersion,
    Certification,
    Contract,
)
ALL = (*TABLES, UsageContractRequest)


@pytest.fixture
def leads(new_client):
    """Two leads of the agency, with a browser each."""
    with db.transaction() as session:
        home = make.organisation(session, OrganisationKind.AGENCY)
        people = [make.person(session, Role.LEAD_REVIEWER, home) for _ in range(2)]
    browsers = [new_client() for _ in people]
    for browser, person in zip(browsers, people, strict=True):
        browser.query_budget = 60  # carrying it out touches a dozen tables, once in years
        make.sign_in_client(browser, person)
    return browsers, people, home


def snapshot():
    """What must stay as it is: every id, hash, number and state."""
    moved = {"owner_id", "maker_id", "seller_id", "addressee_id", "version", "updated_at"}
    with db.reading() as session:
        rows = [row for model in ALL for row in session.exec(select(model).order_by(model.id))]
        trail = select(AuditEvent).order_by(col(AuditEvent.sequence))
        events = [event.hash for event in session.exec(trail)]
    return [row.model_dump(exclude=moved) for row in rows], events


def assert_announced(old, heir, listing_id):
    """The old company owns nothing, the trail is whole, feed and index are told."""
    with db.reading() as session:
        for model in TABLES[:-1]:
            assert old.owner_id not in {row.owner_id for row in session.exec(select(model))}
        assert verify(session).problems == ()
        assert session.get(Vendor, old.id).state is VendorState.TERMINATED
        fed = {c.subject_id for c in changes.list_changes(session, 0, 999)}
        assert {old.id, heir.id, listing_id} <= fed
        told = [m for m in session.exec(select(OutboxMessage)) if "listing_id" in m.payload]
        assert str(listing_id) in {m.payload["listing_id"] for m in told}


@pytest.mark.acceptance(38)
def test_merger_keeps_everything_and_ends_the_access_of_the_old_company(market, leads, client):
    market.reach_accepted()
    contract = register(market).location
    (lead, second), _, _ = leads
    old, heir = market.seller, market.rival
    with db.reading() as session:
        version = session.get(ListingVersion, market.cheap.id)
    rows, events = snapshot()
    seller, rival = market.as_(market.seller_admin), market.as_(market.rival_admin)
    assert rival.get(contract).status_code == 404
    path = f"/vendors/{old.id}/succession"
    assert seller.get(path).status_code == 403
    wrong = {"offering_id": "all", "corporate_number": old.corporate_number, "reason": "合併。"}
    refused = lead.submit(path, wrong)
    assert (refused.status_code, "ほかの登録はありません" in refused.text) == (422, True)
    values = {**wrong, "corporate_number": heir.corporate_number}
    assert lead.submit(path, values).status_code == 303
    assert "別の主任審査員が確認します" in lead.get(f"{path}/confirm").text
    token = lead.get(f"{path}/confirm").text.split('name="csrf_token" value="')[1].split('"')[0]
    own = {"confirmed": "yes", "version": "1", "csrf_token": token}
    assert lead.post(f"{path}/confirm", data=own).status_code == 403
    assert snapshot()[0] == rows
    done = second.submit(f"{path}/confirm", {"confirmed": "yes"}, action="/confirm")
    assert done.status_code == 303, done.text
    after, more = snapshot()
    assert after == rows
    assert more[: len(events)] == events
    assert_announced(old, heir, version.listing_id)
    assert seller.get(contract).status_code == 404  # the next request
    assert rival.get(contract).status_code == 200
    assert market.as_(market.clerk).get(contract).status_code == 200
    listing = client.get(f"/listings/{version.listing_id}")
    assert (listing.status_code, heir.name in listing.text, old.name in listing.text) == (
        200,
        True,
        False,
    )
    gone = client.get(f"/vendors/{old.id}")
    assert (gone.status_code, heir.name in gone.text) == (410, True)
    assert "承継の記録" in text_of(client.page(f"/vendors/{heir.id}"))
    assert lead.get(f"{path}/confirm").status_code == 404


def test_one_offering_goes_over_and_the_rest_stays(database, settings, leads, new_client, client):
    _, people, home = leads
    with db.transaction() as session:
        old, heir = make.vendor(session), make.vendor(session)
        specification = make.specification(session)
        going = make.offering(session, old, specification)
        staying = make.offering(session, old, specification)
        certificate = make.certification(
            session, session.get(OfferingVersion, going.offering_version_id)
        )
        offering_id = session.get(OfferingVersion, going.offering_version_id).offering_id
        admin = make.person(session, Role.VENDOR_ADMIN, session.get(Organisation, old.owner_id))
    first, second = (make.actor(person, Role.LEAD_REVIEWER, home) for person in people)
    with db.transaction() as session:
        made = services.propose(
            session,
            first,
            session.get(Vendor, old.id),
            corporate_number=heir.corporate_number,
            offering_id=offering_id,
            reason="事業譲渡契約（見本）による。",
        )

    def confirm():
        with db.transaction() as session:
            return services.confirm(session, second, settings, made.id, version=made.version).id

    outcomes = at_once(confirm, confirm)
    assert sum(isinstance(outcome, DomainError) for outcome in outcomes) == 1
    with db.reading() as session:
        assert session.get(Offering, offering_id).maker_id == heir.id
        assert session.get(Certification, certificate.id).owner_id == heir.owner_id
        assert session.get(Certification, certificate.id).number == certificate.number
        assert session.get(Listing, staying.listing_id).owner_id == old.owner_id
        assert session.get(Vendor, old.id).state is VendorState.ACTIVE
        assert queries.find_proposed(session, old.id) is None
    browser = new_client()
    make.sign_in_client(browser, admin)
    mine = f"/vendor/offerings/{going.offering_version_id}"
    assert browser.get(mine).status_code == 404
    assert "が引き継ぎました" in client.get(f"/vendors/{old.id}").text
    with pytest.raises(Conflict), db.transaction() as session:
        both = update(Succession).where(col(Succession.id) == made.id)
        session.execute(both.values(confirmed_by_id=made.proposed_by_id))
    with db.reading() as session:
        assert session.get(Succession, made.id).state is SuccessionState.COMPLETED


@pytest.mark.sqlite_only  # words of refusals: the same on both
def test_succession_is_refused_where_it_cannot_be_and_can_be_dropped(leads, new_client):
    (lead, second), _, _ = leads
    with db.transaction() as session:
        old, heir = make.vendor(session), make.vendor(session)
        version = make.offering(session, old, make.specification(session))
        row = session.get(OfferingVersion, version.offering_version_id)
        make.listing(session, session.get(Offering, row.offering_id), row, heir, version.state, ())
        stopped = make.vendor(session, VendorState.SUSPENDED)
        others = {role: make.person(session, role) for role in (Role.REVIEWER, Role.AUDITOR)}
    path = f"/vendors/{old.id}/succession"
    for person in others.values():
        browser = new_client()
        make.sign_in_client(browser, person)
        assert browser.get(path).status_code == 403
    values = {"offering_id": "all", "corporate_number": heir.corporate_number, "reason": "合併。"}
    unchosen = {name: value for name, value in values.items() if name != "offering_id"}
    assert "引き継ぐものを選択してください" in lead.submit(path, unchosen).text
    doubled = lead.submit(path, values)
    assert f"先に、{old.name}がその販売を終えて" in doubled.text
    assert (doubled.status_code, "両社が同じサービス" in doubled.text) == (422, True)
    number = stopped.corporate_number
    assert "停止中" in lead.submit(path, {**values, "corporate_number": number}).text
    with db.transaction() as session:
        free = make.vendor(session)
    values["corporate_number"] = free.corporate_number
    assert lead.submit(path, values).status_code == 303
    assert lead.get(path).location == f"{path}/confirm"
    assert second.submit(f"{path}/confirm", {}, action="/confirm").status_code == 422
    assert second.submit(f"{path}/confirm", {}, action="/drop").status_code == 303
    assert lead.get(path).status_code == 200


@pytest.mark.sqlite_only  # the rows that move are the same on both
def test_company_goes_over_to_the_maker_of_what_it_no_longer_resells(leads, new_client):
    (lead, second), _, _ = leads
    with db.transaction() as session:
        maker, reseller = make.vendor(session), make.vendor(session)
        version = make.offering(session, maker, make.specification(session))
        row = session.get_one(OfferingVersion, version.offering_version_id)
        offering = session.get_one(Offering, row.offering_id)
        resold = make.listing(session, offering, row, reseller, version.state, ())
    path = f"/vendors/{reseller.id}/succession"
    values = {"offering_id": "all", "corporate_number": maker.corporate_number, "reason": "合併。"}
    assert lead.submit(path, values).status_code == 422
    with db.transaction() as session:
        ended = session.get_one(ListingVersion, resold.id)
        ended.apply(OfferAction.WITHDRAW, withdrawn_at=now(session), withdrawal_reason="合併。")
    assert lead.submit(path, values).status_code == 303
    done = second.submit(f"{path}/confirm", {"confirmed": "yes"}, action="/confirm")
    assert done.status_code == 303
    with db.reading() as session:
        kept = session.get_one(Listing, resold.listing_id)
        assert (kept.seller_id, kept.owner_id) == (reseller.id, maker.owner_id)
        assert session.get_one(ListingVersion, resold.id).owner_id == maker.owner_id
        assert session.get_one(Vendor, reseller.id).state is VendorState.TERMINATED
    browser = new_client()
    assert browser.get(f"/listings/{resold.listing_id}").status_code == 410
    assert browser.get(f"/listings/{version.listing_id}").status_code == 200
