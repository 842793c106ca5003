"""The search page as it changes in place: told once, nothing lost, every state an address.

Scripts and live regions are the browser's matter, the same over both databases: SQLite only.
"""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from core import db
from search import views
from search.engine import SearchUnavailable
from tests import factories
from tests.browser.conftest import AuditPage
from tests.search.market import index_all, open_listing

pytestmark = pytest.mark.sqlite_only

_WATCH = """() => {
  window.told = [];
  const region = document.querySelector("[role=status]");
  new MutationObserver((all) => all.forEach(() => told.push(region.textContent.trim())))
    .observe(region, {childList: true, characterData: true, subtree: true});
}"""
_LIVE_REGIONS = "[role=status], [role=alert], [aria-live]"


@pytest.fixture
def market(settings):
    """Publish 21 services at Oracle's and one elsewhere, all to be found by one word."""
    with db.transaction() as session:
        standard, maker = factories.specification(session), factories.vendor(session)
        factories.body(session, name="岡谷市", prefecture="長野県", code="202045", population=9_500)
        both = {"specification": standard, "maker": maker, "summary": "窓口の予約ができます。"}
        made = [
            open_listing(session, name=f"予約{n}号", hosting_provider="oci", **both)
            for n in range(21)
        ]
        made.append(open_listing(session, name="予約の別館", hosting_provider="aws", **both))
    index_all(settings, *made)


def _found(page: Page, words: str) -> None:
    expect(page.get_by_role("status")).to_have_text(words)


def _tick(page: Page, facet: str, value: str) -> None:
    group = page.locator("details.facet-group", has=page.locator(f"[data-facet={facet}]"))
    if group.get_attribute("open") is None:
        group.locator("> summary").click()
    box = page.locator(f"input[name={facet}][value={value}]")
    box.focus()
    page.keyboard.press("Space")


def _asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.acceptance(11, 23)
def test_each_change_is_told_once_and_survives_every_way_back(market, open_page, audit_page):
    page = open_page()
    page.goto("/search?q=予約")
    assert page.locator(_LIVE_REGIONS).count() == 1
    assert page.locator(".result").first.bounding_box()["y"] < 560  # without scrolling
    page.evaluate(_WATCH)
    _found(page, "22件見つかりました（1／2ページ）")
    page.wait_for_timeout(300)
    assert page.evaluate("told") == []  # nothing is said of what was there at first

    _tick(page, "hosting", "oci")
    _found(page, "21件見つかりました（1／2ページ）")
    assert page.evaluate("told") == ["21件見つかりました（1／2ページ）"]
    assert page.evaluate("document.activeElement.value") == "oci"
    expect(page.locator(".chip")).to_contain_text("設置場所：Oracle Cloud")
    assert page.locator("[data-facet=hosting]").is_visible()  # its group stays open
    assert "21件" in page.title()
    assert page.locator("mark").first.inner_text() == "予約"

    _type_a_price_and_sort(page)
    page.get_by_role("link", name="次のページ").click()
    _found(page, "21件見つかりました（2／2ページ）")
    assert len(page.evaluate("told")) == 4
    audit_page(page, "search-live", axe=True)
    asked = _asked(page)
    assert asked.pop("seed")
    state = {"q": "予約", "hosting": "oci", "cost_max": "99000000", "sort": "cost", "page": "2"}
    assert asked == {name: [value] for name, value in state.items()}
    plain = open_page(javascript=False)
    _compare_reloaded_and_pasted(page, plain)
    _go_back_to_the_first_and_forth(page)
    _name_a_body(page)


def _name_a_body(page: Page) -> None:
    """The body that was named stays with every tick, and goes when its field is emptied."""
    page.locator("#search-basis > details > summary").click()
    field = page.get_by_label("団体", exact=True)
    field.fill("岡谷市")
    field.press("Enter")
    words = page.locator("#basis-words")
    expect(words).to_contain_text("岡谷市（長野県）・人口9,500人")
    expect(field).to_have_value("岡谷市（長野県）")
    _tick(page, "hosting", "oci")
    _found(page, "22件見つかりました（1／2ページ）")
    expect(words).to_contain_text("岡谷市（長野県）")
    assert _asked(page) == {"q": ["予約"], "body": ["202045"]}
    field.fill("")
    field.press("Enter")
    expect(words).not_to_contain_text("岡谷市（長野県）")
    assert _asked(page) == {"q": ["予約"]}


def _type_a_price_and_sort(page: Page) -> None:
    # What is typed waits for Enter, and stays.
    cap = page.get_by_label("1年の費用の上限")
    page.locator("details.facet-group > summary", has_text="費用").click()
    cap.press_sequentially("99000000")
    page.keyboard.press("Tab")
    page.wait_for_timeout(300)
    assert len(page.evaluate("told")) == 1
    cap.press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    assert _asked(page) == {"q": ["予約"], "hosting": ["oci"], "cost_max": ["99000000"]}
    expect(cap).to_be_focused()
    page.locator("#sort-cost").click()
    expect(page.locator("strong#sort-cost")).to_be_focused()


def _compare_reloaded_and_pasted(page: Page, plain: Page) -> None:
    last, names = page.url, page.locator(".result h2").all_inner_texts()
    page.reload()
    assert page.locator(".result h2").all_inner_texts() == names
    plain.goto(last)
    assert plain.locator(".result h2").all_inner_texts() == names
    assert plain.input_value("#f-cost_max") == "99,000,000"
    assert plain.locator("input[name=hosting][value=oci]").is_checked()


def _go_back_to_the_first_and_forth(page: Page) -> None:
    page.evaluate("history.back()")
    _found(page, "21件見つかりました（1／2ページ）")
    expect(page.locator("strong#sort-cost")).to_be_visible()
    page.evaluate("history.go(-3)")
    _found(page, "22件見つかりました（1／2ページ）")
    expect(page.locator("input[name=hosting][value=oci]")).not_to_be_checked()
    page.evaluate("history.forward()")
    _found(page, "21件見つかりました（1／2ページ）")
    expect(page.locator("input[name=hosting][value=oci]")).to_be_checked()


@pytest.mark.acceptance(14, 23)
def test_words_are_completed_and_failures_told_with_nothing_lost(
    market, open_page, audit_page, monkeypatch
):
    page = open_page(width=375)
    _choose_a_suggestion(page, audit_page)
    _filter_on_a_phone(page)
    _fail_and_mend(page, audit_page, monkeypatch)
    # htmx writes to the console what could not be had; the page has told it.
    known = re.compile("Response Status Error Code|htmx:(sendError|afterRequest)")
    open_page.complaints[:] = [each for each in open_page.complaints if not known.search(each)]


def _choose_a_suggestion(page: Page, audit_page: AuditPage) -> None:
    page.goto("/")
    box = page.get_by_label("キーワード")
    box.press_sequentially("予約の")
    options = page.get_by_role("option")
    expect(options).to_have_text(["予約の別館 サービス"])
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    audit_page(page, "suggestions", axe=True)
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    assert box.input_value() == "予約の"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("予約の別館|%E5%88%A5%E9%A4%A8"))
    _found(page, "1件見つかりました")


def _filter_on_a_phone(page: Page) -> None:
    """The button of the open filters leads on to the results below them."""
    page.locator("#search-panel > summary").click()
    page.evaluate("document.getElementById('search-found').dataset.old = 'yes'")
    page.get_by_role("button", name="この条件で絞り込む").first.click()
    expect(page.locator("#search-panel > summary")).to_be_focused()
    expect(page.locator("#search-found[data-old]")).to_have_count(0)
    assert page.locator("#search-panel").get_attribute("open") is None


def _fail_and_mend(page: Page, audit_page: AuditPage, monkeypatch: pytest.MonkeyPatch) -> None:
    box = page.get_by_label("キーワード")
    page.evaluate(_WATCH)
    box.fill("一 二 三 四 五 六 七 八 九 十 百")
    box.press("Enter")
    trouble = page.locator("#search-trouble")
    expect(trouble).to_contain_text("検索語は10個までです。")
    assert len(page.evaluate("told")) == 1
    assert page.locator(".result").count() == 1

    def fail(*_values, **_others):
        raise SearchUnavailable

    with monkeypatch.context() as dead:
        dead.setattr(views, "find_listings", fail)
        box.fill("予約")
        box.press("Enter")
        expect(trouble).to_contain_text("検索がいま使えません")
    page.context.set_offline(True)
    box.press("Enter")
    expect(trouble).to_contain_text("つながりませんでした")
    assert box.input_value() == "予約"
    audit_page(page, "search-trouble", axe=True)
    page.context.set_offline(False)
    box.press("Enter")
    _found(page, "22件見つかりました（1／2ページ）")
    expect(trouble).to_be_empty()
    assert len(page.evaluate("told")) == 4
