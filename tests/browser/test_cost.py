"""The cost page in a browser: charts and tables for everyone, at both widths, opened and in print.

How a page looks is the same over both databases: SQLite only.
"""

from datetime import date

import pytest

from core import db
from tests.catalog.cost_pages import add_listing, cost_address, make_market
from tests.catalog.test_cost_page import EVERYTHING, RICH

pytestmark = pytest.mark.sqlite_only
_PAINTED = """() => [...document.querySelectorAll(".chart__swatch")].map(
  (each) => [...each.children].map((part) => part.getAttribute("class")).join(" "))"""


def test_costs_are_read_at_both_widths_and_printed_whole(database, open_page, audit_page):
    with db.transaction() as session:
        world = make_market(session)
        listing = add_listing(
            session,
            world,
            RICH,
            discounts=[[5, 500]],
            state_support_yen=300_000,
            state_support_until=date(2099, 3, 31),
        ).id
    everything = cost_address(
        listing, body="103667", start="2027-04-16", months=60, o="決済", exit=1, **EVERYTHING
    )
    for width in (1280, 375):
        page = open_page(width=width)
        page.goto(everything)
        page.locator("summary", has_text="月ごとの費用の表").click()
        assert page.locator("#months tbody tr").count() == 60
        audit_page(page, "cost")
        page.goto(cost_address(listing, body="103667"))
        audit_page(page, "cost-needs-quote", axe=width == 375)
    page = open_page()
    page.goto(everything)
    painted = page.evaluate(_PAINTED)
    # Each part of a chart has its own fill and its own marks: none is told by colour alone.
    assert len(painted) == 2 * len(set(painted)) == 2 * 5
    page.emulate_media(media="print")
    assert not page.locator("#months").is_visible()
    assert page.locator("#years tfoot").is_visible()
    for chosen in (".chart", "#years-title"):
        kept = page.locator(chosen).first.evaluate(
            "each => getComputedStyle(each.closest('.chart, .table-block')).breakInside"
        )
        assert kept == "avoid"
    assert not page.locator("#today-part").is_visible()
