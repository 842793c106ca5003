"""The public page of a listing: what buyers see, what they must not see, and how it ends."""

import re
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from accounts.models import Organisation, Role
from app import outbox_handlers
from catalog.certification.models import ReviewState
from catalog.offerings import queries, services
from catalog.offerings.models import ConformanceAnswer, OfferState
from catalog.terms import Answer
from core import db, outbox
from tests import factories
from tests.catalog.offerings.conftest import (
    Company,
    load,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.client import CheckedClient
from tests.page_checks import text_of
from vendors.models import Vendor, VendorAction, VendorState

# Words and refusals of pages: the same on both databases, so asked once.
pytestmark = pytest.mark.sqlite_only

SIGN_IN_TABLES = ("sign_ins", "memberships", "people", "organisations")


def words(client: CheckedClient, listing_id: UUID, status: int = 200) -> str:
    """Return the words of a listing's page."""
    return text_of(client.page(f"/listings/{listing_id}", status))


def test_page_of_197_requirements_takes_six_statements(client: CheckedClient) -> None:
    with db.transaction() as session:
        maker = factories.vendor(session)
        specification = factories.specification(session, requirements=197)
        made = factories.offering(session, maker, specification)
        factories.certification(session, load(session, made.offering_version_id)[0])
        other = factories.vendor(session)
        row = load(session, made.offering_version_id)[0]
        prices = [
            (each.kind, each.unit, each.interval, 7) for each in _components(session, made.id)
        ]
        factories.listing(session, row.offering, row, other, OfferState.PUBLISHED, prices)
    page = words(client, made.listing_id)
    assert len(client.business_statements(*SIGN_IN_TABLES)) <= 6, client.statements
    assert "R-197" in page
    assert "認証済み" in page
    assert other.name in page


def test_page_tells_conformance_prices_and_what_is_unknown(client: CheckedClient) -> None:
    with db.transaction() as session:
        maker = factories.vendor(session)
        specification = factories.specification(session, requirements=6)
        made = factories.offering(session, maker, specification, summary="見本の説明")
        answers = queries.list_answers(session, [made.offering_version_id])
        _change(answers[made.offering_version_id], "R-001", Answer.CONDITIONAL, date(2028, 4, 1))
        _change(answers[made.offering_version_id], "R-002", Answer.ALTERNATIVE, None)
        session.delete(_named(answers[made.offering_version_id], "R-003"))
    page = words(client, made.listing_id)
    # R-001 is conditional and R-002 has no explanation, so one of three 実装必須 of chapter 1 is met.
    for expected in ("申告のみ", "1／3", "0／1", "条件付適合", "未回答", "100,000円", "令和"):
        assert expected in page, expected
    assert "360,000円" in page
    assert "情報なし（事業者が答えていません）" in page
    assert "による割引情報なし国の支援（合計に入れません）情報なし" in page.replace(" ", "")


@pytest.mark.parametrize(
    "state", [OfferState.DRAFT, OfferState.SUBMITTED, OfferState.RETURNED, OfferState.APPROVED]
)
def test_what_was_never_published_is_absent_for_everyone(
    client: CheckedClient, state: OfferState
) -> None:
    with db.transaction() as session:
        maker = factories.vendor(session)
        made = factories.offering(session, maker, factories.specification(session), state)
        home = made.owner_id
        admin = factories.person(session, Role.VENDOR_ADMIN, _organisation(session, home))
    assert client.get(f"/listings/{made.listing_id}").status_code == 404
    factories.sign_in_client(client, admin)
    assert client.get(f"/listings/{made.listing_id}").status_code == 404
    assert client.get("/listings/00000000-0000-0000-0000-000000000000").status_code == 404


def test_suspended_seller_disappears_at_once(client: CheckedClient) -> None:
    with db.transaction() as session:
        suspended = factories.vendor(session, VendorState.SUSPENDED)
        made = factories.offering(session, suspended, factories.specification(session))
    assert client.get(f"/listings/{made.listing_id}").status_code == 404


@pytest.mark.query_budget(30)  # the end of a service touches a dozen tables, once
def test_withdrawn_page_says_since_when_why_and_what_instead(
    client: CheckedClient, new_client, hold_clock
) -> None:
    hold_clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with db.transaction() as session:
        company, lead = make_company(session), make_lead(session)
        specification = factories.specification(session)
        version_id = make_draft(session, company, specification.id)
        certified = factories.offering(
            session, factories.vendor(session), specification, name="代わり"
        )
        factories.certification(session, load(session, certified.offering_version_id)[0])
        claimed = factories.offering(session, factories.vendor(session), specification, name="申告")
        expired = factories.offering(
            session, factories.vendor(session), specification, name="切れた"
        )
        factories.certification(
            session,
            load(session, expired.offering_version_id)[0],
            ReviewState.CERTIFIED,
            valid_from=datetime(2024, 1, 1, tzinfo=UTC),
            valid_until=datetime(2026, 1, 1, tzinfo=UTC),
        )
    terms = publish(company, lead, version_id)
    vendor = new_client()
    factories.sign_in_client(vendor, company.admin, company.home)
    path = f"/vendor/own-listings/{terms.listing_id}/withdraw"
    typed = {
        "reason": "後継のサービスに移るため",
        "ends_on-era": "reiwa",
        "ends_on-year": "9",
        "ends_on-month": "3",
        "ends_on-day": "31",
        "confirmed": "yes",
    }
    early = vendor.submit(path, typed, button="提供を終了する")
    assert early.status_code == 422
    assert "令和9年5月21日以後の日付" in early.text
    assert "後継のサービスに移るため" in early.text
    done = vendor.submit(path, {**typed, "ends_on-month": "9", "ends_on-day": "30"}, button="終了")
    assert done.status_code == 303
    page = words(client, terms.listing_id, 410)
    assert len(client.business_statements(*SIGN_IN_TABLES)) <= 6, client.statements
    for expected in ("令和8年11月21日", "令和9年9月30日", "後継のサービスに移るため", "代わり"):
        assert expected in page, expected
    assert "切れた" not in page
    assert claimed.id != certified.id
    assert "申告" not in page.replace("申告のみ", "")


def sign_in_newcomer(client: CheckedClient) -> None:
    """Sign in for a company whose registration is only begun."""
    with db.transaction() as session:
        newcomer = factories.vendor(session, VendorState.DRAFT)
        home = session.get_one(Organisation, newcomer.owner_id)
        someone = factories.person(session, Role.VENDOR_ADMIN, home)
    factories.sign_in_client(client, someone, home)


def move(company: Company, action: VendorAction) -> None:
    """Stop a company, or let it go on."""
    with db.transaction() as session:
        session.get_one(Vendor, company.vendor.id).apply(action)


def test_another_vendor_begins_to_sell_and_the_maker_confirms_by_page(
    client: CheckedClient, new_client
) -> None:
    with db.transaction() as session:
        maker, seller, lead = make_company(session), make_company(session), make_lead(session)
        version_id = make_draft(session, maker, factories.specification(session).id)
    terms = publish(maker, lead, version_id)
    reseller = new_client()
    factories.sign_in_client(reseller, seller.admin, seller.home)
    sign_in_newcomer(client)
    early = client.submit(f"/listings/{terms.listing_id}", {}, button="このサービスを販売する")
    assert (early.status_code, "登録済みになってから" in early.text) == (422, True)
    begun = reseller.submit(f"/listings/{terms.listing_id}", {}, button="このサービスを販売する")
    assert begun.status_code == 303
    assert "足りないもの" in text_of(reseller.page(begun.location))
    again = reseller.submit(f"/listings/{terms.listing_id}", {}, button="このサービスを販売する")
    assert (again.status_code, again.location) == (303, begun.location)
    assert "準備している販売条件がもうあります" in text_of(reseller.page(begun.location))
    # What was dropped may begin anew.
    reseller.submit(f"{begun.location}/discard", {"confirmed": "yes"}, button="取り下げ")
    sold = text_of(reseller.page("/vendor/offerings"))
    assert "提供終了" not in sold
    assert "破棄した下書き" in text_of(reseller.page(begun.location))
    anew = reseller.submit(f"/listings/{terms.listing_id}", {}, button="このサービスを販売する")
    assert anew.status_code == 303
    assert anew.location != begun.location
    factories.sign_in_client(client, maker.admin, maker.home)
    assert "このサービスを販売する" not in words(client, terms.listing_id)
    waiting = text_of(client.page("/vendor/offerings"))
    assert seller.vendor.name in waiting
    assert seller.vendor.corporate_number in waiting
    found = re.search(r"/vendor/listings/[0-9a-f-]+/confirm", client.get("/vendor/offerings").text)
    assert found is not None
    ask = found[0]
    assert "登録済み" in text_of(client.page(ask))
    assert client.submit(ask, {}, button="販売を確認する").status_code == 422
    move(seller, VendorAction.SUSPEND)
    stopped = client.submit(ask, {"confirmed": "yes"}, button="販売を確認する")
    assert (stopped.status_code, "「停止中」です" in stopped.text) == (422, True)
    move(seller, VendorAction.RESUME)
    assert client.submit(ask, {"confirmed": "yes"}, button="販売を確認する").status_code == 303
    assert "販売の確認を待っている会社" not in text_of(client.page("/vendor/offerings"))
    assert seller.vendor.name not in words(client, terms.listing_id)


def test_reseller_end_leaves_the_maker_listed(client: CheckedClient) -> None:
    with db.transaction() as session:
        maker, seller = factories.vendor(session), make_company(session)
        made = factories.offering(session, maker, factories.specification(session))
        row = load(session, made.offering_version_id)[0]
        sold = factories.listing(
            session, row.offering, row, seller.vendor, OfferState.PUBLISHED, []
        )
    with db.transaction() as session:
        listing = queries.get_listing(session, sold.listing_id)
        assert listing is not None
        services.withdraw_listing(
            session, seller.acts(), listing, reason="販売の終了", ends_on=date(2030, 1, 1)
        )
    gone = words(client, sold.listing_id, 410)
    assert "同じサービスのほかの販売者" in gone
    assert maker.name in gone
    assert "販売者" in words(client, made.listing_id)


def _components(session, listing_version_id: UUID) -> list:
    return queries.load_listing_versions(session, [listing_version_id])[
        listing_version_id
    ].components


def _named(answers: dict[UUID, ConformanceAnswer], requirement_id: str) -> ConformanceAnswer:
    return next(
        each for each in answers.values() if each.requirement.requirement_id == requirement_id
    )


def _change(
    answers: dict[UUID, ConformanceAnswer], requirement_id: str, answer: Answer, due_on: date | None
) -> None:
    row = _named(answers, requirement_id)
    row.answer, row.due_on = answer, due_on


def _organisation(session, organisation_id: UUID):
    from accounts.models import Organisation

    return session.get_one(Organisation, organisation_id)


def test_the_maker_declines_another_seller_who_may_ask_again(
    client: CheckedClient, new_client, settings
) -> None:
    with db.transaction() as session:
        maker, seller, lead = make_company(session), make_company(session), make_lead(session)
        version_id = make_draft(session, maker, factories.specification(session).id)
    terms = publish(maker, lead, version_id)
    reseller = new_client()
    factories.sign_in_client(reseller, seller.admin, seller.home)
    factories.sign_in_client(client, maker.admin, maker.home)
    page = f"/listings/{terms.listing_id}"
    begun = reseller.submit(page, {}, button="このサービスを販売する")
    outbox.run_due(outbox_handlers(settings))
    assert "を販売したいと頼んでいます" in text_of(client.page("/"))
    waiting = client.page("/vendor/offerings")
    decline = next(a.get("href") for a in waiting.iter("a") if text_of(a).endswith("を断る"))
    assert reseller.get(decline).status_code == 404
    silent = client.submit(decline, {"confirmed": "yes"}, button="販売を断る")
    assert silent.status_code == 422
    told = {"confirmed": "yes", "reason": "支援の体制を先に決めてください。"}
    assert client.submit(decline, told, button="販売を断る").status_code == 303
    assert "販売の確認を待っている会社" not in text_of(client.page("/vendor/offerings"))
    outbox.run_due(outbox_handlers(settings))
    assert "支援の体制を先に決めてください。" in text_of(reseller.page("/"))
    again = reseller.submit(page, {}, button="このサービスを販売する")
    assert again.status_code == 303
    assert again.location != begun.location
    assert "販売の確認を待っている会社" in text_of(client.page("/vendor/offerings"))
