"""One person at a browser who finds things by the words on the page."""

import datetime as dt
import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SCREENS

SEEN_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_PHONE, _DESK = {"width": 375, "height": 812}, {"width": 1280, "height": 900}
_ZOOMED = {"width": 320, "height": 256}  # CSS pixels of 1280 × 1024 at 400 % (WCAG 2.2, 1.4.10)

AuditPage = Callable[..., None]


class Walker:
    """Fills forms by label and presses buttons by name; every new page is audited once.

    `clicks` counts every button, link, choice and opened address; what is typed is none, what signing
    in takes stands apart in `sign_in_clicks`. `audit_seconds` is what looking at the pages took.
    """

    def __init__(
        self, page: Page, audit: AuditPage | None, seen: dict[str, int], prefix: str = ""
    ) -> None:
        self.page = page
        self.audit = audit
        self.seen = seen
        self.prefix = prefix
        self.clicks = self.sign_in_clicks = 0
        self.audit_seconds = 0.0

    def open(self, path: str) -> "Walker":
        """Go to an address of the site."""
        self.clicks += 1
        response = self.page.goto(path)
        assert response is not None
        assert response.status < 400, f"{path}: {response.status}"
        return self.arrive()

    def arrive(self) -> "Walker":
        """Look at the page: a heading, no fault of ours, and the audit at both widths."""
        begun = time.monotonic()
        self._look()
        self.audit_seconds += time.monotonic() - begun
        return self

    def _look(self) -> None:
        heading = self.heading()
        assert "こちらの不具合" not in heading, self.page.url
        parts = urlsplit(self.page.url)
        path = SEEN_IDS.sub("ID", parts.path)
        numbered = re.sub(r"/\d+$", "/N", path)
        # One page of a numbered row stands for the row.
        kind = f"{path} {heading}" if numbered == path else numbered
        # A form that was refused is another page than the form.
        kind += " refused" if self.page.locator(".error-summary").count() else ""
        if self.audit is None or kind in self.seen:
            return
        self.seen[kind] = len(self.seen) + 1
        slug = re.sub(r"\W+", "-", SEEN_IDS.sub("", parts.path)).strip("-")[:50] or "home"
        name = f"{self.prefix}{self.seen[kind]:03d}-{slug}"
        # The document is the same at both widths, so axe reads it once, by turns; pictures show both.
        # It stands at the desk's width already: to lay it out anew there would cost once more.
        for turn, size in enumerate((_DESK, _PHONE)):
            if turn:
                self.page.set_viewport_size(size)
            self.audit(self.page, name, axe=self.seen[kind] % 2 == turn)
        self.page.set_viewport_size(_ZOOMED)
        overflow = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{self.page.url} at 400 %: scrolls sideways by {overflow} px"
        self.page.set_viewport_size(_DESK)

    def heading(self) -> str:
        """Return the words of the one h1."""
        return self.page.locator("h1").inner_text().strip()

    def sign_in(self, email: str, password: str) -> "Walker":
        """Sign in by the page."""
        before = self.clicks
        self.open("/sign-in")
        self.fill("メールアドレス", email).fill("パスワード", password)
        self.press("サインインする")
        self.sign_in_clicks += self.clicks - before
        self.clicks = before
        return self

    def fill(self, label: str, value: str) -> "Walker":
        """Type into the field whose label begins with these words."""
        self.field(label).fill(value)
        return self

    def field(self, label: str) -> Locator:
        """Return the control of a label."""
        return self.page.get_by_label(re.compile(f"^{re.escape(label)}")).first

    def select(self, label: str, option: str) -> "Walker":
        """Choose from a list by its words."""
        self.clicks += 1
        self.field(label).select_option(label=option)
        return self

    def choose(self, group: str, choice: str) -> "Walker":
        """Choose a radio or box in the group of this legend."""
        box = self.group(group)
        expect(box, f"no group {group} on {self.page.url}").to_be_visible()
        begins = re.compile(f"^\\s*{re.escape(choice)}")
        self.clicks += _click_unchecked(
            box, begins if box.get_by_label(begins).count() else re.compile(choice)
        )
        return self

    def group(self, legend: str) -> Locator:
        """Return the fieldset whose legend begins with these words."""
        found = self.page.locator("fieldset").filter(
            has=self.page.locator("legend", has_text=re.compile(f"^\\s*{re.escape(legend)}"))
        )
        return found.last

    def tick(self, label: str) -> "Walker":
        """Tick a single box."""
        self.clicks += _click_unchecked(self.page.locator("main"), re.compile(re.escape(label)))
        return self

    def date(self, legend: str, year: int, month: int, day: int) -> "Walker":
        """Type a Western date into the three parts."""
        box = self.group(legend)
        self.clicks += 1
        box.locator("select").select_option("western")
        for part, number in zip(("year", "month", "day"), (year, month, day), strict=True):
            box.locator(f"input[name$='-{part}']").fill(str(number))
        return self

    def reiwa(self, legend: str, day: dt.date) -> "Walker":
        """Type a date of the era Reiwa, which a form offers first, into the three parts."""
        box = self.group(legend)
        expect(box.locator("select")).to_have_value("reiwa")
        for part, number in (("year", day.year - 2018), ("month", day.month), ("day", day.day)):
            box.locator(f"input[name$='-{part}']").fill(str(number))
        return self

    def attach(self, label: str, path: Path) -> "Walker":
        """Choose a file."""
        self.clicks += 1
        self.field(label).set_input_files(path)
        return self

    def download(self, name: str) -> Path:
        """Follow the link whose words begin like this to a file, and return the saved file."""
        self.clicks += 1
        with self.page.expect_download() as coming:
            self.page.get_by_role("link", name=re.compile(f"^\\s*{re.escape(name)}")).first.click()
        saved = coming.value.path()
        return saved.rename(saved.with_suffix(Path(coming.value.suggested_filename).suffix))

    def press(self, name: str) -> "Walker":
        """Press the button with exactly these words and look at what comes."""
        self.clicks += 1
        self.page.get_by_role("button", name=name, exact=True).first.click()
        self.page.wait_for_load_state("load")
        return self.arrive()

    def follow(self, name: str) -> "Walker":
        """Follow the link whose words begin like this."""
        self.clicks += 1
        self.page.get_by_role("link", name=re.compile(f"^\\s*{re.escape(name)}")).first.click()
        self.page.wait_for_load_state("load")
        return self.arrive()

    def back(self) -> "Walker":
        """Go back to the page before."""
        self.clicks += 1
        self.page.go_back()
        return self.arrive()

    def sees(self, words: str) -> "Walker":
        """Assert that the page says this."""
        expect(self.page.locator("main")).to_contain_text(words)
        return self

    def sees_not(self, words: str) -> "Walker":
        """Assert that the page does not say this."""
        expect(self.page.locator("main")).not_to_contain_text(words)
        return self


def make_walkers(
    open_page: Callable[..., Page], audit: AuditPage | None, prefix: str, *, javascript: bool
) -> Callable[[str], Walker]:
    """Give each person a browser of their own; pictures are numbered in the order of the pages."""
    if audit is not None:
        for picture in SCREENS.glob(f"{prefix}[0-9][0-9][0-9]-*.png"):  # of an earlier walk
            picture.unlink()
    seen: dict[str, int] = {}
    made: dict[str, Walker] = {}

    def walker(name: str) -> Walker:
        if name not in made:
            made[name] = Walker(open_page(javascript=javascript), audit, seen, prefix)
        return made[name]

    return walker


def _click_unchecked(box: Locator, words: re.Pattern[str]) -> int:
    control = box.get_by_label(words).first
    clicks = int(not control.is_checked())
    if clicks:
        # The words are drawn over the whole row, so a person's click lands on them.
        box.locator("label").filter(has_text=words).first.click()
    expect(control).to_be_checked()
    return clicks
