"""Somebody who never was here before, from sign-up to submission, with axe and pictures at both widths.

Layout and script are the browser's matter, the same over both databases: SQLite only. The walk does
the same without a script over PostgreSQL.
"""

import pytest

from accounts.models import OrganisationKind, Role
from accounts.services import hash_password
from core.db import transaction
from tests import factories
from tests.browser.conftest import SCREENS, WIDTHS
from tests.browser.selling import PASSWORD, offer, register_vendor
from tests.browser.walker import make_walkers

pytestmark = pytest.mark.sqlite_only

PAGES = (
    "vendors-register",
    "vendors-register-done",
    "sign-in",
    "account-address-*",  # the token of the letter
    "vendors-file",
    "vendors-file-company",
    "vendors-file-qualification",
    "vendors-file-contact",
    "vendors-file-submit",
    "vendors-agreement",
    "vendor-offerings-new",
    "vendor-offerings-overview",
    "vendor-offerings-hosting",
    "vendor-offerings-answers",
    "vendor-listings-prices",
    "vendor-listings-operation",
    "vendor-listings-exit",
    "vendor-offerings-check",
    "vendor-offerings-submit",
)


@pytest.fixture
def walkers(open_page, audit_page, database):
    """Give a browser each to the vendor and to a lead who is signed in."""
    with transaction() as session:
        agency = factories.organisation(session, OrganisationKind.AGENCY, name="デジタル庁（見本）")
        factories.person(session, Role.REVIEWER, agency, name="審査 一郎")
        password_hash = hash_password(PASSWORD)
        told = {"email": "lead@example.jp", "name": "主任 花子", "password_hash": password_hash}
        factories.person(session, Role.LEAD_REVIEWER, agency, **told)
        factories.specification(session, code="MADO", name="窓口予約標準仕様書")
    return make_walkers(open_page, audit_page, "vendor-", javascript=True)


@pytest.mark.timeout(600)
@pytest.mark.acceptance(1)
def test_a_first_time_vendor_comes_from_sign_up_to_submission(walkers, settings):
    walkers("lead").sign_in("lead@example.jp", PASSWORD)
    number = factories.corporate_number(900_001)
    register_vendor(walkers, settings, "new", number, "架空ソフト株式会社", "かくうそふと")
    words = {"standard": "窓口予約標準仕様書", "chapter": "1 章"}
    tasks = offer(walkers, "new", "まるごと窓口予約", "まるごとまどぐちよやく", **words)
    walkers("new").open(tasks).sees("提出済み")
    for page in PAGES:
        for width in WIDTHS:
            assert list(SCREENS.glob(f"vendor-*-{page}-{width}.png")), (page, width)
