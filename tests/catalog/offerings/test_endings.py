"""What runs out in public services: reminders by mail, the vendor's tasks, and expired is not held."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session

from accounts.identity import Actor
from catalog.offerings import queries, services
from catalog.offerings.models import ListingVersion, OfferState
from catalog.price_plan import ComponentKind, Interval, Unit
from core import db
from core.config import Settings
from tests import factories
from tests.catalog.offerings.conftest import (
    BASE_PRICE,
    Company,
    make_company,
    make_draft,
    make_lead,
    publish,
)
from tests.client import CheckedClient
from tests.letterbox import empty_letterbox, receivers
from tests.page_checks import text_of
from vendors.models import Vendor

ISO = {"kind": "iso_27001", "number": "見本-1", "body": "見本審査機構", "scope": "開発と運用", "expires_on": "2027-03-31"}  # fmt: skip
OPTION = dict(BASE_PRICE, kind=ComponentKind.OPTION, name="帳票の追加", valid_to=date(2027, 3, 31))


def at(hold_clock: Any, month: int, day: int, year: int = 2027) -> None:
    hold_clock(datetime(year, month, day, 3, 0, tzinfo=UTC))


def prepare(company: Company, specification_id: Any, *, expires_on: str) -> Any:
    """Make a complete draft with an accreditation, a price that ends, and State support."""
    with db.transaction() as session:
        version_id = make_draft(session, company, specification_id)
    with db.transaction() as session:
        change(session, company, version_id, expires_on=expires_on)
    return version_id


def change(session: Session, company: Company, version_id: Any, *, expires_on: str) -> None:
    row = queries.get_offering_version(session, version_id)
    assert row is not None
    values = {"accreditations": [ISO | {"expires_on": expires_on}]}
    services.edit_offering_version(session, company.acts(), row, version=row.version, **values)
    terms = queries.find_own_listing_version(session, row)
    assert terms is not None
    told = {"state_support_yen": 500_000, "state_support_until": date(2027, 2, 28)}
    components = [BASE_PRICE, OPTION]
    services.save_prices(session, company.acts(), terms, version=terms.version, components=components, **told)  # fmt: skip


def resell(company: Company, offered: ListingVersion) -> None:
    """Let a company sell another's software at a price that ends without a successor."""
    with db.transaction() as session:
        version = queries.get_offering_version(session, offered.offering_version_id)
        assert version is not None
        seller = session.get_one(Vendor, company.vendor.id)
        prices = [(ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 30_000)]
        made = factories.listing(
            session, version.offering, version, seller, OfferState.APPROVED, prices
        )
        for row in queries.list_components(session, made.id):
            row.valid_to = date(2027, 3, 31)
    with db.transaction() as session:
        terms = queries.get_listing_version(session, made.id)
        assert terms is not None
        services.publish_listing_version(session, company.acts(), terms)


@pytest.mark.sqlite_only
def test_a_vendor_is_told_before_something_public_runs_out_and_sees_what_has(
    app: Flask, settings: Settings, client: CheckedClient, hold_clock: Any
) -> None:
    at(hold_clock, 12, 1, 2026)
    with db.transaction() as session:
        specification = factories.specification(session, applies_from=date(2026, 4, 1))
        company, reseller, lead = make_company(session), make_company(session), make_lead(session)
    offered = publish(company, lead, prepare(company, specification.id, expires_on="2027-03-31"))
    publish(company, lead, prepare(company, specification.id, expires_on="2027-03-31"))
    resell(reseller, offered)
    empty_letterbox(settings)
    own = {company.admin.email, company.member.email}
    others = {reseller.admin.email, reseller.member.email}

    at(hold_clock, 12, 30, 2026)
    letters = empty_letterbox(settings)
    assert [s for s in letters if "国の支援の期限まで、あと60日" in s] != []
    at(hold_clock, 1, 30)
    letters = empty_letterbox(settings)
    told = set(receivers(letters, "有効期限まで、あと60日です：「見本の窓口予約」ほか1件"))
    assert own < told
    assert not others & told
    ends = receivers(letters, "料金の終わりまで、あと60日です")
    assert own | others <= set(ends)
    assert len(ends) == len(set(ends))
    # A late second message about the same day says nothing again.
    at(hold_clock, 1, 31)
    assert not receivers(empty_letterbox(settings), "あと60日です")

    # One is renewed by a new version: the 30 days are told of the other alone.
    renew(company, lead, offered)
    at(hold_clock, 3, 1)
    letters = empty_letterbox(settings)
    assert set(receivers(letters, "有効期限まで、あと30日です：「見本の窓口予約」")) == told
    assert not receivers(letters, "有効期限まで、あと30日です：「見本の窓口予約」ほか")

    check_tasks(client, company)
    # Expired is not held: page, record and comparison; the vendor's task stays until it is mended.
    at(hold_clock, 4, 1)
    client.set_cookie("narabi_session", "")
    check_expired(client)
    for seller, words in ((company, "見本-1第三者の認証・登録の有効期限 令和9年3月31日 期限切れ"), (reseller, "「月額基本」次の料金のない")):  # fmt: skip
        factories.sign_in_client(client, seller.member, seller.home)
        assert words in text_of(client.page("/vendor/offerings"))


def renew(company: Company, lead: Actor, offered: ListingVersion) -> None:
    """Publish a new version with an accreditation that lasts."""
    with db.transaction() as session:
        row = queries.get_offering_version(session, offered.offering_version_id)
        assert row is not None
        made = services.start_new_version(session, company.acts(), row.offering)
        session.expunge_all()
        change(session, company, made.id, expires_on="2030-03-31")
    publish(company, lead, made.id)


def check_tasks(client: CheckedClient, company: Company) -> None:
    """Assert that list and desk name what to mend, a month before."""
    factories.sign_in_client(client, company.member, company.home)
    listed = text_of(client.page("/vendor/offerings"))
    assert "期限が近いもの（3件）" in listed
    assert "ISO/IEC 27001 見本-1第三者の認証・登録の有効期限 令和9年3月31日 あと30日" in listed
    assert "「帳票の追加」次の料金のない、料金の終わり 令和9年3月31日 あと30日" in listed
    assert len(client.statements) <= 10
    desk = text_of(client.page("/"))
    assert "認証・登録の有効期限を新しくする：「見本の窓口予約」" in desk
    assert "次の料金を公開する：「見本の窓口予約」" in desk


def check_expired(client: CheckedClient) -> None:
    """Assert what buyers and programs see of an accreditation whose day is over."""
    found = client.get("/api/v1/offerings").json
    assert found is not None
    held = {len(each["version"]["accreditations"]): each for each in found["items"]}
    expired, renewed = held[0], held[1]
    path = f"/listings/{expired['listings'][0]['id']}"
    assert "期限切れ" in text_of(client.page(path))
    chosen = [each["listings"][0]["version_id"] for each in (expired, renewed)]
    table = text_of(client.page(f"/compare?l={chosen[0]}&l={chosen[1]}"))
    assert "期限切れ：" in table
