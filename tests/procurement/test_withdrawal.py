"""The end of a service: it leaves search at once, says why, and reaches everyone who uses it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from accounts.models import Role
from app import outbox_handlers
from catalog.feed_upkeep import reconcile
from catalog.offerings import queries as offers
from catalog.offerings import services as offerings
from catalog.offerings.models import OfferState
from core import db, outbox
from core.clock import today_jst
from procurement.contracts.services import registering
from tests import factories
from tests.catalog.offerings.conftest import make_lead
from tests.page_checks import text_of

ENDING = {
    "reason": "後継のサービスに移るため。",
    "ends_on-era": "reiwa",
    "ends_on-year": "12",
    "ends_on-month": "3",
    "ends_on-day": "31",
    "confirmed": "yes",
}


def register_contract(market) -> None:
    """Let the body record the contract that both sides settled."""
    with db.transaction() as session:
        request = market.load_request(session)
        registering.register_contract(
            session,
            market.actor(market.clerk, Role.CLERK),
            request,
            version=request.version,
            number="R9-001",
            signed_on=today_jst(),
            starts_on=date(2027, 4, 1),
            ends_on=date(2030, 3, 31),
            signed_record_sha256="5" * 64,
            signed_record_name="契約書.pdf",
        )


def words(client, path, status=200):
    """Return the words of a page without the time in its foot."""
    return text_of(client.page(path, status)).rpartition("データの時点")[0]


@pytest.mark.acceptance(6)
@pytest.mark.sqlite_only
@pytest.mark.query_budget(40)
def test_withdrawn_offering_leaves_search_and_reaches_every_body_with_a_contract(
    market, new_client, hold_clock
):
    market.reach_accepted()
    register_contract(market)
    with db.transaction() as session:
        stranger = factories.person(session, Role.CLERK)
    vendor, clerk, anyone = market.as_(market.seller_admin), market.as_(market.clerk), new_client()
    pack = f"/projects/{market.project().id}/evidence/1"
    name, listing_id = "まちの予約帳", market.cheap.listing_id
    assert name in words(anyone, "/search")
    path = f"/vendor/own-listings/{listing_id}/withdraw"
    shown_id = shorten_notice(market)
    locked = words(clerk, pack)
    refuse_too_soon(vendor, path)
    assert name in words(anyone, "/search")
    assert vendor.submit(path, ENDING, button="提供を終了する").status_code == 303
    # Nothing was indexed yet, and no message delivered: it is gone from every way of asking.
    assert name not in words(anyone, "/search")
    assert name not in words(anyone, "/search?q=予約帳")
    listed = anyone.get("/api/v1/offerings").get_json()["items"]
    assert name not in {each["version"]["name"] for each in listed}
    gone = words(anyone, f"/listings/{listing_id}", 410)
    for expected in (
        "後継のサービスに移るため",
        f"{name}は令和12年3月31日に提供を終えます",
        "新しい依頼は受け付けていません",
        "とびらの予約",
        "おおきな予約",
    ):
        assert expected in gone, expected
    assert "終了しました" not in gone
    assert "令和12年3月31日まで" in words(anyone, f"/compare?l={shown_id}&l={market.other.id}")
    assert words(clerk, pack) == locked
    assert name in locked

    outbox.run_due(outbox_handlers(market.settings))
    outbox.run_due(outbox_handlers(market.settings))
    told = words(clerk, "/")
    assert f"契約中の「{name}」" in told
    assert "令和12年3月31日に提供を終えます。契約1件が対象です" in told
    assert f"契約中の「{name}」" in words(market.as_(market.approver), "/")
    other = new_client()
    factories.sign_in_client(other, stranger)
    assert "契約中の" not in words(other, "/")
    assert name not in words(anyone, "/search")
    page = f"/listings/{listing_id}"
    for day, said in ((30, "提供を終えます"), (31, "提供を終えます"), (32, "提供を終了しました")):
        hold_clock(datetime(2030, 3, 1, 3, tzinfo=UTC) + timedelta(days=day - 1))
        assert said in words(anyone, page, 410)


def refuse_too_soon(vendor, path) -> None:
    """Ask for an end in ten weeks: new terms allow it, who contracted before was promised more."""
    assert "6か月前まで" in words(vendor, path)
    soon = today_jst() + timedelta(days=70)
    date_of = {"ends_on-era": "western", "ends_on-year": str(soon.year)}
    date_of |= {"ends_on-month": str(soon.month), "ends_on-day": str(soon.day)}
    early = vendor.submit(path, {**ENDING, **date_of}, button="提供を終了する")
    assert early.status_code == 422
    assert "以後の日付にしてください" in early.text
    assert "続いている契約の販売条件で、6か月前までの予告を約束しています" in early.text


@pytest.mark.sqlite_only
def test_a_request_that_was_sent_binds_the_notice_that_it_was_sent_on(market):
    market.reach_sent()
    shorten_notice(market)
    refuse_too_soon(
        market.as_(market.seller_admin), f"/vendor/own-listings/{market.cheap.listing_id}/withdraw"
    )


def shorten_notice(market) -> UUID:
    """Publish terms of the chosen service that promise a month's notice only."""
    admin = factories.actor(market.seller_admin, Role.VENDOR_ADMIN, _home(market))
    with db.transaction() as session:
        lead = make_lead(session)
        listing = offers.get_listing(session, market.cheap.listing_id)
        made = offerings.start_listing_change(session, admin, listing)
        terms_id = made.id
    for act, who, values in (
        (offerings.edit_listing_version, admin, {"notice_months": 1}),
        (offerings.submit_listing_version, admin, {}),
        (offerings.approve_listing_version, lead, {}),
        (offerings.publish_listing_version, admin, {}),
    ):
        with db.transaction() as session:
            row = offers.get_listing_version(session, terms_id)
            version = {"version": row.version} if values else {}
            act(session, who, row, **version, **values)
    return terms_id


def test_what_was_on_its_way_ends_with_the_software(market):
    """A version under review would otherwise come back after the end by its publication."""
    admin = factories.actor(market.seller_admin, Role.VENDOR_ADMIN, _home(market))
    with db.transaction() as session:
        listing = offers.get_listing(session, market.cheap.listing_id)
        made = offerings.start_new_version(session, admin, listing.offering)
        pending_id = made.id
    with db.transaction() as session:
        listing = offers.get_listing(session, market.cheap.listing_id)
        reason = "後継のサービスに移るため。"
        offerings.withdraw_listing(
            session, admin, listing, reason=reason, ends_on=date(2030, 3, 31)
        )
    with db.reading() as session:
        pending = offers.get_offering_version(session, pending_id)
        terms = offers.find_own_listing_version(session, pending)
        assert (pending.state, terms.state) == (OfferState.WITHDRAWN, OfferState.WITHDRAWN)
        assert (pending.published_at, terms.published_at) == (None, None)


@pytest.mark.sqlite_only
@pytest.mark.query_budget(60)
def test_vendor_that_leaves_the_market_ends_its_services_like_each_of_them(market, new_client):
    market.reach_accepted()
    register_contract(market)
    vendor, clerk, anyone = market.as_(market.seller_admin), market.as_(market.clerk), new_client()
    with db.transaction() as session:
        lead = factories.person(session, Role.LEAD_REVIEWER)
        terms = offers.get_listing_version(session, market.cheap.id)
        terms.revise(notice_months=36)  # promised in the contract; newer terms promise less
        admin = factories.actor(market.seller_admin, Role.VENDOR_ADMIN, _home(market))
        offer_id = terms.listing.offering_id
        offerings.start_new_version(session, admin, terms.listing.offering)
    agency = new_client()
    factories.sign_in_client(agency, lead)
    reconcile()
    path, listing = f"/vendors/{market.seller.id}", f"/listings/{market.cheap.listing_id}"
    soon = day_in(today_jst(), 40)
    assert "36か月前まで" in words(vendor, f"{path}/withdraw")
    early = vendor.submit(f"{path}/withdraw", ENDING | soon)
    assert (early.status_code, "以後の日付にしてください" in early.text) == (422, True)
    unsaid = agency.submit(f"{path}/terminate", ENDING | soon)
    assert (unsaid.status_code, "理由を入力してください" in unsaid.text) == (422, True)
    past = agency.submit(f"{path}/terminate", ENDING | day_in(today_jst(), -1))
    assert (past.status_code, "今日より後" in past.text) == (422, True)
    assert "提供を終了しました" not in words(anyone, listing)
    why = {"early_reason": "偽りの登録が確かめられたため。"}
    assert agency.submit(f"{path}/terminate", ENDING | soon | why).status_code == 303

    gone = words(anyone, listing, 410)
    for expected in ("後継のサービスに移る", "偽りの登録が確かめられた", "とびらの予約"):
        assert expected in gone, expected
    assert "後継のサービスに移る" in words(anyone, f"{listing}/history")
    assert "偽りの登録" in words(anyone, path, 410)
    outbox.run_due(outbox_handlers(market.settings))
    outbox.run_due(outbox_handlers(market.settings))
    assert "契約1件が対象です" in words(clerk, "/")
    feed = anyone.get("/api/v1/changes?since=0&limit=500").get_json()["changes"]
    last = {(each["kind"], each["id"]): each["operation"] for each in feed}
    for dead in (("listing", market.cheap.listing_id), ("offering", offer_id)):
        assert last[dead[0], str(dead[1])] == "delete", dead
    assert anyone.get(f"/api/v1/offerings/{offer_id}").status_code == 410
    with db.reading() as session:
        rows = offers.list_offering_versions(session, offer_id)
        assert {row.state for row in rows} == {OfferState.WITHDRAWN}


def day_in(today: date, days: int) -> dict[str, str]:
    """Type the day so many days from today."""
    day = today + timedelta(days=days)
    parts = {"era": "western", "year": day.year, "month": day.month, "day": day.day}
    return {f"ends_on-{name}": str(value) for name, value in parts.items()}


def _home(market):
    from accounts.models import Organisation

    with db.reading() as session:
        return session.get_one(Organisation, market.seller.owner_id)
