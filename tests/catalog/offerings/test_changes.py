"""A change of what is published: what it changes word by word, who sees it, and the public history.

Pages and their words are the same on both databases, so they are asked once.
"""

from uuid import UUID

import pytest

from accounts.models import OrganisationKind, Role
from catalog.certification import services as certification
from catalog.certification.queries import find_latest_certification, get_certification
from catalog.offerings import queries, services
from catalog.offerings.models import OfferState
from core import db
from tests import factories
from tests.catalog.offerings.conftest import (
    load,
    make_draft,
    make_lead,
    publish,
)
from tests.page_checks import text_of

pytestmark = [pytest.mark.sqlite_only, pytest.mark.query_budget(40)]


@pytest.fixture
def shelf(company):
    """The maker's published terms of a published offering, and the lead who approved them."""
    with db.transaction() as session:
        lead = make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    return publish(company, lead, version_id)


@pytest.fixture
def people(new_client):
    """Give a browser of somebody with a role at a new organisation or a given one."""

    def of(role: Role, home=None):
        with db.transaction() as session:
            someone = factories.person(session, role, home)
        browser = new_client()
        factories.sign_in_client(browser, someone)
        return browser

    return of


def marked(page, tag: str) -> str:
    """Return the words that a page marks as added (ins) or removed (del)."""
    return "\n".join(text_of(each) for each in page.iter(tag))


def words(client, path: str) -> str:
    """Return the words of a page without the time in its foot."""
    return text_of(client.page(path)).rpartition("データの時点")[0]


@pytest.mark.acceptance(4)
def test_edit_of_a_live_offering_waits_and_shows_its_words(
    client, new_client, people, company, shelf
):
    factories.sign_in_client(client, company.admin, company.home)
    clerk, rival = people(Role.CLERK), people(Role.VENDOR_ADMIN)
    public = f"/listings/{shelf.listing_id}"
    before = words(new_client(), public)
    made = client.submit(f"/vendor/offerings/{shelf.offering_version_id}", {}, button="新しい版")
    draft = made.location
    client.submit(
        f"{draft}/overview", {"summary": "窓口の相談を受け付けます。"}, button="下書きを保存"
    )
    client.submit(f"{draft}/answers/1", {"answer_1": "not_conforming"}, button="下書きを保存")
    version_id = UUID(draft.rsplit("/", 1)[1])
    with db.reading() as session:
        terms_id = load(session, version_id)[1].id
    client.submit(f"/vendor/listings/{terms_id}/prices", {"price_1": "31000"}, button="下書き")
    # The vendor sees the very words before anything is sent; nobody else learns of the draft.
    assert "公開した版との違いを見る" in words(client, draft)
    page = client.page(f"{draft}/changes")
    assert len(client.statements) <= 10, client.statements
    assert (marked(page, "del"), marked(page, "ins")) != ("", "")
    for removed, added in (("予約", "相談"), ("適合", "非適合"), ("20", "31")):
        assert removed in marked(page, "del"), removed
        assert added in marked(page, "ins"), added
    assert "受け付けます" not in marked(page, "ins")
    assert rival.get(f"{draft}/changes").status_code == 404
    assert "変更審査中" not in words(clerk, public)

    client.submit(f"{draft}/submit", {"confirmed": "yes"}, button="この内容で提出する")
    assert "変更審査中" in words(clerk, public)
    assert "窓口の予約" in words(clerk, public)
    assert words(new_client(), public) == before
    assert "変更審査中" not in words(rival, public)
    assert "変更審査中" in words(client, public)

    page = _reviewer_page(new_client, version_id)
    assert "相談" in marked(page, "ins")
    assert "31" in marked(page, "ins")


def _reviewer_page(new_client, version_id: UUID):
    """Open the difference as one of two reviewers who declared to have no conflict."""
    with db.transaction() as session:
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        readers = [factories.person(session, Role.REVIEWER, agency) for _ in range(2)]
        chief = factories.person(session, Role.LEAD_REVIEWER, agency)
        review = find_latest_certification(session, version_id)
        assert review is not None
        review = get_certification(session, review.id)
        lead = factories.actor(chief, Role.LEAD_REVIEWER, agency)
        certification.assign(session, lead, review, *[each.id for each in readers])
        review_id = review.id
    browser = new_client()
    factories.sign_in_client(browser, readers[0])
    path = f"/reviews/{review_id}"
    assert browser.get(f"{path}/changes").status_code != 200
    with db.transaction() as session:
        reader = factories.actor(readers[0], Role.REVIEWER, agency)
        found = get_certification(session, review_id)
        certification.declare(session, reader, found, has_conflict=False, words="")
    assert "公開した版との違いを見る" in words(browser, path)
    return browser.page(f"{path}/changes")


@pytest.mark.acceptance(4, 24)
def test_a_later_edit_is_not_approved_by_accident(client, people, company, shelf):
    factories.sign_in_client(client, company.admin, company.home)
    made = client.submit(f"/vendor/offerings/{shelf.offering_version_id}", {}, button="料金や条件")
    home = made.location
    terms_id = UUID(home.rsplit("/", 1)[1])
    client.submit(f"{home}/prices", {"price_1": "45,000"}, button="下書きを保存")
    client.submit(f"{home}/check", {"confirmed": "yes"}, button="提出する")
    slow, quick = people(Role.LEAD_REVIEWER), people(Role.LEAD_REVIEWER)
    decision = f"/vendor/price-changes/{terms_id}"
    page = slow.page(decision)
    assert "45" in marked(page, "ins")
    assert "20" in marked(page, "del")
    approve = slow.prepare(decision, {"decision": "approve"}, button="判断を確定する")
    returned = {"decision": "return", "reason": "単価の根拠を確かめてください。"}
    assert quick.submit(decision, returned, button="判断を確定する").status_code == 303
    client.submit(f"{home}/prices", {"price_1": "99,000"}, button="下書きを保存")
    client.submit(f"{home}/check", {"confirmed": "yes"}, button="提出する")
    assert approve().status_code == 412
    with db.reading() as session:
        row = queries.load_listing_versions(session, [terms_id])[terms_id]
        assert row.state is OfferState.SUBMITTED
        assert row.approved_by_id is None
    assert "見本の窓口予約" in words(quick, "/vendor/price-changes")


def test_history_tells_every_published_version_with_its_prices(
    client, new_client, people, company, shelf
):
    with db.transaction() as session:
        listing = queries.get_listing(session, shelf.listing_id)
        assert listing is not None
        made = services.start_listing_change(session, company.acts(), listing)
        terms_id = made.id
    history = f"/listings/{shelf.listing_id}/history"
    with db.transaction() as session:
        row = queries.get_listing_version(session, terms_id)
        assert row is not None
        component = {**_component(row), "tiers": [[0, 33_000]]}
        services.save_prices(
            session, company.acts(), row, version=row.version, components=[component]
        )
        lead = make_lead(session)
    only_first = words(new_client(), history)
    assert "最初に公開した版です" in only_first
    assert "33,000" not in only_first
    for act, who in (
        (services.submit_listing_version, company.acts()),
        (services.approve_listing_version, lead),
        (services.publish_listing_version, company.acts()),
    ):
        with db.transaction() as session:
            row = queries.get_listing_version(session, terms_id)
            act(session, who, row)
    assert "版ごとの料金と、変わったところを見る" in words(client, f"/listings/{shelf.listing_id}")
    page = client.page(history)
    assert ("20" in marked(page, "del"), "33" in marked(page, "ins")) == (True, True)
    shown = text_of(page)
    assert shown.index("第2版（公開中）") < shown.index("第1版（新しい版あり）")
    for line in ("月額基本（月額基本、毎月）：33,000円", "：20,000円"):
        assert line in shown
    assert client.get(f"{history}?page=2").status_code == 404
    assert client.get("/listings/00000000-0000-0000-0000-000000000000/history").status_code == 404


def _component(row):
    (found,) = row.components
    names = ("kind", "name", "unit", "interval", "tier_mode", "tiers", "minimum", "maximum")
    return {name: getattr(found, name) for name in names}
