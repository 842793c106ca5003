"""A decision falls on what the lead has read, never on what the vendor sent in the meantime.

Pages and words, the same on both databases, so asked once; the races run with the services.
"""

from uuid import UUID

import pytest

from accounts.models import Person
from catalog.offerings import queries
from catalog.offerings.models import OfferState
from core import db
from tests import factories
from tests.catalog.offerings.conftest import make_company, make_draft, make_lead, publish
from tests.client import CheckedClient
from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only


def words(client: CheckedClient, path: str) -> str:
    return text_of(client.page(path).find(".//main"))


def change_price(client: CheckedClient, home: str, amount: str) -> str:
    """Send a new price to the lead by page; returns the address of the change."""
    change = str(client.submit(home, {}, button="料金や条件を変更する").location)
    client.submit(f"{change}/prices", {"price_1": amount}, button="保存して次へ進む")
    sent = client.submit(f"{change}/check", {"confirmed": "yes"}, button="提出")
    assert sent.status_code == 303
    return change


@pytest.mark.acceptance(24)
@pytest.mark.query_budget(40)
def test_approving_what_was_read_leaves_the_later_edit_in_the_queue(
    client: CheckedClient, new_client
) -> None:
    with db.transaction() as session:
        company, lead = make_company(session), make_lead(session)
        version_id = make_draft(session, company, factories.specification(session).id)
    shown = publish(company, lead, version_id)
    factories.sign_in_client(client, company.admin, company.home)
    chief = new_client()
    with db.reading() as session:
        person = session.get_one(Person, lead.person_id)
    factories.sign_in_client(chief, person)
    home = f"/vendor/offerings/{version_id}"
    first = change_price(client, home, "45,000")
    decision = "/vendor/price-changes/" + first.rsplit("/", 1)[1]
    approve = chief.prepare(decision, {"decision": "approve"}, button="判断を確定する")
    # While the lead reads, the vendor takes it back and sends another.
    assert client.submit(f"{first}/discard", {"confirmed": "yes"}).status_code == 303
    second = change_price(client, home, "50,000")
    assert approve().status_code in {409, 412}
    waiting = chief.page("/vendor/price-changes")
    links = [each.get("href", "") for each in waiting.iter("a")]
    assert any(second.rsplit("/", 1)[1] in href for href in links)
    assert not any(first.rsplit("/", 1)[1] in href for href in links)
    # Deciding on the later one is an act of its own; until then buyers see the old price.
    assert "20,000" in words(chief, f"/listings/{shown.listing_id}")
    assert "50,000" not in words(chief, f"/listings/{shown.listing_id}")
    later = "/vendor/price-changes/" + second.rsplit("/", 1)[1]
    done = chief.submit(later, {"decision": "approve"}, button="判断を確定する")
    assert done.status_code == 303
    with db.reading() as session:
        states = {
            each.state
            for each in queries.load_listing_versions(
                session, [UUID(p.rsplit("/", 1)[1]) for p in (first, second)]
            ).values()
        }
    assert OfferState.APPROVED in states
    assert OfferState.PUBLISHED not in states
