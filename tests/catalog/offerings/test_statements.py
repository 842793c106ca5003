"""Every page of a vendor stays within its statements in every state of an offering.

Pages only, and the statements are the same on both databases: SQLite suffices.
"""

import pytest
from flask import Flask

from catalog.offerings import queries, services
from core import db
from tests import factories
from tests.catalog.offerings.conftest import load, make_company, make_draft, make_lead, publish
from tests.catalog.offerings.statements import open_vendor_pages, vendor_rules
from tests.client import CheckedClient

pytestmark = pytest.mark.sqlite_only
AGENCY = {
    "succession.confirm", "succession.propose", "vendor_offerings.decide_price_change",
    "vendor_offerings.list_price_changes", "vendors.assign", "vendors.assign_filing",
    "vendors.decide", "vendors.decide_filing", "vendors.exclusions", "vendors.queue",
    "vendors.resume", "vendors.strike_exclusion", "vendors.suspend", "vendors.terminate",
}  # fmt: skip
ARRIVAL = {"vendors.arrive", "vendors.register"}  # before there is a company
OF_ONE_MEMBER = {"vendors.end_member", "vendors.member"}
WITH_A_FILE = {
    "vendor_offerings.confirm_sheet", "vendor_offerings.download_sheet",
    "vendor_offerings.remove_evidence", "vendor_offerings.review_table",
    "vendor_offerings.show_evidence",
}  # fmt: skip
A_CHANGE_OF_PRICE = {"vendor_offerings.publish_listing_version"}
A_WORD_ON_A_SELLER = {"vendor_offerings.confirm_listing"}
NOT_OPENED = AGENCY | ARRIVAL | OF_ONE_MEMBER | WITH_A_FILE | A_CHANGE_OF_PRICE | A_WORD_ON_A_SELLER


def test_no_page_of_a_vendor_needs_more_than_ten_statements(
    client: CheckedClient, app: Flask, database
) -> None:
    with db.transaction() as session:
        specification = factories.specification(session)
        company, lead = make_company(session), make_lead(session)
        public = make_draft(session, company, specification.id)
        draft = make_draft(session, company, specification.id)
        factories.specification(session, code="MADO", label="1.0")
    publish(company, lead, public)
    with db.transaction() as session:
        row, _ = load(session, public)
        coming = services.start_new_version(session, company.acts(), row.offering).id
    for act, actor in ((services.submit_version, company.acts()), (services.approve_version, lead)):
        with db.transaction() as session:
            act(session, actor, load(session, coming)[0])
    factories.sign_in_client(client, company.admin, company.home)
    shared = {"vendor_id": company.vendor.id, "chapter": 1, "section": "company", "kind": "company"}
    opened = set()
    for version_id in (public, coming, draft):
        with db.reading() as session:
            own = queries.find_own_listing_version(session, load(session, version_id)[0])
        assert own is not None
        ids = {"offering_version_id": version_id, "listing_version_id": own.id}
        opened |= open_vendor_pages(client, app, {**shared, **ids, "listing_id": own.listing_id})
    assert {rule.endpoint for rule in vendor_rules(app)} - opened == NOT_OPENED
