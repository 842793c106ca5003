"""A company, or one offering, goes over to another vendor: everything keeps its id, only the owner changes."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

import tests.factories as make
from accounts.models import Organisation, OrganisationKind, Role
from catalog.certification.models import Certification
from catalog.feed_upkeep import reconcile
from catalog.offerings import queries as offers
from catalog.offerings import services as offerings
from catalog.offerings.content import hash_content, listing_content
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.queries import find_listed
from catalog.price_plan import ComponentKind, Interval, Unit
from core import changes, db
from core.audit import AuditEvent
from core.audit_checkpoints import verify
from core.errors import Conflict, DomainError
from core.outbox import OutboxMessage
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.market.queries import count_contracts_by_body
from procurement.succession import queries, services
from tests.catalog.offerings.conftest import load, make_company, make_draft, publish
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
PRICES = ((ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 20_000),)


@pytest.fixture
def leads(new_client):
    """Two leads of the agency, with a browser each."""
    with db.transaction() as session:
        home = make.organisation(session, OrganisationKind.AGENCY)
        people = [make.person(session, Role.LEAD_REVIEWER, home) for _ in range(2)]
    browsers = [new_client() for _ in people]
    for browser, person in zip(browsers, people, strict=True):
        browser.query_budget = 80  # carrying it out touches a dozen tables, once in years
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
        fed = {c.subject_id: c.content for c in changes.list_changes(session, 0, 999)}
        assert fed[old.id] is None
        assert f'"seller_id":"{heir.id}"' in str(fed[listing_id])
        told = [m for m in session.exec(select(OutboxMessage)) if "listing_id" in m.payload]
        assert str(listing_id) in {m.payload["listing_id"] for m in told}


@pytest.mark.acceptance(38)
def test_merger_keeps_everything_and_ends_the_access_of_the_old_company(market, leads, client):
    market.reach_accepted()
    contract = register(market).location
    reconcile()
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
        make.offering(session, old, make.specification(session))
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


def test_what_was_submitted_before_a_transfer_is_decided_after_it(database, settings, leads):
    _, people, home = leads
    first, second = (make.actor(person, Role.LEAD_REVIEWER, home) for person in people)
    with db.transaction() as session:
        giver, heir = make_company(session), make.vendor(session)
        specification = make.specification(session)
        ids = [make_draft(session, giver, specification.id) for _ in range(2)]
    shelf = publish(giver, first, ids[0])
    with db.transaction() as session:
        listing = offers.get_listing(session, shelf.listing_id)
        dearer = offerings.start_listing_change(session, giver.acts(), listing).id
    with db.transaction() as session:
        offerings.submit_listing_version(
            session, giver.acts(), offers.get_listing_version(session, dearer)
        )
        offerings.submit_version(session, giver.acts(), load(session, ids[1])[0])
    with db.transaction() as session:
        given = session.get_one(Vendor, giver.vendor.id)
        values = {
            "corporate_number": heir.corporate_number,
            "offering_id": None,
            "reason": "合併。",
        }
        made = services.propose(session, first, given, **values)
    with db.transaction() as session:
        services.confirm(session, second, settings, made.id, version=made.version)
    with db.transaction() as session:
        offerings.approve_listing_version(
            session, first, offers.get_listing_version(session, dearer)
        )
        offerings.approve_version(session, first, load(session, ids[1])[0])
        for terms in (offers.get_listing_version(session, dearer), load(session, ids[1])[1]):
            assert terms.content_sha256 == hash_content(listing_content(terms))
            assert (
                listing_content(terms)["seller_corporate_number"] == giver.vendor.corporate_number
            )
            assert terms.listing.seller_id == heir.id


def resold_from_a_maker(market):
    """Make the town's seller a reseller: another company makes the software and sells it, too."""
    with db.transaction() as session:
        maker = make.vendor(session)
        resold = session.get_one(ListingVersion, market.cheap.id)
        software = session.get_one(OfferingVersion, resold.offering_version_id)
        offering = session.get_one(Offering, software.offering_id)
        for row in (offering, software):
            row.owner_id = maker.owner_id
        offering.maker_id = maker.id
        own = make.listing(session, offering, software, maker, resold.state, PRICES)
        home = session.get_one(Organisation, maker.owner_id)
        return maker, make.person(session, Role.VENDOR_ADMIN, home), own, resold.listing_id


@pytest.mark.acceptance(38)
@pytest.mark.parametrize("direction", ["reseller to maker", "maker to reseller"])
def test_of_two_listings_in_one_hand_the_makers_goes_on(market, leads, client, direction):
    market.reach_accepted()
    contract = register(market).location
    maker, maker_admin, own, resold_id = resold_from_a_maker(market)
    parties = [(market.seller, market.seller_admin), (maker, maker_admin)]
    if direction == "maker to reseller":
        parties.reverse()
    (giver, old_admin), (heir, new_admin) = parties
    (lead, second), _, _ = leads
    path = f"/vendors/{giver.id}/succession"
    values = {"offering_id": "all", "corporate_number": heir.corporate_number, "reason": "合併。"}
    assert lead.submit(path, values).status_code == 303
    assert "両社が扱うサービス（1件）" in text_of(second.page(f"{path}/confirm"))
    done = second.submit(f"{path}/confirm", {"confirmed": "yes"}, action="/confirm")
    assert done.status_code == 303, done.text

    with db.reading() as session:
        kept = session.get_one(Listing, resold_id)
        goes_on = session.get_one(Listing, own.listing_id)
        assert (kept.seller_id, kept.merged_into_id) == (heir.id, goes_on.id)
        assert (goes_on.seller_id, goes_on.merged_into_id) == (heir.id, None)
        agreed = session.exec(select(Contract)).one()
        assert (agreed.listing_version_id, agreed.addressee_id) == (market.cheap.id, heir.owner_id)
        assert count_contracts_by_body(session, goes_on.id) == {market.body.id: 1}
        told = [m.payload for m in session.exec(select(OutboxMessage))]
        assert any(
            (t.get("organisation_id"), t.get("path"))
            == (str(market.body.id), f"/vendors/{heir.id}")
            for t in told
        )
        assert verify(session).problems == ()
    assert market.as_(old_admin).get(contract).status_code == 404  # the next request
    for person in (new_admin, market.clerk):
        assert market.as_(person).get(contract).status_code == 200
    ended = client.get(f"/listings/{resold_id}")
    assert (ended.status_code, f"/listings/{own.listing_id}" in ended.text) == (410, True)
    assert "この販売条件は終わりました" in ended.text
    shown = client.get(f"/listings/{own.listing_id}")
    assert (shown.status_code, heir.name in shown.text, "認証済み" in shown.text) == (
        200,
        True,
        True,
    )
    with pytest.raises(Conflict), db.transaction() as session:
        again = {"seller_id": heir.id, "owner_id": heir.owner_id}
        session.add(Listing(offering_id=goes_on.offering_id, **again))


@pytest.mark.sqlite_only  # which listing goes on is decided in Python
def test_resellers_that_merge_one_after_the_other_point_at_the_one_that_is_left(
    database, settings, leads
):
    _, people, home = leads
    first, second = (make.actor(person, Role.LEAD_REVIEWER, home) for person in people)
    with db.transaction() as session:
        maker, *sellers = (make.vendor(session) for _ in range(4))
        own = make.offering(session, maker, make.specification(session))
        software = session.get_one(OfferingVersion, own.offering_version_id)
        offering = session.get_one(Offering, software.offering_id)
        states = (OfferState.PUBLISHED, OfferState.DRAFT, OfferState.PUBLISHED)
        listings = [
            make.listing(session, offering, software, seller, state, PRICES).listing_id
            for seller, state in zip(sellers, states, strict=True)
        ]

    def merge(giver, heir):
        said = {"offering_id": None, "reason": "合併。"}
        with db.transaction() as session:
            row = session.get_one(Vendor, giver.id)
            number = heir.corporate_number
            made = services.propose(session, first, row, corporate_number=number, **said)
        with db.transaction() as session:
            services.confirm(session, second, settings, made.id, version=made.version)
        with db.reading() as session:
            return [session.get_one(Listing, each) for each in listings]

    # What is public goes on before a draft, though the draft is the heir's.
    a, b, c = merge(sellers[0], sellers[1])
    assert (a.merged_into_id, b.merged_into_id, c.merged_into_id) == (None, a.id, None)
    assert {a.seller_id, b.seller_id} == {sellers[1].id}
    # Of two that are public the heir's goes on, for all that ended before.
    a, b, c = merge(sellers[1], sellers[2])
    assert (a.merged_into_id, b.merged_into_id, c.merged_into_id) == (c.id, c.id, None)
    with db.reading() as session:
        assert {each.listing_id for each in find_listed(session)} == {own.listing_id, c.id}
        assert {each.seller_id for each in (a, b, c)} == {sellers[2].id}
