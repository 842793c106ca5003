"""What the search page shows of a text: marked where it was found, completed while it is typed.

Pages and their parts are the same on both databases: SQLite only.
"""

from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.offerings.models import ListingVersion, OfferAction, OfferingVersion, OfferState
from core import clock, db
from search.embedded import EmbeddedEngine
from search.engine import SearchUnavailable
from tests import factories
from tests.page_checks import parse_fragment, parse_page, text_of
from tests.search.market import open_listing

pytestmark = pytest.mark.sqlite_only

LIVE = {"HX-Request": "true"}
PARTS = ("box", "basis", "panel", "found", "status", "project", "print")


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


def part(root, name) -> str:
    """The words and ticks of one part of the page."""
    found = root.find(f".//*[@id='search-{name}']")
    ticked = [each.get("value") for each in found.iter("input") if "checked" in each.attrib]
    return f"{text_of(found)} {ticked}"


def test_a_live_update_is_the_same_page_without_its_frame(client, market, hold_clock):
    hold_clock(clock.utcnow())
    market(
        *({"name": f"予約{n}号", "hosting_provider": "oci"} for n in range(22)),
        {"name": "予約の別館"},
    )
    address = "/search?q=予約&hosting=oci&cost_max=&page=2&population=50000"
    whole = client.get(address)
    live = client.get(address, headers=LIVE)
    restored = client.get(address, headers={**LIVE, "HX-History-Restore-Request": "true"})
    assert restored.text == whole.text
    assert all("HX-Request" in answer.vary for answer in (whole, live, restored))
    page, fragment = parse_page(whole.text), parse_fragment(live.text)
    for name in PARTS:
        assert part(fragment, name) == part(page, name), name
    assert text_of(fragment.find(".//title")) == text_of(page.find(".//title"))
    assert not list(fragment.iter("h1"))
    assert len(live.text) < len(whole.text)
    pushed = live.headers["HX-Push-Url"]
    state = {"q": ["予約"], "hosting": ["oci"], "page": ["2"], "population": ["50000"]}
    assert parse_qs(urlsplit(pushed).query) == state
    assert text_of(client.page(pushed).find(".//main")) == text_of(page.find(".//main"))
    there = {**LIVE, "HX-Current-URL": f"http://localhost{pushed}"}
    assert client.get(pushed, headers=there).headers["HX-Replace-Url"] == pushed
    wrong = client.get("/search?q=予約&cost_max=abc", headers=LIVE)
    assert "cost_max=abc" in wrong.headers["HX-Redirect"]
    assert "一つだけ" in client.get("/search?q=a&q=b", headers=LIVE).text


def test_suggestions_are_options_of_published_things_alone(client, market):
    shown, gone = market({"name": "<b>予約</b>&クラウド"}, {"name": "予約の終わるもの"})
    with db.transaction() as session:
        open_listing(session, name="予約の下書き", state=OfferState.DRAFT)
        factories.vendor(session, name="予約を秘める会社")

    def suggested(typed):
        address = {"path": "/search/suggestions", "query_string": {"q": typed}}
        answer = client.get(**address, headers=LIVE)
        assert answer.status_code == 200
        listed = parse_fragment(answer.text).findall(".//li[@role='option']")
        assert len({each.get("id") for each in listed}) == len(listed)
        return sorted(each.get("data-text") for each in listed)

    assert suggested("予約") == ["<b>予約</b>&クラウド", "予約の終わるもの"]
    assert suggested("") == suggested("秘める") == suggested("あ" * 500) == []
    with db.transaction() as session:
        session.get(ListingVersion, gone.id).apply(OfferAction.WITHDRAW)
    assert suggested("予約") == ["<b>予約</b>&クラウド"]
    assert shown.id
    plain = client.get("/search/suggestions?q=予約")
    assert (plain.status_code, parse_qs(urlsplit(plain.location).query)) == (303, {"q": ["予約"]})


def test_what_was_asked_stays_where_search_cannot_answer(client, market, monkeypatch):
    market({"name": "まちのへや"})

    def fail(_self, _query):
        raise SearchUnavailable

    with monkeypatch.context() as dead:
        dead.setattr(EmbeddedEngine, "search", fail)
        page = client.page("/search?q=<へや>&hosting=oci&hosting=aws&page=2", status=503)
    form = page.find(".//main//form")
    sent = [(each.get("name"), each.get("value")) for each in form.iter("input")]
    assert sent == [("hosting", "oci"), ("hosting", "aws"), ("q", "<へや>")]
    refused = client.page("/search?q=へや&colour=red", status=400)
    sent = [
        (each.get("name"), each.get("value"))
        for each in refused.find(".//main//form").iter("input")
    ]
    assert sent == [("q", "へや")]
