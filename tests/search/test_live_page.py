"""What the search page shows of a text: marked where it was found, completed while it is typed.

Pages and their parts are the same on both databases: SQLite only.
"""

import pytest

from catalog.offerings.models import ListingVersion, OfferAction, OfferingVersion
from core import db
from tests.page_checks import text_of
from tests.search.market import index_all, open_listing

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def market(settings):
    """Publish and index listings given as keyword dictionaries."""

    def make(*rows):
        with db.transaction() as session:
            versions = [open_listing(session, **row) for row in rows]
        index_all(settings, *versions)
        return versions

    return make


def marks(page) -> list[str]:
    return [text_of(each) for each in page.iter("mark")]


def test_what_was_found_is_marked_in_the_name_and_in_one_sentence(client, market):
    first, _ = market(
        {
            "name": "<script>alert(1)</script>住基&窓口",
            "summary": "はじめの文です。住民基本台帳の届出を<b>1分</b>で&受け付けます。",
            "features": ["住基の写しを出します。"],
        },
        {"name": "べつの名前", "summary": "なにもない文です。", "description": "住基の説明です。"},
    )
    page = client.page("/search?q=住基")
    rows = {text_of(row.find(".//h2")): row for row in page.findall(".//li[@class='result']")}
    found = rows["<script>alert(1)</script>住基&窓口"]
    assert marks(found) == ["住基", "住民基本台帳"]
    shown = found.find(".//p[@class='result__excerpt']")
    assert text_of(shown) == "概要：住民基本台帳の届出を<b>1分</b>で&受け付けます。"
    assert (
        text_of(rows["べつの名前"].find(".//p[@class='result__excerpt']"))
        == "説明：住基の説明です。"
    )
    assert marks(client.page("/search")) == []
    assert marks(client.page("/search?q=<script>%26住基"))
    # What is published now is marked, whatever the index still holds.
    with db.transaction() as session:
        session.get(OfferingVersion, first.offering_version_id).summary = "いまの文です。"
    again = client.page("/search?q=住基")
    assert "概要" not in text_of(again.find(".//ol[@class='results']"))
    with db.transaction() as session:
        session.get(ListingVersion, first.id).apply(OfferAction.WITHDRAW)
    assert marks(client.page("/search?q=住基")) == ["住基"]
