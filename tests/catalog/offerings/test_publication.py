"""A new version and a change of price at the same time: neither undoes the other, nothing is lost.

Pages are the same on both databases and asked once; what is published is asked on both.
"""

from uuid import UUID

import pytest

from app import outbox_handlers
from catalog.offerings import queries, services
from catalog.offerings.content import hash_content, listing_content
from catalog.offerings.models import OfferState
from core import db, outbox
from core.audit_checkpoints import verify
from core.errors import WrongState
from tests import factories
from tests.catalog.offerings.conftest import (
    BASE_PRICE,
    TERMS,
    load,
    make_company,
    make_draft,
    publish,
)
from tests.page_checks import parse_page, text_of

DEARER = [{**BASE_PRICE, "tiers": [[0, 31_000]]}]
SMALL_ONLY = [{**BASE_PRICE, "size_classes": ["under_10k", "10k"]}]


@pytest.fixture
def shelf(company, lead):
    """Its published terms of a published offering."""
    with db.transaction() as session:
        version_id = make_draft(session, company, factories.specification(session).id)
    return publish(company, lead, version_id)


def start_version(company, shelf, **values) -> UUID:
    """Begin a new version of the offering; returns its id."""
    with db.transaction() as session:
        listing = queries.get_listing(session, shelf.listing_id)
        made = services.start_new_version(session, company.acts(), listing.offering).id
    if values:
        with db.transaction() as session:
            row, _ = load(session, made)
            services.edit_offering_version(
                session, company.acts(), row, version=row.version, **values
            )
    return made


def step(terms_id, *acts) -> None:
    """Take terms through acts, each in its own transaction."""
    for act, actor, values in acts:
        with db.transaction() as session:
            act(session, actor, queries.get_listing_version(session, terms_id), **values)


def change_price(company, lead, shelf, components=DEARER) -> UUID:
    """Publish a dearer price of the version that is public."""
    with db.transaction() as session:
        listing = queries.get_listing(session, shelf.listing_id)
        terms_id = services.start_listing_change(session, company.acts(), listing).id
    fill(company, terms_id, components)
    acts = company.acts()
    step(
        terms_id,
        (services.submit_listing_version, acts, {}),
        (services.approve_listing_version, lead, {}),
        (services.publish_listing_version, acts, {}),
    )
    return terms_id


def fill(company, terms_id, components) -> None:
    """Type prices and terms into a draft."""
    with db.transaction() as session:
        row = queries.get_listing_version(session, terms_id)
        acts = company.acts()
        services.edit_listing_version(session, acts, row, version=row.version, **TERMS)
        services.save_prices(session, acts, row, version=row.version, components=components)


def approve(company, lead, version_id) -> None:
    """Submit and approve a version."""
    acts = ((services.submit_version, company.acts()), (services.approve_version, lead))
    for act, actor in acts:
        with db.transaction() as session:
            act(session, actor, load(session, version_id)[0])


@pytest.mark.parametrize(("choice", "price"), [("current", 31_000), ("prepared", 20_000)])
@pytest.mark.sqlite_only
@pytest.mark.query_budget(60)
def test_price_changes_while_a_version_is_on_its_way(client, company, lead, shelf, choice, price):
    version_id = start_version(company, shelf)
    approve(company, lead, version_id)
    with db.reading() as session:
        prepared = load(session, version_id)[1].id
    current = change_price(company, lead, shelf)
    factories.sign_in_client(client, company.admin, company.home)
    path = f"/vendor/offerings/{version_id}/publish"
    page = text_of(client.page(path))
    assert "いま公開中の条件を引き継ぐ" in page
    assert "この版と一緒に承認された条件：変わったところ（1件）" in page
    silent = client.submit(path, {"confirmed": "yes"}, button="サービスを公開する")
    assert silent.status_code == 422
    assert "どちらを公開するか選択してください" in silent.text
    with db.reading() as session:
        assert load(session, version_id)[0].state is OfferState.APPROVED
    chosen = {"confirmed": "yes", "terms": choice}
    assert client.submit(path, chosen, button="サービスを公開する").status_code == 303
    with db.reading() as session:
        (shown,) = queries.find_listed(session)
        assert shown.offering_version_id == version_id
        assert shown.components[0].tiers == [[0, price]]
        assert load(session, version_id)[1].id == shown.id
        check_the_other(session, shown, prepared, current, choice)
    assert client.get(path).location == f"/vendor/offerings/{version_id}"
    with pytest.raises(WrongState, match="「公開中」"), db.transaction() as session:
        services.publish_version(session, company.acts(), load(session, version_id)[0])


def check_the_other(session, shown, prepared, current, choice) -> None:
    """What was not chosen is over, with the reason; what is carried over keeps its word and approval."""
    old, dropped = (queries.get_listing_version(session, each) for each in (current, prepared))
    assert old.state is OfferState.SUPERSEDED
    if choice == "prepared":
        assert shown.id == prepared
        return
    assert (dropped.state, dropped.published_at) == (OfferState.WITHDRAWN, None)
    assert "引き継ぐことを選んだため" in dropped.withdrawal_reason
    assert shown.number > max(old.number, dropped.number)
    assert shown.content_sha256 == hash_content(listing_content(shown))
    assert (shown.submitted_by_id, shown.approved_by_id) == (
        old.submitted_by_id,
        old.approved_by_id,
    )
    assert verify(session).problems == ()


@pytest.mark.sqlite_only
def test_current_terms_without_a_price_for_all_are_not_carried_over(client, company, lead, shelf):
    version_id = start_version(company, shelf, size_classes=["under_10k", "10k", "50k"])
    approve(company, lead, version_id)
    change_price(company, lead, shelf, SMALL_ONLY)
    factories.sign_in_client(client, company.admin, company.home)
    client.query_budget = 60
    path = f"/vendor/offerings/{version_id}/publish"
    current = {"confirmed": "yes", "terms": "current"}
    refused = client.submit(path, current, button="サービスを公開する")
    assert refused.status_code == 422
    assert "5万人以上20万人未満の団体の料金がありません" in text_of(parse_page(refused.text))
    with db.reading() as session:
        (shown,) = queries.find_listed(session)
        assert shown.components[0].size_classes == ["under_10k", "10k"]
        assert shown.offering_version_id == shelf.offering_version_id
        states = [row.state for row in load(session, version_id)]
        assert states == [OfferState.APPROVED, OfferState.APPROVED]
    prepared = {"confirmed": "yes", "terms": "prepared"}
    assert client.submit(path, prepared, button="サービスを公開する").status_code == 303


def test_what_other_sellers_have_moves_with_a_new_version_and_they_are_told(
    company, lead, shelf, settings, new_client
):
    with db.transaction() as session:
        sellers = [make_company(session) for _ in range(2)]
    begun = [begin_to_sell(company, each, shelf) for each in sellers]
    for seller, terms_id in zip(sellers, begun, strict=True):
        fill(seller, terms_id, SMALL_ONLY)
    published, waiting = begun
    step(
        published,
        (services.submit_listing_version, sellers[0].acts(), {}),
        (services.approve_listing_version, lead, {}),
        (services.publish_listing_version, sellers[0].acts(), {}),
    )
    step(waiting, (services.submit_listing_version, sellers[1].acts(), {}))
    version_id = start_version(company, shelf, size_classes=["under_10k", "10k", "50k"])
    publish(company, lead, version_id)
    with db.reading() as session:
        old = queries.get_listing_version(session, waiting)
        assert old.state is OfferState.WITHDRAWN
        newest = queries.list_listing_versions(session, old.listing_id)[0]
        moved = queries.get_listing_version(session, newest.id)
        assert (moved.state, moved.offering_version_id) == (OfferState.DRAFT, version_id)
        assert moved.components[0].tiers == [[0, 20_000]]
        assert moved.notice_months == TERMS["notice_months"]
    outbox.run_due(outbox_handlers(settings))
    first, second = (new_client() for _ in sellers)
    for browser, seller in zip((first, second), sellers, strict=True):
        factories.sign_in_client(browser, seller.admin, seller.home)
    told = text_of(first.page("/"))
    assert "いまの販売条件を第2版として引き継ぎました" in told
    assert "5万人以上" in told
    assert "同じ内容の下書きにしました" in text_of(second.page("/"))


def begin_to_sell(maker, seller, shelf) -> UUID:
    """Let a company begin to sell the software, and the maker say yes."""
    with db.transaction() as session:
        listing = queries.get_listing(session, shelf.listing_id)
        made = services.create_listing(session, seller.acts(), listing.offering)
        made_id, listing_id = made.id, made.listing_id
    with db.transaction() as session:
        listing = queries.get_listing(session, listing_id)
        services.confirm_listing(session, maker.acts(), listing)
    return made_id
