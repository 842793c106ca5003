"""Without a mouse, at 400 % zoom, and for those who hear the number of results.

Keys, widths and live regions are the browser's and the pages' matter, the same over both databases: SQLite only.
"""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from accounts.models import Organisation, OrganisationKind, Person, Role
from accounts.services import hash_password
from catalog.certification.models import ReviewState
from catalog.offerings import services as offerings
from catalog.offerings.models import OfferingVersion, OfferState
from core import db
from tests import factories
from tests.browser.keyboard import Keyboard
from tests.procurement.conftest import Market, build_market
from tests.stages import Stages

pytestmark = pytest.mark.sqlite_only
PASSWORD = "mihon-narabi-keys-2026"
NARROW = {"width": 320, "height": 640}
_OUTSIDE = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((each) => each.checkVisibility({visibilityProperty: true}) && !each.closest(".skip-link"))
  .filter((each) => {
    const box = each.getBoundingClientRect();
    if (box.left >= -0.5 && box.right <= innerWidth + 0.5) return false;
    const scroller = each.closest("[role=region][tabindex='0']");
    const named = scroller && (scroller.getAttribute("aria-label") || document.getElementById(scroller.getAttribute("aria-labelledby")));
    return !(named && ["auto", "scroll"].includes(getComputedStyle(scroller).overflowX));
  })
  .map((each) => `${each.localName} ${each.textContent.trim().slice(0, 40)}`)"""
_NUMBERS_TOLD = """() => [...document.querySelectorAll("[role=status], [aria-live]")]
  .map((each) => each.textContent.trim()).filter((words) => /\\d件/.test(words))"""


@pytest.fixture
def market(database, settings, new_client, tmp_path):
    """Give a town, three certified services and everyone around a purchase."""
    with Stages(database, settings.data_dir, tmp_path / "stages") as stages:
        yield build_market(settings, new_client, stages)


def _act_as(page, person: Person, at: Organisation | None = None) -> None:
    with db.transaction() as session:
        token = factories.sign_in(session, person, at)
    address = page.context.cookies()[0]["domain"] if page.context.cookies() else "127.0.0.1"
    cookie = {"name": "narabi_session", "value": token, "domain": address, "path": "/"}
    page.context.add_cookies([cookie])


@pytest.mark.acceptance(23)
def test_a_purchase_begins_with_keys_alone(market, open_page):
    with db.transaction() as session:
        clerk = session.get_one(Person, market.clerk.id)
        clerk.password_hash = hash_password(PASSWORD)
        email = clerk.email
    page = open_page()
    keys = Keyboard(page)
    page.goto("/")
    keys.skip().type("キーワード", "予約").enter()
    assert "3件" in page.get_by_role("status").inner_text()
    _narrow_down(keys)
    _compare(keys)
    keys.follow("サインイン")
    keys.skip().type("メールアドレス", email).type("パスワード", PASSWORD).enter()
    keys.follow("調達案件").skip().follow("案件を始める")
    _open_project(keys)


def _narrow_down(keys: Keyboard) -> None:
    """Tick a facet, look back with Shift+Tab, and apply: the results follow, the focus stays."""
    keys.skip().tab_to("認証済み", group="認証の状態")
    back = keys.press("Shift+Tab")
    assert back is not None
    assert back.group != "認証の状態"
    keys.press("Tab")
    keys.press("Space")
    expect(keys.page).to_have_url(re.compile("certification=certified"))
    here = keys.here()
    assert here is not None
    assert here.words.startswith("認証済み")
    assert keys.page.evaluate("document.activeElement.checked")
    assert parse_qs(urlsplit(keys.page.url).query)["certification"] == ["certified"]
    assert keys.page.evaluate(_NUMBERS_TOLD) == ["3件見つかりました"]


def _compare(keys: Keyboard) -> None:
    """Go on to two of the results and open the comparison, whose table the arrows move."""
    for _ in range(2):
        keys.tab_to("比較に加える")
        keys.press("Space")
    keys.follow("選んだサービスを比較する", tag="button")
    assert keys.heading() == "2件のサービスを比較する"
    stops = keys.tour()
    assert stops[0].words == "本文へ移動"
    assert stops[-1].region == "footer"
    assert [each.words[:20] for each in stops if each.tag == "div"] != []  # the tables' own boxes
    keys.page.evaluate("scrollTo(0, 0)")


def _open_project(keys: Keyboard) -> None:
    """Send the form with a gap, go by the summary to the gap, fill it and send again."""
    page = keys.page
    keys.skip().type("必要なこと", "窓口に来なくても予約できるようにしたい。")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # the one published standard
    for part, text in (("年", "9"), ("月", "4"), ("日", "1")):
        keys.type(part, text, group="利用の始まり")
    keys.type("利用する月数", "36").choose("期間の根拠", "債務負担行為")
    keys.type("予算科目", "2款1項7目 使用料").choose("サービスの利用の契約の種類", "その他のもの")
    keys.follow("保存して次へ進む", tag="button")
    assert page.title().startswith("エラー：")
    expect(page.locator(".error-summary")).to_be_focused()
    keys.tab_to("件名を入力してください", tag="a")
    keys.press("Enter")
    expect(page.get_by_label("件名")).to_be_focused()
    assert page.get_by_label("利用する月数").input_value() == "36"
    page.keyboard.type("公共施設の予約")
    keys.enter()
    assert keys.heading() == "公共施設の予約"
    assert [each.region for each in keys.tour()].count("main") >= 3


@pytest.mark.acceptance(23)
def test_no_page_moves_sideways_at_320_pixels(market, open_page):
    page = open_page()
    page.set_viewport_size(NARROW)
    visits = _visits(market)
    assert sum(len(paths) for _, _, paths in visits) >= 20
    found: dict[str, object] = {}
    for person, at, paths in visits:
        if person is not None:
            _act_as(page, person, at)
        for path in paths:
            response = page.goto(path)
            assert response is not None
            assert response.status == 200, path
            wide = page.evaluate("document.documentElement.scrollWidth")
            outside = page.evaluate(_OUTSIDE)
            if wide > NARROW["width"] or outside:
                found[path] = wide, outside
    assert found == {}


def _visits(market: Market) -> list[tuple[Person | None, Organisation | None, list[str]]]:
    """Who opens which pages: everyone's, the clerk's, the approver's, the vendor's, the lead's."""
    market.reach_approved()
    sending, chosen = f"/requests/{market.request().id}", f"/projects/{market.project().id}"
    market.reach_compared()
    case = f"/projects/{market.project().id}"
    assert case != chosen
    with db.transaction() as session:
        home = session.get_one(Organisation, market.seller.owner_id)
        who = factories.actor(market.seller_admin, Role.VENDOR_ADMIN, home)
        standard = session.get_one(OfferingVersion, market.cheap.offering_version_id)
        draft = offerings.create_offering(
            session,
            who,
            specification_version_id=standard.specification_version_id,
            name="とても長い名前のサービスのための見本の下書き",
        )
        submitted = factories.offering(
            session,
            factories.vendor(session),
            factories.specification(session),
            OfferState.SUBMITTED,
        )
        offered = session.get_one(OfferingVersion, submitted.offering_version_id)
        review = factories.certification(session, offered, ReviewState.UNDER_REVIEW)
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        lead = factories.person(session, Role.LEAD_REVIEWER, agency)
        own = f"/vendor/offerings/{draft.offering_version_id}"
        terms = f"/vendor/listings/{draft.id}"
        listing = market.cheap.listing_id
    pair = f"l={market.cheap.id}&l={market.other.id}"
    public = ["/", "/search?q=予約", f"/listings/{listing}", f"/compare?{pair}"]
    public += [f"/cost?l={market.cheap.id}", "/sign-in", "/vendors/register"]
    of_case = [case, f"{case}/search", f"{case}/candidates", f"{case}/selection"]
    return [
        (None, None, public),
        (market.clerk, None, ["/", "/projects/new", *of_case, f"{case}/evidence/1", sending]),
        (market.approver, None, [f"{sending}/send", f"{chosen}/decision"]),
        (market.seller_admin, None, [own, f"{own}/answers/1", f"{terms}/prices"]),
        (lead, agency, ["/reviews", f"/reviews/{review.id}"]),
    ]
